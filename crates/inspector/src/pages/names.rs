//! The page of names.

use super::parts::{entity, events_of, note};
use crate::asked::Asked;
use crate::pictures::{heat, share_bar};
use crate::text::{count, span, time_short};
use crate::views::NameList;
use maud::{Markup, html};

/// The page of names.
pub(crate) fn names(view: &NameList, asked: &Asked) -> Markup {
    let most = view
        .names
        .iter()
        .map(|name| name.events)
        .max()
        .unwrap_or_default();
    let darkest = view
        .heat
        .iter()
        .flat_map(|heat| heat.rows.iter().flatten())
        .copied()
        .max()
        .unwrap_or_default();
    html! {
        p .controls {
            @for of in ["entities", "scopes", "kinds", "tags"] {
                a href=(asked.with(&[("of", Some(of)), ("after", None), ("prefix", None)]).at("/names")) aria-current=[(of == view.of).then_some("true")] { (of) }
            }
        }
        (form(view, asked))
        @if !view.is_complete {
            div #counting data-refresh=[view.is_counting.then_some("700")] data-always[view.is_counting] {
                (note("warn", html! { "These are the first of the names, for which there was time: others may have more events. " @if view.is_counting { "All are being counted." } @else { "A prefix leaves fewer." } }))
            }
        }
        @if let Some(ago) = view.counted_ms_ago { p .dim { "All names, as they were counted " (span(ago)) " ago." } }
        div .scroll tabindex="0" role="region" aria-label="Names" {
            table .list {
                thead { tr {
                    th scope="col" { "Name" }
                    th scope="col" .number { "Events" }
                    th scope="col" { "Share" }
                    @if let Some(of_time) = &view.heat {
                        @let end = of_time.from_ms + of_time.step_ms * of_time.rows.first().map_or(0, Vec::len) as u64;
                        th scope="col" { "When, by " (span(of_time.step_ms)) ": " (time_short(of_time.from_ms, u64::MAX)) " to " (time_short(end, u64::MAX)) }
                    }
                } }
                tbody {
                    @for (at, name) in view.names.iter().enumerate() {
                        tr {
                            td { (link(view.of, &name.value)) }
                            td .number { (count(name.events)) }
                            td .bar { (share_bar(name.events, most)) }
                            @if let Some(of_time) = &view.heat {
                                td { @if let Some(row) = of_time.rows.get(at) { (heat(row, darkest)) } }
                            }
                        }
                    }
                }
            }
        }
        @if view.names.is_empty() { p .dim { "No names." } }
        @if let Some(next) = &view.next {
            p { a #next href=(asked.with(&[("after", Some(next.as_str()))]).at("/names")) { "Next page" } }
        }
    }
}

fn form(view: &NameList, asked: &Asked) -> Markup {
    let (sort, text) = match view.is_by_events {
        true => ("name", "Order by name, all of them in pages"),
        false => ("events", "Those with the most events"),
    };
    html! {
        form .controls method="get" action="/names" {
            input type="hidden" name="of" value=(view.of);
            @if let Some(sort) = asked.one("sort") { input type="hidden" name="sort" value=(sort); }
            input type="search" name="prefix" placeholder="Names from" aria-label="Names from" value=[asked.one("prefix")] autocomplete="off" spellcheck="false";
            button type="submit" { "Find" }
            a href=(asked.with(&[("sort", Some(sort)), ("after", None)]).at("/names")) { (text) }
        }
    }
}

fn link(of: &str, name: &str) -> Markup {
    match of {
        "scopes" => events_of("scope", name),
        "kinds" => events_of("kind", name),
        "tags" => events_of("tag", name),
        _ => entity(name),
    }
}
