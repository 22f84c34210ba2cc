//! What an append through a store is held to, for whoever prepares appends: who may write, which times are
//! taken, and how much fits in a commit. Appends nothing.

use crate::{Error, Store};

impl Store {
    /// Fails where every append through this handle would be refused because of how the store was opened
    /// or in which process this is: to be asked before work whose outcome is to be appended.
    ///
    /// Takes no lock and reads nothing. An append may be refused all the same, by a full disk say.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`](crate::ErrorKind::ReadOnly); [`ErrorKind::LockLost`](crate::ErrorKind::LockLost)
    /// in a fork of the process that opened it.
    pub fn check_writable(&self) -> Result<(), Error> {
        self.shared().writer().map(drop)
    }
}
