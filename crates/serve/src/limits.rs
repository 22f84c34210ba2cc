//! `Limits`: what clients may take of the machine.

use std::time::Duration;

/// How long a message is that clients take unless they are told to take longer ones.
const CLIENTS_TAKE: usize = 4 << 20;

/// What an event may have more in an answer than in its request: position, position in a source, lengths.
const ANSWER_HAS_MORE: usize = 1 << 10;

/// How much clients may take of the machine. What is over a limit is refused, or waits, and takes nothing from others.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    pub(crate) connections: usize,
    pub(crate) streams: usize,
    pub(crate) calls_per_connection: u32,
    pub(crate) request_bytes: usize,
    pub(crate) in_flight_bytes: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) request_time: Duration,
    pub(crate) drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            streams: 1024,
            calls_per_connection: 128,
            request_bytes: CLIENTS_TAKE - ANSWER_HAS_MORE,
            in_flight_bytes: 64 << 20,
            batch_bytes: 256 << 10,
            request_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Most connections at once; one more is closed at once. Default: 1,024. At least 1.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Most reads and subscriptions at once, of all connections together; one more is refused with `ResourceExhausted`.
    /// Each may keep two batches in memory. Default: 1,024. At least 1.
    pub fn streams(mut self, streams: usize) -> Self {
        self.streams = streams.max(1);
        self
    }

    /// Most calls of one connection at once; a client waits with one more. Default: 128. At least 1.
    pub fn calls_per_connection(mut self, calls: u32) -> Self {
        self.calls_per_connection = calls.max(1);
        self
    }

    /// Longest request, in bytes; a longer one is refused with `OutOfRange` before it is read. Default: 1 KiB less than
    /// 4 MiB, so that clients that take messages of 4 MiB, as most do, can read what they could append. At least 1 KiB.
    pub fn request_bytes(mut self, bytes: usize) -> Self {
        self.request_bytes = bytes.max(1 << 10);
        self
    }

    /// Most bytes of requests that are held at once, of all connections together; a request waits until it has room, and
    /// is read from the network only then. Default: 64 MiB. At least the longest request.
    pub fn in_flight_bytes(mut self, bytes: usize) -> Self {
        self.in_flight_bytes = bytes;
        self
    }

    /// With the event that reaches so many bytes a batch of an answer ends, however many events the client asks for.
    /// Default: 256 KiB. From 1 to 2 MiB.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes.clamp(1, 2 << 20);
        self
    }

    /// How long a request may take to arrive, from its header to its last byte; and a connection to begin. Default: 30 s.
    pub fn request_time(mut self, time: Duration) -> Self {
        self.request_time = time;
        self
    }

    /// How long calls may go on once the server is to end. Default: 10 s.
    pub fn drain_time(mut self, time: Duration) -> Self {
        self.drain_time = time;
        self
    }

    /// Most bytes in flight, in which the longest request has room.
    pub(crate) fn budget(&self) -> usize {
        self.in_flight_bytes.max(self.request_bytes)
    }
}
