//! `inspect`: what is in a store, and what its bytes are, in a damaged one too.

mod args;
mod bytes;
mod opened;
mod overview;

pub(crate) use args::Args;

use crate::outcome::{Outcome, WrongUsage};

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let opener = args.open.opener()?;
    if opener.is_some() && args.event().is_none() {
        let message = "--keys show the payload of an event: name it with --event";
        return Err(WrongUsage(message.to_owned()).into());
    }
    if let (Some(id), Some(opener)) = (args.event(), opener) {
        let outcome = bytes::run(args)?;
        opened::run(args, id, &*opener)?;
        return Ok(outcome);
    }
    if args.event().is_some() || args.frame.is_some() || args.file.is_some() {
        return bytes::run(args);
    }
    overview::run(args)
}
