//! Parts of several pages: names as links, figures, times, notes.

use crate::pictures::share_bar;
use crate::text::{address, count, time};
use crate::views::Facet;
use maud::{Markup, html};
use strandline::maintenance::rfc3339;

/// The name of an entity, which leads to it.
pub(super) fn entity(name: &str) -> Markup {
    html! { a .name href=(address("/entity", [("name", name)])) { bdi { (name) } } }
}

/// A name that stands for the events that have it.
pub(super) fn events_of(by: &str, name: &str) -> Markup {
    html! { a .name href=(address("/events", [(by, name)])) { bdi { (name) } } }
}

/// The id of an event, which leads to it.
pub(super) fn event_id(id: &str) -> Markup {
    html! { a .mono href=(address("/event", [("id", id)])) { (id) } }
}

/// A time.
pub(super) fn at(wall_ms: u64) -> Markup {
    html! { time datetime=(rfc3339(wall_ms)) { (time(wall_ms)) } }
}

/// A figure with its name.
pub(super) fn figure(name: &str, value: impl maud::Render, more: impl maud::Render) -> Markup {
    html! {
        div .figure {
            dt { (name) }
            dd { (value) }
            dd .more { (more) }
        }
    }
}

/// A note that is to be seen: of what is wrong, or to be known.
pub(super) fn note(class: &str, text: impl maud::Render) -> Markup {
    html! { p class={ "note " (class) } role="status" { (text) } }
}

/// Values with bars, of which the first has the most.
pub(super) fn ranking(facets: &[Facet], link: impl Fn(&str) -> Markup) -> Markup {
    let most = facets
        .iter()
        .map(|facet| facet.events)
        .max()
        .unwrap_or_default();
    html! {
        table .ranking {
            tbody {
                @for facet in facets {
                    tr {
                        th scope="row" { (link(&facet.value)) }
                        td .number { (count(facet.events)) }
                        td .bar { (share_bar(facet.events, most)) }
                    }
                }
            }
        }
    }
}
