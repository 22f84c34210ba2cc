//! `AppendCondition`: what must not have happened since a decision was made.

use super::error::{Error, ErrorKind};
use strandline_core::{Query, Region, Sequence};

/// Most regions that a condition may have.
pub const CONDITION_REGIONS_MAX: usize = 1_000;
/// Most tags that a condition may ask for, those of all its regions together.
pub const CONDITION_TAGS_MAX: usize = 10_000;

/// Appends only if no event of some regions was appended since the caller looked: for decisions
/// that depend on more than one entity.
///
/// Read what decides from a snapshot, decide, and append on condition that nothing of it has
/// changed; if it has, look again. It is checked where the events are given their places, against
/// everything that was written, so of two appends that exclude each other one alone succeeds.
/// Members of a batch do not count against its own condition, also where they were appended before; if all
/// were, or a single event was, nothing is asked.
///
/// A sequence that was kept elsewhere counts in the [epoch](crate::Store::epoch) that it was read in alone.
///
/// It may have [`CONDITION_REGIONS_MAX`] regions and ask for [`CONDITION_TAGS_MAX`] tags; with more
/// the append is refused.
///
/// The cost, for each region: in each segment that has events since, a look at each of its names and
/// tags (about a microsecond together), and those of the events since that the most selective
/// filter leaves. Nothing where there were no events since. The appending thread pays it and holds up
/// nobody: it is looked for before the event's turn comes, and then only among what was appended
/// meanwhile.
///
/// ```
/// use strandline::{
///     AppendCondition, AppendOptions, Coordinate, ErrorKind, Event, EventKind, Query, Region, Store,
/// };
///
/// const REGISTERED: EventKind = EventKind::new(0x1, 0x001);
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("users.strand"))?;
/// let register = |user: &str, name: &str| {
///     let now = store.snapshot();
///     let taken = Query::from(Region::all().tag(format!("name:{name}")));
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

    /// No such event may be in this region either, or in any of a query's: what was asked for to decide can
    /// be given as it was, so that the two cannot differ. A limit of the query counts for nothing.
    pub fn none_in(mut self, query: impl Into<Query>) -> Self {
        let regions = query.into().into_regions().into_iter();
        match self.since.get().checked_sub(1).map(Sequence::new) {
            Some(before) => {
                let regions = regions.map(|region| region.after(before));
                self.regions.extend(regions);
            }
            None => self.regions.extend(regions),
        }
        self
    }

    /// Refuses a condition that takes too long to check.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let any_tags = |region: &Region| region.any_tag_filter().map_or(0, <[String]>::len);
        let tags = |region: &Region| region.tag_filter().len() + any_tags(region);
        let tags = self.regions.iter().map(tags).sum();
        let limits = [
            (
                "regions",
                self.regions.len(),
                CONDITION_REGIONS_MAX,
                "CONDITION_REGIONS_MAX",
            ),
            ("tags", tags, CONDITION_TAGS_MAX, "CONDITION_TAGS_MAX"),
        ];
        match limits
            .into_iter()
            .find(|(_, found, limit, _)| found > limit)
        {
            None => Ok(()),
            Some((what, found, limit, name)) => Err(Error::new(
                ErrorKind::TooLarge,
                format!("the condition has {found} {what}, the limit is {limit} ({name})"),
            )),
        }
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
