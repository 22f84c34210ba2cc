//! `UncheckedLog`: a log whose manifest and headers were read and checked, and whose frames were
//! not.

use crate::error::At;
use crate::file::SegmentFile;
use crate::footer::{self, Footer};
use crate::format::{MANIFEST_FILE, QUARANTINE_DIR, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::manifest::{Manifest, SegmentInfo};
use crate::open_files::OpenFiles;
use crate::options::LogOptions;
use crate::quarantine::{is_segment_like, set_aside};
use crate::scan::{FrameScanner, Step};
use crate::sealed::SealedFrames;
use crate::{LogError, LogPosition, SegmentId};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{EntryKind, FileLock, Fs, FsFile, OpenMode};
use strandline_core::{Epoch, Random, Sequence, recorded_log_base};

/// The random identity of a log, in each of its files.
pub type LogIdentity = [u8; 16];

/// How many manifests are read in a row before opening or following gives up.
pub(crate) const MANIFESTS_READ_MOST: u32 = 100;

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
    /// Reads the manifest and the segments' headers in `dir`; `None` if there is no log. Changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`LogError`] if the manifest or a segment it lists is missing, damaged or of a later format.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: LogOptions,
    ) -> Result<Option<Self>, LogError> {
        options.check()?;
        let open_files = OpenFiles::new(fs.clone(), options.open_files_max, options.maps_reads());
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
            let opened = open_listed(&*fs, dir, &manifest, &open_files);
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

    /// Makes an empty log in `dir`, where [`open`](Self::open) found none.
    ///
    /// Makes the directory, then the first segment, then the manifest, each durable before the
    /// next. A segment without frames that an interrupted call left is moved to `quarantine/`.
    ///
    /// # Errors
    ///
    /// [`LogError`] if a file cannot be made, or an option is out of range.
    pub fn create(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: LogOptions,
        random: &Random,
    ) -> Result<Self, LogError> {
        options.check()?;
        fs.create_dir_all(dir).at("make", dir)?;
        sync_parents(&*fs, dir)?;
        refuse_frames_without_manifest(&*fs, dir)?;
        let mut set_aside_files = Vec::new();
        for entry in fs.list(dir).at("list", dir)? {
            if is_segment_like(&entry.name) && entry.kind == EntryKind::File {
                set_aside_files.push(set_aside(&*fs, dir, &entry.name)?);
            }
        }
        let identity = nonce(random);
        let header = SegmentHeader {
            identity,
            id: SegmentId::FIRST,
            generation: 0,
            nonce: nonce(random),
            first_sequence: Sequence::ZERO,
            base_log_hash: recorded_log_base(&identity),
        };
        let file = create_segment(&*fs, dir, &header)?;
        fs.sync_dir(dir).at("sync", dir)?;
        let manifest = Manifest {
            identity: header.identity,
            number: 1,
            unrecorded_before: Sequence::ZERO,
            epoch: Epoch::from_bytes(identity),
            is_copy: false,
            segments: vec![SegmentInfo { header, end: None }],
            synced: None,
        };
        manifest.replace(&*fs, dir)?;
        let path = dir.join(header.id.file_name());
        Ok(Self {
            files: vec![SegmentFile::new(&header, path, file)],
            open_files: OpenFiles::new(fs.clone(), options.open_files_max, options.maps_reads()),
            fs,
            dir: dir.to_path_buf(),
            options,
            manifest,
            set_aside: set_aside_files,
            durable: None,
            lock: None,
        })
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
            Some((SegmentInfo { end: Some(end), .. }, file)) => footer::read(file, *end, mapped),
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

    /// Checks that the log has a frame that ends at `position`, with the sequence and the log hash
    /// that it says, or that a segment begins so.
    ///
    /// # Errors
    ///
    /// [`LogError::LogBehind`] if not: the log is shorter than it was, or another one.
    pub fn check_position(&self, position: &LogPosition) -> Result<(), LogError> {
        match self.find(position.segment) {
            Some((info, file)) => check_position(file, info, position),
            None => Err(LogError::LogBehind {
                file: position.segment.file_name(),
                expected_sequence: position.sequence.get(),
                found_sequence: 0,
                reason: "the MANIFEST does not list the segment",
            }),
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

    pub(crate) fn find(&self, segment: SegmentId) -> Option<(&SegmentInfo, &SegmentFile)> {
        let all = &self.manifest.segments;
        let at = all.binary_search_by_key(&segment, SegmentInfo::id).ok()?;
        Some((all.get(at)?, self.files.get(at)?))
    }
}

/// After [`MANIFESTS_READ_MOST`].
pub(crate) fn replaced_again_and_again() -> LogError {
    LogError::corrupt(
        MANIFEST_FILE,
        0,
        "it is replaced again and again, each time with segments that are not there",
    )
}

/// Opens the segments of a manifest, and checks that they are as long as it says.
fn open_listed(
    fs: &dyn Fs,
    dir: &Path,
    manifest: &Manifest,
    open_files: &Arc<OpenFiles>,
) -> Result<Vec<SegmentFile>, LogError> {
    let mut files = Vec::new();
    for info in &manifest.segments {
        let file = SegmentFile::open(fs, dir, &info.header, OpenMode::Read)?;
        let needed = info.end.map_or(0, |end| u64::from(end.offset));
        let found = file.len()?;
        if found < needed {
            return Err(LogError::corrupt(
                file.name(),
                found,
                format!("the file ends here, its frames end at {needed}"),
            ));
        }
        files.push(match info.end {
            Some(end) => open_files.sealed(&file, &info.header, end),
            None => file,
        });
    }
    Ok(files)
}

/// Makes the directory's own entry durable, and those of its parents, which may be as new: an
/// earlier call may have been killed after it made them.
pub(crate) fn sync_parents(fs: &dyn Fs, dir: &Path) -> Result<(), LogError> {
    for parent in dir.ancestors().skip(1) {
        let parent = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        match fs.sync_dir(parent) {
            // Who may not open a directory has not made anything in it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
            synced => synced.at("sync", parent)?,
        }
    }
    Ok(())
}

/// 16 random bytes.
pub(crate) fn nonce(random: &Random) -> [u8; 16] {
    random.nonce().0
}

/// Makes and syncs the file of a segment without frames.
pub(crate) fn create_segment(
    fs: &dyn Fs,
    dir: &Path,
    header: &SegmentHeader,
) -> Result<Arc<dyn FsFile>, LogError> {
    let path = dir.join(header.id.file_name());
    let file = fs.open(&path, OpenMode::Create).at("create", &path)?;
    file.write_all_at(&header.encode(), 0).at("write", &path)?;
    file.sync().at("sync", &path)?;
    Ok(file)
}

/// Without a manifest no segment may hold frames: they would be events that nobody lists.
fn refuse_frames_without_manifest(fs: &dyn Fs, dir: &Path) -> Result<(), LogError> {
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

/// Checks that a frame ends at `position` with the sequence and log hash that it has, or that a
/// segment begins so.
pub(crate) fn check_position(
    file: &SegmentFile,
    info: &SegmentInfo,
    position: &LogPosition,
) -> Result<(), LogError> {
    let behind = |reason| behind(file, info, position, reason);
    if let Some(end) = info.end.filter(|_| info.header.rewritings() > 0) {
        // The position may be one in the segment before it was rewritten. A segment is durable as a
        // whole when it is sealed, and keeps its sequences when it is rewritten.
        return if position.sequence <= end.sequence {
            Ok(())
        } else {
            Err(behind("the segment was rewritten and ends before"))
        };
    }
    check_frame_before(file, info, position)
}

fn behind(
    file: &SegmentFile,
    info: &SegmentInfo,
    position: &LogPosition,
    reason: &'static str,
) -> LogError {
    LogError::LogBehind {
        file: file.name(),
        expected_sequence: position.sequence.get(),
        found_sequence: info.start().sequence.get(),
        reason,
    }
}

/// Checks that the frame that ends at `position` is in the file, or that its segment begins so.
pub(crate) fn check_frame_before(
    file: &SegmentFile,
    info: &SegmentInfo,
    position: &LogPosition,
) -> Result<(), LogError> {
    let behind = |reason| behind(file, info, position, reason);
    if position.last_frame == 0 {
        return if *position == info.start() {
            Ok(())
        } else {
            Err(behind("the segment begins elsewhere"))
        };
    }
    let length = position.offset.checked_sub(position.last_frame);
    let length = length.ok_or_else(|| behind("the position is malformed"))?;
    if file.len()? < u64::from(position.offset) {
        return Err(behind("the file is shorter"));
    }
    // The frame before, found by its own place; what it continues is not known here.
    let mut bytes = vec![0; crate::FRAME_HEADER_BYTES];
    file.read(&mut bytes, u64::from(position.last_frame))?;
    let header = crate::FrameHeader::decode(file.salt, position.last_frame, &bytes)
        .map_err(|_| behind("its last frame is not there"))?;
    let same = header.frame_bytes == length
        && header.log_hash == position.log_hash
        && header.end_sequence() == Some(position.sequence);
    if same {
        Ok(())
    } else {
        Err(behind("its last frame is another one"))
    }
}

/// Hands every frame of a segment from `start` up to `until` to `visit`; a bad one is corruption.
pub(crate) fn visit_all<E>(
    file: &SegmentFile,
    start: LogPosition,
    until: u64,
    mut visit: impl FnMut(&crate::Frame<'_>) -> Result<(), E>,
) -> Result<LogPosition, crate::ScanError<E>> {
    let mut scanner = FrameScanner::new(file, start, until);
    loop {
        match scanner.next()? {
            Step::Frame(frame) => visit(&frame).map_err(crate::ScanError::Visit)?,
            Step::End => return Ok(scanner.position()),
            Step::Bad(reason) => {
                return Err(scanner.corrupt(reason)?.into());
            }
        }
    }
}

/// Whether a name is that of a file which the log was replacing: its manifest, or a segment.
pub(crate) fn is_own_temporary(name: &str) -> bool {
    let replaced = name.strip_suffix(strandline_core::fs::TEMPORARY_SUFFIX);
    replaced.is_some_and(|name| name == MANIFEST_FILE || SegmentId::parse_file_name(name).is_some())
}

/// Where torn tails and stray files go.
pub(crate) fn quarantine_dir(dir: &Path) -> PathBuf {
    dir.join(QUARANTINE_DIR)
}
