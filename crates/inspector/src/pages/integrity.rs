//! The page of the integrity.

use super::anchors::anchors;
use super::parts::{at, figure, note};
use crate::asked::Asked;
use crate::text::{address, count, span};
use crate::views::{Checked, Integrity};
use maud::{Markup, html};

/// The page of the integrity.
pub(crate) fn integrity(view: &Integrity, _: &Asked) -> Markup {
    html! {
        div #integrity data-refresh=[(view.is_running || view.anchors.is_running || view.head.is_none() && view.head_error.is_none()).then_some("700")] data-always {
            @if view.is_running {
                p { "Verifying: " (count(view.done)) @if let Some(total) = view.total { " of " (count(total)) } " events" }
                progress aria-label="Verifying" max=[view.total] value=[view.total.map(|_| view.done)] {}
            } @else {
                p .controls {
                    a href="/integrity?verify=now" { @if view.checked.is_some() { "Verify again" } @else { "Verify" } }
                    @if let Some(ago) = view.checked_ms_ago { span .dim { "verified " (span(ago)) " ago" } }
                    @else { span .dim { "reads the whole log: every checksum, every chain, every index" } }
                }
            }
            @if let Some(checked) = &view.checked { (found(checked)) }
            section {
                h2 { "Head of the log" }
                @if let Some(error) = &view.head_error { (note("bad", error)) }
                @match &view.head {
                    Some(head) => { dl .facts {
                        dt { "Size" } dd { (count(head.size)) " events" }
                        dt { "Root" } dd .mono { (head.root) }
                    } },
                    None => { p .dim { "None is known yet." } },
                }
                p .dim { "A head that is kept elsewhere shows later that nothing before it was changed: `strandline heads sign` signs and keeps it." }
            }
            (anchors(&view.anchors))
        }
    }
}

fn found(checked: &Checked) -> Markup {
    html! {
        @if let Some(error) = &checked.error { (note("bad", error)) }
        @else if checked.is_intact { (note("good", "Nothing is wrong.")) }
        @else { (note("bad", html! { (checked.problem_count) " problems." })) }
        dl .figures {
            (figure("Good", count((checked.events + checked.unread).saturating_sub(checked.damaged)), "events"))
            (figure("Damaged", count(checked.damaged), html! { (count(checked.unread)) " of them unread" }))
            (figure("Removed", count(checked.removed), "by compactions"))
            (figure("Redacted", count(checked.redacted), "payloads"))
            (figure("Commits", count(checked.commits), html! { (count(checked.entities)) " entities" }))
        }
        @if !checked.log_hash.is_empty() { dl .facts { dt { "Log hash" } dd .mono { (checked.log_hash) } } }
        @for notice in &checked.notices { (note("warn", notice)) }
        (problems(checked))
        (removals(checked))
    }
}

fn problems(checked: &Checked) -> Markup {
    html! {
        @if !checked.problems.is_empty() {
            section {
                h2 { "Problems" }
                table .list {
                    thead { tr { th scope="col" { "Event" } th scope="col" { "What" } th scope="col" { "What mends it" } } }
                    tbody {
                        @for problem in &checked.problems {
                            tr {
                                td { @if let Some(sequence) = problem.sequence { a href=(address("/event", [("sequence", &*sequence.to_string())])) { (sequence) } } }
                                td .bad { bdi { (problem.message) } }
                                td { (problem.mends) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn removals(checked: &Checked) -> Markup {
    html! {
        section {
            h2 { "Compactions and redactions" }
            @if checked.removals.is_empty() { p .dim { "The log records none." } }
            @else {
                table .list {
                    thead { tr { th scope="col" { "Time" } th scope="col" { "What" } th scope="col" .number { "Events" } th scope="col" { "Rule" } } }
                    tbody {
                        @for removal in &checked.removals {
                            tr {
                                td { (at(removal.wall_ms)) }
                                td { (removal.change) @if !removal.is_done { span .warn { ", interrupted" } } @if removal.is_foreign { span .dim { ", in another log" } } }
                                td .number { (count(removal.events)) }
                                td .mono { bdi { (removal.rule) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
