//! What `inspect` is asked.

use crate::args::{OpenArgs, StoreArgs, foreign_event_id, parse_event_id};
use clap::ArgAction;
use strandline::EventId;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(super) store: StoreArgs,
    /// Show the bytes of this event, read from the log itself.
    #[arg(long, value_name = "ID", group = "what", value_parser = parse_event_id)]
    event: Option<EventId>,
    /// The same of the event that another program calls so: the `source` and the `id` of its CloudEvents event.
    #[arg(long, value_names = ["SOURCE", "ID"], num_args = 2, action = ArgAction::Set, group = "what")]
    event_of: Option<Vec<String>>,
    /// Show the bytes of the frame at this place.
    #[arg(long, value_name = "SEGMENT:OFFSET", group = "what", value_parser = parse_place)]
    pub(super) frame: Option<(u32, u32)>,
    /// Show the bytes of this file of the store: a segment, MANIFEST, or a checkpoint.
    #[arg(long, value_name = "NAME", group = "what")]
    pub(super) file: Option<String>,
    /// With --file: begin at this offset.
    #[arg(long, value_name = "OFFSET", default_value_t = 0, requires = "file")]
    pub(super) from: u64,
    /// With --file: show at most so many lines.
    #[arg(long, value_name = "LINES", default_value_t = 200, requires = "file")]
    pub(super) limit: usize,
    /// How many entities and scopes are listed, those with the most events first.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub(super) top: usize,
    #[command(flatten)]
    pub(super) open: OpenArgs,
}

impl Args {
    /// The event that is asked for, if one is.
    pub(super) fn event(&self) -> Option<EventId> {
        self.event
            .or_else(|| foreign_event_id(self.event_of.as_deref()?))
    }
}

fn parse_place(text: &str) -> Result<(u32, u32), String> {
    let place = text
        .split_once(':')
        .and_then(|(segment, offset)| Some((segment.parse().ok()?, offset.parse().ok()?)));
    place.ok_or_else(|| "a place is `SEGMENT:OFFSET`, two numbers: `1:128`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_two_numbers() {
        assert_eq!(parse_place("1:128"), Ok((1, 128)));
        for wrong in ["", "1", "1:", ":1", "a:1", "1:4294967296"] {
            assert!(parse_place(wrong).is_err(), "{wrong}");
        }
    }
}
