//! The order of opening: lock, checkpoint, manifest, footers, log, repair, publish.
//!
//! Nothing is shown before everything that is to be shown is durable, and nothing is changed
//! before all of it could be read.

mod follow;
mod rebuild;
mod replay;
mod restore;
mod steps;

pub(crate) use follow::Follower;
pub(crate) use rebuild::{rebuilt_block, rebuilt_footer, removed_heads_of};
pub(crate) use restore::WithoutFooter;

use crate::options::Access;
use crate::removed::{RemovedHeads, RemovedInSegments};
use crate::store::{Shared, Store};
use crate::writer::{GroupSync, SegmentNames, Writer};
use crate::{Error, ErrorKind, OpenPath, OpenReport, StoreOptions};
use replay::{Committed, Replay};
use std::path::Path;
use std::sync::Arc;
use steps::{Step, Steps};
use strandline_checkpoint::Newest;
use strandline_core::HlcClock;
use strandline_core::fs::FileLock;
use strandline_core::sync::{Mutex, RwLock};
use strandline_index::{IndexWriter, SequenceGate};
use strandline_segment::{
    LogError, LogFollower, LogPosition, LogReader, LogWriter, Repairs, UncheckedLog,
};

/// The file whose lock the writing process holds; it stays where it is.
pub(crate) const LOCK_FILE: &str = "LOCK";

pub(crate) fn open(dir: &Path, options: StoreOptions) -> Result<Store, Error> {
    let _span = tracing::info_span!("open", dir = %dir.display()).entered();
    let mut steps = Steps::start(options.clock.clone());
    let mut lock = steps.take(Step::Lock, || lock(dir, &options))?;
    match open_locked(dir, options.clone(), &mut lock, &mut steps, None) {
        Err(error) if lock.is_some() => match cached_alone(&error) {
            // It is not in the cache any more.
            Some(notice) => open_locked(dir, options, &mut lock, &mut steps, Some(notice)),
            None => Err(error),
        },
        opened => opened,
    }
}

/// A notice, if a log that is locked was not the same when it was read a second time.
fn cached_alone(error: &Error) -> Option<String> {
    let LogError::Changed { file, offset } = error.of_log()? else {
        return None;
    };
    Some(format!(
        "what the system's cache showed of {file} from offset {offset} on is not on the disk: an \
         earlier sync failed; the disk was read instead"
    ))
}

/// Opens a store once it is locked; takes the lock if it succeeds.
fn open_locked(
    dir: &Path,
    options: StoreOptions,
    lock: &mut Option<Box<dyn FileLock>>,
    steps: &mut Steps,
    notice: Option<String>,
) -> Result<Store, Error> {
    let random = options.random()?;
    // Before the manifest, so that beside a writer the checkpoint is not the newer of the two.
    let newest = steps.take(Step::Checkpoint, || checkpoints(dir, &options))?;
    let log_options = match options.access {
        Access::Read => options.log.clone().beside_writer(),
        Access::Create | Access::Write => options.log.clone(),
    };
    let existing = steps.take(Step::Manifest, || {
        UncheckedLog::open(options.fs.clone(), dir, log_options)
    })?;
    let (log, mut report) = match (existing, options.access) {
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
    report.notices.extend(notice);
    let identity = *log.identity();
    let unrecorded_before = log.unrecorded_before();
    let (mut index, index_reader) = strandline_index::channel_with(options.index_layout);
    let replayed = replay(&mut index, log, newest, &options, &mut report, steps)?;
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
    (report.times, report.duration) = steps.end();
    tell(&report, index_reader.snapshot().len(), position);
    let (writer, follower) = match (replayed.writer, replayed.follower) {
        (Some(log), _) => {
            let mut writer = Writer::new(log, index, replayed.hlc, replayed.names, &random);
            writer.removed = replayed.removed;
            (Some(Mutex::new(writer)), None)
        }
        (None, Some(log)) => {
            let follower = Follower::new(log, index, replayed.names);
            (None, Some(Mutex::new(follower)))
        }
        (None, None) => (None, None),
    };
    let without_footer = replayed.without_footer;
    let shared = Shared {
        dir: dir.to_path_buf(),
        options,
        identity,
        writer,
        follower,
        group,
        index: index_reader,
        log: replayed.reader,
        positions: RwLock::new(()),
        redacted: Arc::default(),
        rewriting: Mutex::default(),
        random,
        unrecorded_before,
        report,
        opened_at: position,
        checkpointed: Mutex::new(replayed.checkpointed),
        footers: Mutex::default(),
        _lock: lock.take(),
    };
    Store::new(Arc::new(shared), &without_footer)
}

/// Emits what opening found and did.
fn tell(report: &OpenReport, events: u64, end: LogPosition) {
    for notice in &report.notices {
        tracing::warn!(notice, "opening");
    }
    tracing::info!(
        path = ?report.path,
        reason = report.reason,
        events,
        from_log = report.events_from_log,
        visible = end.sequence.get(),
        duration_us = report.duration.as_micros(),
        "opened"
    );
}

fn lock(dir: &Path, options: &StoreOptions) -> Result<Option<Box<dyn FileLock>>, Error> {
    let fs = &options.fs;
    match options.access {
        Access::Read => return Ok(None),
        Access::Create => fs
            .create_dir_all(dir)
            .map_err(|error| Error::io("make the directory", dir, error))?,
        Access::Write => match fs.list(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(not_found(dir));
            }
            listed => {
                listed.map_err(|error| Error::io("list", dir, error))?;
            }
        },
    }
    let path = dir.join(LOCK_FILE);
    let lock = fs
        .try_lock(&path)
        .map_err(|error| Error::io("lock", &path, error))?;
    lock.map(Some).ok_or_else(|| {
        Error::new(
            ErrorKind::Locked,
            format!(
                "{} is open for writing elsewhere; open it to read only, or close the other holder",
                dir.display()
            ),
        )
    })
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
            "{} has a checkpoint and no log; restore the segments and the MANIFEST from a backup",
            dir.display()
        ),
    )
}

fn not_found(dir: &Path) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("there is no store in {}", dir.display()),
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
    without_footer: Vec<WithoutFooter>,
    removed: RemovedInSegments,
}

/// Fills the index from the base and the log after it, repairs the log, and publishes.
fn replay(
    index: &mut IndexWriter,
    log: UncheckedLog,
    newest: Newest,
    options: &StoreOptions,
    report: &mut OpenReport,
    steps: &mut Steps,
) -> Result<Replayed, Error> {
    let mut replay = Replay::new(index);
    let start = match restore::restore(&log, newest, options.from_log, &mut replay, report, steps) {
        Ok(start) => start,
        Err(error) => {
            replay.abort();
            return Err(error);
        }
    };
    let scanned = steps.take(Step::Log, || {
        log.scan(start.position, start.durable, |frame| replay.frame(frame))
    });
    let scanned = match scanned {
        Ok(scanned) => scanned,
        Err(error) => {
            replay.abort();
            return Err(error.into());
        }
    };
    report.proven_durable = scanned.proven_durable();
    if let Some(torn) = scanned.torn_tail() {
        report.torn_tail = true;
        report.notices.push(torn.to_string());
    }
    let end = scanned.end();
    if end.sequence > SequenceGate::BOUND_MAX {
        replay.abort();
        return Err(Error::new(
            ErrorKind::Corrupt,
            format!(
                "the log says that its next sequence is {}, which none can be",
                end.sequence
            ),
        ));
    }
    let opened = steps.take(Step::Repair, || match options.access {
        Access::Read => scanned
            .into_follower()
            .map(|(reader, follower)| (None, Some(follower), reader)),
        Access::Create | Access::Write => scanned.into_writer().map(|(writer, reader, repairs)| {
            note(repairs, report);
            (Some(writer), None, reader)
        }),
    });
    match opened {
        Err(error) => {
            replay.abort();
            Err(error.into())
        }
        Ok((writer, follower, reader)) => {
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
            Ok(Replayed {
                writer,
                follower,
                reader,
                end,
                names,
                hlc,
                checkpointed: start.checkpoint,
                without_footer: start.without_footer,
                removed: all_removed,
            })
        }
    }
}

/// Puts into the report what was repaired.
fn note(repairs: Repairs, report: &mut OpenReport) {
    report.notices.extend(repairs.notices());
    report.rewritten_bytes = repairs.rewritten_bytes;
    report.set_aside.extend(repairs.torn_tail_kept_as);
    report.set_aside.extend(repairs.set_aside);
    report.removed.extend(repairs.removed_temporaries);
    report.removed.extend(repairs.removed_unused);
    report.removed.extend(repairs.removed_superseded);
}
