//! Append conditions: whether anything was written that a decision excludes.

use crate::{AppendCondition, ConditionConflict, Error, ErrorKind};
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
    let written = index.inserted();
    for (at, region) in condition.regions().iter().enumerate() {
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
