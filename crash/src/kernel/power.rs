//! Power cuts: a process appends to a store on an ext4, which is cut off from its disk at a moment by
//! chance, and mounted again.

use super::judge::Known;
use super::outcome::Outcome;
use super::plan::{OnProgress, Part, Plan, remove};
use super::process::{Process, Told};
use super::sandbox::Ext4;
use super::shutdown::Going;
use super::story::Life;
use crate::verdict::Violation;
use anyhow::Context;
use std::time::Duration;
use strandline::fs::{Fs, OsFs};
use strandline_core::fs::Draws;

/// Bytes of the file system.
const BYTES: u64 = 96 << 20;
/// Power cuts of one file system.
const CUTS_OF_DISK: u64 = 240;
/// What ext4 says of itself when it is damaged: EUCLEAN and EBADMSG, of a structure or its checksum.
/// Some thousand shutdowns of one file system lead to that; the store is not asked then.
const FILE_SYSTEM_DAMAGED: [&str; 2] = ["(os error 117)", "(os error 74)"];
/// Power cuts of one store.
const CUTS_OF_STORE: u64 = 24;

pub(super) fn run(
    plan: &Plan,
    outcome: &mut Outcome,
    progress: OnProgress<'_>,
) -> anyhow::Result<()> {
    let mut chance = Chance {
        draws: Draws::of(plan.seed, &[11]),
        life: 0,
    };
    let mut damaged = 0;
    while outcome.totals.power_cuts < plan.count && !outcome.is_hopeless() {
        let disk = Ext4::new(&plan.folder.join("power"), BYTES, &[])?;
        let until = plan.count.min(outcome.totals.power_cuts + CUTS_OF_DISK);
        if !cut_disk(plan, outcome, progress, &disk, &mut chance, until)? {
            damaged += 1;
        }
    }
    if damaged > 0 {
        let note = format!("{damaged} times the cuts damaged ext4 itself, and it was made anew");
        outcome.notes.push(note);
    }
    Ok(())
}

struct Chance {
    draws: Draws,
    /// The number of the last process.
    life: u32,
}

impl Chance {
    /// What the next process is, when the power is cut, and what is still written then.
    fn next(&mut self, plan: &Plan, is_nested: bool) -> (Life, Duration, Going) {
        self.life += 1;
        let longest_us = match self.draws.below(4) {
            _ if is_nested => 6_000,
            0 => 8_000,
            _ => 40_000,
        };
        let delay = Duration::from_micros(self.draws.below(longest_us));
        let going = match self.draws.below(3) {
            0 => Going::Journal,
            _ => Going::Nothing,
        };
        let life = Life {
            seed: plan.seed,
            life: self.life,
            calls_max: u64::MAX,
            lies: plan.lies,
        };
        (life, delay, going)
    }
}

/// Cuts the power until there were `until` cuts; false if the file system itself is damaged.
fn cut_disk(
    plan: &Plan,
    outcome: &mut Outcome,
    progress: OnProgress<'_>,
    disk: &Ext4,
    chance: &mut Chance,
    until: u64,
) -> anyhow::Result<bool> {
    let dir = disk.root.join("store");
    let mut known = Known::default();
    let mut of_store = 0;
    while outcome.totals.power_cuts < until && !outcome.is_hopeless() {
        // In one of four the recovery from the cut is cut too, and then once more.
        let depth = match chance.draws.below(8) {
            0 => 3,
            1 => 2,
            _ => 1,
        };
        let mut told = Vec::new();
        let mut moments = Vec::new();
        for nested in 0..depth {
            let (life, delay, going) = chance.next(plan, nested > 0);
            told.push(cut(disk, life, delay, going)?);
            moments.push(format!("{} us, {going:?} written", delay.as_micros()));
        }
        of_store += depth;
        let judged = known.judge(&dir, plan.seed, &told, |told| told.synced);
        if let Err(violation) = &judged
            && FILE_SYSTEM_DAMAGED
                .iter()
                .any(|code| violation.message.contains(code))
        {
            return Ok(false);
        }
        outcome.totals.power_cuts += depth;
        let is_wrong = judged.is_err();
        if let Err(violation) = judged {
            let said: Vec<_> = told.iter().map(describe).collect();
            let cuts = outcome.totals.power_cuts;
            let context = format!("cut {cuts} after {moments:?}; the processes said {said:?}");
            outcome.fail(plan, Part::Power, context, violation);
        }
        if is_wrong || of_store >= CUTS_OF_STORE {
            begin(disk)?;
            known = Known::default();
            of_store = 0;
        }
        progress(Part::Power, outcome.totals.power_cuts, plan.count);
    }
    Ok(true)
}

/// Removes the store, so that the next process makes one.
fn begin(disk: &Ext4) -> anyhow::Result<()> {
    remove(&disk.root.join("store"))?;
    // A power cut would bring it back.
    OsFs.sync_dir(&disk.root)
        .context("sync the removal of a store")
}

/// Starts a process, cuts the power after `delay`, and mounts what is left.
fn cut(disk: &Ext4, life: Life, delay: Duration, going: Going) -> anyhow::Result<Told> {
    let dir = disk.root.join("store");
    let mut process = Process::start(&dir, life, "story", &[])?;
    std::thread::sleep(delay);
    let mut told = Told::default();
    // What is acknowledged after this counts for nothing: while ext4 is shut down, a sync can return
    // as if it had succeeded, since it finds its transaction gone.
    process.hear(&mut told)?;
    disk.cut(going)?;
    let told = process.silence(told)?;
    disk.remount()?;
    Ok(told)
}

/// A line of what a process said.
pub(super) fn describe(told: &Told) -> String {
    let Told {
        life,
        open,
        written,
        synced,
        ..
    } = told;
    format!("process {life} found {open:?}, wrote {written}, synced {synced}")
}

impl From<std::io::Error> for Violation {
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}
