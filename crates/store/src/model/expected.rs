//! `ExpectedVersion`: what an append may ask of its entity's stream, and what is said if it is not so.

use std::fmt;

/// What the stream of an event's entity must be like when the event is appended.
///
/// What counts is what is there: the newest event that [`Snapshot::latest`](crate::Snapshot::latest) gives
/// once everything that is written is visible. Of an entity all of whose events were removed by a
/// [compaction](crate::maintenance::compact) there is no stream, though the clock goes on after them.
///
/// Checked where the event is given its place, so of several writers that expect the same version
/// one alone appends. Given with [`Event::expecting`](crate::Event::expecting), to single events
/// and to members of a batch, which see the members before them. A version that was kept elsewhere counts
/// in the [epoch](crate::Store::epoch) that it was read in alone.
///
/// ```
/// use strandline::{Coordinate, ErrorKind, Event, EventKind, ExpectedVersion, Store};
///
/// const OPENED: EventKind = EventKind::new(0x1, 0x001);
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("bank.strand"))?;
/// let account = Coordinate::new("account:7", "bank")?;
/// let open = || Event::bytes(OPENED, *b"").expecting(ExpectedVersion::NoStream);
/// let receipt = store.append(&account, open())?;
///
/// let error = store.append(&account, open()).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::WrongExpectedVersion);
/// let conflict = error.version_conflict().unwrap();
/// assert_eq!(conflict.actual, Some(receipt.clock));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ExpectedVersion {
    /// Anything: nothing is checked.
    #[default]
    Any,
    /// The entity has no event that is there.
    NoStream,
    /// The entity has an event that is there.
    StreamExists,
    /// The newest event of the entity has this clock: what [`Receipt::clock`](crate::Receipt::clock)
    /// and the newest event that was read say.
    Exactly(u32),
}

impl ExpectedVersion {
    /// The version of a stream of which this was read: [`Exactly`](Self::Exactly) its newest clock,
    /// or [`NoStream`](Self::NoStream).
    #[must_use]
    pub fn of(newest: Option<u32>) -> Self {
        newest.map_or(Self::NoStream, Self::Exactly)
    }

    /// Whether a stream whose newest event has the clock `actual` is as expected.
    #[must_use]
    pub fn allows(self, actual: Option<u32>) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => actual.is_none(),
            Self::StreamExists => actual.is_some(),
            Self::Exactly(clock) => actual == Some(clock),
        }
    }
}

impl fmt::Display for ExpectedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any version"),
            Self::NoStream => f.write_str("no stream"),
            Self::StreamExists => f.write_str("a stream"),
            Self::Exactly(clock) => write!(f, "clock {clock}"),
        }
    }
}

/// A stream that is not as an append expected: [`Error::version_conflict`](crate::Error::version_conflict).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionConflict {
    /// Whose stream.
    pub entity: String,
    /// What was expected.
    pub expected: ExpectedVersion,
    /// Clock of the newest event of the stream, members of the same batch before this one included;
    /// none where there is no event, or none any more.
    pub actual: Option<u32>,
    /// Place in the batch of the member that expected it, from 0; 0 for a single event.
    pub member: usize,
}

impl fmt::Display for VersionConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entity, expected) = (&self.entity, self.expected);
        write!(f, "{entity} was expected to have {expected} and has ")?;
        match self.actual {
            Some(clock) => write!(f, "clock {clock}"),
            None => f.write_str("no stream"),
        }
    }
}
