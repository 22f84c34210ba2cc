//! Append conditions: whether anything was written that a decision excludes.
//!
//! Most of a condition is looked up before the commit lock, among what is visible ([`look_ahead`]);
//! under it only what was written since is looked at ([`check_condition`]). That is enough: sequences
//! are never given again and rows below the watermark never change, so of what the first look has
//! passed nothing can come to be excluded. A rotation moves no row to another sequence, and a
//! compaction between the two looks only takes rows away.
//!
//! The events of the append itself do not count against it, also if some of them were appended before.

use super::prepared::Prepared;
use crate::model::Kinds;
use crate::{AppendCondition, ConditionConflict, Error, ErrorKind};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashSet;
use strandline_core::{EventId, EventKind, Region, Sequence};
use strandline_index::{IndexReader, IndexWriter, Snapshot};

/// How many looks are taken before the lock at most: each passes over what was appended during the
/// one before.
const LOOKS_MAX: usize = 4;
/// So few events that to look for them under the lock costs no more than to look again.
const EVENTS_FEW: u64 = 256;

/// What is known of a condition before the commit lock is taken.
#[derive(Debug)]
pub(crate) struct LookedAhead<'a> {
    condition: &'a AppendCondition,
    /// Its regions, with the kinds that names stood for.
    regions: Cow<'a, [Region]>,
    own: OwnIds<'a>,
    /// No event before this one is excluded, unless the append is refused.
    through: Sequence,
    /// Why the append is refused, unless it is a repeat or refused for another reason first.
    refusal: Option<Error>,
}

/// The ids of the events of an append, as far as its caller gave them some.
#[derive(Debug)]
struct OwnIds<'a> {
    events: &'a [Prepared<'a>],
    /// Made when an excluded event is found.
    ids: OnceCell<HashSet<EventId>>,
}

impl OwnIds<'_> {
    fn has(&self, id: EventId) -> bool {
        let ids = || {
            self.events
                .iter()
                .filter_map(|event| event.event.id)
                .collect()
        };
        self.ids.get_or_init(ids).contains(&id)
    }
}

/// Checks the condition of an append of `events` against everything that is visible, without a lock.
///
/// # Errors
///
/// `TooLarge` for a condition over its limits. Whether it fails is said under the lock.
pub(crate) fn look_ahead<'a>(
    (index, kinds): (&IndexReader, &Kinds),
    condition: &'a AppendCondition,
    events: &'a [Prepared<'a>],
) -> Result<LookedAhead<'a>, Error> {
    condition.check()?;
    let ids = OnceCell::new();
    let mut ahead = LookedAhead {
        condition,
        regions: Cow::Borrowed(condition.regions()),
        own: OwnIds { events, ids },
        through: condition.first(),
        refusal: None,
    };
    if condition.regions().is_empty() {
        return Ok(ahead);
    }
    let mut few = 0;
    for _ in 0..LOOKS_MAX {
        let visible = index.gate().visible();
        if visible.get().saturating_sub(ahead.through.get()) <= few {
            break;
        }
        let snapshot = index.snapshot();
        // After it, so that names are known that came with its events.
        let regions = resolved(condition, |name| kinds.kind(name));
        if few > 0 && are_others(&regions, &ahead.regions) {
            ahead.through = condition.first();
        }
        ahead.regions = regions;
        if let Err(refusal) = ahead.check_rows(&snapshot) {
            ahead.refusal = Some(refusal);
            break;
        }
        ahead.through = snapshot.visible();
        few = EVENTS_FEW;
    }
    Ok(ahead)
}

/// Checks the rest of a condition, under the commit lock, against everything that was written since it
/// was looked at, published or not.
///
/// # Errors
///
/// `ConditionFailed` for the first event that was found in a region; `Corrupt` if part of the index is
/// lost.
pub(super) fn check_condition(
    index: &IndexWriter,
    kind_of: impl Fn(&str) -> Option<EventKind>,
    ahead: Option<LookedAhead<'_>>,
) -> Result<(), Error> {
    let Some(mut ahead) = ahead else {
        return Ok(());
    };
    if let Some(refusal) = ahead.refusal {
        return Err(refusal);
    }
    // A kind whose events were looked past may have got a name since.
    let regions = resolved(ahead.condition, kind_of);
    if are_others(&regions, &ahead.regions) {
        ahead.through = ahead.condition.first();
        ahead.regions = regions;
    }
    if ahead.through >= index.gate().allocated() || ahead.regions.is_empty() {
        return Ok(());
    }
    ahead.check_rows(&index.inserted())
}

/// Whether names stand for other kinds than before. What is borrowed is the condition's own.
fn are_others(now: &[Region], before: &[Region]) -> bool {
    !std::ptr::eq(now, before) && now != before
}

/// The regions of a condition, with the kinds that names stand for.
fn resolved(
    condition: &AppendCondition,
    kind_of: impl Fn(&str) -> Option<EventKind>,
) -> Cow<'_, [Region]> {
    let regions = condition.regions();
    let mut resolved = Cow::Borrowed(regions);
    for (at, region) in regions.iter().enumerate() {
        if !region.kind_names().is_empty()
            && let Some(own) = resolved.to_mut().get_mut(at)
        {
            own.resolve_kinds(&kind_of);
        }
    }
    resolved
}

impl LookedAhead<'_> {
    /// Looks for the rows from `through` on that the condition excludes, but for the append's own.
    fn check_rows(&self, rows: &Snapshot) -> Result<(), Error> {
        for (at, region) in self.regions.iter().enumerate() {
            let found = rows.find_since(region, self.through, |row| !self.own.has(row.id()));
            if let Some(row) = found {
                return Err(Error::condition_failed(ConditionConflict {
                    region: at,
                    sequence: row.sequence(),
                    id: row.id(),
                    since: self.condition.first(),
                }));
            }
        }
        // Last, since damage to a block is found where it is used.
        match rows.damage_since(self.through) {
            None => Ok(()),
            Some(damage) => {
                let message = "part of the index is lost, so the condition cannot be checked";
                Err(Error::new(ErrorKind::Corrupt, message).with_source(damage.clone()))
            }
        }
    }
}
