//! How far consumers are.

use super::live::Live;
use crate::{Error, Status};

impl Live {
    /// How a consumer is, as this process and the files know it.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Corrupt`, `UnsupportedVersion`, `Io`, `Store`.
    pub fn status(&self, name: &str) -> Result<Status, Error> {
        let _ = self.consumer(name)?;
        Err(Error::new(crate::ErrorKind::NotFound, "not yet"))
    }
}
