//! The page of files.

use super::parts::note;
use crate::asked::Asked;
use crate::pictures::{Part, share_bar, stack};
use crate::text::{address, count, size};
use crate::views::{Files, FilesSeen, Plan, Segment};
use maud::{Markup, html};

/// How many segments are drawn.
const SEGMENTS_MAX: usize = 500;

/// The page of files.
pub(crate) fn files(view: &Files, asked: &Asked) -> Markup {
    let is_waiting = view.files.is_none() || view.is_planning;
    html! {
        div #files data-refresh=[is_waiting.then_some("700")] data-always[is_waiting] {
            @match &view.files {
                None => { p .dim { "Looking at the files…" } },
                Some(files) => {
                    @for problem in &files.problems { (note("bad", problem)) }
                    @for notice in &files.notices { (note("warn", notice)) }
                    (sums(files))
                    (segments(files))
                    (others(files))
                },
            }
            section { h2 { "What a compaction would free" } (plan(view, asked)) }
        }
    }
}

fn sums(files: &FilesSeen) -> Markup {
    let frames: u64 = files.segments.iter().map(frame_bytes).sum();
    let footers: u64 = files
        .segments
        .iter()
        .filter_map(|one| one.footer_bytes)
        .sum();
    let others: u64 = files.others.iter().map(|one| one.bytes).sum();
    let whole = frames + footers + others;
    let parts = [
        ("p1", "events", frames),
        ("p2", "footers", footers),
        ("p3", "other files", others),
    ];
    let drawn = parts.map(|(class, _, value)| Part { value, class });
    html! {
        p .dim {
            @if let Some(manifest) = files.manifest { "Manifest " (manifest) ", " } @else { "No manifest, " }
            (count(files.segments.len() as u64)) " segments, " (size(whole)) " in all."
            @if let Some(epoch) = &files.epoch { " Epoch " span .mono { (epoch) } }
        }
        (stack(&drawn, whole))
        p .legend {
            @for (class, name, bytes) in parts {
                span { svg viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" {} } " " (name) " " (size(bytes)) }
            }
        }
    }
}

fn frame_bytes(segment: &Segment) -> u64 {
    let rest = segment
        .file_bytes
        .unwrap_or_default()
        .saturating_sub(segment.footer_bytes.unwrap_or_default());
    segment.frame_bytes.unwrap_or(rest)
}

fn segments(files: &FilesSeen) -> Markup {
    let longest = files
        .segments
        .iter()
        .filter_map(|one| one.file_bytes)
        .max()
        .unwrap_or_default();
    html! {
        section {
            h2 { "Segments" }
            div .scroll tabindex="0" role="region" aria-label="Segments" {
                table .list {
                    thead { tr {
                        th scope="col" { "File" } th scope="col" { "Sequences" } th scope="col" .number { "Events" }
                        th scope="col" .number { "Bytes" } th scope="col" .number { "Footer" } th scope="col" { "Length" }
                    } }
                    tbody { @for one in files.segments.iter().rev().take(SEGMENTS_MAX) { (segment(one, longest)) } }
                }
            }
            @if files.segments.len() > SEGMENTS_MAX { p .dim { "The newest " (SEGMENTS_MAX) ". JSON has all." } }
        }
    }
}

fn segment(one: &Segment, longest: u64) -> Markup {
    html! {
        tr {
            td .mono { a href=(address("/bytes", [("segment", &*one.number.to_string())])) title="Its bytes" { (one.name) } @if one.generation > 0 { span .dim { " rewritten" } } }
            td {
                a href=(address("/events", [("from", &*one.first_sequence.to_string()), ("order", "oldest")])) { (count(one.first_sequence)) }
                @match one.end_sequence { Some(end) => { " to " (count(end)) }, None => { span .dim { " on, active" } } }
            }
            td .number { @if let Some(end) = one.end_sequence { (count(end - one.first_sequence)) } }
            td .number { @match one.file_bytes { Some(bytes) => { (size(bytes)) }, None => { span .bad { "missing" } } } }
            td .number {
                @if let Some(reason) = &one.footer_damage { span .bad title=(reason) { "damaged" } }
                @else if let Some(bytes) = one.footer_bytes { (size(bytes)) }
                @else { span .dim { "none" } }
            }
            td .bar { (stack(&[Part { value: frame_bytes(one), class: "p1" }, Part { value: one.footer_bytes.unwrap_or_default(), class: "p2" }], longest)) }
        }
    }
}

fn others(files: &FilesSeen) -> Markup {
    let longest = files
        .others
        .iter()
        .map(|one| one.bytes)
        .max()
        .unwrap_or_default();
    html! {
        @if !files.others.is_empty() {
            section {
                h2 { "Other files" }
                table .list { tbody {
                    @for one in &files.others {
                        tr {
                            td .mono { bdi { (one.name) } }
                            td { (one.what) @if !one.more.is_empty() { span .dim { ", " (one.more) } } }
                            td .number { (size(one.bytes)) }
                            td .bar { (share_bar(one.bytes, longest)) }
                        }
                    }
                } }
            }
        }
    }
}

fn plan(view: &Files, asked: &Asked) -> Markup {
    html! {
        form .filter method="get" action="/files" {
            div .fields {
                @for (name, label, hint) in [
                    ("keep_newest", "Keep the newest of each entity", "100"),
                    ("keep_since", "Keep since", "30d"),
                    ("within", "Within entities from", "meter:"),
                    ("drop_prefix", "Drop entities from", "test:"),
                ] {
                    label { span { (label) } input type="text" name=(name) placeholder=(hint) value=[asked.one(name)] autocomplete="off"; }
                }
            }
            button type="submit" { "Count" }
        }
        @match &view.plan {
            None if view.is_planning => { p .dim { "Counting…" } },
            None => {},
            Some(Err(error)) => { (note("bad", error)) },
            Some(Ok(plan)) => { (planned(plan)) },
        }
    }
}

fn planned(plan: &Plan) -> Markup {
    html! {
        p {
            strong { (count(plan.events)) " events" } " would go; segments to be written anew: " (plan.segments) ". About "
            strong { (size(plan.freed_bytes_about)) } " would be free: so many events of the mean length, less the 144 bytes that stay of one that was appended alone."
        }
        pre { code { (plan.command) } }
    }
}
