//! `UncheckedLog`: a log whose manifest and headers were read and checked, and whose frames were
//! not. Reads none of these but the ones that it is asked for.

use crate::error::{At, LogError};
use crate::files::{
    Footer, MANIFESTS_READ_MOST, OpenFiles, SegmentFile, check_length, is_segment_like,
    lock_segment, read_footer, replaced_again_and_again,
};
use crate::format::{
    LogIdentity, LogPosition, MANIFEST_FILE, Manifest, SEGMENT_HEADER_BYTES, SegmentId, SegmentInfo,
};
use crate::options::LogOptions;
use crate::read::{LogReader, LogView};
use crate::scan::{SealedFrames, check_position, check_position_of_active, not_listed};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{DirName, EntryKind, FileLock, Fs, OpenMode};
use strandline_core::{Epoch, Sequence};

/// A log before its frames are read: what the manifest lists is there.
///
/// [`scan`](Self::scan) reads the frames and gives what can be written to.
#[derive(Debug)]
pub struct UncheckedLog {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) dir: PathBuf,
    pub(crate) options: LogOptions,
    pub(crate) manifest: Manifest,
    pub(crate) files: Vec<SegmentFile>,
    pub(crate) open_files: Arc<OpenFiles>,
    /// What creating the log moved aside.
    pub(crate) set_aside: Vec<String>,
    /// Up to where the frames of the active segment are known durable, if the manifest or
    /// [`note_durable`](Self::note_durable) says so.
    pub(crate) durable: Option<LogPosition>,
    /// The lock of the active segment, once it was taken.
    pub(crate) lock: Option<Box<dyn FileLock>>,
}

impl UncheckedLog {
    /// Reads the manifest in `dir`, and the headers of the
    /// [newest](LogOptions::newest_opened) segments; `None` if there is no log. Changes nothing.
    ///
    /// Of the other segments, whose files are there, length, header and last frame are checked before each
    /// is used first. Whatever uses one then may return
    /// [`LogError::Corrupt`] or [`LogError::VersionUnsupported`] if it is another file,
    /// [`LogError::SegmentMissing`] if it was removed, and [`LogError::OtherCourse`] if another
    /// process has replaced it, and the manifest, since: then the log is to be opened again.
    ///
    /// O(segments) for the manifest and one listing of the directory, and a few files.
    ///
    /// # Errors
    ///
    /// [`LogError`] if the manifest is damaged or of a later format, a segment that it lists is missing,
    /// or one that is opened is damaged, too short, or of a later format.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: LogOptions,
    ) -> Result<Option<Self>, LogError> {
        options.check()?;
        let open_files = OpenFiles::new(
            fs.clone(),
            dir,
            options.open_files_max,
            options.maps_reads(),
        );
        let mut manifest = match Manifest::read(&*fs, dir)? {
            Some(manifest) => manifest,
            None => match (
                refuse_frames_without_manifest(&*fs, dir),
                Manifest::read(&*fs, dir)?,
            ) {
                // Another process has made the log meanwhile.
                (_, Some(manifest)) => manifest,
                (refused, None) => return refused.map(|()| None),
            },
        };
        // Another process may replace the manifest, and remove files that only the one before it
        // lists, before they are opened here.
        for _ in 0..MANIFESTS_READ_MOST {
            let opened = open_listed(&*fs, dir, &manifest, &open_files, options.newest_opened);
            let newest = match opened {
                Ok(_) => None,
                Err(_) => Manifest::read(&*fs, dir)?,
            };
            match newest {
                // A copy that is brought up to date may have another file and the same number.
                Some(newest) if newest != manifest => manifest = newest,
                _ => {
                    return Ok(Some(Self {
                        files: opened?,
                        open_files,
                        fs,
                        dir: dir.to_path_buf(),
                        options,
                        durable: manifest.synced,
                        manifest,
                        set_aside: Vec::new(),
                        lock: None,
                    }));
                }
            }
        }
        Err(replaced_again_and_again())
    }

    /// The log's identity.
    #[must_use]
    pub const fn identity(&self) -> &LogIdentity {
        &self.manifest.identity
    }

    /// What the manifest says; see [`Manifest::epoch`].
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.manifest.epoch()
    }

    /// The segments, oldest first; the last one is active, the others are sealed.
    #[must_use]
    pub fn segments(&self) -> &[SegmentInfo] {
        &self.manifest.segments
    }

    /// What the manifest says; see [`Manifest::unrecorded_before`].
    #[must_use]
    pub const fn unrecorded_before(&self) -> Option<Sequence> {
        self.manifest.unrecorded_before()
    }

    /// The footer of a sealed segment; `None` if it has none, is active or is not in the log. Only
    /// its trailer is read, where it can be mapped.
    ///
    /// # Errors
    ///
    /// [`LogError::FooterDamaged`] if its trailer is not what was written: its frames say the same.
    /// [`LogError::Io`].
    pub fn footer(&self, segment: SegmentId) -> Result<Option<Footer>, LogError> {
        // Beside a process that writes, the segment may get a new file with another footer at any moment:
        // what is read has one checksum, what is mapped should be of one file.
        let mapped = self.options.maps_reads() && !self.options.beside_writer;
        match self.find(segment) {
            Some((SegmentInfo { end: Some(end), .. }, file)) => read_footer(file, *end, mapped),
            _ => Ok(None),
        }
    }

    /// The frames of a sealed segment, to be read now or later; `None` if it is active or is not in
    /// the log.
    #[must_use]
    pub fn sealed_frames(&self, segment: SegmentId) -> Option<SealedFrames> {
        let (info, file) = self.find(segment)?;
        SealedFrames::new(*info, file.clone())
    }

    /// The segments as the manifest lists them, to be read before the log is open. Of the active one no frame is
    /// seen. O(segments).
    #[must_use]
    pub fn view(&self) -> LogView {
        let (infos, files) = (self.manifest.segments.clone(), self.files.clone());
        LogReader::new(infos, files, self.open_files.clone(), None).view()
    }

    /// Checks that the log has a frame that ends at `position`, with the sequence and the log hash
    /// that it says, or that a segment begins so. Of a segment that was rewritten, or merged into the one
    /// before it, the sequence alone is compared.
    ///
    /// # Errors
    ///
    /// [`LogError::LogBehind`] if not: the log is shorter than it was, or another one.
    pub fn check_position(&self, position: &LogPosition) -> Result<(), LogError> {
        let holder = self.manifest.holder(position.segment);
        match holder.and_then(|holder| self.find(holder.id())) {
            Some((info, file)) if info.is_sealed() => check_position(file, info, position),
            Some((info, file)) => check_position_of_active(file, info, position),
            None => Err(not_listed(position, Sequence::ZERO)),
        }
    }

    /// Notes that the log is known durable up to `position`, a checkpoint's for example.
    ///
    /// A position says more than its sequence: notes have none, so one that is the last of the log is
    /// proven by this alone, and a scan from before it calls damage to it no torn tail.
    ///
    /// # Errors
    ///
    /// As [`check_position`](Self::check_position).
    pub fn note_durable(&mut self, position: &LogPosition) -> Result<(), LogError> {
        self.check_position(position)?;
        let is_of_active = self
            .manifest
            .segments
            .last()
            .is_some_and(|last| last.id() == position.segment);
        let known = self.durable.map_or(0, |durable| durable.offset);
        if is_of_active && position.offset > known {
            self.durable = Some(*position);
        }
        Ok(())
    }

    /// Locks the active segment, until the log or the writer that is made of it is dropped. Before
    /// anything is changed that is done by itself; earlier, a second writer is refused earlier.
    ///
    /// # Errors
    ///
    /// [`LogError::BeingWritten`] if a writer has it, in this process or another; [`LogError::Io`].
    pub fn lock(&mut self) -> Result<(), LogError> {
        let (_, file) = self.active()?;
        if self.lock.is_none() {
            self.lock = Some(lock_segment(&*self.fs, &file.path)?);
        }
        Ok(())
    }

    /// The active segment.
    pub(crate) fn active(&self) -> Result<(&SegmentInfo, &SegmentFile), LogError> {
        let last = self.manifest.segments.last().zip(self.files.last());
        last.ok_or_else(|| LogError::corrupt(MANIFEST_FILE, 0, "it lists no segment"))
    }

    pub(crate) fn find(&self, segment: SegmentId) -> Option<(&SegmentInfo, &SegmentFile)> {
        let at = self.manifest.find(segment)?;
        Some((self.manifest.segments.get(at)?, self.files.get(at)?))
    }
}

/// The files of a manifest's segments, which are there. Opens the newest ones and checks their headers and
/// lengths, and those that a listing does not show to be there.
fn open_listed(
    fs: &dyn Fs,
    dir: &Path,
    manifest: &Manifest,
    open_files: &Arc<OpenFiles>,
    newest: usize,
) -> Result<Vec<SegmentFile>, LogError> {
    // And the active one.
    let listed_only = manifest
        .segments
        .len()
        .saturating_sub(newest)
        .saturating_sub(1);
    let mut listing = match listed_only {
        0 => Vec::new(),
        _ => fs.list_names(dir).at("list", dir)?,
    }
    .into_iter()
    .peekable();
    let mut files = Vec::with_capacity(manifest.segments.len());
    for (at, info) in manifest.segments.iter().enumerate() {
        let Some(end) = info.end else {
            files.push(SegmentFile::open(fs, dir, &info.header, OpenMode::Read)?);
            continue;
        };
        if at < listed_only {
            let name = info.file_name();
            // Both ascend: numbers have ten digits.
            while listing.next_if(|entry| entry.name < name).is_some() {}
            let is_there = |entry: &DirName| entry.name == name && entry.kind == EntryKind::File;
            if listing.next_if(is_there).is_some() {
                files.push(open_files.unopened(&info.header, end));
                continue;
            }
            // Opening it says what is wrong, unless its name was on the move.
        }
        let file = SegmentFile::open(fs, dir, &info.header, OpenMode::Read)?;
        check_length(&file, &end)?;
        files.push(open_files.sealed(&file, &info.header, end));
    }
    Ok(files)
}

/// Without a manifest no segment may hold frames: they would be events that nobody lists.
pub(super) fn refuse_frames_without_manifest(fs: &dyn Fs, dir: &Path) -> Result<(), LogError> {
    let entries = match fs.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.at("list", dir)?,
    };
    for entry in entries {
        if !is_segment_like(&entry.name) || entry.kind != EntryKind::File {
            continue;
        }
        if entry.bytes > u64::from(SEGMENT_HEADER_BYTES) {
            return Err(LogError::ManifestMissing { file: entry.name });
        }
    }
    Ok(())
}
