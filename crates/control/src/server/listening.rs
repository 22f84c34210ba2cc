//! `Listening`: the thread that takes connections, reads requests and tells answers. It waits for no client and for no work:
//! for whatever comes first.

use super::connection::{Connection, Phase};
use super::options::ControlOptions;
use crate::protocol::{
    Cancelled, Failure, LastWork, Request, RunningWork, Said, Status, parse_request,
};
use crate::socket::{Bound, peer_of};
use crate::work::{Finished, Running, Waker};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, recv};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Duration;
use strandline::{Clock as _, Error, ErrorKind, Store, SystemClock};
use strandline_core::Process;
use strandline_core::sync::Mutex;

/// How long a client that waits hears nothing at most.
const SIGN_INTERVAL: Duration = Duration::from_secs(1);
/// How long no connection is taken after one could not be: there are no descriptors left, say.
const PAUSE: Duration = Duration::from_secs(1);

/// What the thread has.
pub(super) struct Listening {
    bound: Bound,
    store: Weak<Store>,
    options: ControlOptions,
    waker: Waker,
    woken: UnixStream,
    is_stopped: Arc<Mutex<bool>>,
    clock: SystemClock,
    since_ms: u64,
    connections: Vec<Connection>,
    /// How many there have been.
    count: u64,
    /// No connection is taken before.
    paused_until: Duration,
    running: Option<Running>,
    /// The connection that waits for it, while there is one.
    waiting: Option<u64>,
    /// When that heard something last.
    told_at: Duration,
    last: Option<LastWork>,
}

impl Listening {
    pub(super) fn new(
        bound: Bound,
        store: Weak<Store>,
        options: ControlOptions,
        (waker, woken): (Waker, UnixStream),
        is_stopped: Arc<Mutex<bool>>,
    ) -> Self {
        let clock = SystemClock::default();
        Self {
            bound,
            store,
            options,
            waker,
            woken,
            is_stopped,
            since_ms: clock.now_ms(),
            clock,
            connections: Vec::new(),
            count: 0,
            paused_until: Duration::ZERO,
            running: None,
            waiting: None,
            told_at: Duration::ZERO,
            last: None,
        }
    }

    /// Listens until it is stopped.
    pub(super) fn run(mut self) {
        loop {
            if *self.is_stopped.lock() {
                return self.end();
            }
            let Some((is_asked, ready)) = self.wait() else {
                told(|| tracing::error!("cannot listen for control any more"));
                return self.end();
            };
            for (number, flags) in ready {
                self.serve(number, flags);
            }
            if is_asked {
                self.accept();
            }
            self.tell_news();
            self.leave_slow();
            self.forget_gone();
        }
    }

    /// Waits until something is to be done, and says whether somebody wants to connect, and which connections are ready
    /// for what. `None` if it cannot wait.
    fn wait(&self) -> Option<(bool, Vec<(u64, PollFlags)>)> {
        let timeout = self.timeout().map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let of_listener = match self.clock.elapsed() >= self.paused_until {
            true => PollFlags::IN,
            false => PollFlags::empty(),
        };
        let mut fds = vec![
            PollFd::from_borrowed_fd(self.bound.as_fd(), of_listener),
            PollFd::new(&self.woken, PollFlags::IN),
        ];
        let connections = self.connections.iter();
        fds.extend(connections.map(|one| PollFd::from_borrowed_fd(one.as_fd(), one.interest())));
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
        let mut found = fds.iter().map(PollFd::revents);
        let is_asked = found.next()?.contains(PollFlags::IN);
        if !found.next()?.is_empty() {
            let mut bytes = [0; 64];
            while recv(&self.woken, &mut bytes, RecvFlags::empty())
                .is_ok_and(|(_, count)| count > 0)
            {}
        }
        let numbers = self.connections.iter().map(|one| one.number);
        let ready = numbers.zip(found).filter(|(_, flags)| !flags.is_empty());
        Some((is_asked, ready.collect()))
    }

    /// How long nothing has to be done by itself; `None` for ever.
    fn timeout(&self) -> Option<Duration> {
        let now = self.clock.elapsed();
        let deadlines = self.connections.iter().filter_map(Connection::deadline);
        let sign = self.waiting.map(|_| self.told_at + SIGN_INTERVAL);
        let pause = Some(self.paused_until).filter(|until| *until > now);
        let next = deadlines.chain(sign).chain(pause).min()?;
        Some(next.saturating_sub(now))
    }

    /// Does what a connection is ready for.
    fn serve(&mut self, number: u64, flags: PollFlags) {
        let patience = self.clock.elapsed() + self.options.patience;
        let Some(connection) = self.connection(number) else {
            return;
        };
        if flags.contains(PollFlags::OUT) {
            connection.write();
        }
        if connection.phase == Phase::Asking && flags.intersects(PollFlags::IN | PollFlags::HUP) {
            let asked = connection.read().transpose();
            let asked = asked.map(|line| line.and_then(|line| parse_request(&line)));
            match asked {
                None => {}
                Some(Ok(request)) => self.begin(number, request),
                Some(Err(error)) => {
                    connection.answer(&Said::Error(Failure::from(&error)), patience);
                }
            }
        } else if flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            connection.phase = Phase::Gone;
        }
    }

    fn connection(&mut self, number: u64) -> Option<&mut Connection> {
        let mut connections = self.connections.iter_mut();
        connections.find(|one| one.number == number)
    }

    /// Answers a request, or begins what it asks for.
    fn begin(&mut self, number: u64, request: Request) {
        let process = self.connection(number).map_or(0, |one| one.process);
        let name = request.name();
        let answer = match &request {
            Request::Status {} => Some(self.status().and_then(|status| said(&status))),
            Request::Cancel {} => Some(said(&self.cancel())),
            _ => match self.start(request, process) {
                Ok(()) => None,
                Err(error) => Some(Err(error)),
            },
        };
        let now = self.clock.elapsed();
        let patience = now + self.options.patience;
        match answer {
            Some(answer) => {
                let answer = answer.map_or_else(|error| Said::Error((&error).into()), Said::Result);
                if let Some(connection) = self.connection(number) {
                    connection.answer(&answer, patience);
                }
            }
            None => {
                told(|| tracing::info!(work = name, process, "began what was asked for"));
                self.waiting = Some(number);
                self.told_at = now;
                if let Some(connection) = self.connection(number) {
                    connection.phase = Phase::Waiting;
                    connection.say(&Said::Working, patience);
                }
            }
        }
    }

    fn start(&mut self, request: Request, process: u32) -> Result<(), Error> {
        if let Some(running) = &self.running {
            let how_far = match running.progress() {
                None => String::new(),
                Some(progress) => match progress.total {
                    Some(total) => format!(", {} of {total} done", progress.done),
                    None => format!(", {} done", progress.done),
                },
            };
            return Err(Error::new(
                ErrorKind::Busy,
                format!(
                    "one thing is done at a time, and a {} is at work, asked for by process {}{how_far}; nothing was \
                     changed: wait, or have it cancelled",
                    running.request.name(),
                    running.asked_by
                ),
            ));
        }
        let store = self.open_store()?;
        self.running = Some(Running::start(store, request, process, self.waker.clone())?);
        Ok(())
    }

    fn open_store(&self) -> Result<Arc<Store>, Error> {
        self.store.upgrade().ok_or_else(|| {
            Error::new(
                ErrorKind::Closed,
                "the process that listens has closed the store; nothing was changed",
            )
        })
    }

    fn cancel(&self) -> Cancelled {
        if let Some(running) = &self.running {
            running.cancel();
        }
        Cancelled {
            cancelled: self
                .running
                .as_ref()
                .map(|running| running.request.name().to_owned()),
        }
    }

    fn status(&self) -> Result<Status, Error> {
        let store = self.open_store()?;
        let running = self.running.as_ref().map(|running| {
            let progress = running.progress();
            RunningWork {
                name: running.request.name().to_owned(),
                asked_by: running.asked_by,
                since_ms: running.since_ms,
                done: progress.map_or(0, |progress| progress.done),
                total: progress.and_then(|progress| progress.total),
                cancelled: running.is_cancelled(),
            }
        });
        Ok(Status {
            process: Process::current().id(),
            since_ms: self.since_ms,
            running,
            last: self.last.clone(),
            store: (&store.stats()?).into(),
        })
    }

    /// Takes who wants to connect.
    fn accept(&mut self) {
        let connection = match self.bound.accept() {
            Ok(Some(connection)) => connection,
            Ok(None) => return,
            Err(error) => {
                told(|| tracing::warn!(%error, "cannot take a connection for control"));
                self.paused_until = self.clock.elapsed() + PAUSE;
                return;
            }
        };
        let patience = self.clock.elapsed() + self.options.patience;
        let peer = peer_of(&connection);
        let process = peer.map_or(0, |peer| peer.map_or(0, |peer| peer.process));
        self.count += 1;
        let bytes_max = self.options.request_bytes_max;
        let mut connection = Connection::new(connection, self.count, process, bytes_max, patience);
        if !peer.is_ok_and(|peer| peer.is_none_or(|peer| peer.may_use())) {
            told(|| tracing::warn!(process, "refused another user's process"));
            connection.answer(&refused_user(), patience);
        } else if self.connections.len() >= self.options.connections_max && !self.make_room() {
            connection.answer(&too_many(), patience);
        }
        // What was answered is sent at once, as the socket has room for it; if it has not, nobody reads it.
        if connection.phase == Phase::Asking {
            self.connections.push(connection);
        }
    }

    /// Ends the connection that has asked for nothing for the longest time; whether there was one.
    fn make_room(&mut self) -> bool {
        let mut connections = self.connections.iter();
        let Some(at) = connections.position(|one| one.phase == Phase::Asking) else {
            return false;
        };
        self.connections.remove(at);
        true
    }

    /// Tells whoever waits how far it is, and what it came to.
    fn tell_news(&mut self) {
        let now = self.clock.elapsed();
        let patience = now + self.options.patience;
        if self.running.as_ref().is_some_and(Running::has_ended) {
            return self.finish();
        }
        let Some(running) = &self.running else {
            return;
        };
        let said = match running.new_progress() {
            Some(progress) => Said::Progress(progress),
            None if now >= self.told_at + SIGN_INTERVAL => Said::Working,
            None => return,
        };
        self.told_at = now;
        let waiting = self.waiting;
        if let Some(connection) = waiting.and_then(|number| self.connection(number))
            && !connection.has_out()
        {
            connection.say(&said, patience);
        }
    }

    /// Takes what ended work came to, and tells who waits for it.
    fn finish(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        let Finished {
            request,
            asked_by,
            since_ms,
            came_to,
        } = running.finish();
        let error = came_to.as_ref().err().map(ToString::to_string);
        match &error {
            None => told(|| {
                tracing::info!(
                    work = request.name(),
                    process = asked_by,
                    "did what was asked for"
                );
            }),
            Some(error) => {
                told(|| {
                    tracing::warn!(
                        work = request.name(),
                        process = asked_by,
                        error,
                        "did not do what was asked for"
                    );
                });
            }
        }
        self.last = Some(LastWork {
            name: request.name().to_owned(),
            asked_by,
            since_ms,
            ended_ms: self.clock.now_ms(),
            error,
        });
        let patience = self.clock.elapsed() + self.options.patience;
        let waiting = self.waiting.take();
        if let Some(connection) = waiting.and_then(|number| self.connection(number)) {
            let said = came_to.map_or_else(|error| Said::Error((&error).into()), Said::Result);
            connection.answer(&said, patience);
        }
    }

    /// Ends the connections of which something was expected for too long.
    fn leave_slow(&mut self) {
        let now = self.clock.elapsed();
        for connection in &mut self.connections {
            if connection
                .deadline()
                .is_some_and(|deadline| deadline <= now)
            {
                connection.phase = Phase::Gone;
            }
        }
    }

    /// Forgets connections that have ended, and stops what was done for one of them alone.
    fn forget_gone(&mut self) {
        let waiting = self.waiting;
        self.connections.retain(|one| one.phase != Phase::Gone);
        let is_there = |number| self.connections.iter().any(|one| one.number == number);
        if waiting.is_some_and(|number| !is_there(number)) {
            self.waiting = None;
            if let Some(running) = self
                .running
                .as_ref()
                .filter(|one| one.request.ends_with_client())
            {
                running.cancel();
            }
        }
    }

    /// Stops what is being done, and tells who waits.
    fn end(mut self) {
        if let Some(running) = &self.running {
            running.cancel();
            self.finish();
        }
    }
}

/// Tells something to `tracing`. A subscriber is somebody else's code: one that panics does not end the thread.
fn told(tell: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(tell));
}

fn said(answer: &impl serde::Serialize) -> Result<serde_json::Value, Error> {
    serde_json::to_value(answer).map_err(|error| {
        Error::new(
            ErrorKind::Unknown,
            format!("the answer is no JSON: {error}"),
        )
    })
}

fn refused_user() -> Said {
    let message =
        "this store is controlled by the user whose process has it open, and by the superuser";
    Said::Error(Failure {
        io: Some("PermissionDenied".to_owned()),
        ..Failure::from(&Error::new(ErrorKind::Io, message))
    })
}

fn too_many() -> Said {
    let message = "too many processes are connected to the control socket; nothing was changed";
    Said::Error(Failure::from(&Error::new(ErrorKind::Busy, message)))
}
