//! The page of an entity.

use super::events::list;
use super::parts::{event_id, note};
use crate::asked::Asked;
use crate::text::count;
use crate::views::{Compared, Entity};
use maud::{Markup, html};

/// The page of an entity.
pub(crate) fn entity(view: &Entity, asked: &Asked) -> Markup {
    html! {
        p .controls {
            span { (count(view.events)) " events" }
            span .dim { "versions " (view.first_version) " to " (view.last_version) }
            a href=(crate::text::address("/events", [("entity", &*view.name)])) { "as a filter" }
        }
        @if let Some(compared) = &view.compared { (version(view, compared, asked)) }
        section {
            h2 { "Stream" }
            (list(&view.stream))
            @if let Some(next) = view.next {
                p { a #next href=(asked.with(&[("before", Some(&next.to_string()))]).at("/entity")) { "Next page" } }
            }
        }
    }
}

fn version(view: &Entity, compared: &Compared, asked: &Asked) -> Markup {
    let is_merged = compared.state.is_some();
    let other = if is_merged { None } else { Some("merged") };
    html! {
        section {
            h2 { "Version " (compared.version) }
            form .controls method="get" action="/entity" data-auto {
                input type="hidden" name="name" value=(view.name);
                @if is_merged { input type="hidden" name="state" value="merged"; }
                label { "Version "
                    input type="range" name="version" min=(view.first_version) max=(view.last_version) value=(compared.version);
                }
                @if !is_merged {
                    label { "against "
                        input type="number" name="against" min=(view.first_version) max=(view.last_version) value=[compared.against];
                    }
                }
                button type="submit" { "Show" }
                a href=(asked.with(&[("state", other), ("against", None)]).at("/entity")) {
                    @if is_merged { "payloads alone" } @else { "payloads merged (RFC 7396)" }
                }
            }
            p { bdi { (compared.event.kind_text()) } " " (event_id(&compared.event.id)) }
            @if let Some(reason) = &compared.note { (note("warn", reason)) }
            @if compared.changes.is_empty() { p .dim { "Nothing differs." } }
            @else { (changes(compared)) }
            @if let Some(state) = &compared.state { pre .wrap tabindex="0" { code { (state) } } }
        }
    }
}

fn changes(compared: &Compared) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label="What differs" {
            table .list {
                thead { tr {
                    th scope="col" { "Where" }
                    th scope="col" { @match compared.against { Some(against) => { "Version " (against) }, None => { "Before" } } }
                    th scope="col" { "Version " (compared.version) }
                } }
                tbody {
                    @for change in &compared.changes {
                        tr {
                            td .mono { bdi { @if change.at.is_empty() { "all" } @else { (change.at) } } }
                            td .mono.removed[change.before.is_some()] { bdi { (change.before.as_deref().unwrap_or_default()) } }
                            td .mono.added[change.after.is_some()] { bdi { (change.after.as_deref().unwrap_or_default()) } }
                        }
                    }
                }
            }
        }
        @if compared.is_cut { p .warn { "There are more." } }
    }
}
