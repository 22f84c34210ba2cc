//! Append conditions: whether anything was written that a decision excludes.

use crate::{AppendCondition, ConditionConflict, Error, ErrorKind};
use strandline_core::{EntityFilter, Region, Sequence};
use strandline_index::IndexWriter;

/// Checks a condition, under the commit lock, against everything that was written, published or not.
///
/// # Errors
///
/// `ConditionFailed` for the first event in the first region that has one.
pub(super) fn check_condition(
    index: &IndexWriter,
    condition: Option<&AppendCondition>,
) -> Result<(), Error> {
    let Some(condition) = condition else {
        return Ok(());
    };
    let since = condition.first();
    if since >= index.gate().allocated() || condition.regions().is_empty() {
        return Ok(());
    }
    let regions = condition.regions().iter().enumerate();
    let mut asked = regions
        .filter(|(_, region)| !is_quiet(index, region, since))
        .peekable();
    if asked.peek().is_none() {
        return Ok(());
    }
    let written = index.inserted();
    for (at, region) in asked {
        if let Some(row) = written.query(region).next() {
            let conflict = ConditionConflict {
                region: at,
                sequence: row.sequence(),
                id: row.id(),
                since,
            };
            return Err(Error::condition_failed(conflict));
        }
    }
    // Last, since damage to a block is found where it is used.
    match written.damage() {
        None => Ok(()),
        Some(damage) => {
            let message = "part of the index is lost, so the condition cannot be checked";
            Err(Error::new(ErrorKind::Corrupt, message).with_source(damage.clone()))
        }
    }
}

/// Whether the newest event of a region's entity tells that the region has none from `since` on.
/// Most conditions are on one entity and hold, and to ask the index costs more than all this.
fn is_quiet(index: &IndexWriter, region: &Region, since: Sequence) -> bool {
    let EntityFilter::Exact(entity) = region.entity_filter() else {
        return false;
    };
    // An entity that is not among the live rows may be in a part before them.
    let newest = index.lookup_entity(entity);
    let newest = newest.and_then(|entity| index.head(entity));
    newest.is_some_and(|newest| newest.sequence < since)
}
