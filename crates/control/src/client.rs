//! `Client`: asks the process that has a store open. One connection is one request.

use crate::lines::Lines;
use crate::protocol::{
    AskedRedaction, AskedRetention, BackedUp, Cancelled, Checkpointed, CompactedTold,
    CompactionPlanTold, ProgressTold, RedactedTold, RedactionPlanTold, Request, Said, Status, Unit,
    Verified, parse_said,
};
use crate::socket::reach;
use rustix::net::{SendFlags, send};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::{ErrorKind as IoErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use strandline::maintenance::{
    Compacted, CompactionPlan, Meter, OnProgress, Redacted, RedactionPlan, unwatched,
};
use strandline::{Error, ErrorKind, Sequence};

/// How long the other side may say nothing. It says something each second.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest line of an answer: a removal has its runs of sequences in it.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// How much is read at once.
const READ_BYTES: usize = 64 << 10;

/// A connection to the process that has a store open and listens, for one request.
///
/// Dropped while something is being done, it is as if the process had ended: [`Request::ends_with_client`] says what becomes
/// of that.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    process: Option<u32>,
}

impl Client {
    /// Connects to who has the store in this directory open and listens; `None` if nobody does, whether it is open or not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if what has the name of the socket is none, or is listened to by a process of another
    /// user than the directory's; [`ErrorKind::Io`], with what the system said.
    pub fn connect(dir: impl AsRef<Path>) -> Result<Option<Self>, Error> {
        let reached = reach(dir.as_ref(), PATIENCE)?;
        Ok(reached.map(|(stream, peer)| Self {
            stream,
            process: peer.map(|peer| peer.process).filter(|number| *number != 0),
        }))
    }

    /// The process that listens, where the system says which it is.
    #[must_use]
    pub const fn process(&self) -> Option<u32> {
        self.process
    }

    /// How the store gets on, and what is being done.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn status(self) -> Result<Status, Error> {
        told(self.request(&Request::Status {}, &mut unwatched)?)
    }

    /// Has a checkpoint saved, and gives the sequence up to which it holds the store.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn checkpoint(self) -> Result<Sequence, Error> {
        let done: Checkpointed = told(self.request(&Request::Checkpoint {}, &mut unwatched)?)?;
        Ok(done.sequence)
    }

    /// Has the store compacted.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn compact(
        self,
        rules: &AskedRetention,
        on_progress: OnProgress<'_>,
    ) -> Result<Compacted, Error> {
        let request = Request::Compact {
            rules: rules.clone(),
            dry_run: false,
        };
        let done: CompactedTold = told(self.request(&request, on_progress)?)?;
        done.try_into()
            .map_err(|error: String| not_understood(&error))
    }

    /// Asks what a compaction would remove.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn plan_compaction(self, rules: &AskedRetention) -> Result<CompactionPlan, Error> {
        let request = Request::Compact {
            rules: rules.clone(),
            dry_run: true,
        };
        let plan: CompactionPlanTold = told(self.request(&request, &mut unwatched)?)?;
        Ok(plan.into())
    }

    /// Has payloads removed.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn redact(
        self,
        of: &AskedRedaction,
        on_progress: OnProgress<'_>,
    ) -> Result<Redacted, Error> {
        let request = Request::Redact {
            of: of.clone(),
            dry_run: false,
        };
        let done: RedactedTold = told(self.request(&request, on_progress)?)?;
        done.try_into()
            .map_err(|error: String| not_understood(&error))
    }

    /// Asks what a redaction would remove.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn plan_redaction(self, of: &AskedRedaction) -> Result<RedactionPlan, Error> {
        let request = Request::Redact {
            of: of.clone(),
            dry_run: true,
        };
        let plan: RedactionPlanTold = told(self.request(&request, &mut unwatched)?)?;
        Ok(plan.into())
    }

    /// Has the store backed up, as a [`Request::Backup`] says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for another request, and as [`request`](Self::request).
    pub fn back_up(
        self,
        request: &Request,
        on_progress: OnProgress<'_>,
    ) -> Result<BackedUp, Error> {
        match request {
            Request::Backup { .. } => told(self.request(request, on_progress)?),
            _ => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("a {} is no backup", request.name()),
            )),
        }
    }

    /// Has the store verified.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn verify(self, on_progress: OnProgress<'_>) -> Result<Verified, Error> {
        told(self.request(&Request::Verify { head: None }, on_progress)?)
    }

    /// Has what is being done stopped, at the next point at which it can be, and gives its name; nothing if nothing is.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn cancel(self) -> Result<Option<String>, Error> {
        let done: Cancelled = told(self.request(&Request::Cancel {}, &mut unwatched)?)?;
        Ok(done.cancelled)
    }

    /// Asks for something, and gives what it came to, as the JSON of the README.
    ///
    /// `on_progress` is told how far it is. With `Break` nothing is waited for any more: what is asked for goes on or is
    /// stopped as [`Request::ends_with_client`] says.
    ///
    /// # Errors
    ///
    /// What the store refuses by, with its kind and its text; [`ErrorKind::Busy`] if something else is being done;
    /// [`ErrorKind::Closed`] if the store is closed by now; [`ErrorKind::Cancelled`]. [`ErrorKind::Io`] if the other side
    /// is gone or does not answer, and [`ErrorKind::Unknown`] where by then something may have been changed.
    pub fn request(
        mut self,
        request: &Request,
        on_progress: OnProgress<'_>,
    ) -> Result<Value, Error> {
        let line = request.line()?;
        // A request that is refused for its length is answered before it is read in whole.
        let sent = self.send(&line);
        let mut lines = Lines::new(ANSWER_BYTES_MAX);
        loop {
            let Some(line) = self.next_line(&mut lines, request)? else {
                sent?;
                return Err(lost(request, "it ended, or closed its control socket"));
            };
            match parse_said(&line)? {
                Said::Working => {}
                Said::Progress(progress) => pass_on(progress, on_progress)?,
                Said::Result(value) => return Ok(value),
                Said::Error(failure) => return Err(failure.error()),
            }
        }
    }

    fn send(&self, line: &[u8]) -> Result<(), Error> {
        let mut rest = line;
        while !rest.is_empty() {
            match send(&self.stream, rest, SendFlags::NOSIGNAL) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    let message = "cannot ask the process that has the store open";
                    let error = std::io::Error::from(error);
                    return Err(Error::new(ErrorKind::Io, message).with_source(error));
                }
            }
        }
        Ok(())
    }

    /// The next line; none at the end.
    fn next_line(
        &mut self,
        lines: &mut Lines,
        request: &Request,
    ) -> Result<Option<Vec<u8>>, Error> {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            if let Some(line) = lines.next_line()? {
                return Ok(Some(line));
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(count) => lines.add(buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(error) if error.kind() == IoErrorKind::ConnectionReset => return Ok(None),
                Err(error)
                    if matches!(
                        error.kind(),
                        IoErrorKind::WouldBlock | IoErrorKind::TimedOut
                    ) =>
                {
                    let seconds = PATIENCE.as_secs();
                    return Err(lost(
                        request,
                        &format!("it has said nothing for {seconds} seconds"),
                    ));
                }
                Err(error) => return Err(lost(request, &error.to_string())),
            }
        }
    }
}

/// What is not known any more once nobody answers.
fn lost(request: &Request, why: &str) -> Error {
    let name = request.name();
    match request.ends_with_client() {
        true => Error::new(
            ErrorKind::Io,
            format!(
                "the process that has the store open does not answer: {why}; the {name} was not done"
            ),
        ),
        false => Error::new(
            ErrorKind::Unknown,
            format!(
                "the process that has the store open does not answer: {why}; whether the {name} was done is open, and \
                 all of it is or nothing: `strandline removals` lists what was removed"
            ),
        ),
    }
}

fn told<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| not_understood(&error.to_string()))
}

/// It was done, and the other side says it in another way than this version knows.
fn not_understood(why: &str) -> Error {
    Error::new(
        ErrorKind::Unknown,
        format!(
            "it was done, and what came of it is told in a way that this program does not know: {why}"
        ),
    )
}

/// Tells a callback what was told.
fn pass_on(progress: ProgressTold, on_progress: OnProgress<'_>) -> Result<(), Error> {
    let mut meter = match progress.unit {
        Unit::Bytes => Meter::bytes(progress.total, on_progress),
        Unit::Events => Meter::events(progress.total, on_progress),
    };
    meter.add(progress.done)?;
    meter.report()
}
