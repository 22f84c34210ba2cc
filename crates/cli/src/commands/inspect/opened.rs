//! The payload of an event for whoever has the keys, after its bytes.

use super::args::Args;
use crate::args::opened_event;
use crate::terminal::Screen;
use crate::terminal::show::{Bytes, payload_text};
use serde_json::json;
use strandline::{EventId, OpenPayload};

/// Shows what the payload of an event is, opened. One that the index does not have is left at its bytes.
pub(super) fn run(args: &Args, id: EventId, opener: &dyn OpenPayload) -> anyhow::Result<()> {
    let Some(event) = args.store.open()?.snapshot().get(id)? else {
        return Ok(());
    };
    let was_sealed = event.is_sealed();
    let event = opened_event(opener, event)?;
    let text = match event.payload() {
        Err(_) if event.is_forgotten() => "(forgotten)".to_owned(),
        Err(_) => "(redacted)".to_owned(),
        Ok(_) if event.is_sealed() => "(sealed, and the keys are others)".to_owned(),
        Ok(payload) => payload_text(event.encoding, payload, Bytes::Hex),
    };
    let mut screen = Screen::new();
    match args.store.json {
        true => screen.json(&json!({
            "payload": text,
            "opened": was_sealed && !event.is_sealed() && event.payload().is_ok(),
            "forgotten": event.is_forgotten(),
        }))?,
        false => screen.line(&format!("payload {text}"))?,
    }
    Ok(screen.flush()?)
}
