//! Append conditions: whether anything was written that a decision excludes.
//!
//! Most of a condition is looked up before the commit lock, among what is visible ([`look_ahead`]);
//! under it only what was written since is looked at ([`check_condition`]). That is enough: sequences
//! are never given again and rows below the watermark never change, so of what the first look has
//! passed nothing can come to be excluded. A rotation moves no row to another sequence, and a
//! compaction between the two looks only takes rows away.

use crate::{AppendCondition, ConditionConflict, Error, ErrorKind};
use strandline_core::Sequence;
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
    /// No event before this one is excluded, unless the append is refused.
    through: Sequence,
    /// Why the append is refused, unless it is a repeat or refused for another reason first.
    refusal: Option<Error>,
}

/// Checks a condition against everything that is visible, without a lock.
///
/// # Errors
///
/// `TooLarge` for a condition over its limits. Whether it fails is said under the lock.
pub(crate) fn look_ahead<'a>(
    index: &IndexReader,
    condition: &'a AppendCondition,
) -> Result<LookedAhead<'a>, Error> {
    condition.check()?;
    let mut ahead = LookedAhead {
        condition,
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
        if let Err(refusal) = check_rows(&snapshot, condition, ahead.through) {
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
    ahead: Option<LookedAhead<'_>>,
) -> Result<(), Error> {
    let Some(ahead) = ahead else {
        return Ok(());
    };
    if let Some(refusal) = ahead.refusal {
        return Err(refusal);
    }
    if ahead.through >= index.gate().allocated() || ahead.condition.regions().is_empty() {
        return Ok(());
    }
    let written = index.inserted();
    check_rows(&written, ahead.condition, ahead.through)
}

/// Looks for the rows from `through` on that a condition excludes.
fn check_rows(
    rows: &Snapshot,
    condition: &AppendCondition,
    through: Sequence,
) -> Result<(), Error> {
    for (at, region) in condition.regions().iter().enumerate() {
        if let Some(row) = rows.first_since(region, through) {
            return Err(Error::condition_failed(ConditionConflict {
                region: at,
                sequence: row.sequence(),
                id: row.id(),
                since: condition.first(),
            }));
        }
    }
    // Last, since damage to a block is found where it is used.
    match rows.damage_since(through) {
        None => Ok(()),
        Some(damage) => {
            let message = "part of the index is lost, so the condition cannot be checked";
            Err(Error::new(ErrorKind::Corrupt, message).with_source(damage.clone()))
        }
    }
}
