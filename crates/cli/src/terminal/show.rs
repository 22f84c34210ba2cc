//! How an event looks: on a terminal in one line or two, in plain lines, or as JSON.

use super::screen::{Screen, column, fit};
use crate::times::Zone;
use std::io;
use strandline::{EventRef, PayloadEncoding};
use strandline_transfer::{PayloadForm, base64_text, foreign_id_of, readable_json, write_line};

/// Terminals from this width on show an event in one line.
const WIDE: usize = 100;
/// How much of that is for the kind.
const KIND_WIDTH: usize = 16;

/// How bytes that are no text are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Bytes {
    /// Two digits a byte.
    Hex,
    /// Four characters for three bytes.
    Base64,
}

/// How events are shown.
pub(crate) struct Look {
    /// As JSON, for programs.
    pub(crate) json: bool,
    /// Payloads that are no text.
    pub(crate) bytes: Bytes,
    /// Where times have their zone; that of JSON is UTC.
    pub(crate) zone: Zone,
}

/// Prints an event.
pub(crate) fn event(screen: &mut Screen, event: &EventRef<'_>, look: &Look) -> io::Result<()> {
    if look.json {
        let mut line = Vec::new();
        write_line(&mut line, event, PayloadForm::Readable);
        return screen.bytes(&line);
    }
    let at = event.coordinate();
    let payload = match foreign_id_of(event) {
        // By which whoever made it asks for it.
        Some(id) => format!("id {id}  {}", payload(event, look.bytes)),
        None => payload(event, look.bytes),
    };
    let time = look.zone.text(event.hlc().wall_ms());
    let kind = match event.kind_name() {
        Some(name) => name.to_string(),
        None => event.kind().to_string(),
    };
    let head = format!("{:>8}  {time}  {kind}", event.sequence());
    match screen.width() {
        None => screen.line(&format!(
            "{head}  {}  {}  {payload}",
            at.entity(),
            at.scope()
        )),
        Some(width) if width >= WIDE => {
            let kind = column(&kind, KIND_WIDTH);
            let head = format!("{:>8}  {time}  {kind}", event.sequence());
            let names = (width - 12 - time.len() - KIND_WIDTH) / 2;
            let entity = column(at.entity(), names * 2 / 3);
            let scope = column(at.scope(), names / 3);
            screen.line(&format!("{head}  {entity} {scope} {payload}"))
        }
        Some(width) => {
            let names = format!("{}  {}", at.entity(), at.scope());
            if width >= 64 {
                screen.line(&format!("{head}  {names}"))?;
            } else {
                screen.line(&head)?;
                screen.line(&format!("          {names}"))?;
            }
            screen.line(&format!("          {}", fit(&payload, width - 10)))
        }
    }
}

/// The payload as a line of text: JSON if it can be, else its bytes as was asked.
fn payload(event: &EventRef<'_>, bytes: Bytes) -> String {
    let Ok(raw) = event.payload() else {
        let why = match event.is_redacted() {
            true => "(redacted)",
            false => "(forgotten)",
        };
        return why.to_owned();
    };
    if event.is_sealed() {
        return "(sealed)".to_owned();
    }
    payload_text(event.encoding(), raw, bytes)
}

/// Bytes of a payload as a line of text: JSON if they can be, else as was asked.
pub(crate) fn payload_text(encoding: PayloadEncoding, raw: &[u8], bytes: Bytes) -> String {
    readable_json(encoding, raw).unwrap_or_else(|| match bytes {
        Bytes::Hex => raw.iter().map(|byte| format!("{byte:02x}")).collect(),
        Bytes::Base64 => base64_text(raw),
    })
}
