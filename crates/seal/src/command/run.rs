//! A program run once: asked, and its answer read, within a time and a length. Knows no question.

use std::io::{self, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use strandline_core::sync::thread;
use zeroize::Zeroizing;

/// Longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What `program` answers to `question`; its standard error is that of this process.
///
/// # Errors
///
/// What the system says; `TimedOut`, after which the program is killed; an error with its exit status if that is not 0.
pub(super) fn ask(
    program: &mut Command,
    question: Vec<u8>,
    time_max: Duration,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("the program has no pipes"));
    };
    let (sender, answers) = mpsc::channel();
    // A program may answer before it has read all, or never read: neither holds up this thread.
    thread::spawn(move || {
        // One that does not read says in its answer what it thinks of it.
        let _ = stdin.write_all(&question);
        drop(stdin);
        // As long as it may get, so that no part of it is left where it was moved from.
        let mut answer = Zeroizing::new(Vec::with_capacity(ANSWER_BYTES_MAX));
        let read = stdout
            .take(ANSWER_BYTES_MAX as u64)
            .read_to_end(&mut answer);
        // Nobody waits any more where the time is over.
        let _ = sender.send(read.map(|_| answer));
    });
    match answers.recv_timeout(time_max) {
        Ok(answer) => {
            let answer = answer?;
            if answer.len() == ANSWER_BYTES_MAX {
                end(&mut child);
                return Err(io::Error::other("the answer is too long"));
            }
            // It has closed its output, and is killed if it does not end.
            let status = end_within(&mut child, time_max)?;
            match status {
                Some(status) if status.success() => Ok(answer),
                Some(status) => Err(io::Error::other(format!("it ended with {status}"))),
                None => Err(io::ErrorKind::TimedOut.into()),
            }
        }
        Err(_) => {
            end(&mut child);
            Err(io::ErrorKind::TimedOut.into())
        }
    }
}

/// Waits until the program has ended; kills it once the time is over.
fn end_within(
    child: &mut Child,
    time_max: Duration,
) -> io::Result<Option<std::process::ExitStatus>> {
    const STEP: Duration = Duration::from_millis(1);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if waited >= time_max {
            end(child);
            return Ok(None);
        }
        thread::sleep(STEP);
        waited += STEP;
    }
}

/// Kills the program, and has the system forget it.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
