//! `checkpoint` and `rebuild`: what is saved so that opening is short.

use crate::Outcome;
use crate::args::StoreArgs;
use crate::bar::Bar;
use serde_json::json;
use strandline::StoreOptions;
use strandline::maintenance::rebuild;

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

/// Makes footers and checkpoint anew.
pub(crate) fn run_rebuild(args: &Args) -> anyhow::Result<Outcome> {
    let mut bar = Bar::new("rebuilding");
    let options = StoreOptions::new();
    let rebuilt = rebuild(options, &args.store.dir, &mut |progress| bar.show(progress))?;
    drop(bar);
    if args.store.json {
        let json = json!({
            "events": rebuilt.events,
            "footers": rebuilt.footers,
            "footers_sound": rebuilt.footers_sound,
            "footers_failed": rebuilt.footers_failed,
            "sequence": rebuilt.sequence,
            "notices": rebuilt.notices,
        });
        println!("{json}");
    } else {
        for notice in rebuilt.notices.iter().chain(&rebuilt.footers_failed) {
            println!("  {notice}");
        }
        println!(
            "read {} events from the log; wrote {} footers, left {} that were sound, and wrote a \
             checkpoint of everything before sequence {}",
            rebuilt.events, rebuilt.footers, rebuilt.footers_sound, rebuilt.sequence
        );
    }
    Ok(match rebuilt.footers_failed.is_empty() {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    })
}
