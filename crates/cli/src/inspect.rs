//! `inspect`: what is in a store, and what its bytes are, in a damaged one too.

mod bytes;
mod overview;

use crate::Outcome;
use crate::args::StoreArgs;
use strandline::EventId;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Show the bytes of this event, read from the log itself.
    #[arg(long, value_name = "ID", group = "what")]
    event: Option<EventId>,
    /// Show the bytes of the frame at this place.
    #[arg(long, value_name = "SEGMENT:OFFSET", group = "what", value_parser = parse_place)]
    frame: Option<(u32, u32)>,
    /// Show the bytes of this file of the store: a segment, MANIFEST, or a checkpoint.
    #[arg(long, value_name = "NAME", group = "what")]
    file: Option<String>,
    /// With --file: begin at this offset.
    #[arg(long, value_name = "OFFSET", default_value_t = 0, requires = "file")]
    from: u64,
    /// With --file: show at most so many lines.
    #[arg(long, value_name = "LINES", default_value_t = 200, requires = "file")]
    limit: usize,
    /// How many entities and scopes are listed, those with the most events first.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    top: usize,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    if args.event.is_some() || args.frame.is_some() || args.file.is_some() {
        return bytes::run(args);
    }
    overview::run(args)
}

fn parse_place(text: &str) -> Result<(u32, u32), String> {
    let place = text
        .split_once(':')
        .and_then(|(segment, offset)| Some((segment.parse().ok()?, offset.parse().ok()?)));
    place.ok_or_else(|| "a place is `SEGMENT:OFFSET`, two numbers: `1:128`".to_owned())
}

/// A number of bytes, for people.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut shown = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        if shown < 1024.0 {
            break;
        }
        shown /= 1024.0;
        unit = larger;
    }
    match unit {
        "B" => format!("{bytes} B"),
        unit if shown < 10.0 => format!("{shown:.1} {unit}"),
        unit => format!("{shown:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_for_people() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(256 << 20), "256 MiB");
    }

    #[test]
    fn places_are_two_numbers() {
        assert_eq!(parse_place("1:128"), Ok((1, 128)));
        for wrong in ["", "1", "1:", ":1", "a:1", "1:4294967296"] {
            assert!(parse_place(wrong).is_err(), "{wrong}");
        }
    }
}
