//! Opening to write: going on in the last segment, or carrying its end into a new file.
//!
//! What is not proven durable may be in the system's cache and not on the disk, and neither dropping
//! the cache (pages that somebody has mapped stay) nor writing the same blocks again (ext4 has them
//! marked) brings it there. So it goes into new blocks of a new file, which is synced and listed in
//! the manifest before anything of it is shown, and nothing is written to the old file any more.
//!
//! - Where little of the segment is proven durable, all of it is carried, into a file of the next
//!   generation. Offsets stay, so every position in the log stays what it was.
//! - Where much is, that stays where it is: the segment is sealed there, and the next one begins with
//!   the frames after it. Whoever gives the records their meaning gives them new bodies then, as a
//!   segment is to be readable without the one before.

use super::log::UncheckedLog;
use super::quarantine::keep;
use super::recover::ScannedLog;
use super::repairs::Repairs;
use crate::error::{At, LogError, ScanError};
use crate::files::{SegmentFile, lock_segment, remove, temporary};
use crate::format::{
    FrameRecord, LogPosition, MANIFEST_FILE, Manifest, SegmentHeader, SegmentInfo,
};
use crate::options::{LogOptions, SEGMENT_BYTES_MOST};
use crate::read::LogReader;
use crate::scan::{FrameScanner, Step};
use crate::write::{LogWriter, Target};
use std::path::PathBuf;
use strandline_core::Random;
use strandline_core::fs::OpenMode;

/// How much of a torn tail is copied at once.
const COPY_BYTES: u64 = 1 << 20;

/// A segment is carried as a whole if no more of it is proven durable than this, or than this part of
/// a full one: little to copy, and enough that segments do not become many and short where processes
/// are killed again and again.
const WHOLE_BYTES_MOST: u64 = 8 << 20;
const WHOLES_OF_A_SEGMENT: u64 = 8;

/// What the bodies of records become in the segment that they are carried into.
pub trait CarriedBodies {
    /// What can be wrong with a body.
    type Error;

    /// Is told of each record of the segment that stays where it is, oldest first.
    ///
    /// # Errors
    ///
    /// What is wrong with it, which ends the opening.
    fn stays(&mut self, record: &FrameRecord<'_>) -> Result<(), Self::Error>;

    /// Appends to `out` the body that a record has in the next segment, oldest first, after all that
    /// stay.
    ///
    /// # Errors
    ///
    /// What is wrong with it, which ends the opening.
    fn carried(&mut self, record: &FrameRecord<'_>, out: &mut Vec<u8>) -> Result<(), Self::Error>;
}

impl UncheckedLog {
    /// Whether the end of the log is going to be carried into another segment when it is opened to be
    /// written to, as far as can be told before it is read: it is longer than at `durable`, up to which
    /// it was durable once, and much is before that.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`].
    pub fn is_long_and_unproven(&self, durable: &LogPosition) -> Result<bool, LogError> {
        let (Some(info), Some(file)) = (self.manifest.segments.last(), self.files.last()) else {
            return Ok(false);
        };
        if info.id() != durable.segment || !self.options.is_long(durable.offset) {
            return Ok(false);
        }
        let known = self.durable.map_or(0, |known| known.offset);
        Ok(file.len()? > u64::from(durable.offset.max(known)))
    }
}

impl LogOptions {
    /// Whether a segment that is proven durable up to an offset is not carried as a whole.
    fn is_long(&self, proven: u32) -> bool {
        let limit = self.segment_bytes() / WHOLES_OF_A_SEGMENT;
        u64::from(proven) > WHOLE_BYTES_MOST.min(limit)
    }
}

impl ScannedLog {
    /// Whether so much of the last segment is proven durable, and the rest of it is to be carried over,
    /// that [`carry_tail`](Self::carry_tail) copies less than [`into_writer`](Self::into_writer).
    ///
    /// # Errors
    ///
    /// [`LogError::Io`].
    pub fn has_long_proven_part(&self) -> Result<bool, LogError> {
        let is_long = self.log.options.is_long(self.unproven_from.offset);
        Ok(is_long && !self.continues_in_place()?)
    }

    /// Repairs the end of the log, and gives its writer and a reader.
    ///
    /// If everything in the last segment is proven durable and nothing stands after it, the log goes on
    /// there. Otherwise the whole segment is copied into a file of its next generation, with the same
    /// records at the same offsets, and the log goes on in that; the file before is removed. A torn tail
    /// is copied to `quarantine/` first. Segments that the manifest does not list are moved there, or
    /// removed if they were made ahead and never used, or hold what another file holds.
    ///
    /// A log that is a copy begins a new epoch.
    ///
    /// All of it is synced before this returns, so the whole log is durable then. Safe to repeat after a
    /// crash.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`]. [`LogError::Changed`] if the file was not the same when it was read again:
    /// somebody else writes, or what an earlier sync failed to write has left the system's cache
    /// meanwhile; reading the log again then gives what there is.
    pub fn into_writer(
        mut self,
        random: &Random,
    ) -> Result<(LogWriter, LogReader, Repairs), LogError> {
        self.begin_repairs()?;
        let file = match self.continues_in_place()? {
            true => self.go_on_in_place()?,
            false => self.carry_whole(random)?,
        };
        file.set_written_end(self.end.offset);
        if let Some(last) = self.log.files.last_mut() {
            *last = file.clone();
        }
        if self.log.manifest.is_copy {
            let manifest = self.log.manifest.in_new_epoch(random);
            manifest.replace(&*self.log.fs, &self.log.dir)?;
            self.log.manifest = manifest;
        }
        let mapped_bytes = self.log.options.mapped_bytes();
        let infos = self.log.manifest.segments.clone();
        let reader = LogReader::new(infos, self.log.files, self.log.open_files, mapped_bytes);
        let mut writer = LogWriter::new(
            self.log.fs,
            self.log.dir,
            self.log.options,
            self.log.manifest,
            file,
            self.end,
            reader.clone(),
        );
        writer.lock = self.log.lock;
        Ok((writer, reader, self.repairs))
    }

    /// Seals the last segment where it stops being proven durable, and begins the next one with the
    /// frames after that, whose bodies are what `bodies` makes of them. The log is to be opened again
    /// then, and everything in it is proven durable. `None` if the new bodies are too long for a commit
    /// or segment: [`into_writer`](Self::into_writer) carries them as they are.
    ///
    /// `bodies` is told of the records that stay from `known` on, which is the position that the log was
    /// scanned from, or of all of them.
    ///
    /// # Errors
    ///
    /// As [`into_writer`](Self::into_writer), and what `bodies` returns; nothing was carried then, and the
    /// call may be repeated.
    pub fn carry_tail<B: CarriedBodies>(
        &mut self,
        known: Option<LogPosition>,
        random: &Random,
        bodies: &mut B,
    ) -> Result<Option<Repairs>, ScanError<B::Error>> {
        self.begin_repairs()?;
        let first = known.unwrap_or(self.log.active()?.0.start());
        let old = self.log.active()?.1.clone();
        let start = self.unproven_from;
        let mut new = self.begin_next(&start, random)?;
        let mut scanner = FrameScanner::new(&old, first, u64::from(self.end.offset));
        while let Step::Frame(frame) = scanner.next()? {
            if frame.end().offset <= start.offset {
                for record in frame.records() {
                    bodies.stays(&record).map_err(ScanError::Visit)?;
                }
                continue;
            }
            let mut body =
                |record: &FrameRecord<'_>, out: &mut Vec<u8>| bodies.carried(record, out);
            match new.target.frame(&frame, &mut body) {
                Err(ScanError::Log(LogError::RewrittenTooLong { .. })) => return Ok(None),
                written => written?,
            }
        }
        if scanner.position() != self.end {
            return Err(self.changed(scanner.position()).into());
        }
        let end = new.target.end();
        let mut manifest = self.log.manifest.next();
        if let Some(last) = manifest.segments.last_mut() {
            last.end = Some(start);
        }
        let header = new.header;
        manifest.segments.push(SegmentInfo { header, end: None });
        manifest.synced = (end.last_frame > 0).then_some(end);
        self.switch(new, manifest)?;
        Ok(Some(std::mem::take(&mut self.repairs)))
    }

    /// Whether the log can go on in its last segment: everything in the file is proven durable, nothing
    /// stands after it that a failed sync could have touched, and nobody has it under another name.
    fn continues_in_place(&self) -> Result<bool, LogError> {
        if self.unproven_from != self.end || self.torn_tail.is_some() {
            return Ok(false);
        }
        let file = self.log.active()?.1;
        let has_one_name = file.file.links().at("look at", &file.path)? == 1;
        Ok(has_one_name && file.len()? == u64::from(self.end.offset))
    }

    /// What is done to the directory however the log goes on.
    fn begin_repairs(&mut self) -> Result<(), LogError> {
        if let Some(offset) = self.changed_at {
            let file = self.log.active()?.1.name();
            return Err(LogError::Changed { file, offset });
        }
        self.log.lock()?;
        let created = std::mem::take(&mut self.log.set_aside);
        self.repairs.set_aside.extend(created);
        self.log.clean_directory(&self.end, &mut self.repairs)
    }

    fn go_on_in_place(&mut self) -> Result<SegmentFile, LogError> {
        let (fs, dir) = (&*self.log.fs, &self.log.dir);
        let header = self.log.active()?.0.header;
        let fixed = OpenMode::Append {
            end: self.end.offset.into(),
        };
        let file = SegmentFile::open(fs, dir, &header, fixed)?;
        file.file.sync().at("sync", &file.path)?;
        fs.sync_dir(dir).at("sync", dir)?;
        Ok(file)
    }

    /// Copies the last segment into a file of its next generation, and lists that.
    fn carry_whole(&mut self, random: &Random) -> Result<SegmentFile, LogError> {
        let before = self.log.active()?.0.header;
        let header = before.next_generation(random)?;
        let old = self.log.active()?.1.clone();
        let mut new = self.create(header, SEGMENT_BYTES_MOST)?;
        let mut scanner = FrameScanner::new(&old, before.start(), u64::from(self.end.offset));
        while let Step::Frame(frame) = scanner.next()? {
            new.target.same_frame(&frame, old.salt)?;
        }
        if scanner.position() != self.end {
            return Err(self.changed(scanner.position()));
        }
        let mut manifest = self.log.manifest.next();
        if let Some(last) = manifest.segments.last_mut() {
            last.header = header;
        }
        // A segment without frames has no position, and needs none.
        manifest.synced = (self.end.last_frame > 0).then_some(self.end);
        let file = self.switch(new, manifest)?;
        let (fs, dir) = (&*self.log.fs, &self.log.dir);
        // The old file is locked no more when it goes.
        self.log.lock = Some(lock_segment(fs, &file.path)?);
        remove(fs, &old.path)?;
        // Before anything is appended: without a manifest the older file might be taken for the log.
        fs.sync_dir(dir).at("sync", dir)?;
        self.repairs.carried_from = Some(old.name());
        Ok(file)
    }

    /// Makes the file of the segment that begins at `start`, after the last one.
    fn begin_next(&self, start: &LogPosition, random: &Random) -> Result<NewFile, LogError> {
        let id = self.log.active()?.0.id().next();
        let id = id.ok_or(LogError::SegmentsExhausted)?;
        let header = SegmentHeader::after(self.log.manifest.identity, id, start, random);
        self.create(header, self.log.options.segment_bytes())
    }

    fn create(&self, header: SegmentHeader, limit: u64) -> Result<NewFile, LogError> {
        let fs = self.log.fs.clone();
        let path = self.log.dir.join(header.file_name());
        let temporary = temporary(&path);
        let file = fs.open(&temporary, OpenMode::Create);
        let file = file.at("create", &temporary)?;
        let file = SegmentFile::new(&header, path, file);
        Ok(NewFile {
            is_listed: false,
            written_as: temporary,
            target: Target::new(&header, file, limit),
            header,
            fs,
        })
    }

    /// Makes the new file durable under its name, and then the manifest that lists it.
    fn switch(&mut self, mut new: NewFile, manifest: Manifest) -> Result<SegmentFile, LogError> {
        new.target.finish()?;
        self.keep_torn_tail()?;
        let (fs, dir) = (&*self.log.fs, &self.log.dir);
        let file = new.target.file.clone();
        fs.rename(&new.written_as, &file.path)
            .at("rename", &new.written_as)?;
        new.written_as = file.path.to_path_buf();
        fs.sync_dir(dir).at("sync", dir)?;
        let path = dir.join(MANIFEST_FILE);
        let staged = manifest.stage(fs, &path)?;
        // From here on the next opening may find either manifest.
        new.is_listed = true;
        staged.publish(fs).at("replace", &path)?;
        self.log.manifest = manifest;
        self.repairs.carried_to = Some(file.name());
        let unproven = self.end.offset.saturating_sub(self.unproven_from.offset);
        self.repairs.rewritten_bytes = u64::from(unproven);
        Ok(file)
    }

    fn keep_torn_tail(&mut self) -> Result<(), LogError> {
        let Some(torn) = &self.torn_tail else {
            return Ok(());
        };
        let file = self.log.active()?.1;
        let stem = format!("{}-{:010}.torn", file.name(), torn.offset);
        let from = u64::from(torn.offset);
        let kept = keep(&*self.log.fs, &self.log.dir, &stem, |at| {
            let left = torn.bytes.saturating_sub(at).min(COPY_BYTES);
            let mut bytes = vec![0; usize::try_from(left).unwrap_or(0)];
            file.read(&mut bytes, from + at)?;
            Ok(bytes)
        })?;
        self.repairs.torn_tail_kept_as = Some(kept);
        Ok(())
    }

    fn changed(&self, at: LogPosition) -> LogError {
        let file = at.segment.file_name();
        let offset = at.offset;
        LogError::Changed { file, offset }
    }
}

/// A file that is being written and is not part of the log yet. Removed when this is dropped, unless
/// the manifest may list it.
struct NewFile {
    fs: std::sync::Arc<dyn strandline_core::fs::Fs>,
    header: SegmentHeader,
    target: Target,
    /// What the file is called now.
    written_as: PathBuf,
    is_listed: bool,
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_listed {
            // The next opening removes it otherwise.
            let _ = self.fs.remove_file(&self.written_as);
        }
    }
}
