//! `inspect`: what is in a store, and what its bytes are, in a damaged one too.

mod args;
mod bytes;
mod overview;

pub(crate) use args::Args;

use crate::outcome::Outcome;

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    if args.event().is_some() || args.frame.is_some() || args.file.is_some() {
        return bytes::run(args);
    }
    overview::run(args)
}
