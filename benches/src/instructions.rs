//! Instructions an event, counted by callgrind: the same on every run, whatever else the machine
//! does.
//!
//! The same work is counted for `n` and for `2 n` events; the difference is that of `n` events
//! without opening and closing.

use crate::program::Options;
use crate::row::{Row, Unit};
use crate::scenario::{ALL, Job, is_wanted};
use crate::{child, strandline};
use anyhow::Context;
use std::path::Path;
use std::process::Command;

/// Work that is counted: its name, its scenario, and what of the scenario.
const COUNTED: [(&str, &str, &str); 4] = [
    ("append/single", "append/single", "append/single"),
    ("append/batch100", "append/batch100", "append/batch100"),
    ("read/scan", "read", "read/scan"),
    ("read/stream", "read", "read/stream"),
];

/// Events of the smaller count.
const EVENTS: u64 = 10_000;

/// Counts the instructions of the work that is wanted.
pub(crate) fn measure(options: &Options, dir: &Path) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let wanted = |work: &&(&str, &str, &str)| is_wanted(&options.names, work.0);
    for (work, scenario, part) in COUNTED.iter().filter(wanted) {
        eprintln!("counting the instructions of {work}");
        let few = count(
            scenario,
            part,
            EVENTS,
            &dir.join(format!("{}-1", rows.len())),
        )?;
        let many = count(
            scenario,
            part,
            2 * EVENTS,
            &dir.join(format!("{}-2", rows.len())),
        )?;
        let value = many.saturating_sub(few) as f64 / EVENTS as f64;
        rows.push(Row {
            work: format!("instructions/{work}"),
            events: EVENTS,
            system: strandline::ENTRY.name.to_owned(),
            value,
            unit: Unit::Instructions,
            low: value,
            high: value,
        });
    }
    anyhow::ensure!(
        !rows.is_empty(),
        "no counted work begins with {}; there is {}",
        options.names.join(" or "),
        COUNTED.map(|(work, ..)| work).join(", ")
    );
    Ok(rows)
}

/// The instructions of the last phase of a scenario.
#[expect(clippy::disallowed_methods, reason = "no store is there yet")]
fn count(scenario: &str, part: &str, events: u64, dir: &Path) -> anyhow::Result<u64> {
    std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    let scenario = ALL.iter().find(|known| known.name == scenario);
    let scenario = scenario.context("the scenario is there")?;
    let mut job = Job {
        scenario: scenario.name.to_owned(),
        phase: 0,
        system: strandline::ENTRY.name.to_owned(),
        events,
        dir: dir.to_owned(),
        wanted: vec![part.to_owned()],
    };
    let last = scenario.phases.len().saturating_sub(1);
    for (phase, what) in scenario.phases.iter().enumerate().take(last) {
        job.phase = phase;
        child::run(&job, what.ends)?;
    }
    job.phase = last;
    let output = under_callgrind(&child::command(&job)?)
        .output()
        .context("valgrind cannot be started; install it (Debian: apt install valgrind)")?;
    let text = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "valgrind failed: {}", text.trim());
    collected(&text).context("callgrind printed no count")
}

/// The same command under callgrind.
fn under_callgrind(command: &Command) -> Command {
    let mut callgrind = Command::new("valgrind");
    callgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            callgrind.env(name, value);
        }
    }
    callgrind
}

/// The count in what callgrind prints: `==123== Collected : 456`.
fn collected(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_among_other_lines() {
        let text = "==7== Events    : Ir\n==7== Collected : 316708328\n==7==\n";
        assert_eq!(collected(text), Some(316_708_328));
        assert_eq!(collected("==7== Events    : Ir\n"), None);
    }
}
