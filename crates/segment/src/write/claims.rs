//! `BeingRewritten`: which segments are being rewritten, so that no two rewritings of one go on at once.

use crate::format::SegmentId;
use std::collections::BTreeSet;
use std::sync::Arc;
use strandline_core::sync::Mutex;

/// The segments that are being rewritten: of two rewritings of one, the second would write to the file
/// of the first.
#[derive(Debug, Clone, Default)]
pub(super) struct BeingRewritten(Arc<Mutex<BTreeSet<SegmentId>>>);

/// The right to rewrite a segment, until it is dropped.
#[derive(Debug)]
pub(super) struct Claim {
    segment: SegmentId,
    all: BeingRewritten,
}

impl BeingRewritten {
    pub(super) fn claim(&self, segment: SegmentId) -> Option<Claim> {
        self.0.lock().insert(segment).then(|| Claim {
            segment,
            all: self.clone(),
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.segment);
    }
}
