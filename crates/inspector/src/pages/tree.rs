//! The page of a correlation.

use super::parts::{entity, event_id, note};
use crate::asked::Asked;
use crate::text::{address, signed_span, time};
use crate::views::{Node, Tree};
use maud::{Markup, html};

/// How many levels are drawn; deeper ones stand at the last.
const LEVELS: usize = 24;

/// The page of a correlation.
pub(crate) fn tree(view: &Tree, _: &Asked) -> Markup {
    let first = view
        .nodes
        .iter()
        .map(|node| node.event.wall_ms)
        .min()
        .unwrap_or_default();
    let last = view
        .nodes
        .iter()
        .map(|node| node.event.wall_ms)
        .max()
        .unwrap_or_default();
    html! {
        p { (view.nodes.len()) " events belong to " (event_id(&view.correlation)) ", from " (time(first)) ", " (signed_span(first, last)) }
        @if view.is_cut { (note("warn", html! { "These are the first of more. " a href=(address("/events", [("correlation", &*view.correlation)])) { "All of them" } })) }
        div .scroll tabindex="0" role="region" aria-label="What caused what" {
            table .list.tree {
                thead { tr {
                    th scope="col" { "Event" } th scope="col" { "Entity" } th scope="col" { "After" } th scope="col" { "When" } th scope="col" { "Payload" }
                } }
                tbody { @for node in &view.nodes { (row(node, first, last)) } }
            }
        }
    }
}

fn row(node: &Node, first: u64, last: u64) -> Markup {
    let event = &node.event;
    let depth = node.depth.min(LEVELS);
    let place = crate::text::share(event.wall_ms - first, last - first);
    html! {
        tr .self[node.is_asked] {
            td {
                span .twig aria-hidden="true" { @if depth > 0 { (" ".repeat((depth - 1) * 2)) "└ " } }
                a href=(address("/event", [("id", &*event.id)])) { bdi { (event.kind_text()) } }
                @if node.is_cause_elsewhere { span .dim title="What caused it does not belong to this correlation, or was removed" { " ↗" } }
            }
            td { (entity(&event.entity)) }
            td .number { (signed_span(first, event.wall_ms)) }
            td .lane { svg viewBox="-20 0 1040 14" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                line x1="0" y1="7" x2="1000" y2="7" {}
                rect .p1 x=(place) y="2" width="12" height="10" {}
            } }
            td .payload { bdi { (event.preview.chars().take(80).collect::<String>()) } }
        }
    }
}
