//! `Record`: one call in the access log, written once it is over.

use super::asked::Call;
use crate::net::Peer;
use std::sync::Arc;
use strandline_core::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use strandline_core::{Clock, SystemClock};
use tonic::Code;

/// A call that goes on, shared by what works for it. Once the last of them lets go of it, a line is written at the level
/// `INFO` for the target `strandline_serve::access`.
#[derive(Debug)]
pub(super) struct Record {
    call: Call,
    peer: Option<Peer>,
    /// The name of the token.
    who: Option<Arc<str>>,
    began: SystemClock,
    /// Events that were appended or given. It is read once nobody writes it any more.
    events: AtomicU64,
    /// The code of the status. As `events`.
    code: AtomicI32,
}

impl Record {
    /// Of a call that is `Cancelled` unless something is said of it.
    pub(super) fn new(call: Call, peer: Option<Peer>, who: Option<Arc<str>>) -> Arc<Self> {
        Arc::new(Self {
            call,
            peer,
            who,
            began: SystemClock::default(),
            events: AtomicU64::new(0),
            code: AtomicI32::new(Code::Cancelled.into()),
        })
    }

    pub(super) fn add_events(&self, events: usize) {
        let events = u64::try_from(events).unwrap_or(u64::MAX);
        // Nothing else depends on it.
        self.events.fetch_add(events, Ordering::Relaxed);
    }

    /// Says how it ended.
    pub(super) fn end(&self, code: Code) {
        // Nothing else depends on it.
        self.code.store(code.into(), Ordering::Relaxed);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let code = Code::from_i32(self.code.load(Ordering::Relaxed));
        tracing::info!(
            target: "strandline_serve::access",
            call = self.call.name(),
            peer = self.peer.map(|Peer(address)| tracing::field::display(address)),
            who = self.who.as_deref(),
            ?code,
            events = self.events.load(Ordering::Relaxed),
            took_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
            "called"
        );
    }
}
