//! `Redactions`: what was redacted while the store is open.

use std::collections::HashSet;
use strandline_core::Sequence;
use strandline_core::sync::RwLock;
use strandline_core::sync::atomic::{AtomicBool, Ordering};

/// The events that were redacted since the store was opened. Snapshots that are older have the files
/// as they were, and must not show the payloads all the same.
#[derive(Debug, Default)]
pub(crate) struct Redactions {
    /// Whether there are any: so reading costs a load where there are none.
    any: AtomicBool,
    sequences: RwLock<HashSet<Sequence>>,
}

impl Redactions {
    pub(crate) fn add(&self, sequences: &[Sequence]) {
        if sequences.is_empty() {
            return;
        }
        self.sequences.write().extend(sequences);
        // Release: whoever sees it finds the sequences. The partner is in `any`.
        self.any.store(true, Ordering::Release);
    }

    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    pub(crate) fn has(&self, sequence: Sequence) -> bool {
        self.sequences.read().contains(&sequence)
    }
}
