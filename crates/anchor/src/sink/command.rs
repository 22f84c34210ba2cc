//! `CommandSink`: heads given to a program.

use super::{AnchorSink, Prove, SinkError};
use std::io::{self, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;
use strandline_proof::{NoteSignature, SignedCheckpoint, TreeHead};

/// A program that is given each head on its standard input, and has kept it once it ends with 0: to mail it, print it,
/// put it into another system. It is not asked what it has.
#[derive(Debug)]
pub struct CommandSink {
    program: String,
    arguments: Vec<String>,
    time_max: Duration,
}

impl CommandSink {
    /// A program and its arguments, which no shell looks at.
    pub fn new(
        program: impl Into<String>,
        arguments: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            time_max: Duration::from_secs(60),
        }
    }

    /// How long it may take, after which it is killed and has not kept the head. Default: a minute.
    #[must_use]
    pub const fn time_max(mut self, time: Duration) -> Self {
        self.time_max = time;
        self
    }
}

impl AnchorSink for CommandSink {
    fn name(&self) -> String {
        let all = std::iter::once(&self.program).chain(&self.arguments);
        let all: Vec<_> = all.map(String::as_str).collect();
        format!("the command {}", all.join(" "))
    }

    fn newest(&mut self, _: &str) -> Result<Option<TreeHead>, SinkError> {
        Ok(None)
    }

    fn keep(
        &mut self,
        head: &SignedCheckpoint,
        _: Prove<'_>,
    ) -> Result<Vec<NoteSignature>, SinkError> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        let text = head.to_string();
        // One that never reads does not hold up this thread.
        let writing =
            thread::spawn(move || input.map(|mut input| input.write_all(text.as_bytes())));
        // It ends in any case, and is not left as a zombie.
        let Some(status) = ended_within(&mut child, self.time_max)? else {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        };
        if !status.success() {
            return Err(SinkError::Refused(status.to_string()));
        }
        // What it has started may still have its input open, and is not waited for.
        let written = writing.is_finished().then(|| writing.join().ok().flatten());
        match written.flatten() {
            // One that has not read it and ends well has no use for it.
            Some(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(Vec::new()),
        }
    }
}

/// Waits until a program has ended, and kills it once the time is over: `None`.
fn ended_within(child: &mut Child, time_max: Duration) -> io::Result<Option<ExitStatus>> {
    const STEP: Duration = Duration::from_millis(2);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if waited >= time_max {
            let _ = child.kill();
            let _ = child.wait();
            return Ok(None);
        }
        thread::sleep(STEP);
        waited += STEP;
    }
}
