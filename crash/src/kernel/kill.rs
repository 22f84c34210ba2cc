//! Processes that are killed at a moment by chance, and others that take their stores over.

use super::judge::Known;
use super::power::describe;
use super::process::{Process, Told};
use super::story::{Life, options};
use super::{OnProgress, Outcome, Part, Plan, remove};
use crate::Violation;
use std::time::Duration;
use strandline::ErrorKind;
use strandline_core::fs::Draws;

/// Kills of one store.
const KILLS_OF_STORE: u64 = 24;

pub(super) fn run(
    plan: &Plan,
    outcome: &mut Outcome,
    progress: OnProgress<'_>,
) -> anyhow::Result<()> {
    let dir = plan.folder.join("kill/store");
    let count = plan.count.div_ceil(3);
    let mut known = Known::default();
    let mut draws = Draws::of(plan.seed, &[12]);
    for kill in 0..count {
        if outcome.is_hopeless() {
            break;
        }
        if kill.is_multiple_of(KILLS_OF_STORE) {
            remove(&dir)?;
            known = Known::default();
        }
        let life = Life {
            seed: plan.seed,
            life: kill as u32 + 1,
            calls_max: u64::MAX,
            lies: false,
        };
        let delay = Duration::from_micros(draws.below(40_000));
        let waits = draws.chance(1, 4);
        let mut process = Process::start(&dir, life, "story", &[])?;
        let mut told = Told::default();
        let mut judged = Ok(());
        if waits && process.wait_open(&mut told) {
            judged = is_locked(&dir, life);
        }
        std::thread::sleep(delay);
        let told = [process.kill(told)?];
        outcome.totals.kills += 1;
        let judged = judged.and_then(|()| known.judge(&dir, plan.seed, &told, |told| told.written));
        if let Err(violation) = judged {
            let said = told.first().map(describe);
            let context = format!("kill {kill} after {delay:?}; {said:?}");
            outcome.fail(plan, Part::Kill, context, violation);
            remove(&dir)?;
            known = Known::default();
        }
        progress(Part::Kill, kill + 1, count);
    }
    remove(&dir)
}

/// While a process has the store, another must not get it.
fn is_locked(dir: &std::path::Path, life: Life) -> Result<(), Violation> {
    // A process that closes and opens the store again lets go of it for a moment.
    for _ in 0..3 {
        match options(life.seed, life.life).open(dir) {
            Err(error) if error.kind() == ErrorKind::Locked => return Ok(()),
            Err(error) => {
                let message = format!("a second process was told {error:?}");
                return Err(Violation::new(message));
            }
            Ok(store) => drop(store),
        }
    }
    Err(Violation::new("two processes have the store open"))
}
