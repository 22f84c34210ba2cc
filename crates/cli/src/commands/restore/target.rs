//! `TargetArgs`: where the store is to be, what becomes of one that is there, and what is shown of it.

use crate::args::store_dir;
use crate::outcome::Outcome;
use crate::terminal::{Screen, count};
use serde_json::json;
use std::path::PathBuf;
use strandline::maintenance::{Existing, Restored};

/// Where the store is to be.
#[derive(Debug, clap::Args)]
pub(super) struct TargetArgs {
    /// Where the store is to be: nothing is there yet, or an empty directory, a mounted one too; or with
    /// --replace a store.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    pub(super) dir: PathBuf,
    /// Put it in the place of a store that is there, which is kept beside it as DIR.replaced-1.
    #[arg(long)]
    pub(super) replace: bool,
    /// Print JSON, for programs.
    #[arg(long)]
    pub(super) json: bool,
}

/// What is not there any more of what was restored, for people.
fn gone(done: &Restored) -> Option<String> {
    let events = |of: u64| count(of, "event");
    match (done.removed, done.redacted) {
        (0, 0) => None,
        (removed, 0) => Some(format!("{} removed", are(&events(removed), removed))),
        (0, redacted) => Some(format!("{} redacted", are(&events(redacted), redacted))),
        (removed, redacted) => Some(format!(
            "{} removed, and {} redacted",
            are(&events(removed), removed),
            are(&events(redacted), redacted)
        )),
    }
}

fn are(events: &str, of: u64) -> String {
    match of {
        1 => format!("{events} is"),
        _ => format!("{events} are"),
    }
}

impl TargetArgs {
    /// What is to become of a store that is there.
    pub(super) const fn existing(&self) -> Existing {
        match self.replace {
            true => Existing::MoveAside,
            false => Existing::Refuse,
        }
    }

    /// Shows what was restored.
    pub(super) fn tell(&self, done: &Restored) -> anyhow::Result<Outcome> {
        let mut screen = Screen::new();
        if self.json {
            let json = json!({
                "end": done.end,
                "epoch": done.epoch,
                "removed": done.removed,
                "redacted": done.redacted,
                "replaced": done.replaced.as_ref().map(|path| path.display().to_string()),
                "replaced_end": done.replaced_end,
                "index_problems": done.left_out.iter().map(ToString::to_string).collect::<Vec<_>>(),
            });
            screen.json(&json)?;
        } else {
            let dir = self.dir.display();
            screen.text(&format!(
                "{dir} has everything before sequence {}",
                done.end
            ))?;
            if let Some(gone) = gone(done) {
                screen.text(&format!(
                    "of these {gone}: `strandline removals {dir}` says by what"
                ))?;
            }
            if let Some(replaced) = &done.replaced {
                let ended = match done.replaced_end {
                    Some(end) => format!("ended at sequence {end}"),
                    None => "could not be opened".to_owned(),
                };
                screen.text(&format!(
                    "the store that was there {ended}, and is {} now",
                    replaced.display()
                ))?;
            }
            screen.text(&format!(
                "its epoch is {}: positions that were saved before are to begin anew",
                done.epoch
            ))?;
            if let Some(first) = done.left_out.first() {
                screen.text(&format!(
                    "indexes of the backup are wrong and were left out ({first})"
                ))?;
                screen.text("the next opening makes them anew from the log, which is intact")?;
            }
        }
        screen.flush()?;
        Ok(Outcome::Fine)
    }
}
