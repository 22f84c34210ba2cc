//! `Connection`: bytes from a client and to it, without waiting for it. Knows no request.

use crate::lines::Lines;
use crate::protocol::Said;
use rustix::event::PollFlags;
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::time::Duration;
use strandline::Error;

/// How much is read at once.
const READ_BYTES: usize = 16 << 10;

/// Where a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its request is not there in whole.
    Asking,
    /// What it asked for is being done.
    Waiting,
    /// It has its answer, once that is sent.
    Leaving,
    /// There is nobody at the other end, or nothing to be said any more.
    Gone,
}

/// A client.
#[derive(Debug)]
pub(super) struct Connection {
    socket: OwnedFd,
    pub(super) number: u64,
    /// The process at the other end.
    pub(super) process: u32,
    pub(super) phase: Phase,
    /// Until when it may take, where something is expected of it.
    deadline: Duration,
    lines: Lines,
    /// What is to be sent, and how much of it was.
    out: Vec<u8>,
    sent: usize,
}

impl Connection {
    pub(super) const fn new(
        socket: OwnedFd,
        number: u64,
        process: u32,
        line_bytes_max: usize,
        deadline: Duration,
    ) -> Self {
        Self {
            socket,
            number,
            process,
            phase: Phase::Asking,
            deadline,
            lines: Lines::new(line_bytes_max),
            out: Vec::new(),
            sent: 0,
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// What is waited for. That it has hung up is told in any case.
    pub(super) fn interest(&self) -> PollFlags {
        let mut flags = PollFlags::empty();
        if self.phase == Phase::Asking {
            flags |= PollFlags::IN;
        }
        if self.has_out() {
            flags |= PollFlags::OUT;
        }
        flags
    }

    /// Until when something is expected of the client, if anything is.
    pub(super) fn deadline(&self) -> Option<Duration> {
        (self.phase == Phase::Asking || self.has_out()).then_some(self.deadline)
    }

    /// Whether something is not sent yet.
    pub(super) const fn has_out(&self) -> bool {
        self.sent < self.out.len()
    }

    /// Reads what has come, and gives the request once it is there.
    pub(super) fn read(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut buffer = [0; READ_BYTES];
        match recv(&self.socket, &mut buffer, RecvFlags::empty()) {
            // A request without the end of its line is none.
            Ok((_, 0)) => self.phase = Phase::Gone,
            Ok((_, count)) => {
                self.lines.add(buffer.get(..count).unwrap_or_default());
                return self.lines.next_line();
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.phase = Phase::Gone,
        }
        Ok(None)
    }

    /// Says something, which is to be read until the deadline.
    pub(super) fn say(&mut self, said: &Said, deadline: Duration) {
        if self.phase == Phase::Gone {
            return;
        }
        self.out.extend_from_slice(&said.line());
        self.deadline = deadline;
        self.write();
    }

    /// Says the last thing.
    pub(super) fn answer(&mut self, said: &Said, deadline: Duration) {
        if self.phase != Phase::Gone {
            self.phase = Phase::Leaving;
        }
        self.say(said, deadline);
    }

    /// Sends what can be sent now.
    pub(super) fn write(&mut self) {
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            // A client that is gone is no signal for this process, whose handlers are its own.
            match send(&self.socket, rest, SendFlags::NOSIGNAL) {
                Ok(count) => self.sent += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => {
                    self.phase = Phase::Gone;
                    return;
                }
            }
        }
        self.out.clear();
        self.sent = 0;
        if self.phase == Phase::Leaving {
            self.phase = Phase::Gone;
        }
    }
}
