//! Recovery: reading the frames, deciding what a bad one means, and repairing the tail.
//!
//! A bad frame in a sealed segment is corruption. In the last one it is a torn tail if nothing
//! proves that the log was durable past it, and corruption otherwise. Proof is the
//! `durable_through` of any valid frame header, before it or after it, what the caller knows, and
//! the end of the segments before. What stands after a bad frame is proof at most, never data.

use crate::beside::{Look, Since, readable_bytes};
use crate::error::At;
use crate::file::SegmentFile;
use crate::format::COMMIT_BYTES_MAX;
use crate::frame::Frame;
use crate::log::{UncheckedLog, is_own_temporary, visit_all};
use crate::next::is_unused;
use crate::quarantine::{is_segment_like, keep, set_aside};
use crate::scan::{FrameScanner, HeadersAfter, Step};
use crate::{LogError, LogPosition, LogReader, LogWriter, ScanError, SegmentId};
use std::collections::HashSet;
use std::fmt;
use strandline_core::Sequence;
use strandline_core::fs::{EntryKind, OpenMode};

/// How much is copied at once.
const COPY_BYTES: u64 = 1 << 20;

/// The end of the log that a crash tore: bytes after the last whole commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub segment: SegmentId,
    /// Where the torn bytes begin.
    pub offset: u32,
    /// How many there are.
    pub bytes: u64,
    /// Sequence after the last whole commit.
    pub sequence: Sequence,
    /// Whole frames that stand after the bad one and continue nothing.
    pub frames_after_gap: u64,
    /// What is wrong at the offset.
    pub reason: &'static str,
}

impl fmt::Display for TornTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ends torn at offset {}, after sequence {}: {} bytes, {} whole frames among them, \
             were never durable ({})",
            self.segment.file_name(),
            self.offset,
            self.sequence,
            self.bytes,
            self.frames_after_gap,
            self.reason
        )
    }
}

/// What opening for writing changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Repairs {
    /// Where the torn tail was copied before it was cut off.
    pub torn_tail_kept_as: Option<String>,
    /// Files that looked like segments and are not in the manifest, as they are called now.
    pub set_aside: Vec<String>,
    /// Files of next segments that were made ahead and never used, removed.
    pub removed_unused: Vec<String>,
    /// Files of segments that were rewritten, and of rewritings that were interrupted, removed.
    pub removed_superseded: Vec<String>,
    /// Temporary files of interrupted replacements, removed.
    pub removed_temporaries: Vec<String>,
    /// Bytes that were not proven durable, and were written again and synced.
    pub rewritten_bytes: u64,
}

impl Repairs {
    /// What was done, a sentence each, but for the rewriting, which is routine.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let torn = self
            .torn_tail_kept_as
            .iter()
            .map(|name| format!("the torn bytes were kept as {name} and cut off"));
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
            format!(
                "{name}, of a segment whose MANIFEST lists another rewriting of it, was removed"
            )
        });
        let all = torn.chain(aside).chain(removed).chain(unused);
        all.chain(superseded).collect()
    }
}

/// A log whose frames were read; what opening for writing would repair is known.
#[derive(Debug)]
pub struct ScannedLog {
    pub(crate) log: UncheckedLog,
    end: LogPosition,
    proven_durable: Sequence,
    torn_tail: Option<TornTail>,
    /// Where the part of the last segment begins that is not proven durable.
    unproven_from: LogPosition,
    /// Where the file changed while it was read, if that was noticed.
    changed_at: Option<u32>,
}

impl UncheckedLog {
    /// Reads every frame from `from`, or from the start, and hands it to `visit`, oldest first.
    /// Changes nothing.
    ///
    /// Another process may write meanwhile: then whole commits are read up to what was seen of it.
    ///
    /// `proven_durable` says up to which sequence the caller knows the log durable.
    ///
    /// Memory: the largest frame, or 1 MiB.
    ///
    /// # Errors
    ///
    /// [`LogError::Corrupt`] for damage that no crash explains, [`LogError::LogBehind`] if the log
    /// ends before `from` or `proven_durable` or is another log there, [`LogError::Io`], and what
    /// `visit` returns.
    pub fn scan<E>(
        self,
        from: Option<LogPosition>,
        proven_durable: Sequence,
        mut visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<ScannedLog, ScanError<E>> {
        let mut position = self.start(from)?;
        let mut proven = proven_durable;
        let mut segments = self.manifest.segments.iter().zip(&self.files).peekable();
        while let Some((info, file)) = segments.next() {
            if info.id() < position.segment {
                continue;
            }
            if position.segment != info.id() {
                position = info.start();
            }
            let Some(end) = info.end else {
                drop(segments);
                return self.scan_last(position, proven, visit);
            };
            let reached = visit_all(file, position, u64::from(end.offset), &mut visit)?;
            if reached != end {
                return Err(LogError::corrupt(
                    file.name(),
                    u64::from(reached.offset),
                    "the segment does not end as the MANIFEST says",
                )
                .into());
            }
            // A segment is synced before it is sealed.
            proven = proven.max(end.sequence);
        }
        Err(LogError::corrupt(crate::MANIFEST_FILE, 0, "no segment is active").into())
    }

    /// The position to read from, checked against the log.
    fn start(&self, from: Option<LogPosition>) -> Result<LogPosition, LogError> {
        let first = self.manifest.segments.first().map(|info| info.start());
        let Some(from) = from.or(first) else {
            return Err(LogError::corrupt(
                crate::MANIFEST_FILE,
                0,
                "it lists no segment",
            ));
        };
        self.check_position(&from).map(|()| from)
    }

    fn scan_last<E>(
        self,
        start: LogPosition,
        mut proven: Sequence,
        mut visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<ScannedLog, ScanError<E>> {
        let file = self.files.last().cloned();
        let Some(file) = file else {
            return Err(LogError::corrupt(crate::MANIFEST_FILE, 0, "it lists no segment").into());
        };
        let mut scanner = FrameScanner::new(&file, start, readable_bytes(&file)?);
        // The starts of frames, each with what proves it durable, while nothing does.
        let mut unproven: std::collections::VecDeque<(Sequence, LogPosition)> = Default::default();
        let mut look: Option<Look> = None;
        let mut changed_at = None;
        let bad = loop {
            match scanner.next()? {
                Step::Frame(frame) => {
                    proven = proven.max(frame.durable_through());
                    unproven.push_back((frame.proven_by(), frame.start()));
                    while unproven.front().is_some_and(|(by, _)| *by <= proven) {
                        unproven.pop_front();
                    }
                    visit(&frame).map_err(ScanError::Visit)?;
                    let end = u64::from(frame.end().offset);
                    if let Some(look) = look.take() {
                        changed_at = Some(look.offset);
                        // A writer may be at work for ever; what was seen of it is enough.
                        scanner.stop_at(end.max(look.after.end));
                    }
                }
                Step::End => {
                    changed_at = look.map(|look| look.offset).or(changed_at);
                    break None;
                }
                Step::Bad(reason) => {
                    let offset = scanner.position().offset;
                    let look = match &mut look {
                        Some(look) => look,
                        None => {
                            let after = scanner.headers_after()?;
                            proven = proven.max(after.durable_through);
                            look.insert(Look::new(offset, after, &self.options))
                        }
                    };
                    if !look.again() {
                        break Some((reason, look.after));
                    }
                    scanner.look_again(readable_bytes(&file)?);
                }
            }
        };
        let end = scanner.position();
        let torn_tail = match bad {
            None => None,
            Some((reason, after)) => self.judge(&file, end, proven, reason, after)?,
        };
        if end.sequence < proven {
            return Err(LogError::LogBehind {
                file: file.name(),
                expected_sequence: proven.get(),
                found_sequence: end.sequence.get(),
                reason: "commits that were durable are not there",
            }
            .into());
        }
        let unproven_from = unproven.front().map_or(end, |(_, start)| *start);
        Ok(ScannedLog {
            log: self,
            end,
            proven_durable: proven,
            torn_tail,
            unproven_from,
            changed_at,
        })
    }

    /// What the bad frame at `end` means, after it was looked at again: a torn tail, nothing if the
    /// segment was sealed there meanwhile, or corruption.
    fn judge(
        &self,
        file: &SegmentFile,
        end: LogPosition,
        proven: Sequence,
        reason: &'static str,
        after: HeadersAfter,
    ) -> Result<Option<TornTail>, LogError> {
        let offset = u64::from(end.offset);
        let corrupt = || LogError::corrupt(file.name(), offset, reason);
        if end.sequence < proven {
            return Err(corrupt());
        }
        match self.since(&end)? {
            Since::SealedLater => Err(corrupt()),
            Since::SealedHere => Ok(None),
            Since::Active => Ok(Some(TornTail {
                segment: file.id,
                offset: end.offset,
                bytes: readable_bytes(file)?.saturating_sub(offset),
                sequence: end.sequence,
                frames_after_gap: after.frames,
                reason,
            })),
        }
    }
}

impl ScannedLog {
    /// Where the log ends: after its last whole commit.
    #[must_use]
    pub const fn end(&self) -> LogPosition {
        self.end
    }

    /// Sequences below this one are proven durable by what was read.
    #[must_use]
    pub const fn proven_durable(&self) -> Sequence {
        self.proven_durable
    }

    /// The torn tail, if there is one.
    #[must_use]
    pub const fn torn_tail(&self) -> Option<&TornTail> {
        self.torn_tail.as_ref()
    }

    /// A reader of the whole commits. Changes nothing.
    #[must_use]
    pub fn into_reader(self) -> LogReader {
        if let Some(last) = self.log.files.last() {
            last.set_written_end(self.end.offset);
        }
        // What is written after this is not seen, so nothing is mapped ahead.
        let mapped_bytes = self.log.options.mapped_bytes().map(|_| 0);
        LogReader::new(
            self.log.manifest.segments,
            self.log.files,
            self.log.open_files,
            mapped_bytes,
        )
    }

    /// Repairs the end of the log, and gives its writer and a reader.
    ///
    /// The torn tail is copied to `quarantine/` and cut off; segments that the manifest does not
    /// list are moved there, or removed if they were made ahead and never used, or are generations of a
    /// segment that do not count; what is not proven durable is written again in place. All of it is
    /// synced before this returns, so the whole log is durable then. Safe to repeat after a crash.
    ///
    /// What is not proven durable is read from the disk once more, past the cache.
    ///
    /// # Errors
    ///
    /// [`LogError::Io`]. [`LogError::Changed`] if somebody else wrote while the log was read, or if
    /// the cache held what the disk has not: reading the log again then gives what the disk has.
    pub fn into_writer(mut self) -> Result<(LogWriter, LogReader, Repairs), LogError> {
        let mut repairs = Repairs {
            set_aside: std::mem::take(&mut self.log.set_aside),
            ..Repairs::default()
        };
        if let (Some(file), Some(offset)) = (self.log.files.last(), self.changed_at) {
            return Err(LogError::Changed {
                file: file.name(),
                offset,
            });
        }
        let Some(info) = self.log.manifest.segments.last().copied() else {
            return Err(LogError::corrupt(
                crate::MANIFEST_FILE,
                0,
                "it lists no segment",
            ));
        };
        let (fs, dir) = (self.log.fs.clone(), self.log.dir.clone());
        let fixed = OpenMode::Append {
            end: self.unproven_from.offset.into(),
        };
        let file = SegmentFile::open(&*fs, &dir, &info.header, fixed)?;
        // Before anything is changed: it may have to be read again.
        expect_on_disk(&file, self.unproven_from, self.end)?;
        self.clean_directory(&mut repairs)?;
        if let Some(torn) = &self.torn_tail {
            let stem = format!("{}-{:010}.torn", file.name(), torn.offset);
            let from = u64::from(torn.offset);
            let kept = keep(&*fs, &dir, &stem, |at| {
                let left = torn.bytes.saturating_sub(at).min(COPY_BYTES);
                let mut bytes = vec![0; usize::try_from(left).unwrap_or(0)];
                file.read(&mut bytes, from + at)?;
                Ok(bytes)
            })?;
            repairs.torn_tail_kept_as = Some(kept);
        }
        let end = u64::from(self.end.offset);
        if file.len()? != end {
            file.file.set_len(end).at("truncate", &file.path)?;
        }
        repairs.rewritten_bytes = rewrite(&file, u64::from(self.unproven_from.offset), end)?;
        file.file.sync().at("sync", &file.path)?;
        fs.sync_dir(&dir).at("sync", &dir)?;
        file.set_written_end(self.end.offset);
        if let Some(last) = self.log.files.last_mut() {
            *last = file.clone();
        }
        let mapped_bytes = self.log.options.mapped_bytes();
        let infos = self.log.manifest.segments.clone();
        let reader = LogReader::new(infos, self.log.files, self.log.open_files, mapped_bytes);
        let writer = LogWriter::new(
            fs,
            dir,
            self.log.options,
            self.log.manifest,
            file,
            self.end,
            reader.clone(),
        );
        Ok((writer, reader, repairs))
    }

    fn clean_directory(&self, repairs: &mut Repairs) -> Result<(), LogError> {
        let (fs, dir) = (&*self.log.fs, &self.log.dir);
        let listed: HashSet<_> = self
            .log
            .manifest
            .segments
            .iter()
            .map(|s| s.file_name())
            .collect();
        let last = self.log.manifest.segments.last();
        let next = last.and_then(|last| last.id().next());
        for entry in fs.list(dir).at("list", dir)? {
            if entry.kind != EntryKind::File {
                continue;
            }
            if is_own_temporary(&entry.name) {
                let path = dir.join(&entry.name);
                fs.remove_file(&path).at("remove", &path)?;
                repairs.removed_temporaries.push(entry.name);
            } else if is_segment_like(&entry.name) && !listed.contains(&entry.name) {
                let path = dir.join(&entry.name);
                let is_next = next.is_some_and(|id| id.file_name() == entry.name);
                let parsed = SegmentId::parse_file_name(&entry.name);
                let own = parsed.and_then(|(id, _)| self.log.find(id));
                let is_superseded = own.is_some_and(|(info, _)| info.is_sealed());
                if is_next && is_unused(fs, &path, self.log.identity())? {
                    fs.remove_file(&path).at("remove", &path)?;
                    repairs.removed_unused.push(entry.name);
                } else if is_superseded {
                    fs.remove_file(&path).at("remove", &path)?;
                    repairs.removed_superseded.push(entry.name);
                } else {
                    repairs.set_aside.push(set_aside(fs, dir, &entry.name)?);
                }
            }
        }
        Ok(())
    }
}

/// Checks that the disk has the frames from `from` to `end`, and not the cache alone: after a failed
/// sync the cache goes on showing what never arrived, and ext4 takes it for synced even when it is
/// written again.
fn expect_on_disk(file: &SegmentFile, from: LogPosition, end: LogPosition) -> Result<(), LogError> {
    if from == end {
        return Ok(());
    }
    file.file.sync().at("sync", &file.path)?;
    let dropped = file.file.drop_cached(u64::from(from.offset));
    dropped.at("drop what is cached of", &file.path)?;
    let mut scanner = FrameScanner::new(file, from, u64::from(end.offset));
    while let Step::Frame(_) = scanner.next()? {}
    if scanner.position() == end {
        return Ok(());
    }
    Err(LogError::Changed {
        file: file.name(),
        offset: scanner.position().offset,
    })
}

/// Writes the bytes from `from` to `end` again as they are, so that a sync after it covers them
/// whatever an earlier, failed sync left in the cache, where that could not be dropped.
fn rewrite(file: &SegmentFile, from: u64, end: u64) -> Result<u64, LogError> {
    let mut offset = from;
    while offset < end {
        let count = (end - offset).min(COPY_BYTES.min(u64::from(COMMIT_BYTES_MAX)));
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
        file.read(&mut bytes, offset)?;
        if bytes.is_empty() {
            break;
        }
        file.file
            .write_all_at(&bytes, offset)
            .at("write", &file.path)?;
        offset += bytes.len() as u64;
    }
    Ok(offset - from)
}
