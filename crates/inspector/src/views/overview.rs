//! `overview`: size, rate, times, watermarks, and what the opening found.

use super::context::Context;
use super::facets::Facet;
use super::fault::Fault;
use super::rate::Rate;
use super::same::Same;
use super::totals::Totals;
use super::view::View;
use crate::asked::{Asked, Filter};
use crate::site::{Closed, Opened};
use crate::text::{Table, time};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use strandline::{OpenPath, Region, Store};

/// What may be asked beside a filter.
pub(crate) const OVERVIEW: &[&str] = &[];

/// How old the totals may be.
const FRESH: Duration = Duration::from_secs(2);
/// How long a request waits for them, in milliseconds.
const WAIT_MS: u64 = 40;

/// What opening found.
#[derive(Debug, Serialize)]
pub(crate) struct Opening {
    pub(crate) path: &'static str,
    /// What is said of it.
    pub(crate) text: Vec<String>,
    pub(crate) ms: u128,
    pub(crate) is_clean: bool,
    pub(crate) notices: Vec<String>,
}

/// What a store that opens has.
#[derive(Debug, Serialize)]
pub(crate) struct Contents {
    pub(crate) visible: u64,
    pub(crate) events: u64,
    /// Sequences without an event: compactions removed them.
    pub(crate) removed: u64,
    pub(crate) first_ms: Option<u64>,
    pub(crate) last_ms: Option<u64>,
    /// None while they are counted for the first time.
    pub(crate) totals: Option<Totals>,
    pub(crate) kinds: Vec<Facet>,
    pub(crate) rate: Option<Rate>,
    pub(crate) opening: Opening,
    /// What the index has lost.
    pub(crate) damage: Option<String>,
}

/// The overview of a store.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    pub(crate) dir: String,
    pub(crate) now_ms: u64,
    /// Why the store does not open.
    pub(crate) closed: Option<Closed>,
    pub(crate) contents: Option<Contents>,
    pub(crate) same: Same,
}

/// The overview, of a store that does not open too.
///
/// # Errors
///
/// [`Fault::Wrong`].
pub(crate) fn overview(context: &Context, asked: &Asked) -> Result<Overview, Fault> {
    let rust = "let stats = store.stats()?;\nlet report = store.open_report();\n\
                let census = Census::take(&store.snapshot(), 100, &mut |_| ControlFlow::Continue(()))?;";
    let same = Same::new("inspect", &context.dir, [], rust);
    let opened = context.watch.now();
    let (closed, contents) = match opened {
        Err(closed) => (Some(closed), None),
        Ok(opened) => (None, Some(contents(context, asked, &opened)?)),
    };
    Ok(Overview {
        dir: context.dir.display().to_string(),
        now_ms: context.clock.now_ms(),
        closed,
        contents,
        same,
    })
}

fn contents(context: &Context, asked: &Asked, opened: &Arc<Opened>) -> Result<Contents, Fault> {
    let now = opened.store.snapshot();
    let filter = Filter::of(asked, &now, context.clock.now_ms())?;
    let all = Region::all();
    let kinds = now.kinds().into_iter().map(|kind| Facet {
        value: kind
            .name
            .map_or_else(|| kind.kind.to_string(), |name| name.to_string()),
        events: kind.events,
    });
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort_by(|one, other| {
        other
            .events
            .cmp(&one.events)
            .then_with(|| one.value.cmp(&other.value))
    });
    let visible = now.visible().get();
    Ok(Contents {
        visible,
        events: now.len(),
        removed: visible.saturating_sub(now.len()),
        first_ms: now.rows(&all).next().map(|row| row.wall_ms()),
        last_ms: now.rows(&all).next_back().map(|row| row.wall_ms()),
        totals: totals(context, &opened.store),
        kinds,
        rate: Rate::of(&now, &filter, &context.budget(35)),
        opening: opening(&opened.store),
        damage: now.damage().map(|damage| damage.to_string()),
    })
}

fn totals(context: &Context, store: &Arc<Store>) -> Option<Totals> {
    let store = store.clone();
    let seen = context
        .totals
        .ask(&(), FRESH, context.patience(WAIT_MS), move |_| {
            let stats = store.stats().map_err(|error| error.to_string())?;
            Ok(Totals {
                visible: stats.visible.get(),
                durable: stats.durable.get(),
                written: stats.written.get(),
                events: stats.events,
                entities: stats.entities,
                scopes: stats.scopes,
                bytes_on_disk: stats.bytes_on_disk,
                segments: stats.segments,
                index_parts: stats.index_parts,
                index_damaged: stats.index_damaged,
                problems: stats.segment_problems,
            })
        });
    let (totals, _) = seen.done?;
    (*totals).clone().ok()
}

fn opening(store: &Store) -> Opening {
    let report = store.open_report();
    Opening {
        path: match report.path {
            OpenPath::Created => "created",
            OpenPath::Checkpoint => "checkpoint",
            OpenPath::Footers => "footers",
            OpenPath::Scan => "scan",
            _ => "other",
        },
        text: report
            .to_string()
            .lines()
            .map(|line| line.trim().to_owned())
            .collect(),
        ms: report.duration.as_millis(),
        is_clean: report.is_clean(),
        notices: report.notices.clone(),
    }
}

impl View for Overview {
    fn title(&self) -> String {
        "Overview".to_owned()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["time", "wall_ms", "step_ms", "events"]);
        let rate = self
            .contents
            .as_ref()
            .and_then(|contents| contents.rate.as_ref());
        let Some(rate) = rate else { return table };
        for (part, events) in (0_u64..).zip(&rate.counts) {
            let at = rate
                .from_ms
                .saturating_add(part.saturating_mul(rate.step_ms));
            table.row([
                time(at),
                at.to_string(),
                rate.step_ms.to_string(),
                events.to_string(),
            ]);
        }
        table
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}
