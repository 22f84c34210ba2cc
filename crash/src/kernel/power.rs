//! Power cuts: a process appends to a store on an ext4, which is cut off from its disk at a moment by
//! chance, and mounted again.

use super::judge::Known;
use super::process::{Process, Told};
use super::sandbox::Ext4;
use super::shutdown::Going;
use super::story::Life;
use super::{OnProgress, Outcome, Part, Plan, remove};
use crate::Violation;
use anyhow::Context;
use std::time::Duration;
use strandline::fs::{Fs, OsFs};
use strandline_core::fs::Draws;

/// Bytes of the file system.
const BYTES: u64 = 96 << 20;
/// Power cuts of one store.
const CUTS_OF_STORE: u64 = 24;

pub(super) fn run(
    plan: &Plan,
    outcome: &mut Outcome,
    progress: OnProgress<'_>,
) -> anyhow::Result<()> {
    let disk = Ext4::new(&plan.folder.join("power"), BYTES, &[])?;
    let dir = disk.root.join("store");
    let mut known = Known::default();
    let mut draws = Draws::of(plan.seed, &[11]);
    let mut cuts = 0;
    let mut life = 0;
    while cuts < plan.count && !outcome.is_hopeless() {
        if (cuts / CUTS_OF_STORE) != (cuts.saturating_sub(3) / CUTS_OF_STORE) || life == 0 {
            begin(&disk)?;
            known = Known::default();
        }
        // In one of four the recovery from the cut is cut too, and then once more.
        let depth = if draws.chance(1, 4) {
            1 + draws.below(2)
        } else {
            0
        };
        let mut told = Vec::new();
        let mut moments = Vec::new();
        for nested in 0..=depth {
            life += 1;
            let longest_us = match draws.below(4) {
                _ if nested > 0 => 6_000,
                0 => 8_000,
                _ => 40_000,
            };
            let delay = Duration::from_micros(draws.below(longest_us));
            let going = match draws.below(3) {
                0 => Going::Journal,
                _ => Going::Nothing,
            };
            let life = Life {
                seed: plan.seed,
                life,
                calls_max: u64::MAX,
                lies: plan.lies,
            };
            told.push(cut(&disk, life, delay, going)?);
            moments.push(format!("{} us, {going:?} written", delay.as_micros()));
            cuts += 1;
        }
        outcome.totals.power_cuts += depth + 1;
        let judged = known.judge(&dir, plan.seed, &told, |told| told.synced);
        if let Err(violation) = judged {
            let said: Vec<_> = told.iter().map(describe).collect();
            let context = format!("cut {cuts} after {moments:?}; the processes said {said:?}");
            outcome.fail(plan, Part::Power, context, violation);
            begin(&disk)?;
            known = Known::default();
        }
        progress(Part::Power, cuts, plan.count);
    }
    Ok(())
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
