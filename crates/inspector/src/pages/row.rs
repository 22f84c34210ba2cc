//! An event as a row of a list.

use super::parts::{at, entity};
use crate::text::{address, size};
use crate::views::{EventRow, PayloadState};
use maud::{Markup, html};

/// An event as a row of a table.
pub(crate) fn row(event: &EventRow) -> Markup {
    let own = address("/event", [("id", &*event.id)]);
    html! {
        tr data-sequence=(event.sequence) {
            td .number { a href=(own) { (event.sequence) } }
            td .when { (at(event.wall_ms)) }
            td .kind title=(event.kind) { bdi { (event.kind_text()) } }
            td .entity { (entity(&event.entity)) }
            td .scope { bdi { (event.scope) } }
            td .payload { (payload(event)) }
            td .tags { @for tag in &event.tags { span .tag { bdi { (tag) } } " " } }
        }
    }
}

fn payload(event: &EventRow) -> Markup {
    html! {
        @if let Some(error) = &event.error {
            span .bad { (error) }
        } @else {
            @match event.payload {
                PayloadState::Redacted => { span .dim { "redacted" } },
                PayloadState::Sealed => { span .dim { "sealed, " (bytes(event)) } },
                PayloadState::Unread => { span .dim { "not read, as the time of the request was over" } },
                PayloadState::Stored if event.payload_bytes == Some(0) => { span .dim { "empty" } },
                PayloadState::Stored => { bdi { (event.preview) } },
            }
        }
    }
}

fn bytes(event: &EventRow) -> String {
    size(event.payload_bytes.unwrap_or_default() as u64)
}
