//! `query`: the events of a region, a page at a time.

use crate::args::{RegionArgs, StoreArgs, tell_no_events};
use crate::outcome::{Outcome, WrongUsage};
use crate::output::note;
use crate::terminal::Screen;
use crate::terminal::show::{self, Bytes, Look};
use strandline::{Error, EventRef, Events, Region, Sequence, Snapshot};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Print at most so many events.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    /// Go on after the event with this sequence: the last one of the page before.
    #[arg(long, value_name = "SEQUENCE")]
    after: Option<u64>,
    /// Newest first. Default: oldest first.
    #[arg(long)]
    newest: bool,
    /// How payloads that are neither JSON nor MessagePack are shown.
    #[arg(long, value_enum, default_value_t = Bytes::Hex)]
    bytes: Bytes,
    #[command(flatten)]
    region: RegionArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let store = args.store.open_whole()?;
    let snapshot = store.snapshot();
    let region = page(args, &snapshot)?;
    let mut events = snapshot.query(&region);
    let mut screen = Screen::new();
    let look = Look {
        json: args.store.json,
        bytes: args.bytes,
        zone: args.region.zone(),
    };
    let mut last = None;
    for _ in 0..args.limit {
        let Some(event) = next(&mut events, args.newest) else {
            screen.flush()?;
            if last.is_none() {
                tell_no_events();
            }
            return Ok(Outcome::Fine);
        };
        let event = event?;
        show::event(&mut screen, &event, &look)?;
        last = Some(event.sequence());
        if screen.is_unread() {
            return Ok(Outcome::Fine);
        }
    }
    screen.flush()?;
    match (last, next(&mut events, args.newest).is_some()) {
        (Some(last), true) => note(format_args!("there are more: go on with --after {last}")),
        (None, false) => tell_no_events(),
        _ => {}
    }
    Ok(Outcome::Fine)
}

fn next<'a>(events: &'a mut Events<'_>, newest: bool) -> Option<Result<EventRef<'a>, Error>> {
    match newest {
        true => events.next_back_ref(),
        false => events.next_ref(),
    }
}

/// The region without what earlier pages had.
fn page(args: &Args, snapshot: &Snapshot) -> Result<Region, WrongUsage> {
    let region = args.region.region(snapshot)?;
    let Some(after) = args.after else {
        return Ok(region);
    };
    if !args.newest {
        return Ok(region.after(Sequence::new(after)));
    }
    let span = region.sequence_span();
    Ok(match after.checked_sub(1) {
        Some(before) => region.sequence(span.first..=span.last.min(before)),
        None => region.sequence(1..1),
    })
}
