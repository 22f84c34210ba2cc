//! `ui`: a local page over a store, in the crate `strandline-inspector`.

use crate::args::store_dir;
use crate::outcome::{Outcome, WrongUsage};
use crate::output::{note, print};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use strandline_inspector::{Error, Inspector};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the store. A program may be writing it, and it may be damaged.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    dir: PathBuf,
    /// The port of the loopback interface. Default: 7787, or any other where that is not free.
    #[arg(long, value_name = "NUMBER")]
    port: Option<u16>,
    /// Open the page in the browser of this machine.
    #[arg(long)]
    open: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    if !args.dir.is_dir() {
        let message = format!(
            "{} is not there; a store is a directory with a MANIFEST in it",
            args.dir.display()
        );
        return Err(WrongUsage(message).into());
    }
    let inspector = match Inspector::bind(&args.dir, args.port) {
        Err(error @ Error::Port { .. }) => return Err(WrongUsage(error.to_string()).into()),
        bound => bound?,
    };
    let address = inspector.address();
    print(&format!("{address}\n"))?;
    note("The address has a token: whoever has it can read the store. Ctrl-C ends it.");
    if args.open && !opens(&address) {
        note("no browser was found: open the address by hand");
    }
    inspector.run()?;
    Ok(Outcome::Fine)
}

/// Has the desktop open an address.
fn opens(address: &str) -> bool {
    let openers = ["xdg-open", "open", "wslview"];
    openers.into_iter().any(|opener| {
        let mut command = Command::new(opener);
        let command = command.arg(address).stdin(Stdio::null());
        let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        started.is_ok()
    })
}
