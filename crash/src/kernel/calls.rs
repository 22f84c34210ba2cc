//! System calls that fail: a process under `strace`, which fails the n-th call of a name.

use super::judge::Known;
use super::outcome::Outcome;
use super::plan::{OnProgress, Part, Plan, remove};
use super::power::describe;
use super::process::{Process, Told};
use super::story::Life;
use std::path::Path;
use strandline::fs::{OsFs, read_file};
use strandline_core::fs::Draws;

/// Each call, with the errors that it fails with.
const CALLS: &[(&str, &[&str])] = &[
    ("pwrite64", &["EIO", "ENOSPC", "EINTR"]),
    ("pread64", &["EIO", "EINTR"]),
    ("fdatasync", &["EIO", "ENOSPC"]),
    ("fsync", &["EIO"]),
    ("openat", &["EMFILE", "EIO"]),
    ("rename", &["EIO", "ENOSPC"]),
    ("ftruncate", &["EIO"]),
    ("fallocate", &["ENOSPC", "EOPNOTSUPP"]),
    ("flock", &["EWOULDBLOCK", "EIO"]),
    ("mmap", &["ENOMEM"]),
    ("unlink", &["EIO"]),
    ("link", &["EPERM"]),
];
/// Calls of the store that a process makes: some rotations, checkpoints and openings.
const CALLS_OF_PROCESS: u64 = 60;
/// Longest note of strace that is read, in bytes.
const NOTE_BYTES_MAX: u64 = 1 << 20;

pub(super) fn run(
    plan: &Plan,
    outcome: &mut Outcome,
    progress: OnProgress<'_>,
) -> anyhow::Result<()> {
    let ways = CALLS
        .iter()
        .flat_map(|(call, errors)| errors.iter().map(move |error| (call, error)));
    let ways: Vec<_> = ways.collect();
    let each = plan.count.div_ceil(ways.len() as u64 * 2);
    let folder = plan.folder.join("calls");
    let mut draws = Draws::of(plan.seed, &[14]);
    let mut life = 0;
    for (done, (call, error)) in ways.iter().enumerate() {
        let mut n = 1;
        for _ in 0..each {
            if outcome.is_hopeless() {
                return Ok(());
            }
            life += 1;
            let life = Life {
                seed: plan.seed,
                life,
                calls_max: CALLS_OF_PROCESS,
                lies: false,
            };
            let met = fail(plan, outcome, &folder, life, (call, error, n))?;
            // Where a process makes fewer calls than that, an earlier one is chosen next.
            n = if met {
                n + 1 + draws.below(3)
            } else {
                1 + draws.below(n)
            };
        }
        progress(Part::Calls, done as u64 + 1, ways.len() as u64);
    }
    remove(&folder)
}

/// Runs a process of which one call fails; whether it made that many calls.
fn fail(
    plan: &Plan,
    outcome: &mut Outcome,
    folder: &Path,
    life: Life,
    (call, error, n): (&str, &str, u64),
) -> anyhow::Result<bool> {
    remove(folder)?;
    std::fs::DirBuilder::new().recursive(true).create(folder)?;
    let (dir, note) = (folder.join("store"), folder.join("note"));
    let mut wrapper: Vec<String> = ["strace", "-f", "-qq", "-o"].map(str::to_owned).into();
    wrapper.push(note.display().to_string());
    wrapper.push(format!("--trace={call}"));
    wrapper.push(format!("--inject={call}:error={error}:when={n}"));
    let process = Process::start(&dir, life, "story", &wrapper)?;
    let told = [process.finish(Told::default())?];
    let note = read_file(&OsFs, &note, NOTE_BYTES_MAX).unwrap_or_default();
    let met = String::from_utf8_lossy(&note).contains("(INJECTED)");
    outcome.totals.failed_calls += u64::from(met);
    let mut known = Known::default();
    // The process was not killed: what was written is there, unless it was refused.
    if let Err(violation) = known.judge(&dir, plan.seed, &told, |told| told.written) {
        let said = told.first().map(describe);
        let context = format!("call {n} of {call} failed with {error}; {said:?}");
        outcome.fail(plan, Part::Calls, context, violation);
    }
    Ok(met)
}
