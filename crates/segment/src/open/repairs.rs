//! `Repairs`: what opening for writing does to the directory, and which files of it are nobody's. What is
//! done to the last segment is in `carry`.

use super::log::UncheckedLog;
use super::quarantine::set_aside;
use crate::error::{At, LogError};
use crate::files::{SegmentFile, is_own_temporary, is_segment_like};
use crate::format::{LogPosition, SegmentId};
use crate::scan::frames_end;
use crate::write::is_unused;
use std::path::Path;
use strandline_core::fs::EntryKind;

/// What opening for writing changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Repairs {
    /// Where the torn tail was copied before it was left out.
    pub torn_tail_kept_as: Option<String>,
    /// Files that looked like segments and are not in the manifest, as they are called now.
    pub set_aside: Vec<String>,
    /// Files of next segments that were made ahead and never used, removed.
    pub removed_unused: Vec<String>,
    /// Files of segments that were rewritten or carried over, and of such work that was interrupted,
    /// removed.
    pub removed_superseded: Vec<String>,
    /// Temporary files of interrupted replacements, removed.
    pub removed_temporaries: Vec<String>,
    /// The file that the end of the log was carried into, if it could not be gone on with where it was.
    pub carried_to: Option<String>,
    /// The file that was carried over as a whole, and removed then.
    pub carried_from: Option<String>,
    /// Bytes that were not proven durable, and were written into a new file and synced.
    pub rewritten_bytes: u64,
}

impl Repairs {
    /// What was done, a sentence each, but for the carrying into a new file, which is routine.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let torn = self
            .torn_tail_kept_as
            .iter()
            .map(|name| format!("the torn bytes were kept as {name} and left out of the log"));
        let aside = self
            .set_aside
            .iter()
            .map(|name| format!("a segment that the MANIFEST does not list was moved to {name}"));
        let removed = self
            .removed_temporaries
            .iter()
            .map(|name| format!("{name}, left by an interrupted replacement, was removed"));
        let unused = self.removed_unused.iter().map(|name| {
            format!("{name}, made ahead for the next segment and never used, was removed")
        });
        let superseded = self.removed_superseded.iter().map(|name| {
            format!("{name}, whose events are in another file that the MANIFEST lists, was removed")
        });
        let all = torn.chain(aside).chain(removed).chain(unused);
        all.chain(superseded).collect()
    }
}

/// What a file that the manifest does not list is.
enum Unlisted {
    /// A next segment, made ahead and never used.
    Unused,
    /// What it holds is in a listed file.
    Superseded,
    /// Not of this log, as far as can be told.
    Stray,
}

impl UncheckedLog {
    /// Removes what interrupted work has left, and moves strays into the quarantine. `end` is where the
    /// log was read to.
    pub(crate) fn clean_directory(
        &self,
        end: &LogPosition,
        repairs: &mut Repairs,
    ) -> Result<(), LogError> {
        let (fs, dir) = (&*self.fs, &self.dir);
        for entry in fs.list_names(dir).at("list", dir)? {
            if entry.kind != EntryKind::File {
                continue;
            }
            let path = dir.join(&entry.name);
            if is_own_temporary(&entry.name) {
                fs.remove_file(&path).at("remove", &path)?;
                repairs.removed_temporaries.push(entry.name);
            } else if is_segment_like(&entry.name) && !self.is_listed(&entry.name) {
                match self.unlisted(&entry.name, &path, end)? {
                    Unlisted::Unused => {
                        fs.remove_file(&path).at("remove", &path)?;
                        repairs.removed_unused.push(entry.name);
                    }
                    Unlisted::Superseded => {
                        fs.remove_file(&path).at("remove", &path)?;
                        repairs.removed_superseded.push(entry.name);
                    }
                    Unlisted::Stray => {
                        repairs.set_aside.push(set_aside(fs, dir, &entry.name)?);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a file has the name of one that the manifest lists: each has one name.
    fn is_listed(&self, name: &str) -> bool {
        SegmentId::parse_file_name(name).is_some_and(|(id, generation)| {
            let own = self.find(id);
            own.is_some_and(|(info, _)| info.header.generation == generation)
        })
    }

    fn unlisted(&self, name: &str, path: &Path, end: &LogPosition) -> Result<Unlisted, LogError> {
        let Some((id, generation)) = SegmentId::parse_file_name(name) else {
            return Ok(Unlisted::Stray);
        };
        let last = self.manifest.segments.last();
        if let Some((info, _)) = self.find(id) {
            // The active segment is carried into the next generation of it; a file of a later one
            // belongs to a later manifest.
            let next = info.header.generation_after();
            let is_superseded = info.is_sealed()
                || generation < info.header.generation
                || Some(generation) == next && self.copied_from(id, path, end)?.is_some();
            return Ok(match is_superseded {
                true => Unlisted::Superseded,
                false => Unlisted::Stray,
            });
        }
        if last.is_some_and(|last| id < last.id()) {
            return Ok(match self.is_merged(id, path)? {
                true => Unlisted::Superseded,
                false => Unlisted::Stray,
            });
        }
        let is_next = last.and_then(|last| last.id().next()) == Some(id) && generation == 0;
        if !is_next {
            return Ok(Unlisted::Stray);
        }
        if is_unused(&*self.fs, path, self.identity())? {
            return Ok(Unlisted::Unused);
        }
        // A segment that was rotated to begins where this one ends. One that begins before has frames
        // of it: they were being carried over.
        let start = self.copied_from(id, path, end)?;
        let is_carried = start.is_some_and(|start| !start.is_same_place(end));
        Ok(match is_carried {
            true => Unlisted::Superseded,
            false => Unlisted::Stray,
        })
    }

    /// Whether a file is of a segment that was merged into another one, which has its sequences. No other
    /// segment of the log gets its number.
    fn is_merged(&self, id: SegmentId, path: &Path) -> Result<bool, LogError> {
        let Some(holder) = self.manifest.holder(id) else {
            return Ok(false);
        };
        let own = SegmentFile::open_own(&*self.fs, path, self.identity())?;
        Ok(own.is_some_and(|(header, _)| {
            let start = header.first_sequence;
            let ends_after = holder.end.is_some_and(|end| start <= end.sequence);
            header.id == id && ends_after && holder.start().sequence <= start
        }))
    }

    /// Where a file begins that has frames of the log up to `end` and none after it. If it has others the
    /// log went on in it, and an older manifest was put back, or its frames were lost where they stood
    /// before.
    fn copied_from(
        &self,
        id: SegmentId,
        path: &Path,
        end: &LogPosition,
    ) -> Result<Option<LogPosition>, LogError> {
        let own = SegmentFile::open_own(&*self.fs, path, self.identity())?;
        let Some((header, file)) = own.filter(|(header, _)| header.id == id) else {
            return Ok(None);
        };
        // One that cannot be read is kept, and stops no opening.
        let reached = frames_end(&file, header.start(), file.readable_bytes()?);
        Ok(reached.is_same_place(end).then(|| header.start()))
    }
}
