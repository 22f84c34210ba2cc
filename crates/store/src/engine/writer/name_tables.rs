//! `NameTables`: the names of segments whose frames had to be read for them.

use crate::Error;
use crate::trace;
use std::cell::RefCell;
use strandline_core::Coordinate;
use strandline_core::record::StoredRecord;
use strandline_segment::{LogPosition, LogView, ScanError, SegmentInfo};
use tracing::Level;

/// How many segments' names are kept that had to be read from frames.
const TABLES_KEPT: usize = 4;

/// The coordinates of segments by local number, of those whose frames had to be read for them: the
/// record that named a coordinate may be of an event that was removed, which no index has.
#[derive(Debug, Default)]
pub(super) struct NameTables(RefCell<Vec<(SegmentInfo, Vec<Coordinate>)>>);

impl NameTables {
    /// Whether a coordinate that a segment has named is of an entity. Reads the segment's frames, and
    /// keeps its names. O(records of the segment), and O(1) once they are kept.
    pub(super) fn is_named(
        &self,
        local: u32,
        entity: &str,
        log: &LogView,
        info: &SegmentInfo,
        end: LogPosition,
    ) -> Result<bool, Error> {
        let mut tables = self.0.borrow_mut();
        let kept = tables.iter().position(|(of, _)| of == info);
        let table = match kept {
            Some(at) => tables.remove(at).1,
            None => names(log, info, end)?,
        };
        let named = usize::try_from(local).ok().and_then(|at| table.get(at));
        let is_named = named.is_some_and(|named| named.entity() == entity);
        // Of the active segment there are more names soon.
        if info.is_sealed() {
            let excess = (tables.len() + 1).saturating_sub(TABLES_KEPT);
            tables.drain(..excess);
            tables.push((*info, table));
        }
        Ok(is_named)
    }
}

/// The coordinates that a segment names, by local number.
fn names(log: &LogView, info: &SegmentInfo, end: LogPosition) -> Result<Vec<Coordinate>, Error> {
    let segment = info.id().get();
    trace::tell(Level::DEBUG, move || {
        tracing::debug!(segment, "reading the names of a segment from its frames");
    });
    let mut names = Vec::new();
    let scanned = log.scan(end, Some(info.start()), |frame| {
        for record in frame.records() {
            let record = StoredRecord::decode(record.body);
            if let Ok(Some(coordinate)) = record.as_ref().map(StoredRecord::coordinate) {
                names.push(coordinate.clone());
            }
        }
        Ok::<(), Error>(())
    });
    match scanned {
        Ok(_) => Ok(names),
        Err(ScanError::Log(error)) => Err(error.into()),
        Err(ScanError::Visit(error)) => Err(error),
    }
}
