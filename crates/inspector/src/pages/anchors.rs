//! The part of a page that has the log held against heads that are kept elsewhere.

use super::parts::{at, note};
use crate::pictures::{Mark, Part, span_line};
use crate::text::count;
use crate::views::{Anchored, Anchors};
use maud::{Markup, html};

/// The log held against heads that are kept elsewhere.
pub(super) fn anchors(view: &Anchors) -> Markup {
    html! {
        section #anchors {
            h2 { "Heads that are kept elsewhere" }
            @if !view.is_asked {
                p .dim { "None were named: `strandline ui` with --anchors and --key holds the log against those that `strandline heads sign` keeps." }
            }
            @if let Some(error) = &view.error { (note("bad", error)) }
            @if let Some(found) = &view.found { (shown(found)) }
            @else if view.is_running { p .dim { "The log is held against them…" } }
        }
    }
}

fn shown(found: &Anchored) -> Markup {
    let open = found.log_size - found.anchored;
    html! {
        @if found.counted == 0 { (note("warn", "No head counts, so nothing is said of the log.")) }
        @else if found.is_sound { (note("good", html! { "Events before " (count(found.anchored)) " are as they were signed" @if open > 0 { "; no head is over the " (count(open)) " after them" } "." })) }
        @else { (note("bad", "The log is not the one that was signed.")) }
        (line(found, "All heads", &found.marks))
        p .legend {
            @for (class, name) in [("p1", "proved"), ("p0", "open"), ("p4", "contradicted"), ("p5", "missing")] {
                span { svg viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" {} } " " (name) }
            }
            span .dim { (count(found.counted)) " of " (count(found.heads)) " heads count" }
        }
        (parts(found))
        (signers(found))
        @if !found.findings.is_empty() {
            ul { @for finding in &found.findings {
                li .bad[finding.kind != "notice"] { (finding.kind) ": " bdi { (finding.message) } }
            } }
            @if found.finding_count > found.findings.len() { p .dim { "The first of " (found.finding_count) "." } }
        }
        (heads(found))
    }
}

fn class(state: &str) -> &'static str {
    match state {
        "proved" => "p1",
        "contradicted" => "p4",
        "missing" => "p5",
        _ => "p0",
    }
}

fn line(found: &Anchored, title: &str, marks: &[(u64, &'static str)]) -> Markup {
    let parts: Vec<_> = found
        .parts
        .iter()
        .map(|part| Part {
            value: part.end - part.first,
            class: class(part.state),
        })
        .collect();
    let marks = marks.iter().map(|(size, state)| Mark {
        at: *size,
        class: class(state),
    });
    html! {
        figure .anchored {
            figcaption .dim { (title) }
            (span_line(&parts, &marks.collect::<Vec<_>>(), found.end))
            div .axis { span { "0" } span { (count(found.end)) } }
        }
    }
}

fn parts(found: &Anchored) -> Markup {
    html! {
        table .list .parts {
            thead { tr { th scope="col" { "Events" } th scope="col" .number { "How many" } th scope="col" { "Are" } } }
            tbody {
                @for part in &found.parts {
                    tr {
                        td { (count(part.first)) " to " (count(part.end)) }
                        td .number { (count(part.end - part.first)) }
                        td .bad[matches!(part.state, "contradicted" | "missing")] { (part.state) }
                    }
                }
            }
        }
    }
}

fn signers(found: &Anchored) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label="Signers" { table .list {
            thead { tr { th scope="col" { "Signed by" } th scope="col" { "As" } th scope="col" .number { "Heads" } th scope="col" .number { "Proves events before" } th scope="col" { "How far" } th scope="col" { "Last" } } }
            tbody {
                @for one in &found.signers {
                    tr {
                        td { bdi .mono { (one.name) } }
                        td { (one.role) }
                        td .number { (count(one.heads)) }
                        td .number { (count(one.proved)) }
                        td .bar { (span_line(&[Part { value: one.proved, class: "p1" }, Part { value: found.end - one.proved.min(found.end), class: "p0" }], &[], found.end)) }
                        td { @if let Some(seconds) = one.last_seconds { (at(seconds.saturating_mul(1_000))) } }
                    }
                }
            }
        } }
    }
}

fn heads(found: &Anchored) -> Markup {
    html! {
        @if !found.newest.is_empty() {
            details {
                summary { "The " (found.newest.len()) " heads over most events" }
                div .scroll tabindex="0" role="region" aria-label="Heads" {
                    table .list {
                        thead { tr { th scope="col" .number { "Events" } th scope="col" { "The log" } th scope="col" { "Root" } th scope="col" { "Signed by" } } }
                        tbody {
                            @for head in &found.newest {
                                tr {
                                    td .number { (count(head.size)) }
                                    td { (head.state) }
                                    td .mono { (head.root) }
                                    td { @for name in &head.signers { bdi .mono { (name) } " " } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
