//! `checkpoint` and `rebuild`: what is saved so that opening is short.

use crate::args::StoreArgs;
use crate::outcome::{Outcome, with_also};
use crate::terminal::{Bar, Screen, count, number};
use crate::writer::Writer;
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
    let sequence = match Writer::of(&args.store.dir)? {
        Writer::Other(client) => client.checkpoint()?,
        Writer::Own(store) => {
            let saved = store.checkpoint();
            let closed = store.close();
            let closed = closed.err().map(Into::into);
            match (saved, closed) {
                (Ok(sequence), None) => sequence,
                (Ok(_), Some(error)) => return Err(error),
                (Err(error), closed) => return Err(with_also(error.into(), [closed])),
            }
        }
    };
    let mut screen = Screen::new();
    if args.store.json {
        screen.json(&json!({ "sequence": sequence }))?;
    } else {
        screen.text(&format!(
            "saved a checkpoint of everything before sequence {sequence}"
        ))?;
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}

/// Makes footers and checkpoint anew.
pub(super) fn run_rebuild(args: &Args) -> anyhow::Result<Outcome> {
    let mut bar = Bar::new("rebuilding");
    let options = StoreOptions::new();
    let rebuilt = rebuild(options, &args.store.dir, &mut |progress| bar.show(progress))?;
    drop(bar);
    let mut screen = Screen::new();
    if args.store.json {
        let json = json!({
            "events": rebuilt.events,
            "footers": rebuilt.footers,
            "footers_sound": rebuilt.footers_sound,
            "footers_failed": rebuilt.footers_failed,
            "merged_removed": rebuilt.merged_removed,
            "sequence": rebuilt.sequence,
            "notices": rebuilt.notices,
        });
        screen.json(&json)?;
    } else {
        for notice in rebuilt.notices.iter().chain(&rebuilt.footers_failed) {
            screen.text(&format!("  {notice}"))?;
        }
        screen.text(&format!(
            "read {} from the log; wrote {}, beside {} that needed nothing, and a checkpoint of \
             everything before sequence {}",
            count(rebuilt.events, "event"),
            count(rebuilt.footers as u64, "footer"),
            number(rebuilt.footers_sound as u64),
            rebuilt.sequence
        ))?;
        if rebuilt.merged_removed > 0 {
            screen.text(&format!(
                "removed {} of the index, good ones too: such files are made anew from the footers, in the \
                 background of whoever has the store open to write",
                count(rebuilt.merged_removed as u64, "merged file")
            ))?;
        }
    }
    screen.flush()?;
    Ok(match rebuilt.footers_failed.is_empty() {
        true => Outcome::Fine,
        false => Outcome::ProblemFound,
    })
}
