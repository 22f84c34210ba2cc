//! `Bell`: what wakes the thread of the hub, but for news of events.

use crate::engine::parker::Parker;
use std::sync::Arc;
use strandline_core::Process;
use strandline_core::sync::atomic::{AtomicBool, Ordering};

/// Rung by whoever has something for the hub to look at: a new subscription, one that was dropped, one that has
/// room again, the end.
#[derive(Debug)]
pub(super) struct Bell {
    /// Only ever swapped, with acquire and release: what was done before the ring is seen by who hears it.
    is_rung: AtomicBool,
    parker: Arc<Parker>,
    process: Process,
}

impl Bell {
    pub(super) fn new() -> Self {
        Self {
            is_rung: AtomicBool::new(false),
            parker: Arc::default(),
            process: Process::current(),
        }
    }

    /// Wakes the hub. In a fork there is none, and its locks may be held by nobody.
    pub(super) fn ring(&self) {
        if self.process.is_current() && !self.is_rung.swap(true, Ordering::AcqRel) {
            self.parker.unpark();
        }
    }

    /// Whether it was rung since the last time.
    pub(super) fn hear(&self) -> bool {
        self.is_rung.swap(false, Ordering::AcqRel)
    }

    /// What the hub sleeps on, for others who wake it.
    pub(super) const fn parker(&self) -> &Arc<Parker> {
        &self.parker
    }
}
