//! The page of the overview.

use super::parts::{at, events_of, figure, note, ranking};
use super::rate::rate;
use crate::asked::Asked;
use crate::text::{address, count, size, span};
use crate::views::{Contents, Overview};
use maud::{Markup, html};

/// How many kinds are listed.
const KINDS: usize = 20;

/// The page of the overview.
pub(crate) fn overview(view: &Overview, asked: &Asked) -> Markup {
    html! {
        p .dim.mono { (view.dir) }
        @if let Some(contents) = &view.contents {
            div #live-part data-refresh="2000" { (body(view, contents, asked)) }
        }
    }
}

fn body(view: &Overview, contents: &Contents, asked: &Asked) -> Markup {
    html! {
        @if let Some(damage) = &contents.damage { (note("bad", damage)) }
        (figures(view, contents))
        section {
            h2 { "Events over time" }
            @match &contents.rate {
                Some(of_time) => { (rate(of_time, "/", asked)) },
                None => { p .dim { "No events in this time." } },
            }
        }
        div .columns {
            section {
                h2 { "Kinds" }
                @let shown = contents.kinds.get(..contents.kinds.len().min(KINDS)).unwrap_or_default();
                (ranking(shown, |kind| events_of("kind", kind)))
                @if contents.kinds.len() > KINDS {
                    p { a href=(address("/names", [("of", "kinds")])) { "all " (contents.kinds.len()) } }
                }
            }
            section {
                h2 { "Opening" }
                @if !contents.opening.is_clean {
                    @for notice in &contents.opening.notices { (note("warn", notice)) }
                }
                ul .plain { @for line in &contents.opening.text { li { (line) } } }
                @if let Some(totals) = &contents.totals {
                    @for problem in &totals.problems { (note("bad", problem)) }
                }
            }
        }
    }
}

fn figures(view: &Overview, contents: &Contents) -> Markup {
    let totals = contents.totals.as_ref();
    let counted = |value: Option<String>| value.unwrap_or_else(|| "counting…".to_owned());
    let age = contents
        .last_ms
        .map(|last| span(view.now_ms.saturating_sub(last)));
    let lag = totals.map(|totals| totals.visible.saturating_sub(totals.durable));
    html! {
        dl .figures {
            (figure("Events", count(contents.events), html! {
                @match contents.removed {
                    0 => { "none removed" },
                    removed => { (count(removed)) " removed" },
                }
            }))
            (figure("Visible below", count(contents.visible), "the next sequence"))
            (figure("Durable below", counted(totals.map(|totals| count(totals.durable))), html! {
                @match lag {
                    Some(0) => { "all that is visible" },
                    Some(lag) => { (count(lag)) " not proven durable yet" },
                    None => {},
                }
            }))
            (figure("Entities", counted(totals.map(|totals| count(totals.entities))), html! {
                @if let Some(totals) = totals { (count(totals.scopes)) " scopes" }
            }))
            (figure("On disk", counted(totals.map(|totals| size(totals.bytes_on_disk))), html! {
                @if let Some(totals) = totals { (totals.segments) " segments, " (totals.index_parts) " index parts" }
            }))
            (figure("Newest", age.map_or_else(|| "–".to_owned(), |age| format!("{age} ago")), html! {
                @if let Some(last) = contents.last_ms { (at(last)) }
            }))
            (figure("Oldest", contents.first_ms.map_or_else(|| "–".to_owned(), |first| span(view.now_ms.saturating_sub(first)) + " ago"), html! {
                @if let Some(first) = contents.first_ms { (at(first)) }
            }))
        }
    }
}
