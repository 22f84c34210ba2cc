//! `query`: the events of a region or of several, a page at a time.

use crate::args::{OpenArgs, QueryArgs, StoreArgs, opened, tell_no_events};
use crate::outcome::{Outcome, WrongUsage};
use crate::output::note;
use crate::terminal::Screen;
use crate::terminal::show::{self, LookArgs};
use serde_json::json;
use strandline::{Error, EventRef, Events, Order, PageToken, Query, Sequence, Snapshot};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Print at most so many events. If there are more, the token of the next page is printed on standard
    /// error, with --json as a line `{"next":"TOKEN"}`; without such a line the page is the last.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    /// Go on where another page ended: with the token that was printed there, or after the event with this
    /// sequence. A token is refused by another store, and by this one after a restore.
    #[arg(long, value_name = "TOKEN", value_parser = After::parse)]
    after: Option<After>,
    /// Newest first. Default: oldest first, or as the page was whose token is given.
    #[arg(long)]
    newest: bool,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    open: OpenArgs,
    #[command(flatten)]
    query: QueryArgs,
}

/// Where the page before ended.
#[derive(Debug, Clone, Copy)]
enum After {
    Sequence(Sequence),
    Token(PageToken),
}

impl After {
    fn parse(text: &str) -> Result<Self, String> {
        if let Ok(sequence) = text.parse() {
            return Ok(Self::Sequence(Sequence::new(sequence)));
        }
        text.parse()
            .map(Self::Token)
            .map_err(|error: strandline::PageTokenError| error.to_string())
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let opener = args.open.opener()?;
    let store = args.store.open_whole()?;
    let snapshot = args.query.snapshot(store.snapshot())?;
    let order = order(args)?;
    let mut events = snapshot.query(page(args, order, &snapshot)?);
    let mut screen = Screen::new();
    let look = args.look.look(args.store.json, args.query.zone());
    let mut last = None;
    for _ in 0..args.limit {
        let Some(event) = next(&mut events, order) else {
            screen.flush()?;
            if last.is_none() {
                tell_no_events();
            }
            return Ok(Outcome::Fine);
        };
        let event = event?;
        let opened = opened(opener.as_deref(), &event)?;
        let event = opened
            .as_ref()
            .map_or(event, |opened| event.read_as(opened));
        show::event(&mut screen, &event, &look)?;
        last = Some(event.sequence());
        if screen.is_unread() {
            return Ok(Outcome::Fine);
        }
    }
    screen.flush()?;
    match (last, next(&mut events, order).is_some()) {
        (Some(last), true) => {
            let token = snapshot.token(order, last);
            match args.store.json {
                true => note(json!({ "next": token.to_string() })),
                false => note(format_args!("there are more: go on with --after {token}")),
            }
        }
        (None, false) => tell_no_events(),
        _ => {}
    }
    Ok(Outcome::Fine)
}

fn next<'a>(events: &'a mut Events<'_>, order: Order) -> Option<Result<EventRef<'a>, Error>> {
    match order {
        Order::OldestFirst => events.next_ref(),
        Order::NewestFirst => events.next_back_ref(),
    }
}

fn order(args: &Args) -> Result<Order, WrongUsage> {
    match (&args.after, args.newest) {
        (Some(After::Token(token)), true) if token.order() == Order::OldestFirst => {
            let message = "the token is of a page with the oldest first: leave --newest out";
            Err(WrongUsage(message.to_owned()))
        }
        (Some(After::Token(token)), _) => Ok(token.order()),
        (_, true) => Ok(Order::NewestFirst),
        (_, false) => Ok(Order::OldestFirst),
    }
}

/// The query without what earlier pages had.
fn page(args: &Args, order: Order, snapshot: &Snapshot) -> anyhow::Result<Query> {
    let query = args.query.query(snapshot)?;
    Ok(match (&args.after, order) {
        (None, _) => query,
        (Some(After::Token(token)), _) => snapshot.resumed(query, token)?,
        (Some(After::Sequence(last)), Order::OldestFirst) => query.after(*last),
        (Some(After::Sequence(last)), Order::NewestFirst) => query.before(*last),
    })
}
