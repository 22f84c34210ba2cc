//! `checkpoint`: what is saved so that opening is short.

use crate::Outcome;
use crate::args::StoreArgs;
use serde_json::json;
use strandline::StoreOptions;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
}

/// Saves a checkpoint.
pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let store = StoreOptions::new().must_exist().open(&args.store.dir)?;
    let sequence = store.checkpoint()?;
    store.close()?;
    if args.store.json {
        println!("{}", json!({ "sequence": sequence }));
    } else {
        println!("saved a checkpoint of everything before sequence {sequence}");
    }
    Ok(Outcome::Fine)
}
