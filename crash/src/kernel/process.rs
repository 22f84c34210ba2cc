//! Processes that are started to be killed, and what they say before.

use super::story::Life;
use anyhow::Context;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What a process said.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Its number.
    pub(crate) life: u32,
    /// How many events it found.
    pub(crate) open: Option<u64>,
    /// How many events were written when it last said so.
    pub(crate) written: u64,
    /// How many events were synced when it last said so.
    pub(crate) synced: u64,
    /// Calls that were refused.
    pub(crate) refused: u64,
    /// Whether its store stopped.
    pub(crate) stopped: bool,
    /// What the store did that it may not.
    pub(crate) wrong: Option<String>,
    /// By thread, how many of its events were acknowledged.
    pub(crate) threads: BTreeMap<u32, u64>,
    /// Events that could not be read once the store had stopped.
    pub(crate) unreadable: u64,
    /// How many events it holds that it has read.
    pub(crate) held: Option<u64>,
    /// How many events it saw after it had found all that it held to be as it was.
    pub(crate) same: Option<u64>,
    /// How many events were shown when it opened the store again.
    pub(crate) shown: Option<u64>,
}

impl Told {
    /// Adds a line.
    pub(crate) fn hear(&mut self, line: &str) {
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = || rest.parse().unwrap_or(0);
        match what {
            "open" => self.open = Some(number()),
            "written" => self.written = self.written.max(number()),
            "synced" => {
                self.synced = self.synced.max(number());
                self.written = self.written.max(self.synced);
            }
            "held" => self.held = Some(number()),
            "same" => self.same = Some(number()),
            "shown" => self.shown = Some(number()),
            "refused" => self.refused += 1,
            "stopped" => {
                self.stopped = true;
                self.unreadable = number();
            }
            "thread" => {
                if let Some((thread, count)) = rest.split_once(' ')
                    && let (Ok(thread), Ok(count)) = (thread.parse(), count.parse())
                {
                    self.threads.insert(thread, count);
                }
            }
            "wrong" => self.wrong = Some(rest.to_owned()),
            _ => {}
        }
    }
}

/// A process that appends to a store.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Closed once it is told nothing more.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    life: u32,
}

/// The command that starts this program as a process that appends to the store in `dir`.
pub(crate) fn arguments(dir: &Path, life: Life, job: &str) -> anyhow::Result<Vec<String>> {
    let dir = dir.to_str().context("the path of the store")?.to_owned();
    let mut arguments = vec!["--job".to_owned(), job.to_owned()];
    arguments.extend(["--dir".to_owned(), dir]);
    let numbers = [
        ("--seed", life.seed),
        ("--life", u64::from(life.life)),
        ("--calls", life.calls_max),
    ];
    for (name, number) in numbers {
        arguments.extend([name.to_owned(), number.to_string()]);
    }
    if life.lies {
        arguments.push("--lies".to_owned());
    }
    Ok(arguments)
}

impl Process {
    /// Starts one, under `wrapper` if that is not empty.
    pub(crate) fn start(
        dir: &Path,
        life: Life,
        job: &str,
        wrapper: &[String],
    ) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program has no path")?;
        let mut command = match wrapper {
            [] => Command::new(&program),
            [tool, options @ ..] => {
                let mut command = Command::new(tool);
                command.args(options).arg(&program);
                command
            }
        };
        let mut child = command
            .args(arguments(dir, life, job)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start a process")?;
        let output = child.stdout.take().context("the output of a process")?;
        Ok(Self {
            input: child.stdin.take(),
            child,
            output: BufReader::new(output),
            life: life.life,
        })
    }

    /// Waits until the process has opened the store; false if it will not.
    pub(crate) fn wait_open(&mut self, told: &mut Told) -> bool {
        self.wait_until(told, |told| told.open.is_some())
    }

    /// Tells the process something, a line. It may be gone by then.
    pub(crate) fn tell(&mut self, line: &str) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// Waits until what the process said is so; false if it ends before.
    pub(crate) fn wait_until(&mut self, told: &mut Told, so: impl Fn(&Told) -> bool) -> bool {
        let mut line = String::new();
        while self
            .output
            .read_line(&mut line)
            .is_ok_and(|count| count > 0)
        {
            told.hear(line.trim_end());
            if so(told) {
                return true;
            }
            line.clear();
        }
        false
    }

    /// Hears what the process has said until now, and no more.
    pub(crate) fn hear(&mut self, told: &mut Told) -> io::Result<()> {
        let flags = fcntl_getfl(self.output.get_ref())?;
        fcntl_setfl(self.output.get_ref(), flags | OFlags::NONBLOCK)?;
        let mut text = Vec::new();
        match self.output.read_to_end(&mut text) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
        fcntl_setfl(self.output.get_ref(), flags)?;
        let text = String::from_utf8_lossy(&text);
        text.lines().for_each(|line| told.hear(line));
        Ok(())
    }

    /// Kills the process, and gives what it said.
    pub(crate) fn kill(mut self, told: Told) -> anyhow::Result<Told> {
        // It may be gone already.
        let _ = self.child.kill();
        self.finish(told)
    }

    /// Kills the process, and passes over what it said since it was last heard, but for what its
    /// store may not do.
    pub(crate) fn silence(self, mut told: Told) -> anyhow::Result<Told> {
        let last = self.kill(Told::default())?;
        told.life = last.life;
        told.wrong = told.wrong.or(last.wrong);
        Ok(told)
    }

    /// Waits for the end of the process, and gives what it said.
    pub(crate) fn finish(mut self, mut told: Told) -> anyhow::Result<Told> {
        told.life = self.life;
        self.input = None;
        let mut text = String::new();
        self.output.read_to_string(&mut text)?;
        self.child.wait()?;
        // The last line is whole: it is written by one call.
        text.lines().for_each(|line| told.hear(line));
        Ok(told)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
