//! The page of a search, and that of an export.

use super::events::list;
use super::filter::filter;
use super::parts::note;
use crate::asked::Asked;
use crate::text::count;
use crate::views::{Export, Search};
use maud::{Markup, html};

/// The page of a search.
pub(crate) fn search(view: &Search, asked: &Asked) -> Markup {
    html! {
        form .controls method="get" action="/search" role="search" aria-label="Search" {
            input type="search" name="q" value=(view.text) aria-label="Text" autocomplete="off" spellcheck="false";
            label { input type="checkbox" name="in" value="payloads" checked[view.payloads.is_some()]; " in payloads" }
            button type="submit" { "Search" }
        }
        @if view.text.is_empty() {
            p .dim { "An id, a sequence, a time, the beginning of an entity, a scope or a tag, a kind; or any text of payloads." }
        } @else if view.meanings.is_empty() && view.payloads.is_none() {
            p { "No id, sequence, time or name begins so. " a href=(asked.with(&[("in", Some("payloads"))]).at("/search")) { "Look into payloads" } }
        }
        @if !view.meanings.is_empty() {
            table .list {
                thead { tr { th scope="col" { "What" } th scope="col" { "Which" } th scope="col" .number { "Events" } } }
                tbody {
                    @for meaning in &view.meanings {
                        tr {
                            td .dim { (meaning.what) }
                            td { a .name href=(meaning.address) { bdi { (meaning.text) } } }
                            td .number { @if let Some(events) = meaning.events { (count(events)) } }
                        }
                    }
                }
            }
        }
        @if let Some(found) = &view.payloads {
            section {
                h2 { "Payloads" }
                p .dim { (found.events.len()) " found among " (count(found.looked_at)) " payloads, newest first" }
                (list(&found.events))
                @if let Some(next) = found.next {
                    p { a #next href=(asked.with(&[("before", Some(&next.to_string()))]).at("/search")) { "Go on before event " (count(next)) } }
                }
            }
        }
    }
}

/// The page of an export.
pub(crate) fn export(view: &Export, asked: &Asked) -> Markup {
    let to = |format: &str| {
        asked
            .with(&[("order", None), ("format", Some(format))])
            .at("/api/export")
    };
    html! {
        (filter("/export", asked, &[]))
        p { (count(view.events)) " events" @if !view.is_complete { ", and more that there was no time to count" } ", oldest first." }
        ul {
            li { a href=(to("lines")) download { "Lines of JSON" } span .dim { ", which `strandline import` takes" } }
            li { a href=(to("cloudevents")) download { "CloudEvents" } span .dim { ", an event a line" } }
            li { a href=(to("csv")) download { "CSV" } span .dim { ", with the beginnings of payloads" } }
        }
        (note("", "An export is written as it is read, so it may be as long as the store. The command below does the same and keeps what it wrote only if it is whole."))
    }
}
