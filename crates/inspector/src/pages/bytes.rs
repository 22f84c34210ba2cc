//! The page of the bytes of frames.

use super::parts::note;
use crate::asked::Asked;
use crate::text::{address, count};
use crate::views::{FrameBytes, Stretch};
use maud::{Markup, html};

/// How many bytes a line has.
const LINE: usize = 16;

/// The page of the bytes of frames.
pub(crate) fn bytes(view: &FrameBytes, _: &Asked) -> Markup {
    let problems = view.stretches.iter().filter(|one| one.problem.is_some());
    let problems = problems.count();
    html! {
        p .controls {
            span .dim { "Segment " (view.segment) ", from offset " (count(view.from.max(u64::from(view.offset)))) }
            @if let Some(sequence) = view.sequence { a href=(address("/event", [("sequence", &*sequence.to_string())])) { "The event" } }
            a href=(address("/bytes", [("segment", &*view.segment.to_string())])) { "From the beginning of the segment" }
        }
        @if problems > 0 { (note("bad", html! { (problems) " of these stretches are damaged." })) }
        div .columns {
            section {
                h2 { "Fields" }
                (fields(view))
                @if let Some((offset, from)) = view.next {
                    @if view.is_partial { (note("warn", html! { "The time of the request was over before more was found." })) }
                    p { a #next href=(address("/bytes", [("segment", &*view.segment.to_string()), ("offset", &*offset.to_string()), ("from", &*from.to_string())])) { "Go on at offset " (count(from)) } }
                }
            }
            section {
                h2 { "Bytes" }
                (raw(view))
                p .dim { "The first " (count(view.raw_bytes.len() as u64)) " from offset " (count(view.raw_offset)) "." @if !view.damaged.is_empty() { " What is damaged is marked." } }
            }
        }
    }
}

fn fields(view: &FrameBytes) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label="Fields" {
            table .list .bytes {
                thead { tr { th scope="col" .number { "Offset" } th scope="col" .number { "Length" } th scope="col" { "What" } th scope="col" { "Says" } th scope="col" { "Bytes" } } }
                tbody { @for one in &view.stretches { (field(one)) } }
            }
        }
    }
}

fn field(one: &Stretch) -> Markup {
    let more = one.length > LINE as u64;
    html! {
        tr .self[one.is_asked] {
            td .number { (one.offset) }
            td .number { (one.length) }
            td class={ "depth" (one.depth.min(3)) } { @if one.hex.is_empty() { strong { (one.name) } } @else { (one.name) } }
            td { bdi { (one.value) } @if let Some(problem) = &one.problem { " " span .bad { (problem) } } }
            td .mono { (one.hex) @if more && !one.hex.is_empty() { "…" } }
        }
    }
}

fn raw(view: &FrameBytes) -> Markup {
    let is_damaged = |at: u64| {
        view.damaged
            .iter()
            .any(|(first, end)| (*first..*end).contains(&at))
    };
    html! {
        pre .raw tabindex="0" role="region" aria-label="Bytes" {
            @for (line, bytes) in view.raw_bytes.chunks(LINE).enumerate() {
                @let first = view.raw_offset + (line * LINE) as u64;
                (format!("{first:>10}  "))
                @for (at, byte) in (first..).zip(bytes) {
                    @if is_damaged(at) { mark { (format!("{byte:02x}")) } " " } @else { (format!("{byte:02x} ")) }
                }
                @for _ in bytes.len()..LINE { "   " }
                " " @for byte in bytes { (letter(*byte)) } "\n"
            }
        }
    }
}

/// A byte as text, where it is some.
fn letter(byte: u8) -> char {
    match byte.is_ascii_graphic() || byte == b' ' {
        true => char::from(byte),
        false => '.',
    }
}
