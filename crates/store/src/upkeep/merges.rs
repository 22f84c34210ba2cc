//! Merging blocks of the index into files of several segments, beside appends. Which are merged is decided
//! in `merge_plan`, what a file is in [`merged`](crate::rows::merged).
//!
//! A merge holds no lock while it reads and writes. The file is whole and durable, under its name, before
//! the index uses it; files that it takes the place of are removed after that. Interrupted anywhere, it
//! leaves a temporary file or one file more than is needed, which the next opening removes.

use super::merge_plan::{self, Unit, choose};
use super::merged_summary;
use crate::engine::Shared;
use crate::engine::merge_at_work::MergeAtWork;
use crate::engine::merged_files::UsedFile;
use crate::engine::merged_runs::{OwnRuns, Run};
use crate::meter;
use crate::model::IndexFileName;
use crate::rows::heads::MergedHeads;
use crate::rows::merged::{MergedHead, MergedSegment};
use crate::rows::merged_file::{self, OpenedMerged};
use crate::rows::{newest_reading, retain_newest};
use crate::trace;
use crate::{Error, ErrorKind};
use std::collections::BTreeSet;
use std::io;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use strandline_core::fs::{FsFile, OpenMode, TEMPORARY_SUFFIX};
use strandline_core::{Hlc, Sequence};
use strandline_index::{MergeError, MergePart, MergeSink, PartInfo, merge};
use strandline_segment::{SegmentId, SegmentInfo};
use tracing::Level;

/// How much is written between two syncs, so that no sync of the log waits for much of it.
const SYNC_BYTES: u64 = 16 << 20;

/// Streams that end in a removed event, in all of the segments of a file: their names and hashes are in memory
/// while it is made, and their list has offsets of 32 bits, which names of 255 bytes do not exceed.
const HEADS_MAX: usize = 1 << 21;

/// What is asked between pieces of a merge: whether to go on.
pub(super) type Pace<'a> = &'a mut dyn FnMut() -> ControlFlow<()>;

/// Merges those parts of the index that are to be merged next, and says whether there may be more. A failure
/// costs time, is told and changes nothing; what failed is left alone for a time, as
/// [`MergeFailures`](crate::engine::merged_files::MergedFiles::failures) says.
pub(super) fn merge_next(shared: &Shared, pace: Pace<'_>) -> bool {
    if shared.check_ours().is_err() || shared.check_poison().is_err() {
        return false;
    }
    let Some(at_work) = MergeAtWork::begin(shared) else {
        // Whoever merges asks for more, and who holds merges does afterwards.
        return false;
    };
    let Some(planned) = plan(shared) else {
        return false;
    };
    at_work.set_ends(planned.ends());
    let run = shared.metrics.running(meter::Run::Merge);
    let made = make(shared, &planned, &mut || match at_work.is_cancelled() {
        true => ControlFlow::Break(()),
        false => pace(),
    });
    let merged = made.and_then(|made| match made {
        Some(made) => switch(shared, &planned, made),
        None => Ok(false),
    });
    if merged.is_ok() {
        run.done();
    } else {
        run.failed();
    }
    let mut files = shared.merged.lock();
    match merged {
        Ok(is_merged) => {
            if is_merged {
                files.failures.merged(planned.ends());
            }
            is_merged
        }
        Err(error) => {
            let (first, last) = planned.ends();
            let message = format!("segments {first} to {last} were not merged: {error}");
            files.failures.add((first, last), message.clone());
            drop(files);
            trace::tell(Level::WARN, move || {
                tracing::warn!(message, "cannot merge blocks of the index");
            });
            // A disk that is full, or fails, does so with the next one too.
            error.kind() != ErrorKind::Io
        }
    }
}

/// Whether the index has many more parts than it should: segments are sealed faster than they are merged.
/// O(parts).
pub(super) fn is_behind(shared: &Shared) -> bool {
    let segments = shared.log.view().segments();
    let parts = shared.index.parts();
    let rows = parts.iter().map(|part| u64::from(part.rows)).sum();
    merge_plan::is_behind(parts.len(), segments as u64, rows)
}

/// Segments whose blocks are merged.
struct Planned {
    infos: Vec<SegmentInfo>,
    parts: Vec<PartInfo>,
    newest: Option<Hlc>,
    /// How often segments had been rewritten.
    rewritings: u64,
}

impl Planned {
    fn ends(&self) -> (SegmentId, SegmentId) {
        let (first, last) = (self.infos.first(), self.infos.last());
        let id = |info: Option<&SegmentInfo>| info.map_or(SegmentId::FIRST, SegmentInfo::id);
        (id(first), id(last))
    }

    fn sequences(&self) -> Range<Sequence> {
        sequences(&self.infos)
    }

    /// The bytes of the blocks of which it has rows, about which the merged one has.
    fn block_bytes(&self) -> u64 {
        let blocks = self.parts.iter().filter_map(|part| part.block.as_ref());
        let bytes = blocks.map(|part| {
            let (own, all) = (part.rows.len() as u64, u64::from(part.block.rows()));
            let bytes = u128::from(part.block.bytes() as u64) * u128::from(own);
            u64::try_from(bytes / u128::from(all.max(1))).unwrap_or(u64::MAX)
        });
        bytes.fold(0, u64::saturating_add)
    }

    /// How many rows are of one of the segments.
    fn rows_of(&self, info: &SegmentInfo) -> u32 {
        let wanted = sequences(std::slice::from_ref(info));
        let blocks = self.parts.iter().filter_map(|part| part.block.as_ref());
        let rows = blocks.map(|MergePart { block, rows }| {
            let own = block.rows_within(&wanted);
            own.end
                .min(rows.end)
                .saturating_sub(own.start.max(rows.start))
        });
        rows.sum()
    }
}

fn sequences(infos: &[SegmentInfo]) -> Range<Sequence> {
    let first = infos.first().map(|info| info.start().sequence);
    let end = infos.last().and_then(SegmentInfo::end);
    let first = first.unwrap_or_default();
    first..end.map_or(first, |end| end.sequence)
}

/// What is to be merged next, if anything is. O(parts · log parts), and as said at
/// [`MergedFiles::runs`](crate::engine::merged_files::MergedFiles::runs) once segments were rewritten.
fn plan(shared: &Shared) -> Option<Planned> {
    let damaged_lists: Vec<_> = {
        let writer = shared.writer().ok()?.lock();
        writer.removed.damaged().collect()
    };
    let (view, parts) = {
        // Of the same moment: a rewriting changes both.
        let _positions = shared.positions.read();
        (shared.log.view(), shared.index.parts())
    };
    let mut files = shared.merged.lock();
    let runs = files.runs(&view);
    // What was made anew of a damaged file is in memory, in each process again: it is as good as gone.
    let is_damaged = |run: &&Run| {
        let blocks = within(&parts, &run.sequences).iter();
        let mut blocks = blocks.filter_map(|part| part.block.as_ref());
        let mut lists = damaged_lists.iter();
        lists.any(|id| (run.ids.0..=run.ids.1).contains(id))
            || blocks.any(|part| part.block.was_damaged())
    };
    let damaged = runs.iter().filter(is_damaged);
    let damaged: BTreeSet<_> = damaged.filter_map(|run| run.file).collect();
    let gone = files.used.iter().enumerate();
    let gone = gone.filter(|(at, file)| file.is_gone || damaged.contains(at));
    let gone: Vec<_> = gone.map(|(at, file)| (at, file.name)).collect();
    let failures = &files.failures;
    let unit = |run: &Run| {
        let own = within(&parts, &run.sequences);
        let lost = gone.iter().find(|(at, name)| {
            let is_within = name.first <= run.ids.0 && run.ids.1 <= name.last;
            // What another file has was merged anew since, however many of its segments there still are.
            run.file.is_none_or(|of| of == *at) && is_within
        });
        Unit {
            segments: u32::try_from(run.segments).unwrap_or(u32::MAX),
            rows: own.iter().map(|part| u64::from(part.rows)).sum(),
            is_ready: own.iter().all(is_mergeable) && !failures.hold(run.ids),
            lost: lost.map(|(at, _)| *at as u64),
        }
    };
    let units: Vec<_> = runs.iter().map(unit).collect();
    let Some(chosen) = choose(&units) else {
        files.failures.nothing_left();
        return None;
    };
    let chosen = runs.get(chosen)?;
    let ((first, _), (_, end)) = (chosen.first()?.ids, chosen.last()?.ids);
    let infos = view.infos_from(first).take_while(|info| info.id() <= end);
    let infos: Vec<_> = infos.copied().collect();
    let file = chosen.last()?.file.and_then(|at| files.used.get(at));
    Some(Planned {
        parts: within(&parts, &sequences(&infos)).to_vec(),
        infos,
        newest: file.and_then(|file| file.newest_at(end)),
        rewritings: view.rewritings(),
    })
}

/// Whether a part is a block, all of which can be read.
fn is_mergeable(part: &PartInfo) -> bool {
    let block = part.block.as_ref();
    block.is_some_and(|part| part.block.damage().is_none())
}

/// The parts with rows of these sequences.
fn within<'p>(parts: &'p [PartInfo], sequences: &Range<Sequence>) -> &'p [PartInfo] {
    let below = |bound: Sequence| parts.partition_point(|part| part.sequences.end <= bound);
    let range = below(sequences.start)..below(sequences.end);
    parts.get(range).unwrap_or_default()
}

/// A merged file that is whole, durable and has its name.
struct Made {
    name: IndexFileName,
    opened: OpenedMerged,
}

/// Writes the file; none if it was cancelled.
fn make(shared: &Shared, planned: &Planned, pace: Pace<'_>) -> Result<Option<Made>, Error> {
    let (fs, dir) = (&*shared.options.fs, &shared.dir);
    let (first, last) = planned.ends();
    let listed = fs
        .list_names(dir)
        .map_err(|error| Error::io("list", dir, error))?;
    let generations = listed.iter().filter_map(|entry| {
        let whole = entry.name.strip_suffix(TEMPORARY_SUFFIX);
        let name = IndexFileName::parse(whole.unwrap_or(&entry.name))?;
        ((name.first, name.last) == (first, last)).then_some(name.generation)
    });
    let listed = generations.max().unwrap_or(0);
    let name = IndexFileName {
        first,
        last,
        generation: shared.merged.lock().next_generation(listed),
    };
    let path = dir.join(name.to_string());
    let temporary = dir.join(format!("{name}{TEMPORARY_SUFFIX}"));
    let written = write(shared, planned, &temporary, pace);
    if !matches!(written, Ok(Some(()))) {
        // It has no meaning, and the next opening removes what is left.
        let _ = fs.remove_file(&temporary);
        return written.map(|_| None);
    }
    fs.rename(&temporary, &path)
        .map_err(|error| Error::io("rename", &temporary, error))?;
    fs.sync_dir(dir)
        .map_err(|error| Error::io("sync", dir, error))?;
    let mapped = shared.options.log.maps_reads();
    let slot = shared.merged.lock().log.clone();
    let place = (&shared.options.fs, dir.as_path());
    let opened = merged_file::open(place, name, &shared.identity, mapped, &slot)?;
    Ok(Some(Made { name, opened }))
}

/// The bytes of a merged block, in a file after what stands before it.
struct BlockSink<'f> {
    file: &'f dyn FsFile,
    start: u64,
    at: u64,
    synced: u64,
}

impl MergeSink for BlockSink<'_> {
    fn begin(&mut self, bytes: usize) -> io::Result<()> {
        self.at = self.start + bytes as u64;
        self.synced = self.at;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.at)?;
        self.at += bytes.len() as u64;
        if self.at - self.synced >= SYNC_BYTES {
            self.file.sync()?;
            self.synced = self.at;
        }
        Ok(())
    }

    fn write_header_at_start(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.start)
    }
}

/// Sets aside the room that a file will take, where the file system can. It fails if there would not be `more`
/// left, so that appends are not what a full disk fails first.
fn set_aside(file: &dyn FsFile, room: u64, more: u64) -> io::Result<()> {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    match file.allocate(room.saturating_add(more)) {
        Err(error) if matches!(error.kind(), QuotaExceeded | StorageFull) => return Err(error),
        // It is written without.
        Err(_) | Ok(()) => {}
    }
    match file.len()? > room {
        true => file.set_len(room),
        false => Ok(()),
    }
}

/// Writes a temporary file and syncs it; nothing if it was cancelled.
fn write(
    shared: &Shared,
    planned: &Planned,
    path: &Path,
    pace: Pace<'_>,
) -> Result<Option<()>, Error> {
    let (fs, dir) = (&*shared.options.fs, &shared.dir);
    let failed = |error: io::Error| Error::io("write", path, error);
    let lists = (
        &heads(shared, planned)?,
        &merged_summary::of(shared, &planned.infos)?,
    );
    let newest = match (planned.newest, planned.infos.last()) {
        (Some(newest), _) => newest,
        (None, Some(last)) => newest_reading((fs, dir), &shared.log.view(), last)?,
        (None, None) => Hlc::default(),
    };
    let segments = planned.infos.iter();
    let segments = segments.filter_map(|info| MergedSegment::of(info, planned.rows_of(info)));
    let segments: Vec<_> = segments.collect();
    let (_, begun) = MergedHead::begin(shared.identity, segments.clone(), newest, lists, 0)?;
    match fs.remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::io("remove", path, error));
        }
        _ => {}
    }
    let file = fs.open(path, OpenMode::Create).map_err(failed)?;
    let room = (begun.len() as u64).saturating_add(planned.block_bytes());
    set_aside(&*file, room, shared.options.log.segment_bytes()).map_err(failed)?;
    let mut sink = BlockSink {
        file: &*file,
        start: begun.len() as u64,
        at: 0,
        synced: 0,
    };
    let parts: Vec<MergePart> = planned
        .parts
        .iter()
        .filter_map(|part| part.block.clone())
        .collect();
    let merged = merge(&parts, shared.options.index_layout, &mut sink, &mut |_| {
        pace()
    });
    let block = match merged {
        Ok(block) => block,
        Err(MergeError::Cancelled) => return Ok(None),
        Err(MergeError::Io(error)) => return Err(failed(error)),
        Err(error) => {
            let message = "blocks cannot be merged";
            return Err(Error::new(ErrorKind::Corrupt, message).with_source(error));
        }
    };
    let bytes = usize::try_from(block.bytes).unwrap_or(usize::MAX);
    let (_, begun) = MergedHead::begin(shared.identity, segments, newest, lists, bytes)?;
    file.write_all_at(&begun, 0).map_err(failed)?;
    let whole = (begun.len() as u64).saturating_add(block.bytes);
    file.set_len(whole).map_err(failed)?;
    file.sync()
        .map_err(|error| Error::io("sync", path, error))?;
    Ok(Some(()))
}

/// The newest removed head of each entity in the segments, where no event of it that is there is newer.
/// Takes memory for the names of these entities, and some 120 bytes each.
fn heads(shared: &Shared, planned: &Planned) -> Result<MergedHeads, Error> {
    let ids: Vec<_> = planned.infos.iter().map(SegmentInfo::id).collect();
    let lists = shared.writer()?.lock().removed.of(&ids);
    let mut heads = lists.newest(HEADS_MAX)?;
    let snapshot = shared.index.snapshot();
    retain_newest(&mut heads, &snapshot, &planned.sequences());
    Ok(heads)
}

/// Has the index use a file, if its segments are still what it was made of, and removes those that it
/// takes the place of.
fn switch(shared: &Shared, planned: &Planned, made: Made) -> Result<bool, Error> {
    let Made { name, opened } = made;
    let OpenedMerged {
        head,
        heads,
        block,
        bytes,
        ..
    } = opened;
    let used = UsedFile {
        name,
        newest: head.newest,
        segments: head.segments,
        is_gone: false,
        runs: OwnRuns::default(),
    };
    // What this process made of what it made itself says what the log does.
    let mut sources = planned.parts.iter().filter_map(|part| part.block.as_ref());
    let block = match sources.all(|part| part.block.is_trusted()) {
        true => block.trusted(),
        false => block,
    };
    let ids: Vec<_> = planned.infos.iter().map(SegmentInfo::id).collect();
    let switched = {
        let mut writer = shared.writer()?.lock();
        // A rewritten segment has rows of its own, whose positions are others.
        let _positions = shared.positions.read();
        let view = shared.log.view();
        let is_same = |info: &SegmentInfo| view.info(info.id()) == Some(info);
        // Each is looked at only if some were rewritten meanwhile: nobody appends while this holds its locks.
        if view.rewritings() == planned.rewritings || planned.infos.iter().all(is_same) {
            let replaced = match block.rows() {
                0 => Ok(()),
                _ => shared.index.replace(block),
            };
            replaced.map(|()| {
                writer.removed.set_merged(ids, heads);
                Some(shared.merged.lock().take(used))
            })
        } else {
            Ok(None)
        }
    };
    let mut unused = match switched {
        Ok(Some(unused)) => unused,
        // It is stale, or of no use.
        Ok(None) => {
            remove(shared, &[name]);
            return Ok(true);
        }
        Err(error) => {
            remove(shared, &[name]);
            return Err(error.into());
        }
    };
    {
        let view = shared.log.view();
        let mut files = shared.merged.lock();
        files.merges += 1;
        files.bytes_written += bytes;
        // Of one that was rewritten in part, what was left may be in the new one.
        unused.extend(files.let_go_of_useless(&view));
    }
    remove(shared, &unused);
    let (first, last) = planned.ends();
    trace::tell(Level::DEBUG, move || {
        let (first, last) = (first.get(), last.get());
        tracing::debug!(first, last, bytes, "merged blocks of the index");
    });
    Ok(true)
}

/// Removes files that nothing uses. What is left is removed by the next opening.
fn remove(shared: &Shared, names: &[IndexFileName]) {
    let names: BTreeSet<_> = names.iter().collect();
    for name in names {
        let path = shared.dir.join(name.to_string());
        if let Err(error) = shared.options.fs.remove_file(&path) {
            let file = name.to_string();
            trace::tell(Level::WARN, move || {
                tracing::warn!(file, %error, "cannot remove a merged file that was replaced");
            });
        }
    }
}
