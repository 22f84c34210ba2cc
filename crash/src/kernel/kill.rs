//! Processes that are killed at a moment by chance, and others that take their stores over, while a
//! reader beside them holds what it has mapped.

use super::holder::Holder;
use super::judge::Known;
use super::outcome::Outcome;
use super::plan::{OnProgress, Part, Plan, remove};
use super::power::describe;
use super::process::{Process, Told};
use super::story::{Life, options};
use crate::verdict::Violation;
use std::path::Path;
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
    let mut reader = None;
    let mut draws = Draws::of(plan.seed, &[12]);
    for kill in 0..count {
        if outcome.is_hopeless() {
            break;
        }
        if kill.is_multiple_of(KILLS_OF_STORE) {
            begin(&dir, &mut known, &mut reader)?;
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
        let judged = judged.and(hold_on(&dir, life, &mut reader)?);
        if let Err(violation) = judged {
            let said = told.first().map(describe);
            let context = format!("kill {kill} after {delay:?}; {said:?}");
            outcome.fail(plan, Part::Kill, context, violation);
            begin(&dir, &mut known, &mut reader)?;
        }
        progress(Part::Kill, kill + 1, count);
    }
    begin(&dir, &mut known, &mut reader)
}

/// Removes the store, so that the next process makes one, and ends its reader.
fn begin(dir: &Path, known: &mut Known, reader: &mut Option<Holder>) -> anyhow::Result<()> {
    if let Some(reader) = reader.take() {
        reader.end()?;
    }
    *known = Known::default();
    remove(dir)
}

/// Has a reader look at what it holds since the last kill, and hold what there is now.
fn hold_on(
    dir: &Path,
    life: Life,
    reader: &mut Option<Holder>,
) -> anyhow::Result<Result<(), Violation>> {
    let looked = match reader {
        Some(reader) => reader.look().map(drop),
        None => {
            *reader = Some(Holder::start(dir, life)?);
            Ok(())
        }
    };
    let held = reader.as_mut().map_or(Ok(0), Holder::hold);
    Ok(looked.and(held.map(drop)))
}

/// While a process has the store, another must not get it.
fn is_locked(dir: &Path, life: Life) -> Result<(), Violation> {
    // A process that closes and opens the store again lets go of it for a moment, or for longer where others
    // have the processor.
    for _ in 0..6_000 {
        match options(life.seed, life.life).open(dir) {
            Err(error) if error.kind() == ErrorKind::Locked => return Ok(()),
            Err(error) => {
                let message = format!("a second process was told {error:?}");
                return Err(Violation::new(message));
            }
            Ok(store) => drop(store),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(Violation::new("two processes have the store open"))
}
