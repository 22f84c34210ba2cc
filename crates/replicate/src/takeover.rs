//! `take_over`: the log of a bucket gone on with on this machine, and the writer before ended.
//!
//! Who may do so is `protocol`'s, the term is taken by `ship`, the log is fetched by `follow`: this puts them in
//! order. The reign of another is ended last, once all that it had left by then is here.

use crate::bucket::Bucket;
use crate::follow::{
    Copy, FollowError, Lasting, Place, check_own, identity_of, lasting, take_along,
};
use crate::object::{Term, TermRecord};
use crate::remote::RemoteOptions;
use crate::replicator::Replicator;
use crate::ship::{self, Backoff, OwnerFile, ReplicateError, ReplicateOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::{Sequence, Store, StoreOptions};
use strandline_core::fs::{Fs, OsFs};
use strandline_core::sync::thread;
use strandline_core::{Clock, Random, SystemClock};
use strandline_segment::LogIdentity;

/// How often it is begun anew with what the bucket has if that is swept meanwhile.
const TRIES: u32 = 8;

/// How a bucket is taken over.
#[derive(Debug, Clone)]
#[must_use]
pub struct TakeOverOptions {
    store: StoreOptions,
    replicate: ReplicateOptions,
    fs: Arc<dyn Fs>,
    lazy: Option<RemoteOptions>,
    begin_timeout: Duration,
}

impl Default for TakeOverOptions {
    fn default() -> Self {
        Self {
            store: StoreOptions::new(),
            replicate: ReplicateOptions::new(),
            fs: Arc::new(OsFs),
            lazy: None,
            begin_timeout: Duration::from_secs(60),
        }
    }
}

impl TakeOverOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How the store is opened.
    pub fn store(mut self, options: StoreOptions) -> Self {
        self.store = options;
        self
    }

    /// How it is shipped from then on.
    pub fn replicate(mut self, options: ReplicateOptions) -> Self {
        self.replicate = options;
        self
    }

    /// The file system of the directory. That of the operating system by default.
    pub fn fs(mut self, fs: Arc<dyn Fs>) -> Self {
        self.fs = fs;
        self
    }

    /// Has sealed segments and merged files of the index stay in the bucket: they are fetched when they are read, and
    /// kept within these budgets. So it takes the time of some requests, and not that of the log. By default all of it
    /// is fetched; but in the directory of a [lazy](crate::ReplicaOptions::lazy) replica it is done so.
    ///
    /// What is sealed from then on is in the directory, as is what is rewritten. The store is opened again through
    /// [`bucket_fs`](crate::bucket_fs), and no other way.
    pub fn lazy(mut self, options: RemoteOptions) -> Self {
        self.lazy = Some(options);
        self
    }

    /// How long is waited for the term to begin, once it is taken. 60 s by default.
    pub const fn begin_timeout(mut self, timeout: Duration) -> Self {
        self.begin_timeout = timeout;
        self
    }
}

/// A bucket that was taken over.
#[derive(Debug)]
#[must_use = "dropping it closes the store"]
pub struct TakenOver {
    /// The store, open to write.
    pub store: Store,
    /// What ships it. Until its term has begun nothing is acknowledged as replicated.
    pub replicator: Replicator,
    /// The term that was taken.
    pub term: Term,
    /// Who had the term before.
    pub before: TermRecord,
    /// The log of the terms before has the events below this one, and so has the store.
    pub end: Sequence,
    /// Whether the term has begun. If not, the replicator goes on trying.
    pub has_begun: bool,
    /// Whether sealed files are in the bucket, and are read there: see [`TakeOverOptions::lazy`].
    pub is_lazy: bool,
}

/// Why a bucket was not taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TakeOverError {
    /// The log could not be fetched.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The term was not taken, or has not begun: another one was faster, say.
    #[error(transparent)]
    Replicate(#[from] ReplicateError),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] strandline::Error),
}

/// Takes over a bucket: makes a store in `dir` of all that was acknowledged, opens it to write, and ships it. The
/// writer before is fenced: what it ships from then on is acknowledged to nobody, and it says who has the bucket.
/// It may be called while that writer is at work, and need not be able to reach it.
///
/// `dir` is missing or empty, or a replica's that is closed: then only what that lacks is fetched. The log is fetched
/// before the term is taken, and what came meanwhile after it, so that between both little is to be done. The store
/// has an [epoch](strandline::Store::epoch) of its own. It has all that was acknowledged as replicated, and may have
/// more than was acknowledged: what its writer is told is unknown is to be looked for by its id. What was redacted or
/// removed by then is gone, also where the segments that were rewritten for it had not been shipped yet: it is taken away
/// again before the store is given out, or is shipped.
///
/// A call that failed or was killed may be made again, until the store was opened: then the store is opened and
/// shipped ([`Replicator::start`]) as after any crash, since the directory knows that the term is its own.
///
/// # Errors
///
/// Before the term is taken: [`FollowError::Empty`] for a bucket without a log, [`FollowError::OtherLog`] and
/// [`FollowError::Diverged`] if the directory has something else, [`FollowError::Log`] with
/// [`OtherTarget`](strandline_segment::LogError::OtherTarget) if it was written to, and what keeps the log from being
/// fetched. After that: [`ReplicateError::Fenced`] if another one was faster, who then has the bucket;
/// [`TakeOverError::Store`].
pub fn take_over(
    bucket: &Bucket,
    dir: impl AsRef<Path>,
    options: TakeOverOptions,
) -> Result<TakenOver, TakeOverError> {
    let (dir, fs) = (dir.as_ref(), options.fs.clone());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    check_own(&*fs, dir)?;
    let mut copy = Copy::open(bucket.clone(), fs.clone(), dir, options.lazy.as_ref())
        .map_err(TakeOverError::Follow)?;
    let replicate = &options.replicate;
    let random = Random::from_os().map_err(|error| FollowError::io("begin in", dir, error))?;
    let mut backoff = Backoff::new(replicate.backoff_first, replicate.backoff_max, random);
    let identity = prefetch(bucket, &mut copy, &mut || thread::sleep(backoff.next()))?;
    // Before the term is taken: whoever opens the store of a call that was killed does it then.
    let set_redo_from = |from| {
        let mut owners = OwnerFile::open(fs.clone(), dir, bucket.name())?;
        owners.set_redo_from(Some(from))
    };
    set_redo_from(Sequence::ZERO)?;
    let taken = ship::take_over(bucket, &fs, dir, identity, replicate, &*clock)?;
    let (term, left, before) = (taken.term, taken.left.as_ref(), taken.before.clone());
    // What was left is there until a term after this one has begun.
    let left = left.ok_or(FollowError::Empty)?;
    // There is no log without a term.
    let before = before.ok_or(FollowError::Empty)?;
    set_redo_from(left.state.end.sequence)?;
    take_along(bucket, &mut copy, &left.taken)?;
    copy.sync()?;
    copy.prepare()?;
    // It is a replica no more. Who is killed behind this takes it over again.
    Place::remove(&**copy.fs(), dir)?;
    let (fs, is_lazy) = (copy.fs().clone(), copy.is_lazy());
    // Its lock is that of the writer from now on.
    drop(copy);
    let end = left.end().sequence;
    let store = options.store.clone().fs(fs).open(dir)?;
    let replicator =
        Replicator::start_with(&store, bucket.clone(), replicate.clone(), Some(taken))?;
    let has_begun = replicator.wait_begun(options.begin_timeout);
    let replicator = match has_begun {
        true => replicator,
        false => match replicator.wait_ended(Duration::ZERO) {
            Ok(error) => return Err(error.into()),
            Err(replicator) => replicator,
        },
    };
    Ok(TakenOver {
        store,
        replicator,
        term,
        before,
        end,
        has_begun,
        is_lazy,
    })
}

/// Fetches what the terms of a bucket have left by now, as far as every later term has it, and says which log it is.
///
/// If the newest term has not begun nothing is fetched: that term, or one after it, may go on from less than there is
/// now, and what was fetched would contradict it once the term after it is taken. Nobody reigns then who would wait.
///
/// Where somebody else has taken a term meanwhile, or what was found is swept, it is begun anew after a `wait`.
fn prefetch(
    bucket: &Bucket,
    copy: &mut Copy,
    wait: &mut dyn FnMut(),
) -> Result<LogIdentity, FollowError> {
    prefetch_of(bucket, copy, &mut || lasting(bucket), wait)
}

fn prefetch_of(
    bucket: &Bucket,
    copy: &mut Copy,
    look: &mut dyn FnMut() -> Result<Option<Lasting>, FollowError>,
    wait: &mut dyn FnMut(),
) -> Result<LogIdentity, FollowError> {
    let mut tries_left = TRIES;
    loop {
        let fetched = match look()?.ok_or(FollowError::Empty)? {
            Lasting::Yes(taken) => take_along(bucket, copy, &taken)
                .and_then(|_| copy.identity().copied().ok_or(FollowError::Empty)),
            Lasting::Unbegun(taken) => identity_of(bucket, copy, &taken),
            // Each time somebody else has taken a term: there is no end of tries to be feared.
            Lasting::Over => {
                wait();
                continue;
            }
        };
        match fetched {
            Err(error) if error.is_gone() && tries_left > 0 => {
                tries_left -= 1;
                wait();
            }
            fetched => return fetched,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::bucket::BucketOptions;
    use crate::object::{Owner, TermKind};
    use strandline::{AppendOptions, Coordinate, Durability, Event, EventKind};

    const LONG: Duration = Duration::from_secs(300);

    fn append(store: &Store) {
        let of = Coordinate::new("order:1", "eu").unwrap();
        let event = Event::bytes(EventKind::new(1, 1), *b"one");
        let replicated = AppendOptions::new().durability(Durability::Replicated);
        store.append_with(&of, event, replicated).unwrap();
    }

    #[test]
    fn before_the_term_only_that_is_fetched_which_every_later_term_has() {
        let dir = tempfile::tempdir().unwrap();
        let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
        let store = Store::open(dir.path().join("store")).unwrap();
        let options = ReplicateOptions::new();
        let replicator = Replicator::start(&store, bucket.clone(), options).unwrap();
        append(&store);
        append(&store);
        replicator.stop(LONG).unwrap();
        let fs: Arc<dyn Fs> = Arc::new(OsFs);
        let copy =
            |name: &str| Copy::open(bucket.clone(), fs.clone(), &dir.path().join(name), None);
        let mut begun = copy("begun").unwrap();
        let no_wait: &mut dyn FnMut() = &mut || panic!("there is nothing to wait for");
        let identity = prefetch(&bucket, &mut begun, no_wait).unwrap();
        assert_eq!(begun.end().unwrap().sequence, Sequence::new(2));
        // Who takes a term may have looked for chunks before one came that is there now.
        let record = TermRecord {
            identity,
            term: Term::new(2).unwrap(),
            owner: Owner([9; 16]),
            host: "other".to_owned(),
            process: 1,
            taken_ms: 1,
            how: TermKind::TakeOver,
        };
        let _ = bucket.put_new(&record.key().to_string(), record.encode().into());
        let mut unbegun = copy("unbegun").unwrap();
        assert_eq!(prefetch(&bucket, &mut unbegun, no_wait).unwrap(), identity);
        assert!(unbegun.end().is_none());
        drop((begun, unbegun));
        // Whoever finds a later term each time does not ask on and on without a pause.
        let (mut looks, mut waits) = (0, 0);
        let look = &mut || {
            looks += 1;
            match looks {
                4.. => lasting(&bucket),
                _ => Ok(Some(Lasting::Over)),
            }
        };
        let mut contended = copy("contended").unwrap();
        let found = prefetch_of(&bucket, &mut contended, look, &mut || waits += 1);
        assert_eq!((found.unwrap(), waits), (identity, 3));
        drop(contended);
        // It is taken over all the same, and who had the term is known.
        let taken = take_over(&bucket, dir.path().join("unbegun"), TakeOverOptions::new()).unwrap();
        assert_eq!((taken.term.get(), taken.before), (3, record));
        assert_eq!(taken.end, Sequence::new(2));
        assert_eq!(taken.store.snapshot().len(), 2);
    }
}
