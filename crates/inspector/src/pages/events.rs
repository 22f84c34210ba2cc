//! The page of the events of a filter.

use super::filter::filter;
use super::parts::note;
use super::rate::rate;
use super::row::row;
use crate::asked::Asked;
use crate::pictures::share_bar;
use crate::text::count;
use crate::views::{EventList, EventRow, Facet};
use maud::{Markup, html};

/// The page of the events of a filter.
pub(crate) fn events(view: &EventList, asked: &Asked) -> Markup {
    html! {
        (filter("/events", asked, &view.facets.kinds))
        @if let Some(of_time) = &view.rate { (rate(of_time, "/events", asked)) }
        div .with-facets {
            (facets(view, asked))
            section {
                (controls(view, asked))
                @if view.is_partial {
                    (note("warn", "The time of the request was over before the page was full: the next page goes on from there."))
                }
                (list(&view.events))
                @if view.events.is_empty() && !view.is_partial { p .dim { "No events." } }
                (next(view, asked))
            }
        }
    }
}

/// Events as a list.
pub(super) fn list(events: &[EventRow]) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label="Events" {
            table .events {
                thead { tr {
                    th scope="col" .number { "Sequence" }
                    th scope="col" { "Time" }
                    th scope="col" { "Kind" }
                    th scope="col" { "Entity" }
                    th scope="col" { "Scope" }
                    th scope="col" { "Payload" }
                    th scope="col" { "Tags" }
                } }
                tbody { @for event in events { (row(event)) } }
            }
        }
    }
}

fn controls(view: &EventList, asked: &Asked) -> Markup {
    let other = match view.is_newest_first {
        true => ("oldest", "Oldest first"),
        false => ("newest", "Newest first"),
    };
    let cursor = [("before", None), ("after", None)];
    let turned = asked.with(&cursor).with(&[("order", Some(other.0))]);
    let is_first = asked.one("before").is_none() && asked.one("after").is_none();
    let stream = asked
        .with(&[("order", None), ("limit", None)])
        .with(&cursor);
    let stream = stream.with(&[("after", Some(&view.visible.to_string()))]);
    html! {
        p .controls {
            a href=(turned.at("/events")) { (other.1) }
            @if view.is_newest_first && is_first {
                button type="button" #live data-stream=(stream.at("/api/events/stream")) data-keep=(view.limit) aria-pressed="false" { "Live" }
                span #live-state .dim role="status" {}
            } @else {
                a href=(asked.with(&cursor).at("/events")) { "First page" }
            }
            a href=(asked.with(&cursor).with(&[("limit", None)]).at("/export")) { "Export" }
        }
    }
}

fn next(view: &EventList, asked: &Asked) -> Markup {
    let Some(next) = view.next else {
        return html! {};
    };
    let next = next.to_string();
    let by = if view.is_newest_first {
        "before"
    } else {
        "after"
    };
    html! { p { a #next rel="next" href=(asked.with(&[(by, Some(&next))]).at("/events")) { "Next page" } } }
}

fn facets(view: &EventList, asked: &Asked) -> Markup {
    let facets = &view.facets;
    html! {
        aside .facets aria-label="Narrow down" {
            p .dim {
                @match facets.is_complete {
                    true => { (count(facets.counted)) " events" },
                    false if facets.counted == 0 => { "There was no time to count these." },
                    false => { "of the newest " (count(facets.counted)) " events" },
                }
            }
            (facet("Kinds", "kind", &facets.kinds, asked))
            (facet("Scopes", "scope", &facets.scopes, asked))
            (facet(if facets.are_tags_of_shown { "Tags of those shown" } else { "Tags" }, "tag", &facets.tags, asked))
        }
    }
}

fn facet(title: &str, name: &str, facets: &[Facet], asked: &Asked) -> Markup {
    let most = facets
        .iter()
        .map(|facet| facet.events)
        .max()
        .unwrap_or_default();
    let fresh = asked.with(&[("before", None), ("after", None)]);
    html! {
        @if !facets.is_empty() {
            h2 { (title) }
            ul {
                @for facet in facets {
                    @let is_asked = asked.has(name, &facet.value);
                    li {
                        a href=(fresh.toggled(name, &facet.value).at("/events")) aria-current=[is_asked.then_some("true")] {
                            bdi { (facet.value) }
                        }
                        span .number { (count(facet.events)) }
                        (share_bar(facet.events, most))
                    }
                }
            }
        }
    }
}
