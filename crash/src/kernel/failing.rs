//! A disk that fails to write: an ext4 whose image is a sparse file on a tmpfs that is full, so that
//! the kernel fails to write back what it took, and says so at the next sync, once. Pages that it
//! failed to write are held in mappings meanwhile: by a snapshot and an iterator half way that outlive
//! the store in its process, and by a reader in another process.

use super::holder::Holder;
use super::outcome::Outcome;
use super::plan::{OnProgress, Part, Plan};
use super::process::{Process, Told};
use super::sandbox::Ext4;
use super::story::Life;
use super::threads::{AGAIN, content, coordinate, open_again, options_of};
use crate::verdict::{Violation, expect_whole};
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
    let mut counts = Counts::default();
    for round in 0..count {
        if outcome.is_hopeless() {
            break;
        }
        let room = draws.below(1500) << 10;
        let life = Life {
            seed: plan.seed,
            life: round as u32,
            calls_max: u64::MAX,
            lies: false,
        };
        let trial = Trial {
            disk: nearly_full(plan, room)?,
            life,
            by_itself: draws.chance(2, 3),
        };
        let (told, judged) = trial.run().context("look at the store again")?;
        outcome.totals.failed_disks += 1;
        counts.add(&told);
        if let Err(violation) = judged {
            let (said, shown) = (&told.threads, told.shown);
            let context = format!(
                "disk {round}, {room} bytes of room; opened again by {}, which showed {shown:?} \
                 events; acknowledged {said:?}",
                trial.again()
            );
            outcome.fail(plan, Part::Failing, context, violation);
        }
        progress(Part::Failing, round + 1, count);
    }
    outcome.notes.extend(counts.notes());
    Ok(())
}

/// What was seen on all the disks.
#[derive(Debug, Default)]
struct Counts {
    /// Events that could not be read.
    unreadable: u64,
    /// Disks that were read only before a sync failed.
    refused: u64,
    /// Disks on which a store was opened again whose pages were held.
    held: u64,
}

impl Counts {
    fn add(&mut self, told: &Told) {
        self.unreadable += told.unreadable;
        self.refused += u64::from(!told.stopped);
        self.held += u64::from(told.held.is_some() && told.shown.is_some());
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.refused > 0 {
            let refused = self.refused;
            notes.push(format!(
                "{refused} of the disks were read only before a sync failed"
            ));
        }
        if self.unreadable > 0 {
            let unreadable = self.unreadable;
            notes.push(format!(
                "{unreadable} events could not be read while their disk failed"
            ));
        }
        let held = self.held;
        notes.push(format!(
            "{held} stores were opened again on the failed disk while their pages were held"
        ));
        notes
    }
}

/// A store on a disk that is going to fail.
struct Trial {
    disk: Ext4,
    life: Life,
    /// Whether the process whose store fails opens it again, or another one.
    by_itself: bool,
}

impl Trial {
    const fn again(&self) -> &'static str {
        if self.by_itself {
            "its process"
        } else {
            "another process"
        }
    }

    /// What the processes said, and whether the store holds what it owes.
    fn run(&self) -> anyhow::Result<(Told, Result<(), Violation>)> {
        let mut told = Told::default();
        let held = self.fail(&mut told)?;
        let judged = match (held, &told.wrong) {
            (Err(violation), _) => Err(violation),
            (_, Some(wrong)) => Err(Violation::new(wrong.clone())),
            _ if told.open.is_some() && !told.stopped && told.refused == 0 => {
                Err(Violation::new("the process ended without a word"))
            }
            _ => self.judge(&told)?,
        };
        Ok((told, judged))
    }

    /// Has the disk fail under the store, and the store opened again while its pages are held; gives
    /// what the reader in another process says of what it holds.
    fn fail(&self, told: &mut Told) -> anyhow::Result<Result<(), Violation>> {
        let dir = self.disk.root.join("store");
        let mut process = Process::start(&dir, self.life, "threads", &[])?;
        let mut reader = if process.wait_open(told) {
            Some(Holder::start(&dir, self.life)?)
        } else {
            None
        };
        let is_holding = process.wait_until(told, |told| told.held.is_some());
        let mut held = match &mut reader {
            Some(reader) if is_holding => reader.hold().map(drop),
            _ => Ok(()),
        };
        // There is room again.
        self.disk.outside.resize(2 * BYTES)?;
        process.tell(if self.by_itself { "again" } else { "end" });
        *told = process.finish(std::mem::take(told))?;
        if !self.by_itself && told.wrong.is_none() {
            let again = open_again(&dir, self.life, &mut |line| {
                told.hear(line);
                Ok(())
            });
            held = held.and(again.map_err(Violation::new));
        }
        if let Some(mut reader) = reader {
            if is_holding && held.is_ok() {
                held = reader.look().and_then(|sees| sees_all(sees, told));
            }
            // The file system is mounted anew once nothing of it is mapped.
            reader.end()?;
        }
        Ok(held)
    }

    /// The store is opened as it is on the disk.
    fn judge(&self, told: &Told) -> anyhow::Result<Result<(), Violation>> {
        let dir = self.disk.root.join("store");
        self.disk.remount()?;
        let store = match options_of(self.life).open(dir) {
            Ok(store) => store,
            Err(error) => {
                let message = format!("mounted anew, it does not open: {error:?}");
                return Ok(Err(Violation::new(message)));
            }
        };
        Ok(holds(&store, self.life, told).and_then(|()| {
            let appended = store.append(&coordinate(77), content(77, 0).event(self.life.seed));
            appended.map_err(|error| Violation::new(format!("it takes no append: {error:?}")))?;
            expect_whole(&store)
        }))
    }
}

/// A reader that goes on sees what was appended after the store was opened again.
fn sees_all(sees: u64, told: &Told) -> Result<(), Violation> {
    let again = told.threads.get(&AGAIN).copied().unwrap_or(0);
    let should = told.shown.map_or(0, |shown| shown + again);
    if sees >= should {
        return Ok(());
    }
    let message = format!("a reader that goes on sees {sees} events of {should}");
    Err(Violation::new(message))
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

/// Everything that was acknowledged is there, in its thread's order, all that an opening has shown, and
/// nothing else is.
fn holds(store: &Store, life: Life, told: &Told) -> Result<(), Violation> {
    let now = store.snapshot();
    let again = told.threads.get(&AGAIN).copied().unwrap_or(0);
    let shown = told.shown.map_or(0, |shown| shown + again);
    if now.len() < shown {
        let lost = shown - now.len();
        let message = format!("{lost} of {shown} events are lost that an opening had shown");
        return Err(Violation::lost(message, lost));
    }
    let mut all = 0;
    for thread in (0..4).chain([AGAIN]) {
        let required = told.threads.get(&thread).copied().unwrap_or(0);
        let mut found = 0;
        for event in now.stream(coordinate(thread).entity()) {
            let event = event.map_err(|error| {
                let message = format!("thread {thread} has {found} events of {required}: {error}");
                Violation::lost(message, required.saturating_sub(found))
            })?;
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
    let others = now.query(Region::all()).count() as u64 - all;
    if others > 0 {
        return Err(Violation::new(format!(
            "{others} events are there that were refused"
        )));
    }
    expect_whole(store)
}
