//! Rewriting the segments of chosen events while the store is used: what `compact` and `redact` share. Chooses
//! none itself.

use super::compacted::Compacted;
use super::fold_plan::FoldPlan;
use super::folded_records::{Change, FoldedRecords};
use super::marks::{MarkedSegment, Marks};
use crate::engine::group_sync::PoisonOnPanic;
use crate::engine::merge_at_work::MergesHeld;
use crate::engine::{Rewriting, Shared};
use crate::maintenance::notes::{Recorder, Taken, Told};
use crate::maintenance::progress::Meter;
use crate::model::IndexFileName;
use crate::rows::footer::{self, Opened, rebuilt_footer};
use crate::rows::{RemovedHeads, decoded};
use crate::trace;
use crate::{Error, ErrorKind, Sequence, Store};
use std::ops::Range;
use std::path::PathBuf;
use strandline_core::Hlc;
use strandline_core::record::{Record, RecordPayload, RemovalChange, RemovedRecord, StoredRecord};
use strandline_index::Block;
use strandline_segment::{
    AppendError, FrameRecord, LogPosition, RewrittenSegment, SegmentId, SegmentRewrite,
    SupersededFiles,
};
use tracing::Level;

/// What is told of a rewriting.
pub(super) trait Observer {
    /// A record, before it is changed.
    fn changes(&mut self, record: &Record<'_>);
    /// Everything is ready and recorded, and nothing has changed yet.
    fn before_switch(&mut self) -> Result<(), Error>;
}

/// Why events were chosen.
pub(super) struct Asked {
    /// By which rule; none where a record says already, and durably, that they are gone.
    pub(super) rule: Option<String>,
    /// Whether older snapshots are to show payloads no more that are removed.
    pub(super) shows_at_once: bool,
    /// Whether commits of which nothing is left become runs.
    pub(super) folds: bool,
}

/// What is noted of the events that are changed.
#[derive(Default)]
struct Noted {
    removed: Taken,
    redacted: Taken,
    redacted_sequences: Vec<Sequence>,
    done: Compacted,
}

impl Noted {
    fn add(&mut self, record: &FrameRecord<'_>, change: RemovalChange) {
        match change {
            RemovalChange::Removed => {
                self.done.events += 1;
                self.removed.add(record.sequence, &record.digest);
            }
            RemovalChange::Redacted => {
                self.done.headers += 1;
                self.redacted.add(record.sequence, &record.digest);
                self.redacted_sequences.push(record.sequence);
            }
        }
    }
}

/// A segment that is ready to take the place of those that it was made of.
pub(super) struct Ready {
    segment: RewrittenSegment,
    sequences: Range<Sequence>,
    block: Block,
    heads: Option<RemovedHeads>,
}

impl Ready {
    /// A segment whose footer was written.
    pub(super) const fn segment(&self) -> &RewrittenSegment {
        &self.segment
    }
}

/// Changes the chosen events for good, all at once. Appends and reads go on; the commit lock is held to
/// seal the active segment, if an event of it is chosen, to replace the manifest, and for the notes.
///
/// The log says what is taken before anything is, and that it was done after it: what is removed and what is
/// redacted in a record each. Interrupted or cancelled, nothing has changed.
pub(super) fn rewrite(
    store: &Store,
    marks: &Marks,
    asked: &Asked,
    meter: &mut Meter<'_>,
    observer: &mut dyn Observer,
    rewriting: &mut Rewriting,
) -> Result<Compacted, Error> {
    let shared = store.shared();
    let mut noted = Noted::default();
    if let Some(last) = marks.segments().last() {
        store.seal_segment(last.id)?;
    }
    // Footers of sealed segments are written by then, and nobody writes to their files.
    store.wait_for_background();
    let mut all_ready = Vec::new();
    for marked in marks.segments() {
        let segment = marked.id.get();
        let _span = trace::span(Level::INFO, || tracing::info_span!("rewrite", segment));
        let ready = prepare(shared, marked, asked.folds, meter, observer, &mut noted)?;
        all_ready.push(ready);
    }
    let Noted {
        removed,
        redacted,
        redacted_sequences,
        mut done,
    } = noted;
    done.segments = all_ready.len();
    meter.report()?;
    if all_ready.is_empty() {
        observer.before_switch()?;
        return Ok(done);
    }
    check_merged(shared, marks.segments().map(|marked| marked.id));
    let changes = [
        (RemovalChange::Removed, done.events, &removed),
        (RemovalChange::Redacted, done.headers, &redacted),
    ];
    let (mut recorders, mut durable) = (Vec::new(), None);
    let changes = changes.into_iter().filter(|(_, count, _)| *count > 0);
    for ((change, _, taken), rule) in changes.zip(asked.rule.iter().cycle()) {
        let (recorder, end) = Recorder::begin(store, Told::now(store, change, rule), taken)?;
        recorders.push(recorder);
        durable = Some(end);
    }
    observer.before_switch()?;
    let hidden = match asked.shows_at_once {
        true => redacted_sequences.as_slice(),
        false => &[],
    };
    let superseded = switch(shared, all_ready, hidden, durable)?;
    let mut recorded = Ok(());
    for recorder in recorders {
        match recorder.done(store) {
            Ok(record) => done.records.push(record),
            Err(error) => recorded = recorded.and(Err(error)),
        }
    }
    let fs = &*shared.options.fs;
    let removed_from = marks.segments().filter(|marked| marked.is_removed_from());
    let removed_from: Vec<_> = removed_from.map(|marked| marked.id).collect();
    if removed_from.is_empty() {
        rewriting.supersede(fs, superseded, useless_merged(shared))?;
    } else {
        // Ids, tags and links of what was removed are in merged files of the index too, in one that is being
        // made, and in those that could not be removed before.
        let held = MergesHeld::without(shared, &removed_from);
        let (mut stale, listed) = held.stale(&removed_from);
        stale.extend(useless_merged(shared));
        rewriting.supersede(fs, superseded, stale)?;
        drop(held);
        listed?;
    }
    recorded?;
    store.merge_soon();
    Ok(done)
}

/// The merged files that no segment is left of, once some were rewritten: what an opening would remove.
pub(super) fn useless_merged(shared: &Shared) -> Vec<PathBuf> {
    let view = shared.log.view();
    let useless = shared.merged.lock().let_go_of_useless(&view);
    let path = |name: IndexFileName| shared.dir.join(name.to_string());
    useless.into_iter().map(path).collect()
}

/// Looks at all of the merged blocks that have rows of the segments which are about to be rewritten, and others
/// that stay, and has what is damaged made anew: afterwards it cannot be.
pub(super) fn check_merged(shared: &Shared, segments: impl Iterator<Item = SegmentId>) {
    let view = shared.log.view();
    let infos = segments.filter_map(|segment| view.info(segment));
    let rewritten = infos.filter_map(|info| Some(info.start().sequence..info.end()?.sequence));
    let rewritten = joined(rewritten);
    let parts = shared.index.parts().into_iter();
    for part in parts.filter(|part| is_cut(&part.sequences, &rewritten)) {
        if let Some(part) = part.block {
            // What is lost in any case is told to whoever reads it.
            let _ = part.block.make_whole();
        }
    }
}

/// Ranges that ascend, those together that follow each other.
fn joined(ranges: impl Iterator<Item = Range<Sequence>>) -> Vec<Range<Sequence>> {
    let mut all: Vec<Range<Sequence>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => all.push(range),
        }
    }
    all
}

/// Whether some of the rows of a part are replaced, and others stay. O(log ranges).
fn is_cut(part: &Range<Sequence>, replaced: &[Range<Sequence>]) -> bool {
    let at = replaced.partition_point(|range| range.end <= part.start);
    let first = replaced.get(at).filter(|range| range.start < part.end);
    first.is_some_and(|range| range.start > part.start || range.end < part.end)
}

/// Writes the new file of a segment, with its footer.
fn prepare(
    shared: &Shared,
    marked: &MarkedSegment,
    folds: bool,
    meter: &mut Meter<'_>,
    observer: &mut dyn Observer,
    noted: &mut Noted,
) -> Result<Ready, Error> {
    let begun = {
        let writer = shared.writer()?.lock();
        writer.log.rewrite(marked.id, &shared.random)?
    };
    noted.done.bytes_before += begun.source_bytes()?;
    let plan = match folds && marked.is_removed_from() {
        true => FoldPlan::of(&begun, |sequence| {
            marked.change(sequence) == Some(RemovalChange::Removed)
        })?,
        false => FoldPlan::default(),
    };
    let mut changing = Changing {
        marked,
        meter,
        observer,
        newest: newest_of(&begun),
        noted: &mut *noted,
    };
    let segment = match plan.is_empty() {
        true => begun.write(|record, out| changing.body(record, out))?,
        false => begun.write_folding(&mut FoldedRecords::new(&plan, &mut changing))?,
    };
    let ready = with_footer(shared, segment, changing.newest)?;
    noted.done.bytes_after += ready.segment.bytes()?;
    Ok(ready)
}

/// Changes the chosen records of a segment, and notes what it changes.
struct Changing<'c, 'm> {
    marked: &'c MarkedSegment,
    meter: &'c mut Meter<'m>,
    observer: &'c mut dyn Observer,
    newest: Option<Hlc>,
    noted: &'c mut Noted,
}

impl Changing<'_, '_> {
    /// The record as it is to be, if it is to be another.
    fn changed<'r>(&mut self, at: &FrameRecord<'r>) -> Result<Option<StoredRecord<'r>>, Error> {
        self.meter.add(at.body.len() as u64)?;
        let change = self.marked.change(at.sequence);
        let Some(change) = change.filter(|_| !RemovedRecord::is_one(at.body)) else {
            return Ok(None);
        };
        let before = decode(at)?;
        self.newest = self.newest.max(Some(before.hlc));
        self.observer.changes(&before);
        self.noted.add(at, change);
        Ok(Some(changed(before, change)))
    }

    /// Appends the body of the record in the place of the one that is there.
    fn body(&mut self, at: &FrameRecord<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        match self.changed(at)? {
            None => out.extend_from_slice(at.body),
            Some(StoredRecord::Event(event)) => event.encode(out),
            Some(StoredRecord::Removed(removed)) => removed.encode(out),
        }
        Ok(())
    }
}

impl Change for &mut Changing<'_, '_> {
    fn change<'r>(&mut self, at: &FrameRecord<'r>) -> Result<StoredRecord<'r>, Error> {
        match self.changed(at)? {
            Some(record) => Ok(record),
            None => decoded(at),
        }
    }
}

/// The newest clock reading that the footers say of the segments that are read; none if they know none.
pub(super) fn newest_of(begun: &SegmentRewrite) -> Option<Hlc> {
    let readings = begun.footers().filter_map(|found| {
        let head = footer::head(found.ok()??.as_ref()).ok()?;
        Some(head.newest)
    });
    readings.max().filter(|newest| *newest > Hlc::default())
}

/// Writes the footer of a new segment.
pub(super) fn with_footer(
    shared: &Shared,
    segment: RewrittenSegment,
    newest: Option<Hlc>,
) -> Result<Ready, Error> {
    let frames = segment.sealed().frames().ok_or_else(not_written)?;
    let footer = rebuilt_footer(&frames, shared.options.index_layout, newest)?;
    segment.sealed().write_footer(&footer)?;
    drop(footer);
    let found = segment
        .sealed()
        .footer(shared.options.log.maps_reads())?
        .ok_or_else(not_written)?;
    let Opened { heads, block, .. } = footer::open(found, frames.clone())?;
    Ok(Ready {
        sequences: frames.info().start().sequence..frames.end().sequence,
        segment,
        // It was made of frames that this process wrote.
        block: block.trusted(),
        heads,
    })
}

fn not_written() -> Error {
    Error::new(ErrorKind::Corrupt, "what was just written is not there")
}

fn decode<'a>(record: &FrameRecord<'a>) -> Result<Record<'a>, Error> {
    let corrupt = || {
        Error::new(
            ErrorKind::Corrupt,
            format!("the record of sequence {} is malformed", record.sequence),
        )
    };
    match StoredRecord::decode(record.body) {
        Ok(StoredRecord::Event(record)) => Ok(record),
        Ok(StoredRecord::Removed(_)) => Err(corrupt()),
        Err(error) => Err(corrupt().with_source(error)),
    }
}

fn changed(before: Record<'_>, change: RemovalChange) -> StoredRecord<'_> {
    match change {
        RemovalChange::Removed => StoredRecord::Removed(RemovedRecord::of(&before)),
        RemovalChange::Redacted => {
            let hash = before.payload.hash();
            let payload = RecordPayload::Redacted { hash };
            StoredRecord::Event(Record { payload, ..before })
        }
    }
}

fn switch_failed(error: AppendError, shared: &Shared) -> Error {
    match error {
        AppendError::NotWritten(error) => Error::new(
            ErrorKind::NotWritten,
            "the manifest could not be written; nothing has changed, try again",
        )
        .with_source(error),
        AppendError::Unknown(error) => {
            shared
                .group
                .set_poison(&format!("a manifest could not be replaced: {error}"));
            Error::new(
                ErrorKind::Unknown,
                "the manifest may have been replaced or not; reopen the store and see",
            )
            .with_source(error)
        }
    }
}

/// Switches log and index to the new segments, and gives the old files. The log is durable up to
/// `durable`, if that is known.
pub(super) fn switch(
    shared: &Shared,
    ready: Vec<Ready>,
    redacted: &[Sequence],
    durable: Option<LogPosition>,
) -> Result<SupersededFiles, Error> {
    let mut segments = Vec::with_capacity(ready.len());
    let mut blocks = Vec::with_capacity(ready.len());
    let mut heads: Vec<(SegmentId, Option<RemovedHeads>)> = Vec::with_capacity(ready.len());
    let mut no_more: Vec<SegmentId> = Vec::new();
    let mut rewritten: Option<Range<Sequence>> = None;
    for one in ready {
        let Range { start, end } = one.sequences;
        rewritten =
            Some(rewritten.map_or(start..end, |all| all.start.min(start)..all.end.max(end)));
        let merged = one.segment.replaces().skip(1);
        no_more.extend(merged);
        heads.push((one.segment.info().id(), one.heads));
        segments.push(one.segment);
        blocks.push((one.sequences, one.block));
    }
    let mut writer = shared.writer()?.lock();
    shared.check_poison()?;
    // What is half switched takes no more.
    let guard = PoisonOnPanic(&shared.group);
    if let Some(durable) = durable {
        writer.log.set_synced(durable);
    }
    let switched = match writer.log.switch_to(segments) {
        Ok(switched) => switched,
        Err(error) => {
            guard.finish();
            return Err(switch_failed(error, shared));
        }
    };
    // No call to the system while this is held: snapshots wait for it.
    let positions = shared.positions.write();
    let superseded = switched.show();
    shared.index.replace_all(blocks).inspect_err(|_| {
        // Its positions are not those of the log any more.
        let reason = "the index could not take the rows of rewritten segments";
        shared.group.set_poison(reason);
    })?;
    shared.redacted.add(redacted);
    drop(positions);
    shared.merged.lock().forget(&no_more);
    heads.extend(no_more.into_iter().map(|id| (id, None)));
    for (segment, heads) in heads {
        writer.removed.set(segment, heads);
        // The old file is kept by nobody who does not read it.
        shared.trees.forget(segment);
    }
    if let Some(rewritten) = rewritten {
        writer.heads.rewritten(rewritten);
    }
    guard.finish();
    Ok(superseded)
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> Range<Sequence> {
        Sequence::new(start)..Sequence::new(end)
    }

    /// A block that nothing was kept of was read all the same, and made anew if it was damaged.
    #[test]
    fn only_blocks_of_which_something_stays_are_cut() {
        let rewritten = [range(10, 20), range(20, 30), range(50, 60)];
        let rewritten = joined(rewritten.into_iter());
        assert_eq!(rewritten, [range(10, 30), range(50, 60)]);
        let is_cut = |start, end| is_cut(&range(start, end), &rewritten);
        for (start, end) in [(10, 30), (12, 28), (50, 60), (0, 10), (30, 50), (60, 90)] {
            assert!(!is_cut(start, end), "{start}..{end}");
        }
        for (start, end) in [(9, 30), (10, 31), (0, 90), (15, 55), (30, 51), (59, 61)] {
            assert!(is_cut(start, end), "{start}..{end}");
        }
    }
}
