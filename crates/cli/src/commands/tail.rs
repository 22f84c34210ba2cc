//! `tail`: the newest events, and those that another process appends from then on.

use crate::args::{OpenArgs, QueryArgs, StoreArgs, opened, tell_no_events};
use crate::outcome::Outcome;
use crate::output::{note, wait_while_read};
use crate::terminal::Screen;
use crate::terminal::show::{self, Look, LookArgs};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::{Error, ErrorKind, Hash, OpenPayload, Query, Region, Sequence, Snapshot, Store};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Begin with the newest so many events.
    #[arg(
        long,
        short = 'n',
        visible_alias = "limit",
        value_name = "COUNT",
        default_value_t = 10
    )]
    lines: usize,
    /// Go on with what another process appends, until interrupted or until nobody reads the output any
    /// more. Shows whole commits; the writer may not have synced them yet. Where another store, or a
    /// restored copy, takes the place of the one that was followed, goes on in that, and says so: after
    /// the last event that was seen and that it has too, of the newest 1000, or else with its first.
    #[arg(long, short = 'f', conflicts_with = "as_of")]
    follow: bool,
    /// How often to look for more with --follow, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 200,
        value_parser = clap::value_parser!(u64).range(1..=60_000))]
    interval_ms: u64,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    open: OpenArgs,
    #[command(flatten)]
    query: QueryArgs,
}

/// How many of the events that were shown last are remembered, to find the place in another store that
/// has the same.
const REMEMBERED: usize = 1000;

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let opener = args.open.opener()?;
    let mut store = args.store.open_whole()?;
    let snapshot = args.query.snapshot(store.snapshot())?;
    let mut tail = Tail::begin(args, opener, &snapshot)?;
    let shown = tail.show(&snapshot)?;
    if shown == 0 && args.lines > 0 && !args.follow {
        tell_no_events();
    }
    if !args.follow {
        return Ok(Outcome::Fine);
    }
    let dir = store.dir().to_path_buf();
    let mut waits = false;
    while !tail.screen.is_unread() && wait_while_read(Duration::from_millis(args.interval_ms)) {
        match store.refresh() {
            Err(error) if error.kind() == ErrorKind::LogBehindCheckpoint => {
                match crate::args::open_whole(&dir) {
                    Ok(opened) => {
                        tail.go_on_in(&opened, &dir)?;
                        (store, waits) = (opened, false);
                    }
                    // It may be about to be put there.
                    Err(error) if is_missing(&error) => {
                        if !waits {
                            note(format_args!("{error}; waiting for a store to be there"));
                        }
                        waits = true;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            refreshed => drop(refreshed?),
        }
        tail.show(&store.snapshot())?;
    }
    Ok(Outcome::Fine)
}

fn is_missing(error: &Error) -> bool {
    let kinds = [ErrorKind::NotFound, ErrorKind::LogBehindCheckpoint];
    kinds.contains(&error.kind())
}

/// What was shown so far.
struct Tail {
    look: Look,
    screen: Screen,
    opener: Option<Arc<dyn OpenPayload>>,
    query: Query,
    /// The first sequence that was not looked at.
    next: Sequence,
    /// Events that were shown, and the last one of each look whether it was or not, oldest first.
    seen: VecDeque<(Sequence, Hash)>,
}

impl Tail {
    /// Begins with the newest events of a snapshot.
    fn begin(
        args: &Args,
        opener: Option<Arc<dyn OpenPayload>>,
        snapshot: &Snapshot,
    ) -> anyhow::Result<Self> {
        let query = args.query.query(snapshot)?;
        let rows = snapshot.rows(query.clone().limit(args.lines)).rev();
        let oldest = rows.last().map(|row| row.sequence());
        Ok(Self {
            look: args.look.look(args.store.json, args.query.zone()),
            screen: Screen::new(),
            opener,
            query,
            next: oldest.unwrap_or_else(|| snapshot.visible()),
            seen: VecDeque::new(),
        })
    }

    /// Shows the events of the query that were not looked at, and says how many.
    fn show(&mut self, snapshot: &Snapshot) -> anyhow::Result<usize> {
        let end = snapshot.visible();
        if end == self.next && !self.seen.is_empty() {
            return Ok(0);
        }
        let mut shown = 0;
        let mut query = self.query.clone();
        if let Some(before) = self.next.get().checked_sub(1) {
            query = query.after(Sequence::new(before));
        }
        let mut events = snapshot.query(query);
        while let Some(event) = events.next_ref() {
            let event = event?;
            let opened = opened(self.opener.as_deref(), &event)?;
            let shown_as = opened.as_ref().map(|opened| event.read_as(opened));
            show::event(
                &mut self.screen,
                shown_as.as_ref().unwrap_or(&event),
                &self.look,
            )?;
            see(&mut self.seen, event.sequence(), event.hash());
            shown += 1;
            if self.screen.is_unread() {
                break;
            }
        }
        let mut newest = snapshot.query(Region::all()).rev();
        if let Some(event) = newest.next() {
            let event = event?;
            see(&mut self.seen, event.sequence, event.hash);
        }
        self.screen.flush()?;
        self.next = end;
        Ok(shown)
    }

    /// Finds where to go on in what is in the directory now: after the last event that was seen and is
    /// there, or else with the first one.
    fn go_on_in(&mut self, store: &Store, dir: &Path) -> anyhow::Result<()> {
        let snapshot = store.snapshot();
        let mut last = None;
        while let Some((sequence, hash)) = self.seen.pop_back() {
            let at = Region::all().sequence(sequence.get()..=sequence.get());
            let mut found = snapshot.query(&at);
            if let Some(event) = found.next_ref()
                && event?.hash() == hash
            {
                last = Some(sequence);
                self.seen.push_back((sequence, hash));
                break;
            }
        }
        let after = last.and_then(|sequence| sequence.checked_add(1));
        self.next = after.unwrap_or(Sequence::ZERO);
        let from = match last {
            Some(sequence) => format!("after event {sequence}"),
            None => "from its first event".to_owned(),
        };
        note(format_args!(
            "another store, or an earlier or restored copy, is in {} now: going on {from}",
            dir.display()
        ));
        Ok(())
    }
}

fn see(seen: &mut VecDeque<(Sequence, Hash)>, sequence: Sequence, hash: Hash) {
    if seen.back() == Some(&(sequence, hash)) {
        return;
    }
    if seen.len() == REMEMBERED {
        seen.pop_front();
    }
    seen.push_back((sequence, hash));
}
