//! Who else opens the store while it is open.

use super::state::{DIR, Driver, Outcome};
use crate::verdict::Violation;
use strandline::ErrorKind;

impl Driver {
    /// Checks that the open store cannot be opened a second time.
    ///
    /// # Errors
    ///
    /// If it can.
    pub fn try_second_writer(&mut self) -> Outcome {
        match self.options().open(DIR) {
            Err(error) if error.kind() == ErrorKind::Locked || self.may_refuse(&error) => Ok(()),
            Err(error) => Err(Violation::new(format!("a second writer: {error:?}"))),
            Ok(_) => Err(Violation::new("two writers have the store open")),
        }
    }

    /// Opens the store to read only and checks what that shows and that it changes nothing.
    ///
    /// # Errors
    ///
    /// If it shows what it may not or changes something.
    pub fn read_only(&mut self) -> Outcome {
        let steps = self.fs.steps_count();
        let expected = self.expected();
        match self.options().read_only().open(DIR) {
            Ok(store) => match expected.check(&store) {
                // Where syncs lie, what was acknowledged may be gone.
                Err(_) if self.setup.lying => {}
                Err(found) if found.lost > 0 || !self.setup.failing => return Err(found),
                _ => {}
            },
            Err(error) if error.kind() == ErrorKind::NotFound && expected.required == 0 => {}
            Err(error) if self.setup.failing && error.kind() == ErrorKind::NotFound => {}
            Err(error) if self.may_refuse(&error) || self.setup.lying => {}
            Err(error) => {
                return Err(Violation::new(format!("it cannot be read: {error:?}")));
            }
        }
        if self.fs.steps_count() == steps {
            Ok(())
        } else {
            Err(Violation::new("an opening to read only changed something"))
        }
    }
}
