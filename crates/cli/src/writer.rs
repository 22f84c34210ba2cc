//! `Writer`: who changes a store for a command: this process, or the one that has the store open, if it can be asked.
//!
//! Knows `args`, `outcome` and `output`, and no command.

use crate::args::open_to_write;
use crate::outcome::{Advised, hint};
use crate::output::note;
use std::path::Path;
use strandline::{Error, ErrorKind, Store, StoreOptions};
use strandline_control::Client;

/// Who changes a store.
pub(crate) enum Writer {
    /// This process, which has the store open to write.
    Own(Store),
    /// The process that has it open, by its control socket.
    Other(Client),
}

impl Writer {
    /// Opens a store to write, or connects to the control socket of the process that has it open; it is said then that it
    /// does the work.
    ///
    /// # Errors
    ///
    /// As the opening; where the store is locked and nobody can be asked, with how that can be.
    pub(crate) fn of(dir: &Path) -> anyhow::Result<Self> {
        let locked = match open_to_write(StoreOptions::new().must_exist(), dir) {
            Ok(store) => return Ok(Self::Own(store)),
            Err(error) if error.kind() == ErrorKind::Locked => error,
            Err(error) => return Err(error.into()),
        };
        match Client::connect(dir) {
            Ok(Some(client)) => {
                let whose = client.process();
                let whose = whose.map_or("the process".to_owned(), |number| {
                    format!("process {number}")
                });
                note(format_args!(
                    "done by {whose}, which has the store open and is asked through its control socket"
                ));
                Ok(Self::Other(client))
            }
            Ok(None) => Err(unheard(locked)),
            Err(error) => {
                let next = format!("{error}; {}", without_socket());
                Err(Advised {
                    error: locked,
                    next,
                }
                .into())
            }
        }
    }
}

/// The process that has a store open, to be asked for what it alone knows or can do.
///
/// # Errors
///
/// If nobody can be asked, with how that can be.
pub(crate) fn other(dir: &Path) -> anyhow::Result<Client> {
    match Client::connect(dir)? {
        Some(client) => Ok(client),
        None => {
            let message = format!("nobody listens to a control socket in {}", dir.display());
            let error = Error::new(ErrorKind::NotWritten, message);
            let next = "have the program that writes the store open one (`Control::open` of `strandline-control`); what \
                nobody has open is changed by each command itself";
            Err(Advised {
                error,
                next: next.to_owned(),
            }
            .into())
        }
    }
}

/// A store is locked, and who has it does not listen.
fn unheard(locked: Error) -> anyhow::Error {
    Advised {
        error: locked,
        next: without_socket(),
    }
    .into()
}

fn without_socket() -> String {
    format!(
        "{}; this too does, where that program opens a control socket (`Control::open` of `strandline-control`)",
        hint(ErrorKind::Locked).unwrap_or_default()
    )
}
