//! Rewriting sealed segments: the same commits with other bodies, in a new file, and the switch to it.
//!
//! A rewritten segment has the sequences, digests and log hashes that it had, so whatever was checked
//! against it still holds; offsets in it differ. It is written and synced beside the segment whose
//! place it takes, under a name of its own. [`LogWriter::switch_to`] then replaces the manifest, once
//! for any number of segments. Before that an opening removes the new files, after it the old ones.
//!
//! Several adjacent segments are merged the same way: their commits, one after the other, become one
//! segment with the number of the first. The numbers of the others are in no manifest from then on.

use super::claims::Claim;
use super::frames::{Bodies, Frames};
use super::sealed_segment::SealedSegment;
use super::target::Target;
use super::writer::LogWriter;
use crate::error::{AppendError, At, LogError, ScanError};
use crate::files::{Footer, SegmentFile, read_footer, remove};
use crate::format::{FrameRecord, Manifest, SegmentHeader, SegmentId, SegmentInfo};
use crate::read::{LogReader, Replacement};
use crate::scan::SealedFrames;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use strandline_core::Random;
use strandline_core::fs::{Fs, OpenMode};

/// A sealed segment that is to be rewritten, or several that are to become one. Needs no lock: appends go
/// on meanwhile.
#[derive(Debug)]
pub struct SegmentRewrite {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    pub(super) header: SegmentHeader,
    /// Oldest first, never empty. Each is opened when it is read: there may be more than a process may
    /// have open.
    pub(super) sources: Vec<SegmentInfo>,
    reader: LogReader,
    maps_reads: bool,
    bytes_max: u64,
    claims: Vec<Claim>,
}

/// A segment that was rewritten and is not part of the log yet. Its file is removed when this is
/// dropped, unless the log was switched to it.
#[derive(Debug)]
pub struct RewrittenSegment {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    sealed: SealedSegment,
    /// The segments whose place it takes, oldest first.
    sources: Vec<SegmentInfo>,
    /// Whether the log may have been switched to it.
    kept: bool,
    _claims: Vec<Claim>,
}

/// A log that was switched to rewritten segments, which its views do not show yet.
#[derive(Debug)]
#[must_use = "views show the old segments until they are told"]
pub struct SwitchedLog {
    reader: LogReader,
    segments: Vec<Replacement>,
    superseded: SupersededFiles,
}

impl SwitchedLog {
    /// Shows the new segments in views that are taken from now on. O(segments), no call to the system.
    pub fn show(self) -> SupersededFiles {
        self.reader.replace(self.segments);
        self.superseded
    }
}

/// Files that the log was switched away from. Who had them open reads on in them.
#[derive(Debug)]
#[must_use = "the files are there until they are removed"]
pub struct SupersededFiles {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    paths: Vec<PathBuf>,
}

impl LogWriter {
    /// Begins to rewrite a sealed segment. Writes nothing yet.
    ///
    /// # Errors
    ///
    /// As [`merge`](Self::merge).
    pub fn rewrite(&self, segment: SegmentId, random: &Random) -> Result<SegmentRewrite, LogError> {
        self.merge(segment..=segment, random)
    }

    /// Begins to rewrite the sealed segments with these numbers, all of them adjacent, into one that has the
    /// number of the first. Writes nothing yet.
    ///
    /// # Errors
    ///
    /// [`LogError::SegmentMissing`] if the first or the last is not a sealed one, [`LogError::BeingRewritten`],
    /// [`LogError::SegmentsExhausted`] after 2^32 rewritings of the first.
    pub fn merge(
        &self,
        segments: RangeInclusive<SegmentId>,
        random: &Random,
    ) -> Result<SegmentRewrite, LogError> {
        let first = self.sealed_info(*segments.start())?;
        let last = self.sealed_info(*segments.end())?;
        let range = self
            .manifest
            .find(first.id())
            .zip(self.manifest.find(last.id()));
        let range = range.map(|(first, last)| first..=last);
        let sources = range.and_then(|range| self.manifest.segments.get(range));
        let sources = sources.unwrap_or_default().to_vec();
        if sources.is_empty() {
            let file = first.file_name();
            return Err(LogError::SegmentMissing { file });
        }
        let claims = sources.iter().map(|info| {
            let claim = self.being_rewritten.claim(info.id());
            claim.ok_or_else(|| LogError::BeingRewritten {
                file: info.file_name(),
            })
        });
        let header = first.header.next_generation(random)?;
        let has_runs = sources.iter().any(|info| info.header.has_runs);
        Ok(SegmentRewrite {
            fs: self.fs.clone(),
            dir: self.dir.clone(),
            header: SegmentHeader { has_runs, ..header },
            claims: claims.collect::<Result<_, _>>()?,
            sources,
            reader: self.reader.clone(),
            maps_reads: self.options.maps_reads(),
            bytes_max: self.options.rewritten_bytes_max,
        })
    }

    /// Puts rewritten segments in the place of the ones that they were made of, all at once, and makes
    /// that durable. Views show them once [`SwitchedLog::show`] is called, which takes no time; views that
    /// were taken before keep the files that they have.
    ///
    /// # Errors
    ///
    /// [`AppendError::NotWritten`] if one is of another log, or the new manifest cannot be written; nothing
    /// has changed then. [`AppendError::Unknown`] if the manifest could not be replaced; every later call is
    /// refused then.
    pub fn switch_to(
        &mut self,
        rewritten: Vec<RewrittenSegment>,
    ) -> Result<SwitchedLog, AppendError> {
        if self.stopped {
            return Err(AppendError::NotWritten(LogError::Stopped));
        }
        let mut manifest = self.manifest.next();
        let mut paths = Vec::new();
        for new in &rewritten {
            replace_listed(&mut manifest, new).map_err(AppendError::NotWritten)?;
            let replaced = new.sources.iter().map(SegmentInfo::file_name);
            paths.extend(replaced.map(|name| self.dir.join(name)));
        }
        let mut segments = Vec::new();
        self.replace_manifest(manifest, || {
            segments.extend(rewritten.into_iter().map(RewrittenSegment::keep));
        })?;
        Ok(SwitchedLog {
            reader: self.reader.clone(),
            segments,
            superseded: SupersededFiles {
                fs: self.fs.clone(),
                dir: self.dir.clone(),
                paths,
            },
        })
    }
}

/// Lists a rewritten segment where those are listed that it was made of.
fn replace_listed(manifest: &mut Manifest, new: &RewrittenSegment) -> Result<(), LogError> {
    let info = *new.sealed.info();
    let missing = || LogError::SegmentMissing {
        file: info.file_name(),
    };
    let first = manifest.find(info.id()).ok_or_else(missing)?;
    let range = first..first.saturating_add(new.sources.len());
    if manifest.segments.get(range.clone()) != Some(&new.sources) {
        return Err(missing());
    }
    manifest.segments.splice(range, [info]);
    Ok(())
}

impl SegmentRewrite {
    /// Length of the files that are read, their footers included.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`], and what opening the files says.
    pub fn source_bytes(&self) -> Result<u64, LogError> {
        let lengths = self.sources.iter().map(|info| self.open(info)?.len());
        lengths.sum()
    }

    /// The footer of each segment as it is, oldest first, read when it is asked for; see
    /// [`UncheckedLog::footer`](crate::UncheckedLog::footer).
    pub fn footers(&self) -> impl Iterator<Item = Result<Option<Footer>, LogError>> {
        self.sources.iter().map(|info| {
            let end = info.end.unwrap_or_else(|| info.start());
            read_footer(&self.open(info)?, end, self.maps_reads)
        })
    }

    pub(super) fn open(&self, info: &SegmentInfo) -> Result<SegmentFile, LogError> {
        SegmentFile::open(&*self.fs, &self.dir, &info.header, OpenMode::Read)
    }

    /// Writes and syncs the new file. `body` appends the new body of each record, oldest first; what
    /// a record has for a digest stays. Every frame that is read is checked.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] if a segment is damaged, [`LogError::SegmentMissing`] if its file is gone,
    /// [`LogError::RewrittenTooLong`] if the new one would be longer than a segment can be,
    /// [`LogError::Io`], and what `body` returns. The new file is removed then.
    pub fn write<E>(
        self,
        body: impl FnMut(&FrameRecord<'_>, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<RewrittenSegment, ScanError<E>> {
        self.write_frames(&mut Bodies(body))
    }

    pub(super) fn write_frames<E>(
        mut self,
        frames: &mut impl Frames<E>,
    ) -> Result<RewrittenSegment, ScanError<E>> {
        let (header, reader) = (self.header, self.reader.clone());
        let view = reader.view();
        for info in &self.sources {
            // Views have it that may not have opened it, and it is removed later.
            if let Some(file) = view.file(info.id()) {
                file.len()?;
            }
        }
        drop(view);
        let path = self.dir.join(header.file_name());
        // Whatever an interrupted call left is nobody's.
        remove(&*self.fs, &path)?;
        let file = self.fs.open(&path, OpenMode::Create).at("create", &path)?;
        let file = SegmentFile::new(&header, path.clone(), file);
        let mut rewritten = RewrittenSegment {
            sealed: SealedSegment::new(
                self.fs.clone(),
                &self.dir,
                SegmentInfo { header, end: None },
                header.start(),
                file.clone(),
                reader.clone(),
            ),
            fs: self.fs.clone(),
            path,
            sources: Vec::new(),
            kept: false,
            _claims: std::mem::take(&mut self.claims),
        };
        let mut target = Target::new(&header, file, self.bytes_max);
        for info in &self.sources {
            let Some(source) = SealedFrames::new(*info, self.open(info)?) else {
                continue;
            };
            source
                .visit(|frame| frames.frame(frame, &mut target))
                .map_err(ScanError::flatten)?;
        }
        frames.end(&mut target)?;
        target.finish()?;
        // Before a manifest lists it.
        self.fs.sync_dir(&self.dir).at("sync", &self.dir)?;
        let end = target.end();
        let info = SegmentInfo {
            header,
            end: Some(end),
        };
        let read = reader.open_files.sealed(&target.file, &header, end);
        rewritten.sealed = SealedSegment::new(self.fs, &self.dir, info, end, read, reader);
        rewritten.sources = self.sources;
        Ok(rewritten)
    }
}

impl RewrittenSegment {
    /// The segment, as the manifest would list it.
    #[must_use]
    pub const fn info(&self) -> &SegmentInfo {
        self.sealed.info()
    }

    /// As a sealed segment: its frames can be read, its footer can be written.
    #[must_use]
    pub const fn sealed(&self) -> &SealedSegment {
        &self.sealed
    }

    /// Length of the file, with the footer if it was written.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`].
    pub fn bytes(&self) -> Result<u64, LogError> {
        self.sealed.file().len()
    }

    /// The numbers of the segments whose place it takes, oldest first: its own is the first.
    pub fn replaces(&self) -> impl Iterator<Item = SegmentId> {
        self.sources.iter().map(SegmentInfo::id)
    }

    fn keep(mut self) -> Replacement {
        self.kept = true;
        let info = *self.sealed.info();
        Replacement {
            last: self.replaces().last().unwrap_or(info.id()),
            info,
            file: self.sealed.file(),
        }
    }
}

impl Drop for RewrittenSegment {
    fn drop(&mut self) {
        if !self.kept {
            // The next opening removes it otherwise.
            let _ = self.fs.remove_file(&self.path);
        }
    }
}

impl SupersededFiles {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Removes the files, durably.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`]; the next call, or the next opening for writing, removes what is left.
    pub fn remove(&self) -> Result<(), LogError> {
        for path in &self.paths {
            remove(&*self.fs, path)?;
        }
        self.fs.sync_dir(&self.dir).at("sync", &self.dir)
    }
}
