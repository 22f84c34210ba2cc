//! Instructions an event, counted by callgrind: the same within a thousandth on every run, whatever
//! else the machine does. Valgrind knows no AVX-512, so hashes take other instructions than alone.
//!
//! The same work is counted for `n` and for `2 n` events; the difference is that of `n` events
//! without opening and closing.
//!
//! It knows children, scenarios, and Strandline among the systems.

use crate::child;
use crate::results::{Row, Unit};
use crate::scenario::{self, Job, is_wanted};
use crate::systems::STRANDLINE;
use anyhow::Context;
use std::path::Path;
use std::process::{Command, Output};

/// Work that is counted: its name, its scenario, and what of the scenario.
const COUNTED: [(&str, &str, &str); 4] = [
    ("append/single", "append/single", "append/single"),
    ("append/batch100", "append/batch100", "append/batch100"),
    ("read/scan", "read", "read/scan"),
    ("read/stream", "read", "read/stream"),
];

/// Events of the smaller count.
const EVENTS: u64 = 10_000;

/// Counts the instructions of the work that begins with one of `names`; of all if there are none.
pub(crate) fn measure(names: &[String], dir: &Path) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let wanted = |work: &&(&str, &str, &str)| is_wanted(names, work.0);
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
        let more = many.checked_sub(few).with_context(|| {
            format!("{work} took {many} instructions for twice the events, and {few} before")
        })?;
        let value = more as f64 / EVENTS as f64;
        rows.push(Row {
            work: format!("instructions/{work}"),
            events: EVENTS,
            segments: None,
            system: STRANDLINE.name.to_owned(),
            value,
            unit: Unit::Instructions,
            low: value,
            high: value,
        });
    }
    anyhow::ensure!(
        !rows.is_empty(),
        "no counted work begins with {}; there is {}",
        names.join(" or "),
        COUNTED.map(|(work, ..)| work).join(", ")
    );
    Ok(rows)
}

/// The instructions of the last phase of a scenario.
#[expect(clippy::disallowed_methods, reason = "no store is there yet")]
fn count(scenario: &str, part: &str, events: u64, dir: &Path) -> anyhow::Result<u64> {
    std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    let scenario = scenario::named(scenario)?;
    let mut job = Job {
        scenario: scenario.name.to_owned(),
        phase: 0,
        system: STRANDLINE.name.to_owned(),
        events,
        shape: scenario.shape,
        segments: None,
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
    instructions(&output)
}

/// The same command under callgrind.
fn under_callgrind(command: &Command) -> Command {
    let mut callgrind = Command::new("valgrind");
    callgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => callgrind.env(name, value),
            None => callgrind.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        callgrind.current_dir(dir);
    }
    callgrind
}

/// The count of a process that ran under callgrind.
fn instructions(output: &Output) -> anyhow::Result<u64> {
    let text = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(
        output.status.success(),
        "valgrind ended with {}; the last it said:\n{}",
        output.status,
        last_lines(&text)
    );
    let count = collected(&text);
    count.with_context(|| format!("callgrind printed no count but:\n{}", last_lines(&text)))
}

/// The last lines of a text: a panic that is told before callgrind's own summary is among them.
fn last_lines(text: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
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

    fn ended(code: i32, said: &str) -> Output {
        use std::os::unix::process::ExitStatusExt;
        Output {
            status: std::process::ExitStatus::from_raw(code << 8),
            stdout: Vec::new(),
            stderr: said.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_failure_shows_its_last_lines_even_where_there_is_a_count() {
        let noise = "early\n".repeat(50);
        let said = format!("{noise}a store panicked\n==7== Collected : 9\n");
        let error = instructions(&ended(101, &said)).unwrap_err().to_string();
        assert!(error.contains("101") && error.contains("a store panicked"));
        assert!(error.matches("early").count() < 20, "{error}");
        assert_eq!(instructions(&ended(0, &said)).unwrap(), 9);
        let error = instructions(&ended(0, "nothing")).unwrap_err();
        assert!(error.to_string().contains("no count"));
    }

    #[test]
    fn a_command_is_the_same_under_callgrind() {
        let mut command = Command::new("program");
        command.arg("--name").env("SET", "1").env_remove("UNSET");
        command.current_dir("somewhere");
        let wrapped = under_callgrind(&command);
        let args: Vec<_> = wrapped.get_args().skip(2).collect();
        assert_eq!(args, ["program", "--name"]);
        assert_eq!(
            wrapped.get_envs().collect::<Vec<_>>(),
            command.get_envs().collect::<Vec<_>>()
        );
        assert_eq!(wrapped.get_current_dir(), command.get_current_dir());
    }
}
