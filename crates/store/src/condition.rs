//! `AppendCondition`: what must not have happened since a decision was made.

use std::fmt;
use strandline_core::{EventId, Region, Sequence};

/// Appends only if no event of some regions was appended since the caller looked: for decisions
/// that depend on more than one entity.
///
/// Read what decides from a snapshot, decide, and append on condition that nothing of it has
/// changed; if it has, look again. It is checked where the events are given their places, against
/// everything that was written, so of two appends that exclude each other one alone succeeds.
/// Members of a batch do not count against its own condition.
///
/// The cost is that of the events appended since, or of those that the most selective filter of a
/// region leaves of them; nothing where there were none.
///
/// ```
/// use strandline::{
///     AppendCondition, AppendOptions, Coordinate, ErrorKind, Event, EventKind, Region, Store,
/// };
///
/// const REGISTERED: EventKind = EventKind::new(0x1, 0x001);
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("users.strand"))?;
/// let register = |user: &str, name: &str| {
///     let now = store.snapshot();
///     let taken = Region::all().tag(format!("name:{name}"));
///     if now.query(&taken).next().is_some() {
///         return Ok(false);
///     }
///     let condition = AppendCondition::since(now.visible()).none_in(taken);
///     let coordinate = Coordinate::new(user, "users")?;
///     let registered = Event::json(REGISTERED, &())?.tagged(format!("name:{name}"));
///     let options = AppendOptions::new().condition(&condition);
///     match store.append_with(&coordinate, registered, options) {
///         Ok(_) => Ok(true),
///         // Somebody was faster: to look again would show who.
///         Err(error) if error.kind() == ErrorKind::ConditionFailed => Ok(false),
///         Err(error) => Err(Box::<dyn std::error::Error>::from(error)),
///     }
/// };
/// assert!(register("user:1", "ada")?);
/// assert!(!register("user:2", "ada")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct AppendCondition {
    since: Sequence,
    /// Without the events before `since`.
    regions: Vec<Region>,
}

impl AppendCondition {
    /// A condition on the events with this sequence and later ones, which holds until it is given a
    /// region: mostly [`Snapshot::visible`](crate::Snapshot::visible) of the snapshot that was read.
    /// With [`Sequence::ZERO`] it is on every event there is. Events that a
    /// [compaction](crate::maintenance::compact) removed are not there.
    pub const fn since(sequence: Sequence) -> Self {
        Self {
            since: sequence,
            regions: Vec::new(),
        }
    }

    /// No such event may be in this region either.
    pub fn none_in(mut self, region: Region) -> Self {
        self.regions.push(match self.since.get().checked_sub(1) {
            Some(before) => region.after(Sequence::new(before)),
            None => region,
        });
        self
    }

    /// From where on the condition looks.
    #[must_use]
    pub const fn first(&self) -> Sequence {
        self.since
    }

    /// The regions, each without the events before [`first`](Self::first).
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }
}

/// An event that a condition excluded: [`Error::condition_conflict`](crate::Error::condition_conflict).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConditionConflict {
    /// Place of the region in the condition, from 0.
    pub region: usize,
    /// The first event in it since.
    pub sequence: Sequence,
    /// Its id.
    pub id: EventId,
    /// From where on the condition looked.
    pub since: Sequence,
}

impl fmt::Display for ConditionConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "event {} is in region {} of the condition, which allows none from sequence {} on",
            self.sequence, self.region, self.since
        )
    }
}
