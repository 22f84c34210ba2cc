//! The order of opening: lock, checkpoint, manifest, merged files and footers, log, repair, publish.
//!
//! Nothing is shown before everything that is to be shown is durable, and nothing is changed
//! before all of it could be read. Where the end of a long segment is carried into the next one, all of
//! it is done once more: positions in the log are others then.
//!
//! Holds these steps, and gives what a store is made of. Does not hold the handle, nor its threads, which
//! are started above. Knows `engine` and what is below it.

mod assemble;
mod base;
mod carried_records;
mod carry;
mod elsewhere;
mod found;
mod interrupted;
mod lock;
mod log;
mod merged;
mod steps;

use crate::engine::{Caches, Ours, Shared};
use crate::model::Access;
use crate::rows::{LogSlot, Sealed};
use crate::{Error, ErrorKind, OpenPath, OpenReport, StoreOptions};
use assemble::{Parts, assemble};
use carry::carry_after;
pub(crate) use elsewhere::refuse_elsewhere;
use found::{Found, changed};
pub(crate) use lock::locked;
use lock::{Held, absolute, not_found};
use log::replay;
use merged::Place;
use std::path::Path;
use steps::{Step, Steps};
use strandline_checkpoint::Newest;
use strandline_core::Random;
use strandline_core::fs::FileIdentity;
use strandline_segment::{LogError, UncheckedLog};

/// How often a log is read again that was not the same twice.
const READ_AGAIN_MOST: usize = 2;
/// How often a log is read again of which another process has replaced segments meanwhile.
const REPLACED_MOST: usize = 100;

/// What opening came to.
enum Opened {
    Store(Box<Shared>, Vec<Sealed>),
    /// The end of the log is in another file now, and the log is to be read again.
    Carried(Box<Found>),
}

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
    let mut replaced = 0;
    loop {
        let opened = open_once(dir, &options, &mut held, &mut steps, &earlier);
        match opened.and_then(|opened| with_segments_kept(opened, &options)) {
            Ok(Opened::Store(shared, without_footer)) => return Ok((*shared, without_footer)),
            Ok(Opened::Carried(found)) => earlier.push(*found),
            // A restore has put another store there, and what was read is half of each.
            Err(_) if held.lock.is_none() && directory != which(dir, &options) => {
                directory = which(dir, &options);
            }
            Err(error) if is_replaced(&error) && replaced < REPLACED_MOST => replaced += 1,
            Err(error) => match changed(&error).filter(|_| earlier.len() < READ_AGAIN_MOST) {
                Some(found) => earlier.push(found),
                None => return Err(error),
            },
        }
    }
}

/// What was opened, with every segment that another process could replace if that was asked for.
fn with_segments_kept(opened: Opened, options: &StoreOptions) -> Result<Opened, Error> {
    if let Opened::Store(shared, _) = &opened
        && options.keeps_segments
        && options.access == Access::Read
    {
        shared.log.keep_all()?;
    }
    Ok(opened)
}

/// Whether another process has replaced a segment that the manifest listed, and the manifest, before the
/// segment was read: beside a writer only.
fn is_replaced(error: &Error) -> bool {
    matches!(error.of_log(), Some(LogError::OtherCourse { .. }))
}

/// Which directory a path leads to, where the file system can tell.
fn which(dir: &Path, options: &StoreOptions) -> Option<FileIdentity> {
    options.fs.identity(&dir.join(".")).ok()
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
    if let Some(ours) = &held.ours {
        ours.keep_names();
    }
    // Before the manifest, so that beside a writer the checkpoint is not the newer of the two.
    let newest = steps.take(Step::Checkpoint, || checkpoints(dir, options))?;
    let (mut log, mut report) = find_log(dir, options, &newest, &random, steps)?;
    earlier.iter().for_each(|found| found.note(&mut report));
    let (identity, read_epoch) = (*log.identity(), log.epoch());
    if options.access != Access::Read {
        log.lock()?;
    }
    let unrecorded_before = log.unrecorded_before();
    let caches = Caches::new(options.cache_bytes_max);
    let coordinates = caches.coordinates.clone();
    let (mut index, index_reader) =
        strandline_index::channel_within(options.index_layout, coordinates);
    let checkpoint = base::read_checkpoint(&log, newest, &mut report);
    if let Some((_, restored)) = &checkpoint.0 {
        log.note_durable(&restored.position)?;
    }
    if options.access != Access::Read
        && earlier.is_empty()
        && let Some((_, restored)) = &checkpoint.0
        && log.is_long_and_unproven(&restored.position)?
    {
        // No row is entered before it is where it stays.
        let found = steps.take(Step::Repair, || carry_after(log, restored, &random))?;
        return Ok(Opened::Carried(Box::new(found)));
    }
    let read = (log, checkpoint);
    let slot = LogSlot::default();
    let place = Place {
        fs: &options.fs,
        dir,
        mapped: options.log.maps_reads(),
        slot: &slot,
    };
    let replayed = replay(
        &mut index,
        place,
        read,
        options,
        &random,
        &mut report,
        steps,
    )?;
    let replayed = match replayed {
        Ok(replayed) => replayed,
        Err(found) => return Ok(Opened::Carried(Box::new(found))),
    };
    if options.access != Access::Read {
        let files = (&*options.fs, dir);
        replayed.merged.remove_left_over(files, &mut report);
    }
    // What is damaged of merged files can be made anew from here on.
    let _ = slot.set(replayed.reader.clone());
    if let Some(proven) = earlier.iter().find_map(|found| found.proven_durable) {
        report.proven_durable = proven;
    }
    let parts = Parts {
        identity,
        read_epoch,
        unrecorded_before,
        random,
        report,
        index,
        index_reader,
        slot,
        caches,
    };
    if let Some(ours) = &held.ours {
        ours.let_names_go();
    }
    let (shared, without_footer) = assemble(dir, options, held, steps, (parts, replayed));
    Ok(Opened::Store(Box::new(shared), without_footer))
}

/// The log, or a new one where there is none and one may be made.
fn find_log(
    dir: &Path,
    options: &StoreOptions,
    newest: &Newest,
    random: &Random,
    steps: &mut Steps,
) -> Result<(UncheckedLog, OpenReport), Error> {
    let log_options = match options.access {
        Access::Read => options.log.clone().beside_writer(),
        Access::Create | Access::Write => options.log.clone(),
    };
    let existing = steps.take(Step::Manifest, || {
        UncheckedLog::open(options.fs.clone(), dir, log_options)
    })?;
    Ok(match (existing, options.access) {
        (Some(log), _) => (log, OpenReport::new(OpenPath::Scan)),
        (None, _) if newest.checkpoint.is_some() => return Err(log_vanished(dir)),
        (None, Access::Create) => {
            let log = steps.take(Step::Manifest, || {
                UncheckedLog::create(options.fs.clone(), dir, options.log.clone(), random)
            })?;
            (log, OpenReport::new(OpenPath::Created))
        }
        (None, Access::Write | Access::Read) => return Err(not_found(dir)),
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
            "{} has a checkpoint and no log; restore a backup",
            dir.display()
        ),
    )
}
