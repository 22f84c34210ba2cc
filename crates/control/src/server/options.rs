//! `ControlOptions`: what clients may take.

use std::time::Duration;

/// How many connections there may be at once, unless it is said otherwise.
const CONNECTIONS: usize = 16;
/// How long a client may take, unless it is said otherwise.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may take at most.
const PATIENCE_MAX: Duration = Duration::from_secs(60 * 60);
/// Longest line of a request.
const REQUEST_BYTES: usize = 256 << 10;

/// How a store is controlled.
#[derive(Debug, Clone)]
#[must_use]
pub struct ControlOptions {
    pub(super) connections_max: usize,
    pub(super) patience: Duration,
    pub(super) request_bytes_max: usize,
}

impl Default for ControlOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ControlOptions {
    /// 16 connections, requests of at most 256 KiB, and 10 seconds for a client to send one and to read an answer.
    pub const fn new() -> Self {
        Self {
            connections_max: CONNECTIONS,
            patience: PATIENCE,
            request_bytes_max: REQUEST_BYTES,
        }
    }

    /// Most connections at once, 1 at least: where there are more, one that has asked for nothing yet makes room. Default:
    /// 16.
    pub fn connections_max(mut self, connections: usize) -> Self {
        self.connections_max = connections.max(1);
        self
    }

    /// How long a client may take to send its request, and to read a line of the answer, an hour at most. Default: 10
    /// seconds.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience.min(PATIENCE_MAX);
        self
    }

    /// Longest line of a request, in bytes. Default: 256 KiB, enough for some 6,000 ids of events.
    pub const fn request_bytes_max(mut self, bytes: usize) -> Self {
        self.request_bytes_max = bytes;
        self
    }
}
