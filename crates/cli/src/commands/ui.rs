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
    #[cfg(feature = "proof")]
    #[command(flatten)]
    held: crate::anchors::HeldArgs,
    /// Sign the proofs that are downloaded with this key: the file that `key new` made. Without it they are signed by the
    /// newest of the heads, if there are some.
    #[cfg(feature = "proof")]
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
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
    #[cfg(feature = "proof")]
    let inspector = with_heads(args, inspector)?;
    let address = inspector.address();
    print(&format!("{address}\n"))?;
    note("The address has a token: whoever has it can read the store. Ctrl-C ends it.");
    if args.open && !opens(&address) {
        note("no browser was found: open the address by hand");
    }
    inspector.run()?;
    Ok(Outcome::Fine)
}

/// Holds the log against heads, and signs proofs, if that is asked for.
#[cfg(feature = "proof")]
fn with_heads(args: &Args, mut inspector: Inspector) -> anyhow::Result<Inspector> {
    // Read once, so that what is wrong with them is said here.
    if let Some(held) = args.held.read()? {
        let again = args.held.clone();
        let read = move || again.kept().map_err(|error| error.to_string());
        inspector = inspector.heads(read, held.policy());
    }
    if let Some(path) = &args.signing_key {
        let key = crate::args::log_signer_key(path)?;
        let origin = args.held.origin().unwrap_or(key.name().as_str()).to_owned();
        inspector = inspector.signer(key, &origin);
    }
    Ok(inspector)
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
