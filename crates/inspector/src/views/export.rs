//! `export`: what the events of a filter come to as a file: how many there are, and the command that writes it.

use super::context::Context;
use super::events::table;
use super::fault::Fault;
use super::rate::Rate;
use super::row::EventRow;
use super::same::Same;
use super::view::View;
use crate::asked::{Asked, Filter};
use crate::text::Table;
use serde::Serialize;
use std::io::{self, Write};
use strandline::{Region, Snapshot};

/// What may be asked beside a filter.
pub(crate) const EXPORT: &[&str] = &["order", "format"];

/// What an export would have.
#[derive(Debug, Serialize)]
pub(crate) struct Export {
    /// How many events, as far as there was time to count.
    pub(crate) events: u64,
    pub(crate) is_complete: bool,
    pub(crate) same: Same,
}

/// What an export of the events that are asked for would have.
///
/// # Errors
///
/// [`Fault`].
pub(crate) fn export(context: &Context, asked: &Asked) -> Result<Export, Fault> {
    let opened = context.opened()?;
    let now = opened.store.snapshot();
    let filter = Filter::of(asked, &now, context.clock.now_ms())?;
    let rate = Rate::of(&now, &filter, &context.budget(80));
    let rust = format!(
        "let region = {};\nexport(&store.snapshot(), region, LineFormat::Lines, &mut out, &mut |_| ControlFlow::Continue(()))?;",
        filter.rust
    );
    Ok(Export {
        events: rate.as_ref().map_or(0, Rate::total),
        is_complete: rate.is_none_or(|rate| rate.is_complete),
        same: Same::new(
            "export",
            &context.dir,
            filter.options.iter().map(String::as_str),
            rust,
        ),
    })
}

impl View for Export {
    fn title(&self) -> String {
        "Export".to_owned()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["events", "is_complete"]);
        table.row([self.events.to_string(), self.is_complete.to_string()]);
        table
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}

/// Writes the events of a region as CSV, oldest first, so many at once.
pub(crate) fn events_csv(
    now: &Snapshot,
    region: &Region,
    at_once: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut rows = now.rows(region);
    let mut is_first = true;
    loop {
        let events: Vec<_> = rows
            .by_ref()
            .take(at_once)
            .map(|row| EventRow::read(now, row))
            .collect();
        if events.is_empty() && !is_first {
            return Ok(());
        }
        let csv = table(&events).csv();
        // The names of the columns stand once.
        let rest = csv.split_once("\r\n").map_or("", |(_, rest)| rest);
        out.write_all(if is_first { &csv } else { rest }.as_bytes())?;
        is_first = false;
    }
}
