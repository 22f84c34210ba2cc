//! The order of opening: lock, checkpoint, manifest, footers, log, repair, publish.
//!
//! Nothing is shown before everything that is to be shown is durable, and nothing is changed
//! before all of it could be read. Where the end of a long segment is carried into the next one, all of
//! it is done once more: positions in the log are others then.
//!
//! Holds these steps, and gives what a store is made of. Does not hold the handle, nor its threads, which
//! are started above. Knows `engine` and what is below it.

mod carry;
mod interrupted;
mod lock;
mod restore;
mod steps;

use crate::engine::{Follower, Ours, Shared};
use crate::group_sync::GroupSync;
use crate::model::Access;
use crate::rows::checkpoint::Restored;
use crate::rows::{Committed, RemovedHeads, RemovedInSegments, Replay, Sealed, SegmentNames};
use crate::trace;
use crate::writer::{CommitLock, Writer};
use crate::{Error, ErrorKind, OpenPath, OpenReport, StoreOptions};
use carry::CarriedRecords;
use lock::{absolute, not_found};
use std::path::Path;
use std::sync::Arc;
use steps::{Step, Steps};
use strandline_checkpoint::Newest;
use strandline_core::fs::{FileIdentity, FileLock};
use strandline_core::sync::{Mutex, RwLock};
use strandline_core::{HlcClock, Random, Sequence};
use strandline_index::{IndexWriter, SequenceGate};
use strandline_segment::{
    LogError, LogFollower, LogPosition, LogReader, LogWriter, Repairs, ScanError, ScannedLog,
    SegmentInfo, TornTail, UncheckedLog,
};
use tracing::Level;

/// What a store is made of, and the sealed segments that want their footers.
pub(crate) fn open(dir: &Path, mut options: StoreOptions) -> Result<(Shared, Vec<Sealed>), Error> {
    let dir = &absolute(dir)?;
    // Before anything is made.
    options.check()?;
    let mut steps = Steps::start(options.clock.clone());
    let lock = steps.take(Step::Lock, || lock::lock(dir, &options))?;
    let ours = lock.as_deref().map(|lock| {
        let ours = Ours::new(options.fs.clone(), dir, lock);
        // From here on whatever is changed is changed for as long as the store is held.
        options.fs = ours.fs();
        ours
    });
    let mut held = Held { lock, ours };
    let mut earlier = Vec::new();
    let mut directory = which(dir, &options);
    loop {
        match open_once(dir, &options, &mut held, &mut steps, &earlier) {
            Ok(Opened::Store(shared, without_footer)) => return Ok((*shared, without_footer)),
            Ok(Opened::Carried(found)) => earlier.push(*found),
            // A restore has put another store there, and what was read is half of each.
            Err(_) if held.lock.is_none() && directory != which(dir, &options) => {
                directory = which(dir, &options);
            }
            Err(error) => match changed(&error).filter(|_| earlier.len() < READ_AGAIN_MOST) {
                Some(found) => earlier.push(found),
                None => return Err(error),
            },
        }
    }
}

/// Which directory a path leads to, where the file system can tell.
fn which(dir: &Path, options: &StoreOptions) -> Option<FileIdentity> {
    options.fs.identity(&dir.join(".")).ok()
}

/// What a store is held by; nothing if it is opened to read only.
struct Held {
    lock: Option<Box<dyn FileLock>>,
    ours: Option<Arc<Ours>>,
}

/// How often a log is read again that was not the same twice.
const READ_AGAIN_MOST: usize = 2;

/// What opening came to.
enum Opened {
    Store(Box<Shared>, Vec<Sealed>),
    /// The end of the log is in another file now, and the log is to be read again.
    Carried(Box<Found>),
}

/// What an earlier reading of the log found and did.
#[derive(Debug, Default)]
struct Found {
    notices: Vec<String>,
    proven_durable: Option<Sequence>,
    torn_tail: Option<TornTail>,
    repairs: Option<Repairs>,
}

impl Found {
    fn note(&self, report: &mut OpenReport) {
        report.notices.extend_from_slice(&self.notices);
        if let Some(torn) = &self.torn_tail {
            report.torn_tail = true;
            report.notices.push(torn.to_string());
        }
        if let Some(repairs) = &self.repairs {
            note(repairs.clone(), report);
        }
    }
}

/// A notice, if a log was not the same when it was read a second time.
fn changed(error: &Error) -> Option<Found> {
    let LogError::Changed { file, offset } = error.of_log()? else {
        return None;
    };
    let notice = format!(
        "{file} was another from offset {offset} on when it was read again: what an earlier sync \
         failed to write has left the system's cache; what there is now was read instead"
    );
    Some(Found {
        notices: vec![notice],
        ..Found::default()
    })
}

/// Opens a store once it is locked; takes the lock if it succeeds.
fn open_once(
    dir: &Path,
    options: &StoreOptions,
    held: &mut Held,
    steps: &mut Steps,
    earlier: &[Found],
) -> Result<Opened, Error> {
    let random = options.random()?;
    // Before the manifest, so that beside a writer the checkpoint is not the newer of the two.
    let newest = steps.take(Step::Checkpoint, || checkpoints(dir, options))?;
    let log_options = match options.access {
        Access::Read => options.log.clone().beside_writer(),
        Access::Create | Access::Write => options.log.clone(),
    };
    let existing = steps.take(Step::Manifest, || {
        UncheckedLog::open(options.fs.clone(), dir, log_options)
    })?;
    let (mut log, mut report) = match (existing, options.access) {
        (Some(log), _) => (log, OpenReport::new(OpenPath::Scan)),
        (None, _) if newest.checkpoint.is_some() => return Err(log_vanished(dir)),
        (None, Access::Create) => {
            let log = steps.take(Step::Manifest, || {
                UncheckedLog::create(options.fs.clone(), dir, options.log.clone(), &random)
            })?;
            (log, OpenReport::new(OpenPath::Created))
        }
        (None, Access::Write | Access::Read) => return Err(not_found(dir)),
    };
    earlier.iter().for_each(|found| found.note(&mut report));
    let (identity, read_epoch) = (*log.identity(), log.epoch());
    if options.access != Access::Read {
        log.lock()?;
    }
    let unrecorded_before = log.unrecorded_before();
    let (mut index, index_reader) = strandline_index::channel_with(options.index_layout);
    let checkpoint = restore::read_checkpoint(&log, newest, &mut report);
    if let Some((_, restored)) = &checkpoint.0 {
        log.note_durable(&restored.position)?;
    }
    if options.access != Access::Read
        && earlier.is_empty()
        && let Some((_, restored)) = &checkpoint.0
        && log.is_long_and_unproven(&restored.position)?
    {
        // No row is entered before it is where it stays.
        return steps.take(Step::Repair, || carry_after(log, restored, &random));
    }
    let read = (log, checkpoint);
    let replayed = replay(&mut index, read, options, &random, &mut report, steps)?;
    let replayed = match replayed {
        Ok(replayed) => replayed,
        Err(found) => return Ok(Opened::Carried(Box::new(found))),
    };
    if let Some(proven) = earlier.iter().find_map(|found| found.proven_durable) {
        report.proven_durable = proven;
    }
    let position = replayed.end;
    let group = Arc::new(match &replayed.writer {
        Some(writer) => GroupSync::new(
            Some(writer.active()),
            position.sequence,
            index.gate().clone(),
        ),
        // Nothing is ever written, so nothing is ever synced.
        None => GroupSync::new(None, report.proven_durable, index.gate().clone()),
    });
    if let Some(ours) = &held.ours {
        ours.stops(&group);
    }
    let epoch = replayed
        .writer
        .as_ref()
        .map_or(read_epoch, LogWriter::epoch);
    let drift_ms_max = options.drift_ms_max();
    report.note_clock(replayed.hlc.last(), options.clock.now_ms(), drift_ms_max);
    (report.times, report.duration) = steps.end();
    tell(&report, index_reader.snapshot().len(), position);
    let (writer, follower) = match (replayed.writer, replayed.follower) {
        (Some(log), _) => {
            let mut writer = Writer::new(log, index, replayed.hlc, replayed.names, &random);
            writer.removed = replayed.removed;
            (Some(CommitLock::new(writer)), None)
        }
        (None, Some(log)) => {
            let follower = Follower::new(log, index, replayed.names, replayed.hlc);
            (None, Some(Mutex::new(follower)))
        }
        (None, None) => (None, None),
    };
    let shared = Shared {
        dir: dir.to_path_buf(),
        options: options.clone(),
        identity,
        epoch,
        writer,
        follower,
        group,
        index: index_reader,
        log: replayed.reader,
        positions: RwLock::new(()),
        redacted: Arc::default(),
        rewriting: Mutex::default(),
        rewriter: Mutex::default(),
        random,
        unrecorded_before,
        report,
        opened_at: position,
        checkpointed: Mutex::new(replayed.checkpointed),
        footers: Mutex::default(),
        ours: held.ours.take(),
        _lock: held.lock.take(),
    };
    Ok(Opened::Store(Box::new(shared), replayed.without_footer))
}

/// Emits what opening found and did.
fn tell(report: &OpenReport, events: u64, end: LogPosition) {
    for notice in &report.notices {
        let notice = notice.clone();
        trace::tell(Level::WARN, move || tracing::warn!(notice, "opening"));
    }
    let report = report.clone();
    trace::tell(Level::INFO, move || {
        tracing::info!(
            path = ?report.path,
            reason = report.reason,
            events,
            from_log = report.events_from_log,
            visible = end.sequence.get(),
            duration_us = report.duration.as_micros(),
            "opened"
        );
    });
}

fn checkpoints(dir: &Path, options: &StoreOptions) -> Result<Newest, Error> {
    // A directory that is missing has none, which is no error.
    strandline_checkpoint::newest(&*options.fs, dir).map_err(|error| {
        Error::new(ErrorKind::Io, "the checkpoints cannot be listed").with_source(error)
    })
}

fn log_vanished(dir: &Path) -> Error {
    Error::new(
        ErrorKind::LogBehindCheckpoint,
        format!(
            "{} has a checkpoint and no log; restore a backup",
            dir.display()
        ),
    )
}

/// What reading the log came to.
struct Replayed {
    writer: Option<LogWriter>,
    /// What reads on, in a store opened to read only.
    follower: Option<LogFollower>,
    reader: LogReader,
    end: LogPosition,
    names: SegmentNames,
    hlc: HlcClock,
    checkpointed: Option<LogPosition>,
    without_footer: Vec<Sealed>,
    removed: RemovedInSegments,
}

/// Fills the index from the base and the log after it, repairs the log, and publishes. If the log is to
/// be read again, gives what was found instead.
fn replay(
    index: &mut IndexWriter,
    (log, checkpoint): (UncheckedLog, (Option<(u64, Restored)>, bool)),
    options: &StoreOptions,
    random: &Random,
    report: &mut OpenReport,
    steps: &mut Steps,
) -> Result<Result<Replayed, Found>, Error> {
    let mut replay = Replay::new(index);
    let start = restore::restore(
        &log,
        checkpoint,
        options.from_log,
        &mut replay,
        report,
        steps,
    )?;
    let scanned = steps.take(Step::Log, || {
        log.scan(start.position, start.durable, |frame| replay.frame(frame))
    })?;
    report.proven_durable = scanned.proven_durable();
    if let Some(torn) = scanned.torn_tail() {
        report.torn_tail = true;
        report.notices.push(torn.to_string());
    }
    let end = scanned.end();
    if end.sequence > SequenceGate::BOUND_MAX {
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!(
                "the log says that its next sequence is {}, which none can be",
                end.sequence
            ),
        ));
    }
    if options.access != Access::Read && scanned.has_long_proven_part()? {
        drop(replay);
        return steps
            .take(Step::Repair, || carry(scanned, None, random))
            .map(Err);
    }
    let (writer, follower, reader) = steps.take(Step::Repair, || match options.access {
        Access::Read => scanned
            .into_follower()
            .map(|(reader, follower)| (None, Some(follower), reader)),
        Access::Create | Access::Write => {
            let opened = scanned.into_writer(random);
            opened.map(|(writer, reader, repairs)| {
                note(repairs, report);
                (Some(writer), None, reader)
            })
        }
    })?;
    (report.events_from_log, report.log_bytes) = replay.read_from_log();
    let Committed {
        names,
        hlc,
        removed,
    } = replay.commit(end);
    let mut all_removed = start.removed;
    if !removed.is_empty() {
        all_removed.set(end.segment, Some(RemovedHeads::Map(removed)));
    }
    Ok(Ok(Replayed {
        writer,
        follower,
        reader,
        end,
        names,
        hlc,
        checkpointed: start.checkpoint,
        without_footer: start.without_footer,
        removed: all_removed,
    }))
}

/// Reads the log after a checkpoint, and carries what of it is not proven durable into another file.
fn carry_after(log: UncheckedLog, restored: &Restored, random: &Random) -> Result<Opened, Error> {
    let start = log.segments().last().map(SegmentInfo::start);
    let scanned = log.scan(Some(restored.position), restored.allocated, |_| {
        Ok::<_, Error>(())
    })?;
    if !scanned.has_long_proven_part()? {
        return Ok(Opened::Carried(Box::default()));
    }
    let known = start.map(|start| (restored, start.sequence));
    let found = carry(scanned, known, random)?;
    Ok(Opened::Carried(Box::new(found)))
}

/// Carries the end of the log into another file, after which the log is to be read again. `known` is the
/// checkpoint from which it was scanned, and where its segment begins.
fn carry(
    mut scanned: ScannedLog,
    known: Option<(&Restored, Sequence)>,
    random: &Random,
) -> Result<Found, Error> {
    let mut found = Found {
        proven_durable: Some(scanned.proven_durable()),
        torn_tail: scanned.torn_tail().cloned(),
        ..Found::default()
    };
    let mut carried = None;
    if let Some((restored, start)) = known
        && let Ok(mut bodies) = CarriedRecords::after(restored, start, scanned.view())
    {
        carried = match scanned.carry_tail(Some(restored.position), random, &mut bodies) {
            // Where the checkpoint says something else, the frames are asked.
            Err(ScanError::Visit(_)) => None,
            done => Some(done?),
        };
    }
    let carried = match carried {
        Some(carried) => carried,
        None => scanned.carry_tail(None, random, &mut CarriedRecords::default())?,
    };
    found.repairs = match carried {
        Some(repairs) => Some(repairs),
        // With names added the frames would not fit.
        None => Some(scanned.into_writer(random)?.2),
    };
    Ok(found)
}

/// Puts into the report what was repaired.
fn note(repairs: Repairs, report: &mut OpenReport) {
    report.notices.extend(repairs.notices());
    report.rewritten_bytes += repairs.rewritten_bytes;
    report.set_aside.extend(repairs.torn_tail_kept_as);
    report.set_aside.extend(repairs.set_aside);
    report.removed.extend(repairs.removed_temporaries);
    report.removed.extend(repairs.removed_unused);
    report.removed.extend(repairs.removed_superseded);
    report.removed.extend(repairs.carried_from);
}
