//! The directory that a salvage writes into: what it may hold, and what its store must be able to take. Writes nothing.

use crate::maintenance::damaged::DamagedStore;
use crate::maintenance::places::LOST_AND_FOUND;
use crate::{Error, ErrorKind, EventId, StoreOptions};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Region;
use strandline_core::fs::{EntryKind, Fs};
use strandline_core::record::RecordView;
use strandline_segment::{
    COMMIT_BYTES_MAX, FrameRecord, Manifest, Piece, QUARANTINE_DIR, SEGMENT_BYTES_MOST,
};

/// How many times the longest commit of the old store a segment of the new one may take: names are written
/// again in each segment, and what is written is measured by the most that it may take.
const ROOM: u64 = 4;

/// Refuses a directory that holds anything but the beginning of a store of the same events.
///
/// # Errors
///
/// `InvalidInput` if it does, `Io`.
pub(super) fn check(
    fs: &Arc<dyn Fs>,
    source: &DamagedStore<'_>,
    target: &Path,
) -> Result<(), Error> {
    let refused = |message: String| {
        let message = format!("{message}; name a directory that is empty or not there yet");
        Err(Error::new(ErrorKind::InvalidInput, message))
    };
    let entries = match fs.list(target) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        listed => listed.map_err(|error| Error::io("list", target, error))?,
    };
    let is_of_store = |name: &str, kind: EntryKind| match kind {
        EntryKind::Directory => [QUARANTINE_DIR, LOST_AND_FOUND].contains(&name),
        EntryKind::File => {
            let name = name
                .strip_suffix(strandline_core::fs::TEMPORARY_SUFFIX)
                .unwrap_or(name);
            crate::model::is_of_store(name)
        }
        EntryKind::Other => false,
    };
    if let Some(entry) = entries
        .iter()
        .find(|entry| !is_of_store(&entry.name, entry.kind))
    {
        return refused(format!("{} holds {}", target.display(), entry.name));
    }
    let Some(manifest) = Manifest::read(&**fs, target)? else {
        return Ok(());
    };
    if Some(*manifest.identity()) == source.identity {
        return Err(same_store(target));
    }
    let others = other_events(fs, source, target)?;
    match others {
        0 => Ok(()),
        others => refused(foreign(target, source.dir, others)),
    }
}

/// The error of a target that is the old store.
pub(super) fn same_store(target: &Path) -> Error {
    let message = format!(
        "{} is the store that is to be saved, or a copy of it; name a directory for a new one",
        target.display()
    );
    Error::new(ErrorKind::InvalidInput, message)
}

/// What is said of a store that holds other events than the one that is saved.
pub(super) fn foreign(target: &Path, dir: &Path, events: u64) -> String {
    let (what, are) = match events {
        1 => ("1 event".to_owned(), "is"),
        _ => (format!("{events} events"), "are"),
    };
    let (target, dir) = (target.display(), dir.display());
    format!("{target} is a store with {what} that {are} not in {dir}")
}

/// How many events a store has that the old one does not. Reads the old one if there are any events.
fn other_events(fs: &Arc<dyn Fs>, source: &DamagedStore<'_>, target: &Path) -> Result<u64, Error> {
    let store = StoreOptions::new()
        .read_only()
        .fs(fs.clone())
        .open(target)?;
    let snapshot = store.snapshot();
    if snapshot.is_empty() {
        return Ok(0);
    }
    let ids = source.ids()?;
    let others = snapshot
        .rows(Region::all())
        .filter(|row| !ids.contains(&row.id()));
    Ok(others.count() as u64)
}

impl DamagedStore<'_> {
    /// The ids of all events whose records are right. Memory: 16 bytes and more for each.
    fn ids(&self) -> Result<HashSet<EventId>, Error> {
        let mut ids = HashSet::new();
        let mut take = |record: &FrameRecord<'_>| {
            if let Ok(view) = RecordView::parse(record.body) {
                ids.insert(view.id());
            }
        };
        for name in &self.files.chosen {
            let examiner = match self.examiner(name) {
                Ok(Some(examiner)) => examiner,
                Ok(None) | Err(_) => continue,
            };
            examiner.patient().pieces(|piece| {
                match piece {
                    Piece::Frame { frame, .. } => frame.records().for_each(|one| take(&one)),
                    Piece::Record(record) => take(&record),
                    _ => {}
                }
                Ok::<_, Error>(())
            })?;
        }
        Ok(ids)
    }

    /// The longest that a commit can be in the old store, in bytes.
    fn longest_commit(&self) -> Result<u64, Error> {
        let entries = self.fs.list(self.dir);
        let entries = entries.map_err(|error| Error::io("list", self.dir, error))?;
        let segments = entries
            .iter()
            .filter(|entry| self.files.chosen.contains(&entry.name));
        let longest = segments.map(|entry| entry.bytes).max().unwrap_or(0);
        Ok(longest.min(COMMIT_BYTES_MAX.into()))
    }
}

/// Options of a store that takes whatever the old one held.
pub(super) fn roomy(
    options: StoreOptions,
    source: &DamagedStore<'_>,
) -> Result<StoreOptions, Error> {
    let room = source.longest_commit()?.saturating_mul(ROOM);
    let segment = options
        .log
        .segment_bytes()
        .max(room.min(SEGMENT_BYTES_MOST));
    Ok(options
        // What is saved keeps its times, whatever clock gave them.
        .clock_drift_max(Duration::MAX)
        .segment_bytes_max(segment))
}
