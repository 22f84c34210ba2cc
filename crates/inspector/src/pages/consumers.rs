//! The page of consumers.

use super::parts::{at, note};
use crate::asked::Asked;
use crate::pictures::line;
use crate::text::{address, count, span};
use crate::views::{ConsumerSeen, Consumers};
use maud::{Markup, html};

/// The page of consumers.
pub(crate) fn consumers(view: &Consumers, _: &Asked) -> Markup {
    html! {
        div #consumers data-refresh="3000" {
            @for error in &view.unreadable { (note("bad", error)) }
            @if view.consumers.is_empty() && view.unreadable.is_empty() {
                p .dim { "Nobody reads this store under a name: there are no positions, reactors or projections beside it." }
            }
            @if view.is_cut { (note("warn", "These are the first of more.")) }
            @match view.consumers.first().filter(|_| view.is_one) {
                Some(one) => { (whole(one)) },
                None => { (list(view)) },
            }
        }
    }
}

fn condition(text: &str) -> Markup {
    let class = match text {
        "caught up" => "good",
        "behind" | "rebuilding" | "stopped" => "warn",
        _ => "bad",
    };
    html! { span class=(class) { (text) } }
}

fn trend(one: &ConsumerSeen) -> Markup {
    let points: Vec<_> = one
        .samples
        .iter()
        .map(|sample| (sample.at_ms, sample.behind))
        .collect();
    html! { @if points.len() > 1 { (line(&points)) } @else { span .dim { "after some seconds" } } }
}

fn list(view: &Consumers) -> Markup {
    html! {
        @if !view.consumers.is_empty() {
            div .scroll tabindex="0" role="region" aria-label="Consumers" {
                table .list {
                    thead { tr {
                        th scope="col" { "Name" } th scope="col" { "What" } th scope="col" { "State" } th scope="col" .number { "Before event" }
                        th scope="col" .number { "Behind" } th scope="col" .number { "For" } th scope="col" .number { "Parked" } th scope="col" { "Behind over time" }
                    } }
                    tbody {
                        @for one in &view.consumers {
                            tr {
                                td { a .name href=(address("/consumers", [("name", &*one.name)])) { bdi { (one.name) } } }
                                td { (one.kind) }
                                td { (condition(&one.condition)) @if let Some(error) = &one.error { div .bad { bdi { (error) } } } }
                                td .number { (count(one.sequence)) }
                                td .number { (count(one.behind)) }
                                td .number { @if one.behind_ms > 0 { (span(one.behind_ms)) } }
                                td .number { (one.parked_count) }
                                td .bar { (trend(one)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn whole(one: &ConsumerSeen) -> Markup {
    html! {
        p .controls {
            a href="/consumers" { "all" }
            span { (one.kind) ", " (condition(&one.condition)) }
            span .dim { "before event " (count(one.sequence)) " of " (count(one.head)) ", " (count(one.behind)) " behind" }
        }
        @if let Some(error) = &one.error { (note("bad", error)) }
        @if let Some(rebuild) = &one.rebuild { (note("", html! { "Built anew: " (rebuild) })) }
        section { h2 { "Behind over time, since this page is served" } (trend(one)) }
        section {
            h2 { "Partitions" }
            div .scroll tabindex="0" role="region" aria-label="Partitions" {
                table .list {
                    thead { tr {
                        th scope="col" .number { "Partition" } th scope="col" { "State" } th scope="col" .number { "Before event" } th scope="col" .number { "Handled" }
                        th scope="col" .number { "Failed" } th scope="col" { "Held by" } th scope="col" { "Saved" } th scope="col" { "Moved" }
                    } }
                    tbody {
                        @for part in &one.partitions {
                            tr {
                                td .number { (part.partition) }
                                td {
                                    (condition(&part.condition))
                                    @for damage in &part.damaged { div .bad { (damage) } }
                                    @if let Some(refused) = &part.refused { div .bad { (refused) } }
                                }
                                td .number { (count(part.sequence)) }
                                td .number { (count(part.handled)) }
                                td .number { (count(part.failed)) }
                                td {
                                    @match part.holder { Some(pid) => { "process " (pid) }, None => { span .dim { "nobody" } } }
                                    @if let Some(overdue) = part.overdue_ms { span .bad { ", lease over for " (span(overdue)) } }
                                }
                                td { @if part.saved_at_ms > 0 { (at(part.saved_at_ms)) } }
                                td { @if part.moved_at_ms > 0 { (at(part.moved_at_ms)) } }
                            }
                        }
                    }
                }
            }
        }
        @if !one.parked.is_empty() {
            section {
                h2 { "Parked" }
                table .list {
                    thead { tr { th scope="col" { "What" } th scope="col" { "From event" } th scope="col" .number { "Events" } th scope="col" .number { "Tries" } th scope="col" { "Since" } th scope="col" { "Why" } } }
                    tbody {
                        @for parked in &one.parked {
                            tr {
                                td { bdi { (parked.key) } @if parked.is_replayed { span .dim { " to be replayed" } } }
                                td { a href=(address("/event", [("sequence", &*parked.first.to_string())])) { (parked.first) } }
                                td .number { (parked.events) }
                                td .number { (parked.tries) }
                                td { (at(parked.at_ms)) }
                                td .bad { bdi { (parked.reason) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
