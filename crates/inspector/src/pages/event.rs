//! The page of an event.

use super::parts::{at, entity, event_id, events_of, note};
use crate::asked::Asked;
use crate::text::{address, count, size};
use crate::views::{EventView, Payload};
use maud::{Markup, html};

/// The page of an event.
pub(crate) fn event(view: &EventView, asked: &Asked) -> Markup {
    let own = view.event.id.as_str();
    html! {
        p .controls { (neighbours(view)) }
        @if let Some(reason) = &view.unproven { (note("bad", html! { "The hash could not be made again: " (reason) })) }
        div .columns {
            section { h2 { "Header" } (header(view)) }
            section {
                h2 { "Hashes" }
                dl .facts {
                    dt { "Event" } dd .mono { (view.hash) }
                    @if let Some(hash) = &view.previous_hash { dt { "Before it" } dd .mono { (hash) } }
                    @if let Some(hash) = &view.payload_hash { dt { "Payload" } dd .mono { (hash) } }
                }
                @if view.unproven.is_none() { p .good { "Made again from what is stored, and the same." } }
                p {
                    a href=(address("/api/event/proof", [("id", own)])) { "Proof" }
                    span .dim { " that it is in the log, as JSON" }
                    @match view.signs {
                        Some(by) => {
                            "; " a href=(address("/api/event/signed-proof", [("id", own)])) { "signed" } span .dim { " " (by) ", with the event" }
                            ", " a href=(address("/api/event/signed-proof", [("id", own), ("payload", "without")])) { "without its payload" }
                        },
                        None => { span .dim { "; `strandline prove` signs one" } },
                    }
                }
                p {
                    a href=(address("/bytes", [("id", own)])) { "Bytes" }
                    span .dim { " of its record, field by field" }
                }
            }
        }
        section {
            h2 { "Payload" }
            @match &view.payload {
                Some(payload) => { (shown(payload, own, asked)) },
                None => { p .dim { "It was redacted. Its hash stays." } },
            }
        }
    }
}

fn neighbours(view: &EventView) -> Markup {
    let links = &view.links;
    let by_id = |id: &Option<String>, text: &str| {
        html! {
            @if let Some(id) = id { a href=(address("/event", [("id", id.as_str())])) { (text) } }
        }
    };
    let by_sequence = |sequence: Option<u64>, text: &str| {
        html! {
            @if let Some(sequence) = sequence { a href=(address("/event", [("sequence", &*sequence.to_string())])) { (text) } }
        }
    };
    html! {
        (by_sequence(links.previous_sequence, "← before"))
        (by_sequence(links.next_sequence, "after →"))
        span .dim { "in the entity:" }
        (by_id(&links.previous, "← before"))
        (by_id(&links.next, "after →"))
        a href=(address("/tree", [("id", &*view.event.id)])) { "Correlation, " (count(links.correlated)) " events" }
        @if links.caused > 0 {
            a href=(address("/events", [("caused_by", &*view.event.id)])) { "Caused " (count(links.caused)) }
        }
    }
}

fn header(view: &EventView) -> Markup {
    let event = &view.event;
    html! {
        dl .facts {
            dt { "Id" } dd .mono { (event.id) }
            dt { "Entity" } dd { (entity(&event.entity)) span .dim { " version " (event.clock) } }
            dt { "Scope" } dd { (events_of("scope", &event.scope)) }
            dt { "Kind" } dd { (events_of("kind", event.kind_text())) " " span .dim { (event.kind) } }
            dt { "Time" } dd { (at(event.wall_ms)) @if view.counter > 0 { span .dim { " counter " (view.counter) } } }
            dt { "Sequence" } dd { (count(event.sequence)) }
            dt { "Encoding" } dd { (event.encoding) ", type version " (view.version) }
            @if let Some(id) = &event.correlation { dt { "Belongs to" } dd { (event_id(id)) } }
            @if let Some(id) = &event.causation { dt { "Caused by" } dd { (event_id(id)) } }
            @if !event.tags.is_empty() { dt { "Tags" } dd { @for tag in &event.tags { (events_of("tag", tag)) " " } } }
            @if let Some((source, position)) = &view.tracking { dt { "Source" } dd { bdi { (source) } " at " (count(*position)) } }
            @for (name, value) in &view.attributes { dt { bdi { (name) } } dd { bdi { (value) } } }
            @if !view.extensions.is_empty() {
                dt { "Extensions" }
                dd { @for (number, bytes) in &view.extensions { (format!("{number:#06x}")) " " span .dim { "(" (bytes) " B) " } } }
            }
        }
    }
}

fn shown(payload: &Payload, id: &str, asked: &Asked) -> Markup {
    html! {
        p .controls {
            span .dim { (size(payload.bytes as u64)) ", " (payload.encoding) }
            @for form in ["json", "text", "hex"] {
                a href=(asked.with(&[("form", Some(form))]).at("/event")) aria-current=[(form == payload.form).then_some("true")] { (form) }
            }
            a href=(address("/api/event/payload", [("id", id)])) { "Download" }
        }
        @if payload.is_cut { (note("warn", "This is its beginning: the rest is in the download.")) }
        @if payload.bytes == 0 { p .dim { "Empty." } }
        @else { pre.wrap[payload.form != "hex"] tabindex="0" { code { (payload.text) } } }
    }
}
