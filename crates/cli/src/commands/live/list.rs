//! `live list`: a line for each consumer.

use super::say::{
    holders, in_one_line, mends, needs_somebody, overdue, refused_of, state, status_json,
};
use super::target::{Target, TargetArgs};
use crate::outcome::Outcome;
use crate::output::{note, wait_while_read};
use crate::terminal::{Screen, column, duration, number};
use serde_json::{Value, json};
use std::io;
use std::time::Duration;
use strandline::{Clock, ErrorKind, SystemClock};
use strandline_live::{ConsumerInfo, Error, Status};

/// How often it is looked with --watch.
const WATCH: Duration = Duration::from_secs(1);
/// Puts a terminal's cursor at the top and clears what is below.
const CLEAR: &[u8] = b"\x1b[H\x1b[J";
/// Between two columns.
const GAP: &str = "  ";
/// Columns are no wider than this, but for the last.
const WIDTH_MOST: usize = 40;
const HEAD: [&str; 8] = [
    "name",
    "kind",
    "state",
    "behind",
    "for",
    "parked",
    "held by",
    "last error",
];

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Look again each second, until interrupted or until nobody reads the output any more.
    #[arg(long)]
    pub(super) watch: bool,
}

/// One that is listed: how it is, or why that cannot be told.
enum Listed {
    Status(Box<Status>),
    /// With what it is, where that can be read.
    Unreadable(Option<ConsumerInfo>, Error),
}

pub(super) fn run(args: &TargetArgs, watch: bool) -> anyhow::Result<Outcome> {
    let mut target = args.open()?;
    let mut screen = Screen::new();
    loop {
        let listed = all(&target)?;
        if watch && screen.width().is_some() {
            screen.bytes(CLEAR)?;
        }
        if watch && !args.json() {
            let now_ms = SystemClock::default().now_ms();
            screen.line(&args.zone().text(now_ms))?;
        }
        show(&mut screen, args.json(), &listed)?;
        screen.flush()?;
        let is_lost = |one: &Listed| matches!(one, Listed::Unreadable(None, _));
        if listed.iter().any(is_lost) && !watch {
            note(
                "  next: put the files of what cannot be read back from a copy; or move its directory away, and the \
                 consumer begins at its beginning when its program is started",
            );
        }
        if !watch {
            for info in listed.iter().filter_map(Listed::damaged) {
                note(format_args!("  next: {}", mends(&target, info)));
            }
        }
        if listed.is_empty() && !watch {
            note(format_args!(
                "no consumer of this store is in {}",
                target.live.dir().display()
            ));
        }
        if !watch || screen.is_unread() || !wait_while_read(WATCH) {
            let is_fine = !listed.iter().any(Listed::needs_somebody);
            return Ok(match is_fine {
                true => Outcome::Fine,
                false => Outcome::ProblemFound,
            });
        }
        match target.store().refresh() {
            // Another store, or a restored one, is there now.
            Err(error) if error.kind() == ErrorKind::LogBehindCheckpoint => target = args.open()?,
            refreshed => drop(refreshed?),
        }
    }
}

/// All consumers; those last whose names cannot be read.
fn all(target: &Target<'_>) -> anyhow::Result<Vec<Listed>> {
    let (consumers, unreadable) = target.live.consumers_readable()?;
    let mut listed = Vec::new();
    for info in consumers {
        listed.push(match target.live.status(&info.name) {
            Ok(status) => Listed::Status(Box::new(status)),
            Err(error) => Listed::Unreadable(Some(info), error),
        });
    }
    let unreadable = unreadable.into_iter();
    listed.extend(unreadable.map(|error| Listed::Unreadable(None, error)));
    Ok(listed)
}

fn show(screen: &mut Screen, json: bool, listed: &[Listed]) -> io::Result<()> {
    if json {
        let all: Vec<_> = listed.iter().map(Listed::json).collect();
        return screen.json(&Value::from(all));
    }
    if listed.is_empty() {
        return Ok(());
    }
    let rows = listed.iter().map(Listed::row);
    table(screen, HEAD, &rows.collect::<Vec<_>>())
}

/// Lines in columns that are as wide as what is in them; the last one has the rest of the line.
pub(super) fn table<const N: usize>(
    screen: &mut Screen,
    head: [&str; N],
    rows: &[[String; N]],
) -> io::Result<()> {
    let head = head.map(str::to_owned);
    let mut widths = [0; N];
    for row in rows.iter().chain([&head]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count()).min(WIDTH_MOST);
        }
    }
    for row in [&head].into_iter().chain(rows) {
        let (last, first) = row
            .split_last()
            .map_or(("", &[][..]), |(last, first)| (last.as_str(), first));
        let mut line = String::new();
        for (cell, width) in first.iter().zip(widths) {
            line += &column(cell, width);
            line += GAP;
        }
        line += last;
        screen.line(line.trim_end())?;
    }
    Ok(())
}

impl Listed {
    fn needs_somebody(&self) -> bool {
        match self {
            Self::Status(status) => needs_somebody(status),
            Self::Unreadable(..) => true,
        }
    }

    /// What a reset mends.
    fn damaged(&self) -> Option<&ConsumerInfo> {
        match self {
            Self::Unreadable(info, error)
                if error.kind() == strandline_live::ErrorKind::Corrupt =>
            {
                info.as_ref()
            }
            _ => None,
        }
    }

    fn row(&self) -> [String; HEAD.len()] {
        let nothing = || "-".to_owned();
        match self {
            Self::Status(status) => [
                status.name.clone(),
                status.kind.to_string(),
                state(status),
                number(status.behind),
                match status.behind {
                    0 => nothing(),
                    _ => duration(status.behind_time),
                },
                number(status.parked as u64),
                holders(status),
                wrong(status),
            ],
            Self::Unreadable(of, error) => {
                let name = of.as_ref().map_or("?", |info| &info.name);
                let kind = of.as_ref().map(|info| info.kind.to_string());
                [
                    name.to_owned(),
                    kind.unwrap_or_else(nothing),
                    condition(error).to_owned(),
                    nothing(),
                    nothing(),
                    nothing(),
                    nothing(),
                    in_one_line(&error.to_string()),
                ]
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Status(status) => status_json(status),
            Self::Unreadable(of, error) => json!({
                "name": of.as_ref().map(|info| &info.name),
                "kind": of.as_ref().map(|info| info.kind),
                "condition": condition(error),
                "error": error.to_string(),
                "needs_somebody": true,
            }),
        }
    }
}

/// What is told of a consumer that cannot be read.
pub(super) fn condition(error: &Error) -> &'static str {
    match error.kind() {
        strandline_live::ErrorKind::Corrupt => "damaged",
        _ => "unreadable",
    }
}

/// What is wrong with a consumer: why its position is not taken, what is damaged, that its worker hangs, or what it failed
/// by last.
fn wrong(status: &Status) -> String {
    let refused = refused_of(status);
    let damaged = status.partitions.iter().flat_map(|one| &one.damaged);
    let error = status.last_error.as_ref().map(|error| &error.message);
    let overdue = overdue(status);
    match (refused, damaged.chain(&overdue).chain(error).next()) {
        (Some(refused), _) => refused.to_string(),
        (None, Some(text)) => in_one_line(text),
        (None, None) => "-".to_owned(),
    }
}
