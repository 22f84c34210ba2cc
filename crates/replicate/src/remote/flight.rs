//! `Flight`: a block that one thread fetches and others wait for. Fetches nothing.

use super::objects::NotFetched;
use bytes::Bytes;
use strandline_core::sync::{Condvar, Mutex};

/// What became of a block.
pub(super) type Landed = Result<Bytes, NotFetched>;

/// A block on its way.
#[derive(Debug, Default)]
pub(super) struct Flight {
    landed: Mutex<Option<Landed>>,
    told: Condvar,
}

impl Flight {
    /// Tells all who wait. The first call counts.
    pub(super) fn land(&self, landed: Landed) {
        self.landed.lock().get_or_insert(landed);
        self.told.notify_all();
    }

    /// Waits for the block.
    pub(super) fn wait(&self) -> Landed {
        let mut landed = self.landed.lock();
        loop {
            match &*landed {
                Some(landed) => return landed.clone(),
                None => self.told.wait(&mut landed),
            }
        }
    }
}
