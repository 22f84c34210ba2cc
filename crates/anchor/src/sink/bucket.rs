//! `BucketSink`: heads in object storage, an object each, of which none is ever replaced.

use super::{AnchorSink, IsWanted, Prove, SinkError, same_head};
use crate::kept::{HEADS_BYTES_MAX, KeptHeads};
use std::collections::VecDeque;
use std::io;
use strandline_proof::{Checkpoint, NoteSignature, SignedCheckpoint, TreeHead};
use strandline_replicate::{Bucket, BucketError, BucketErrorKind, Listed, PutAnswer};

/// What the keys of heads end in.
const ENDING: &str = ".checkpoint";
/// Longest object that is read as a head, in bytes.
const HEAD_BYTES_MAX: u64 = 64 << 10;
/// How many objects are asked for at once.
const IN_FLIGHT: usize = 16;

/// A prefix in an object store that keeps heads, an object each, called as its number of events: as [`DirectorySink`]
/// has them. A head is created and never written over, so a bucket with a lock on its objects does, and rights to
/// list, read and create are enough.
///
/// A place of its own for each log: one that has a head of another log at the size of a new one is told as foreign.
/// A bucket of `strandline-replicate` needs the same features for a cloud: `s3`, `gcs`, `azure`.
///
/// [`DirectorySink`]: super::DirectorySink
#[derive(Debug)]
pub struct BucketSink {
    bucket: Bucket,
    /// The last head that was kept there: what is before its key is not listed again.
    last: Option<SignedCheckpoint>,
}

impl BucketSink {
    /// The heads right under the prefix of a bucket. Makes no request.
    #[must_use]
    pub const fn new(bucket: Bucket) -> Self {
        Self { bucket, last: None }
    }

    /// Heads of objects, of which one under the key of another size is none.
    fn heads_of(&self, objects: &[&Listed]) -> io::Result<Vec<SignedCheckpoint>> {
        let asked: Vec<_> = objects
            .iter()
            .map(|object| self.bucket.start_get(&object.key))
            .collect();
        let mut all = Vec::new();
        for (object, answer) in objects.iter().zip(asked) {
            // One that was removed meanwhile is as one that was before.
            let bytes = answer.wait().map_err(as_io)?.unwrap_or_default();
            let heads = KeptHeads::parse(&bytes).heads.into_iter();
            let is_here = |head: &SignedCheckpoint| key_of(size_of(head)) == object.key;
            all.extend(heads.filter(is_here));
        }
        Ok(all)
    }

    /// Whether the object with the key of a head has that head. What it has otherwise is an error.
    fn has(&self, key: &str, head: &Checkpoint) -> Result<bool, SinkError> {
        let Some(bytes) = self.bucket.get(key).map_err(as_io)? else {
            return Ok(false);
        };
        same_head(&key, &KeptHeads::parse(&bytes), head).map(|()| true)
    }
}

impl AnchorSink for BucketSink {
    fn name(&self) -> String {
        self.bucket.name().to_owned()
    }

    fn newest(&mut self, origin: &str) -> Result<Option<TreeHead>, SinkError> {
        let is_of_log = |head: &SignedCheckpoint| head.unverified().origin() == origin;
        let kept = self.kept(&is_of_log)?;
        Ok(kept.and_then(|kept| kept.newest(origin)))
    }

    /// Read from the newest key on, some at once, until one is wanted.
    fn kept(&mut self, is_wanted: IsWanted<'_>) -> Result<Option<KeptHeads>, SinkError> {
        let after = self.last.as_ref().map(|head| key_of(size_of(head)));
        let listed = self.bucket.list("", after.as_deref()).map_err(as_io)?;
        let mut named: Vec<_> = listed.iter().filter(|object| is_head(object)).collect();
        let mut kept = KeptHeads::default();
        while !named.is_empty() && !kept.heads.iter().any(is_wanted) {
            let newest = named.split_off(named.len().saturating_sub(IN_FLIGHT));
            kept.heads.extend(self.heads_of(&newest)?);
        }
        kept.heads.extend(self.last.clone());
        Ok(Some(kept))
    }

    fn keep(
        &mut self,
        head: &SignedCheckpoint,
        _: Prove<'_>,
    ) -> Result<Vec<NoteSignature>, SinkError> {
        let checkpoint = head.unverified();
        let key = key_of(checkpoint.head().size);
        let answer = self.bucket.put_new(&key, head.to_string().into());
        // Whether an object that is there is this one, from a try whose answer was lost, only reading it tells.
        match answer {
            PutAnswer::Created => {}
            PutAnswer::Exists if self.has(&key, checkpoint)? => {}
            PutAnswer::Exists => {
                let message = format!("{key} was being made by another, and is not there");
                return Err(SinkError::Refused(message));
            }
            PutAnswer::Unclear(error) => match self.has(&key, checkpoint) {
                Ok(true) => {}
                Err(found @ (SinkError::Contradicted { .. } | SinkError::Foreign(_))) => {
                    return Err(found);
                }
                _ => return Err(as_io(error).into()),
            },
        }
        self.last = Some(head.clone());
        Ok(Vec::new())
    }
}

/// The heads in a bucket, of all logs, in the order of their sizes: what [`BucketSink`] keeps, and what stands beside it
/// under keys that end in `.checkpoint`.
///
/// # Errors
///
/// Why they cannot be had; `FileTooLarge` past [`HEADS_BYTES_MAX`].
pub fn heads_in(bucket: &Bucket) -> io::Result<KeptHeads> {
    let listed = bucket.list("", None).map_err(as_io)?;
    let is_named = |object: &&Listed| object.key.ends_with(ENDING) && !object.key.contains('/');
    let named: Vec<_> = listed.iter().filter(is_named).collect();
    let bytes = named
        .iter()
        .try_fold(0_u64, |sum, object| sum.checked_add(object.length));
    if bytes.is_none_or(|bytes| bytes > HEADS_BYTES_MAX) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut kept = KeptHeads::default();
    let mut asked = VecDeque::new();
    let mut rest = named.into_iter();
    loop {
        while asked.len() < IN_FLIGHT
            && let Some(object) = rest.next()
        {
            asked.push_back(bucket.start_get(&object.key));
        }
        let Some(answer) = asked.pop_front() else {
            return Ok(kept);
        };
        // One that was removed meanwhile is as one that was before.
        if let Some(bytes) = answer.wait().map_err(as_io)? {
            kept.add(KeptHeads::parse(&bytes));
        }
    }
}

fn size_of(head: &SignedCheckpoint) -> u64 {
    head.unverified().head().size
}

fn key_of(size: u64) -> String {
    format!("{size:020}{ENDING}")
}

/// Whether an object can be a head: one that is too long is none, whatever is in it.
fn is_head(object: &Listed) -> bool {
    let digits = object.key.strip_suffix(ENDING);
    let is_number = |digits: &str| digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    digits.is_some_and(is_number) && object.length <= HEAD_BYTES_MAX
}

fn as_io(error: BucketError) -> io::Error {
    let kind = match error.kind() {
        BucketErrorKind::Denied => io::ErrorKind::PermissionDenied,
        BucketErrorKind::Full => io::ErrorKind::StorageFull,
        BucketErrorKind::NotABucket => io::ErrorKind::NotFound,
        BucketErrorKind::TooLarge => io::ErrorKind::FileTooLarge,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
