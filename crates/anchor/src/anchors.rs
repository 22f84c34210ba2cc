//! `Anchors`: signs heads of a store, and has them kept.

use crate::sink::{AnchorSink, SinkError};
use std::time::Duration;
use strandline::{ErrorKind, Sequence, Snapshot, Store};
use strandline_proof::{
    Checkpoint, CheckpointError, LogPolicy, NOTE_BYTES_MAX, NoteSignature, SignedCheckpoint,
    SignerKey, TreeHead,
};

/// Signs the heads of a log, and has them kept in places elsewhere.
#[derive(Debug)]
pub struct Anchors {
    key: SignerKey,
    origin: String,
    places: Vec<Place>,
    interval: Duration,
    /// When a head was signed last that was kept wherever it was to be, and the head.
    last: Option<Last>,
}

/// A place, and what it is known to have.
#[derive(Debug)]
struct Place {
    sink: Box<dyn AnchorSink>,
    last: Option<Last>,
}

/// A head, and when it was kept, as time since the store's clock began.
#[derive(Debug, Clone, Copy)]
struct Last {
    at: Duration,
    head: TreeHead,
}

/// A head that was signed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Anchored {
    /// The head, with the signatures of those witnesses that gave one.
    pub checkpoint: SignedCheckpoint,
    /// Where it is kept now.
    pub kept: Vec<String>,
    /// Where it, or a longer one of the same log, was already.
    pub unchanged: Vec<String>,
    /// Where it is not, and why.
    pub failed: Vec<(String, SinkError)>,
    /// Where a head over so many events is, newer than any by this key, that the key has not signed: another key of the
    /// log has, or this is not its key.
    pub by_others: Vec<(String, u64)>,
}

/// Why no head was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// A place has a head that this log does not continue: nothing was signed.
    #[error("{sink}: {error}")]
    Refused {
        /// The place.
        sink: String,
        /// What is there.
        error: SinkError,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] strandline::Error),
    /// The head cannot be signed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl Anchors {
    /// Signs by this key, for the log that is called as it.
    #[must_use]
    pub fn new(key: SignerKey) -> Self {
        Self {
            origin: key.name().as_str().to_owned(),
            key,
            places: Vec::new(),
            interval: Duration::from_secs(3600),
            last: None,
        }
    }

    /// What the log is called, if not as the key.
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }

    /// A place more. They are gone through in this order, and what a witness signs is in what those after it keep:
    /// witnesses first.
    #[must_use]
    pub fn sink(mut self, sink: impl AnchorSink + 'static) -> Self {
        let sink = Box::new(sink);
        self.places.push(Place { sink, last: None });
        self
    }

    /// How much time has to have gone by before [`tick`](Self::tick) signs the next head; by default an hour.
    #[must_use]
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    pub(crate) const fn time_between(&self) -> Duration {
        self.interval
    }

    /// As [`anchor`](Self::anchor), in those places where the interval has gone by since they kept a head, and the log
    /// has grown since that; where none was kept, because one could not be reached, at once. For a program to call now
    /// and then, or for a thread ([`start`](Self::start)). By the store's clock.
    ///
    /// # Errors
    ///
    /// As [`anchor`](Self::anchor).
    pub fn tick(&mut self, store: &Store) -> Result<Option<Anchored>, AnchorError> {
        self.sign_due(store, self.interval)
    }

    /// As [`tick`](Self::tick), as if the interval had gone by.
    pub(crate) fn catch_up(&mut self, store: &Store) -> Result<Option<Anchored>, AnchorError> {
        self.sign_due(store, Duration::ZERO)
    }

    fn sign_due(
        &mut self,
        store: &Store,
        interval: Duration,
    ) -> Result<Option<Anchored>, AnchorError> {
        let now = store.clock().elapsed();
        let waits = |last: &Last| now.saturating_sub(last.at) < interval;
        let mut all = self.places.iter().map(|place| place.last.as_ref());
        let is_none_due = match self.places.is_empty() {
            true => self.last.as_ref().is_some_and(waits),
            false => all.all(|last| last.is_some_and(waits)),
        };
        if is_none_due {
            return Ok(None);
        }
        let head = store.durable_head()?;
        let is_due = |last: &Option<Last>| match last {
            None => true,
            Some(last) => last.head != head && now.saturating_sub(last.at) >= interval,
        };
        let is_any_due = match self.places.is_empty() {
            true => is_due(&self.last),
            false => self.places.iter().any(|place| is_due(&place.last)),
        };
        match is_any_due {
            true => self.sign(store, |place| is_due(&place.last)).map(Some),
            false => Ok(None),
        }
    }

    /// Signs the durable head of a store and has it kept. What no head is over that a place here can tell is read for it, so
    /// that what is signed is the log, and not what footers say of it. Before it is signed it is proved to go on from what each place
    /// has; where one contradicts it, nothing is signed, as that head would help who changed the log.
    ///
    /// A place that cannot be reached keeps others from nothing, nor does one that has a head that contradicts it and that
    /// this key has not signed: it is among [`failed`](Anchored::failed).
    ///
    /// # Errors
    ///
    /// [`AnchorError::Refused`] if a place has a head by this key that the log never had, or is longer;
    /// [`AnchorError::Store`].
    pub fn anchor(&mut self, store: &Store) -> Result<Anchored, AnchorError> {
        self.sign(store, |_| true)
    }

    /// As [`anchor`](Self::anchor), in those places that `is_asked` names.
    fn sign(
        &mut self,
        store: &Store,
        is_asked: impl Fn(&Place) -> bool,
    ) -> Result<Anchored, AnchorError> {
        let at = store.clock().elapsed();
        let mut head = store.durable_head()?;
        let then = store.snapshot().snapshot_at(Sequence::new(head.size));
        let mut signed_before = self.last.map(|last| last.head.size);
        let (mut unchanged, mut failed, mut to_keep) = (Vec::new(), Vec::new(), Vec::new());
        let mut by_others = Vec::new();
        for place in self.places.iter_mut().filter(|place| is_asked(place)) {
            let sink = &mut *place.sink;
            let newest = match newest(sink, &self.origin, &self.key) {
                Ok(newest) => newest,
                Err(error) => {
                    failed.push((sink.name(), error));
                    continue;
                }
            };
            by_others.extend(newest.by_others.map(|head| (sink.name(), head.size)));
            if newest.is_all {
                let size = newest.own.map_or(0, |own| own.size);
                signed_before = signed_before.max(Some(size));
            }
            match newest.is_followed_by(&then, head)? {
                Going::On => to_keep.push(place),
                Going::Nowhere => {
                    unchanged.push(sink.name());
                    place.last = Some(Last { at, head });
                }
                Going::Elsewhere(error) => failed.push((sink.name(), error)),
                Going::Against(error) => {
                    let sink = sink.name();
                    return Err(AnchorError::Refused { sink, error });
                }
            }
        }
        // What no head is over yet is signed as it stands in the log. Of what is before, the head that is kept says that
        // it is so.
        if let Some(from) = signed_before.filter(|from| *from < head.size) {
            then.tree().make_anew(from..head.size)?;
            head = then.tree_head()?;
        }
        let checkpoint = Checkpoint::new(&self.origin, head)?;
        let mut checkpoint = SignedCheckpoint::sign(checkpoint, &self.key)?;
        let prove = |old: u64| {
            let old = then.tree_head_at(old)?;
            then.prove_consistency(&old)
        };
        let mut kept = Vec::new();
        for place in to_keep {
            let signed = match place.sink.keep(&checkpoint, &prove) {
                Err(error @ (SinkError::Ahead { .. } | SinkError::Contradicted { .. })) => {
                    let sink = place.sink.name();
                    return Err(AnchorError::Refused { sink, error });
                }
                kept => kept.and_then(|signatures| with(&checkpoint, signatures)),
            };
            match signed {
                Ok(signed) => {
                    checkpoint = signed;
                    place.last = Some(Last { at, head });
                    kept.push(place.sink.name());
                }
                Err(error) => failed.push((place.sink.name(), error)),
            }
        }
        if failed.is_empty() {
            self.last = Some(Last { at, head });
        }
        Ok(Anchored {
            checkpoint,
            kept,
            unchanged,
            failed,
            by_others,
        })
    }
}

/// The newest heads that a place has.
#[derive(Default)]
struct Newest {
    /// Of the key that signs, or of whom the place takes heads.
    own: Option<TreeHead>,
    /// Newer than that: of whoever has written there, another key of the log perhaps.
    by_others: Option<TreeHead>,
    /// Whether the place has told all, so that what is signed before is known.
    is_all: bool,
}

impl Newest {
    /// Whether the log of `head`, as it was `then`, goes on from what the place has.
    fn is_followed_by(&self, then: &Snapshot, head: TreeHead) -> Result<Going, strandline::Error> {
        // What nobody knows to be the log's keeps the log from no other place.
        if let Some(other) = self.by_others
            && let Going::Against(_) = goes_on(then, head, Some(other))?
        {
            let message = format!(
                "it has a head of {} events that this key has not signed, and from which the log does not go on",
                other.size
            );
            return Ok(Going::Elsewhere(SinkError::Foreign(message)));
        }
        goes_on(then, head, self.own.or(self.by_others))
    }
}

fn newest(sink: &mut dyn AnchorSink, origin: &str, key: &SignerKey) -> Result<Newest, SinkError> {
    let policy = LogPolicy::new(key.verifier()).origin(origin);
    let is_own = |head: &SignedCheckpoint| {
        head.unverified().origin() == origin && head.verify(&policy).is_ok()
    };
    let Some(kept) = sink.kept(&is_own)? else {
        let own = sink.newest(origin)?;
        return Ok(Newest {
            own,
            ..Newest::default()
        });
    };
    let of_log = |head: &&SignedCheckpoint| head.unverified().origin() == origin;
    let mut heads: Vec<_> = kept.heads.iter().filter(of_log).collect();
    heads.sort_by_key(|head| std::cmp::Reverse(head.unverified().head().size));
    let mut newest = Newest {
        is_all: true,
        ..Newest::default()
    };
    for head in heads {
        if let Ok(verified) = head.verify(&policy) {
            newest.own = Some(*verified.head());
            break;
        }
        newest.by_others = newest.by_others.or(Some(*head.unverified().head()));
    }
    Ok(newest)
}

/// The head with what a place has signed, if that can be kept with it. Somebody who signs in the name of another would
/// spoil the head for all who know that key, and it would look as if it had been changed.
fn with(
    head: &SignedCheckpoint,
    signatures: Vec<NoteSignature>,
) -> Result<SignedCheckpoint, SinkError> {
    let refused = |reason: String| SinkError::Refused(reason);
    let mut signed = head.clone();
    for signature in signatures {
        let is_taken = |own: &NoteSignature| {
            (own.name(), own.id()) == (signature.name(), signature.id()) && *own != signature
        };
        if head.note().signatures().iter().any(is_taken) {
            let name = signature.name();
            return Err(refused(format!("it signs in the name of another, {name}")));
        }
        let added = signed.add(signature);
        added.map_err(|error| refused(error.to_string()))?;
    }
    match signed.to_string().len() > NOTE_BYTES_MAX {
        true => Err(refused("its signatures are too long".to_owned())),
        false => Ok(signed),
    }
}

/// How a head follows one that is kept.
enum Going {
    On,
    Nowhere,
    /// Not from one that somebody else has put there, or nothing proves it.
    Elsewhere(SinkError),
    Against(SinkError),
}

/// Whether the log of `head`, as it was `then`, goes on from a head that is kept.
fn goes_on(
    then: &Snapshot,
    head: TreeHead,
    kept: Option<TreeHead>,
) -> Result<Going, strandline::Error> {
    let Some(old) = kept else {
        return Ok(Going::On);
    };
    let (kept, size) = (old.size, head.size);
    if kept > size {
        return Ok(Going::Against(SinkError::Ahead { kept, size }));
    }
    match then.prove_consistency(&old) {
        Ok(_) if old == head => Ok(Going::Nowhere),
        Ok(_) => Ok(Going::On),
        Err(error) if error.kind() == ErrorKind::ForeignHead => {
            Ok(Going::Against(SinkError::Contradicted { kept }))
        }
        Err(error) if error.kind() == ErrorKind::NoDigest => {
            Ok(Going::Elsewhere(SinkError::Forgotten { kept }))
        }
        Err(error) => Err(error),
    }
}
