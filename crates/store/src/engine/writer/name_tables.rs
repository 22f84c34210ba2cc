//! `NameTables`: the names of segments whose frames had to be read for them.

use crate::Error;
use crate::trace;
use std::cell::RefCell;
use std::sync::Arc;
use strandline_core::Hash;
use strandline_core::record::StoredRecord;
use strandline_index::CacheShare;
use strandline_segment::{LogPosition, LogView, ScanError, SegmentInfo};
use tracing::Level;

/// As much of the hash of an entity's name as tells it from every other.
type Digest = [u8; 16];

/// The entities of segments by local number, of those whose frames had to be read for them: the
/// record that named a coordinate may be of an event that was removed, which no index has.
#[derive(Debug)]
pub(super) struct NameTables {
    share: Arc<CacheShare>,
    /// Those asked for last come last.
    tables: RefCell<Vec<Table>>,
    /// The last one that the share has no room for, until the commit is done.
    large: RefCell<Option<Table>>,
}

/// A segment with the entities of its coordinates by local number.
type Table = (SegmentInfo, Box<[Digest]>);

impl NameTables {
    pub(super) const fn new(share: Arc<CacheShare>) -> Self {
        Self {
            share,
            tables: RefCell::new(Vec::new()),
            large: RefCell::new(None),
        }
    }

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
        let mut tables = self.tables.borrow_mut();
        let is_named = |table: &[Digest]| {
            let named = usize::try_from(local).ok().and_then(|at| table.get(at));
            named.is_some_and(|named| *named == digest(entity))
        };
        if let Some(at) = tables.iter().position(|(of, _)| of == info) {
            let kept = tables.remove(at);
            let is_named = is_named(&kept.1);
            tables.push(kept);
            return Ok(is_named);
        }
        let mut large = self.large.borrow_mut();
        if let Some((_, table)) = large.as_ref().filter(|(of, _)| of == info) {
            return Ok(is_named(table));
        }
        let table = names(log, info, end)?;
        let is_named = is_named(&table);
        // Of the active segment there are more names soon.
        if !info.is_sealed() {
            return Ok(is_named);
        }
        match self.make_room(&mut tables, size_of_val(&*table)) {
            true => tables.push((*info, table)),
            false => *large = Some((*info, table)),
        }
        Ok(is_named)
    }

    /// Forgets what there is no room for, once a commit is done.
    pub(super) fn forget_large(&mut self) {
        *self.large.get_mut() = None;
    }

    /// Takes `bytes` of the share, for which the tables go that were asked for longest ago; says whether
    /// there was room.
    fn make_room(&self, tables: &mut Vec<Table>, bytes: usize) -> bool {
        if bytes > self.share.bytes_max() {
            return false;
        }
        while !self.share.take(bytes) {
            if tables.is_empty() {
                return false;
            }
            let (_, oldest) = tables.remove(0);
            self.share.give_back(size_of_val(&*oldest));
        }
        true
    }
}

fn digest(entity: &str) -> Digest {
    let hash = Hash::of(entity.as_bytes());
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// The entities of the coordinates that a segment names, by local number.
fn names(log: &LogView, info: &SegmentInfo, end: LogPosition) -> Result<Box<[Digest]>, Error> {
    let segment = info.id().get();
    trace::tell(Level::DEBUG, move || {
        tracing::debug!(segment, "reading the names of a segment from its frames");
    });
    let mut names = Vec::new();
    let scanned = log.scan(end, Some(info.start()), |frame| {
        for record in frame.records() {
            let record = StoredRecord::decode(record.body);
            if let Ok(Some(coordinate)) = record.as_ref().map(StoredRecord::coordinate) {
                names.push(digest(coordinate.entity()));
            }
        }
        Ok::<(), Error>(())
    });
    match scanned {
        Ok(_) => Ok(names.into_boxed_slice()),
        Err(ScanError::Log(error)) => Err(error.into()),
        Err(ScanError::Visit(error)) => Err(error),
    }
}
