//! `tail`: the newest events, and those that another process appends from then on.

use crate::Outcome;
use crate::args::{RegionArgs, StoreArgs, tell_no_events};
use crate::output::wait_while_read;
use crate::screen::Screen;
use crate::show::{self, Bytes};
use std::time::Duration;
use strandline::{ErrorKind, Sequence, Snapshot, Store};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Begin with the newest so many events.
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 10)]
    lines: usize,
    /// Go on with what another process appends, until interrupted or until nobody reads the output any
    /// more. Shows whole commits; the writer
    /// may not have synced them yet.
    #[arg(long, short = 'f')]
    follow: bool,
    /// How often to look for more with --follow, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 200,
        value_parser = clap::value_parser!(u64).range(1..=60_000))]
    interval_ms: u64,
    /// How payloads that are neither JSON nor MessagePack are shown.
    #[arg(long, value_enum, default_value_t = Bytes::Hex)]
    bytes: Bytes,
    #[command(flatten)]
    region: RegionArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut store = args.store.open()?;
    let mut screen = Screen::new();
    let snapshot = store.snapshot();
    let region = args.region.region()?;
    let mut newest: Vec<Sequence> = snapshot
        .rows(&region)
        .rev()
        .take(args.lines)
        .map(|row| row.sequence())
        .collect();
    if newest.is_empty() && args.lines > 0 && !args.follow {
        tell_no_events();
    }
    let mut next = newest.pop().unwrap_or_else(|| snapshot.visible());
    next = show_from(args, &mut screen, &snapshot, next)?;
    if !args.follow {
        return Ok(Outcome::Fine);
    }
    while !screen.is_unread() && wait_while_read(Duration::from_millis(args.interval_ms)) {
        match store.refresh() {
            // What was read is gone, by a compaction say; sequences stay what they are.
            Err(error) if error.kind() == ErrorKind::LogBehindCheckpoint => {
                store = args.store.open()?;
            }
            refreshed => drop(refreshed?),
        }
        next = show_new(args, &mut screen, &store, next)?;
    }
    Ok(Outcome::Fine)
}

fn show_new(
    args: &Args,
    screen: &mut Screen,
    store: &Store,
    next: Sequence,
) -> anyhow::Result<Sequence> {
    let snapshot = store.snapshot();
    if snapshot.visible() == next {
        return Ok(next);
    }
    show_from(args, screen, &snapshot, next)
}

/// Shows the events of the region from a sequence on, and gives the sequence after them.
fn show_from(
    args: &Args,
    screen: &mut Screen,
    snapshot: &Snapshot,
    next: Sequence,
) -> anyhow::Result<Sequence> {
    let region = args.region.region()?;
    let span = region.sequence_span();
    let region = region.sequence(span.first.max(next.get())..=span.last);
    let mut events = snapshot.query(&region);
    while let Some(event) = events.next_ref() {
        show::event(screen, &event?, args.store.json, args.bytes)?;
        if screen.is_unread() {
            break;
        }
    }
    screen.flush()?;
    Ok(snapshot.visible())
}
