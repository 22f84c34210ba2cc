//! A disk that fails to write: an ext4 whose image is a sparse file on a tmpfs that is full, so that
//! the kernel fails to write back what it took, and says so at the next sync, once.

use super::process::{Process, Told};
use super::sandbox::Ext4;
use super::story::{Life, options};
use super::threads::{content, coordinate};
use super::{OnProgress, Outcome, Part, Plan};
use crate::{Violation, expect_whole};
use anyhow::Context;
use std::path::Path;
use std::process::Command;
use strandline::fs::{Fs, OpenMode, OsFs};
use strandline::{Region, Store};
use strandline_core::fs::Draws;

/// Bytes of the file system.
const BYTES: u64 = 32 << 20;
/// Blocks as long as pages, and the smallest journal, which is written over and over.
const MKFS: &[&str] = &["-b", "4096", "-J", "size=4", "-E", "lazy_itable_init=0"];
/// Files that are made and removed until the journal has all its blocks on the disk.
const FILES: u32 = 400;

pub(super) fn run(
    plan: &Plan,
    outcome: &mut Outcome,
    progress: OnProgress<'_>,
) -> anyhow::Result<()> {
    let count = plan.count.div_ceil(10);
    let mut draws = Draws::of(plan.seed, &[13]);
    let (mut unreadable, mut refused) = (0, 0);
    for round in 0..count {
        if outcome.is_hopeless() {
            break;
        }
        let room = draws.below(1500) << 10;
        let disk = nearly_full(plan, room)?;
        let life = Life {
            seed: plan.seed,
            life: round as u32,
            calls_max: u64::MAX,
            lies: false,
        };
        let dir = disk.root.join("store");
        let process = Process::start(&dir, life, "threads", &[])?;
        let told = process.finish(Told::default())?;
        // There is room again.
        disk.outside.resize(2 * BYTES)?;
        outcome.totals.failed_disks += 1;
        let judged = judge(&disk, &dir, life, &told);
        unreadable += told.unreadable;
        refused += u64::from(!told.stopped);
        match judged.context("look at the store again")? {
            Ok(()) => {}
            Err(violation) => {
                let said = &told.threads;
                let context = format!("disk {round}, {room} bytes of room; acknowledged {said:?}");
                outcome.fail(plan, Part::Failing, context, violation);
            }
        }
        progress(Part::Failing, round + 1, count);
    }
    if refused > 0 {
        let note = format!("{refused} of the disks were read only before a sync failed");
        outcome.notes.push(note);
    }
    if unreadable > 0 {
        let note = format!("{unreadable} events could not be read while their disk failed");
        outcome.notes.push(note);
    }
    Ok(())
}

/// A disk that fails to write once `room` bytes more are written.
fn nearly_full(plan: &Plan, room: u64) -> anyhow::Result<Ext4> {
    let disk = Ext4::new(&plan.folder.join("failing"), BYTES, MKFS)?;
    disk.write_by_pages()?;
    use_up_journal(&disk.root)?;
    disk.outside.resize(disk.outside.used()? + room)?;
    Ok(disk)
}

/// Runs another program on such disks: `append` until the disk fails and after, `check` once there is
/// room again, and once more when the file system was mounted anew.
pub(super) fn run_program(plan: &Plan, program: &str) -> anyhow::Result<()> {
    let mut draws = Draws::of(plan.seed, &[15]);
    for round in 0..plan.count.div_ceil(100) {
        let room = (300 + draws.below(1200)) << 10;
        let disk = nearly_full(plan, room)?;
        println!("disk {round}, {} KiB of room", room >> 10);
        call(program, "append", &disk.root)?;
        disk.outside.resize(2 * BYTES)?;
        println!("  there is room again; as it is in the cache:");
        call(program, "check", &disk.root)?;
        disk.remount()?;
        println!("  mounted anew, as it is on the disk:");
        call(program, "check", &disk.root)?;
    }
    Ok(())
}

fn call(program: &str, what: &str, dir: &Path) -> anyhow::Result<()> {
    let mut words = program.split_whitespace();
    let mut command = Command::new(words.next().context("--program names none")?);
    command.args(words).arg(what).arg(dir);
    let status = command
        .status()
        .with_context(|| format!("start {program}"))?;
    if !status.success() {
        println!("  {program} {what} ended with {status}");
    }
    Ok(())
}

/// Has every block of the journal written once, so that it is not the journal that has no room.
fn use_up_journal(root: &Path) -> anyhow::Result<()> {
    let path = root.join("x");
    for _ in 0..FILES {
        OsFs.open(&path, OpenMode::Create)?.sync()?;
        OsFs.remove_file(&path)?;
        OsFs.sync_dir(root)?;
    }
    Ok(())
}

/// The store is opened as it is in the cache, and again as it is on the disk.
fn judge(
    disk: &Ext4,
    dir: &Path,
    life: Life,
    told: &Told,
) -> anyhow::Result<Result<(), Violation>> {
    if let Some(wrong) = &told.wrong {
        return Ok(Err(Violation::new(wrong.clone())));
    }
    if told.open.is_some() && !told.stopped && told.refused == 0 {
        return Ok(Err(Violation::new("the process ended without a word")));
    }
    let open = || {
        options(life.seed, life.life)
            .segment_bytes_max(1 << 20)
            .open(dir)
    };
    let mut shown = 0;
    // The file system may be read only by now, and then this opening fails.
    let opened = open();
    if let Ok(store) = opened {
        if let Err(violation) = holds(&store, life, told, 0) {
            return Ok(Err(violation));
        }
        shown = store.snapshot().len();
    }
    disk.remount()?;
    let store = match open() {
        Ok(store) => store,
        Err(error) => {
            let message = format!("it does not open: {error:?}");
            return Ok(Err(Violation::new(message)));
        }
    };
    let held = holds(&store, life, told, shown).and_then(|()| {
        let appended = store.append(&coordinate(77), content(77, 0).event(life.seed));
        appended.map_err(|error| Violation::new(format!("it takes no append: {error:?}")))?;
        expect_whole(&store)
    });
    Ok(held)
}

/// Everything that was acknowledged is there, in its thread's order, and nothing else is.
fn holds(store: &Store, life: Life, told: &Told, shown: u64) -> Result<(), Violation> {
    expect_whole(store)?;
    let now = store.snapshot();
    if now.len() < shown {
        let lost = shown - now.len();
        let message = format!("{lost} of {shown} events are lost that an opening had shown");
        return Err(Violation::lost(message, lost));
    }
    let mut all = 0;
    for thread in 0..4 {
        let required = told.threads.get(&thread).copied().unwrap_or(0);
        let mut found = 0;
        for event in now.stream(coordinate(thread).entity()) {
            let event = event.map_err(|error| Violation::new(error.to_string()))?;
            let should = content(thread, found).payload(life.seed);
            if event.payload().unwrap_or_default() != should {
                let message = format!("event {found} of thread {thread} is a wrong one");
                return Err(Violation::new(message));
            }
            found += 1;
        }
        all += found;
        // One more may be there: it was not acknowledged.
        if found < required || found > required + 1 {
            let lost = required.saturating_sub(found);
            let message = format!("thread {thread} has {found} events of {required}");
            return Err(Violation::lost(message, lost));
        }
    }
    let others = now.query(&Region::all()).count() as u64 - all;
    if others > 0 {
        return Err(Violation::new(format!(
            "{others} events are there that were refused"
        )));
    }
    Ok(())
}
