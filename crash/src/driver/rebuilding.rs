//! Footers and checkpoints that are made anew.

use super::state::{DIR, Driver, Outcome};
use crate::verdict::{Violation, is_typed};
use std::ops::ControlFlow;
use std::path::Path;
use strandline::maintenance::rebuild;
use strandline::{Error, ErrorKind};

impl Driver {
    /// Closes the store and makes its footers and its checkpoint anew.
    ///
    /// # Errors
    ///
    /// If the store does what it may not.
    pub fn rebuild(&mut self) -> Outcome {
        self.close()?;
        let options = self.options();
        match rebuild(options, Path::new(DIR), &mut |_| ControlFlow::Continue(())) {
            Ok(rebuilt) if rebuilt.footers_failed.is_empty() || self.setup.failing => Ok(()),
            Ok(rebuilt) => Err(Violation::new(format!("the rebuild gave {rebuilt:?}"))),
            // It opens the store, of which a sync may fail.
            Err(error) if self.may_fail(&error) => {
                self.may_lack = true;
                Ok(())
            }
            Err(error) => Err(Violation::new(format!("the rebuild failed: {error:?}"))),
        }
    }

    fn may_fail(&self, error: &Error) -> bool {
        let stopped = [ErrorKind::Unknown, ErrorKind::Poisoned];
        self.may_refuse(error)
            || self.setup.failing && stopped.contains(&error.kind())
            || self.setup.lying && is_typed(error)
    }
}
