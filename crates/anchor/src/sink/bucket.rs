//! `BucketSink`: heads in object storage, an object each, of which none is ever replaced.

use super::{AnchorSink, Prove, SinkError, same_head};
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
    /// The last head that is known to be there, and of which log: what is before its key is not listed again.
    last: Option<(String, TreeHead)>,
}

impl BucketSink {
    /// The heads right under the prefix of a bucket. Makes no request.
    #[must_use]
    pub const fn new(bucket: Bucket) -> Self {
        Self { bucket, last: None }
    }

    /// What an object is a head of; `None` if it is absent or no head.
    fn head_at(&self, key: &str) -> io::Result<Option<Checkpoint>> {
        let object = self.bucket.get(key).map_err(as_io)?;
        let head = object.and_then(|bytes| SignedCheckpoint::parse(&bytes).ok());
        Ok(head.map(|head| head.unverified().clone()))
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

    /// Of the newest keys on, the first that has a head of this log. One under the key of another size is none.
    fn newest(&mut self, origin: &str) -> Result<Option<TreeHead>, SinkError> {
        let known = self.last.as_ref().filter(|(of, _)| of == origin);
        let known = known.map(|(_, head)| *head);
        let after = known.map(|head| key_of(head.size));
        let listed = self.bucket.list("", after.as_deref()).map_err(as_io)?;
        for object in listed.iter().rev().filter(|object| is_head(object)) {
            let Some(there) = self.head_at(&object.key)? else {
                continue;
            };
            let head = *there.head();
            if there.origin() == origin && key_of(head.size) == object.key {
                self.last = Some((origin.to_owned(), head));
                return Ok(Some(head));
            }
        }
        Ok(known)
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
        self.last = Some((checkpoint.origin().to_owned(), *checkpoint.head()));
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
            let own = KeptHeads::parse(&bytes);
            kept.heads.extend(own.heads);
            kept.unreadable.extend(own.unreadable);
        }
    }
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
