//! Rewriting sealed segments: the same commits with other bodies, in a new file, and the switch to it.
//!
//! A rewritten segment has the sequences, digests and log hashes that it had, so whatever was checked
//! against it still holds; offsets in it differ. It is written and synced beside the segment whose
//! place it takes, under a name of its own. [`LogWriter::switch_to`] then replaces the manifest, once
//! for any number of segments. Before that an opening removes the new files, after it the old ones.

use super::claims::Claim;
use super::sealed_segment::SealedSegment;
use super::target::Target;
use super::writer::LogWriter;
use crate::error::{AppendError, At, LogError, ScanError};
use crate::files::{Footer, SegmentFile, read_footer, remove};
use crate::format::{FrameRecord, Manifest, SegmentHeader, SegmentId, SegmentInfo};
use crate::read::LogReader;
use crate::scan::SealedFrames;
use std::path::PathBuf;
use std::sync::Arc;
use strandline_core::Random;
use strandline_core::fs::{Fs, OpenMode};

/// A sealed segment that is to be rewritten. Needs no lock: appends go on meanwhile.
#[derive(Debug)]
pub struct SegmentRewrite {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    header: SegmentHeader,
    source: SealedFrames,
    reader: LogReader,
    maps_reads: bool,
    bytes_max: u64,
    claim: Claim,
}

/// A segment that was rewritten and is not part of the log yet. Its file is removed when this is
/// dropped, unless the log was switched to it.
#[derive(Debug)]
pub struct RewrittenSegment {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    sealed: SealedSegment,
    /// Whether the log may have been switched to it.
    kept: bool,
    _claim: Claim,
}

/// A log that was switched to rewritten segments, which its views do not show yet.
#[derive(Debug)]
#[must_use = "views show the old segments until they are told"]
pub struct SwitchedLog {
    reader: LogReader,
    segments: Vec<(SegmentInfo, SegmentFile)>,
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
    /// [`LogError::SegmentMissing`] if it is not a sealed one, [`LogError::BeingRewritten`],
    /// [`LogError::SegmentsExhausted`] after 2^32 rewritings of it; what opening its file says.
    pub fn rewrite(&self, segment: SegmentId, random: &Random) -> Result<SegmentRewrite, LogError> {
        let info = self.sealed_info(segment)?;
        let file = SegmentFile::open(&*self.fs, &self.dir, &info.header, OpenMode::Read)?;
        let source = SealedFrames::new(info, file);
        let source = source.ok_or_else(|| LogError::SegmentMissing {
            file: info.file_name(),
        })?;
        let claim = self.being_rewritten.claim(segment);
        let claim = claim.ok_or_else(|| LogError::BeingRewritten {
            file: info.file_name(),
        })?;
        Ok(SegmentRewrite {
            fs: self.fs.clone(),
            dir: self.dir.clone(),
            header: info.header.next_generation(random)?,
            source,
            reader: self.reader.clone(),
            maps_reads: self.options.maps_reads(),
            bytes_max: self.options.rewritten_bytes_max,
            claim,
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
            let info = *new.sealed.info();
            let replaced = replace_listed(&mut manifest, info).map_err(AppendError::NotWritten)?;
            paths.push(self.dir.join(replaced.file_name()));
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

/// Lists a rewritten segment where its predecessor is listed, which is returned.
fn replace_listed(manifest: &mut Manifest, new: SegmentInfo) -> Result<SegmentInfo, LogError> {
    let at = manifest.find(new.id());
    let listed = at.and_then(|at| manifest.segments.get_mut(at));
    let same = |listed: &SegmentInfo| {
        let ends = listed.end.zip(new.end);
        listed.header.generation.checked_add(1) == Some(new.header.generation)
            && listed.header.start() == new.header.start()
            && ends.is_some_and(|(old, new)| old.is_same_place(&new))
    };
    match listed {
        Some(listed) if same(listed) => Ok(std::mem::replace(listed, new)),
        _ => Err(LogError::SegmentMissing {
            file: new.file_name(),
        }),
    }
}

impl SegmentRewrite {
    /// Length of the file that is read, its footer included.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`].
    pub fn source_bytes(&self) -> Result<u64, LogError> {
        self.source.file.len()
    }

    /// The footer of the segment as it is; see [`UncheckedLog::footer`](crate::UncheckedLog::footer).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn footer(&self) -> Result<Option<Footer>, LogError> {
        read_footer(&self.source.file, self.source.end(), self.maps_reads)
    }

    /// Writes and syncs the new file. `body` appends the new body of each record, oldest first; what
    /// a record has for a digest stays. Every frame that is read is checked.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] if the segment is damaged, [`LogError::RewrittenTooLong`] if it would be
    /// longer than a segment can be, [`LogError::Io`], and what `body` returns. The new file is removed then.
    pub fn write<E>(
        self,
        mut body: impl FnMut(&FrameRecord<'_>, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<RewrittenSegment, ScanError<E>> {
        let Self {
            fs,
            dir,
            header,
            source,
            reader,
            maps_reads: _,
            bytes_max,
            claim,
        } = self;
        // Views have it that may not have opened it, and it is removed later.
        if let Some(file) = reader.view().file(header.id) {
            file.len()?;
        }
        let path = dir.join(header.file_name());
        // Whatever an interrupted call left is nobody's.
        remove(&*fs, &path)?;
        let file = fs.open(&path, OpenMode::Create).at("create", &path)?;
        let file = SegmentFile::new(&header, path.clone(), file);
        let mut rewritten = RewrittenSegment {
            sealed: SealedSegment::new(
                fs.clone(),
                &dir,
                SegmentInfo { header, end: None },
                header.start(),
                file.clone(),
                reader.clone(),
            ),
            fs,
            path,
            kept: false,
            _claim: claim,
        };
        let mut target = Target::new(&header, file, bytes_max);
        source
            .visit(|frame| target.frame(frame, &mut body))
            .map_err(ScanError::flatten)?;
        target.finish()?;
        // Before a manifest lists it.
        rewritten.fs.sync_dir(&dir).at("sync", &dir)?;
        let end = target.end();
        let info = SegmentInfo {
            header,
            end: Some(end),
        };
        let read = reader.open_files.sealed(&target.file, &header, end);
        rewritten.sealed = SealedSegment::new(rewritten.fs.clone(), &dir, info, end, read, reader);
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

    fn keep(mut self) -> (SegmentInfo, SegmentFile) {
        self.kept = true;
        (*self.sealed.info(), self.sealed.file())
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
