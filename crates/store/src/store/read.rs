//! Reading and checking what is there.

use super::Store;
#[cfg(doc)]
use crate::ErrorKind;
use crate::meter::Run;
use crate::read;
use crate::{Error, Snapshot, VerifyReport};
use strandline_core::Sequence;

impl Store {
    /// The store as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        read::snapshot(self.shared())
    }

    /// Shows what another process has written since this store was opened to read only, or since
    /// the last call, and gives the watermark. Snapshots that were taken stay as they are.
    ///
    /// Without news: three small reads and a look at which files they are. In a store opened to write,
    /// everything is shown already.
    ///
    /// What it shows are whole commits, whose events the power may yet take back: the writer may
    /// not have synced them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LogBehindCheckpoint`] if what is in the directory now does not go on from what was
    /// read: another store, or an earlier or restored copy of this one, or none. So too if the end of what
    /// was read was carried into another file, as after a kill, and that was compacted or redacted before
    /// this call. Open it again.
    /// [`ErrorKind::Corrupt`], [`ErrorKind::Io`].
    pub fn refresh(&self) -> Result<Sequence, Error> {
        if let Some(follower) = &self.shared().follower {
            follower.lock().follow()?;
        }
        Ok(self.shared().index.gate().visible())
    }

    /// Reads the whole log and checks every checksum and every chain; then holds against it what was
    /// made of it, byte by byte: the footer of each sealed segment, the checkpoint, and the index that
    /// this process uses. Waits for footers that are being written.
    ///
    /// In a store opened to read only, another process may have rewritten a segment before this one had
    /// looked into it. What was in it cannot be read any more, so the store is opened anew then, and what
    /// that shows is verified.
    ///
    /// Two segments at a time are in memory, with 80 bytes an event or so.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the log cannot be read; [`ErrorKind::LockLost`], or in a store opened to read
    /// only [`ErrorKind::LogBehindCheckpoint`], if what is in the directory now is another store. Damage is
    /// no error: it is in the report.
    pub fn verify(&self) -> Result<VerifyReport, Error> {
        self.wait_for_background();
        let anew = self.anew_if_replaced()?;
        let store = anew.as_ref().unwrap_or(self);
        let run = self.shared().metrics.running(Run::Verify);
        let report = crate::verify::verify(store.shared(), &mut |_| Ok(()))?;
        run.done();
        Ok(report)
    }
}
