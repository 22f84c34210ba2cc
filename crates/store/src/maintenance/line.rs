//! An event as a line of JSON: what export writes, import reads and queries show. The fields are in
//! `docs/export.md`.

use super::base64;
use super::readable;
use crate::{EventRef, PayloadEncoding};
use serde::de::IgnoredAny;
use std::io::Write;

/// How payloads are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PayloadForm {
    /// So that the same bytes can be made of it: JSON as it is, everything else as base64.
    #[default]
    Exact,
    /// So that people can read it: MessagePack as JSON too.
    Readable,
}

/// Appends an event to `out` as one line of JSON, with the newline.
pub fn write_line(out: &mut Vec<u8>, event: &EventRef<'_>, form: PayloadForm) {
    let at = event.coordinate();
    let (id, hlc) = (event.id(), event.hlc());
    // Writing to a vector does not fail.
    let _ = write!(
        out,
        "{{\"sequence\":{},\"id\":\"{id}\",\"entity\":",
        event.sequence()
    );
    write_text(out, at.entity());
    out.extend_from_slice(b",\"scope\":");
    write_text(out, at.scope());
    let _ = write!(
        out,
        ",\"kind\":\"{}\",\"clock\":{},\"wall_ms\":{}",
        event.kind(),
        event.clock(),
        hlc.wall_ms()
    );
    if hlc.counter() != 0 {
        let _ = write!(out, ",\"counter\":{}", hlc.counter());
    }
    if event.correlation() != id {
        let _ = write!(out, ",\"correlation\":\"{}\"", event.correlation());
    }
    if let Some(causation) = event.causation() {
        let _ = write!(out, ",\"causation\":\"{causation}\"");
    }
    if event.version() != 1 {
        let _ = write!(out, ",\"version\":{}", event.version());
    }
    let extensions = event.extensions();
    if extensions.tags().next().is_some() {
        out.extend_from_slice(b",\"tags\":");
        write_texts(out, extensions.tags());
    }
    write_payload(out, event, form);
    let _ = writeln!(out, ",\"hash\":\"{}\"}}", event.hash());
}

/// A text with its quotes.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing a text to a vector does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// Texts as an array.
pub(super) fn write_texts<'a>(out: &mut Vec<u8>, texts: impl Iterator<Item = &'a str>) {
    for (number, text) in texts.enumerate() {
        out.push(if number == 0 { b'[' } else { b',' });
        write_text(out, text);
    }
    out.push(b']');
}

/// The name of an encoding, or its number.
pub(super) fn write_encoding(out: &mut Vec<u8>, encoding: PayloadEncoding) {
    let _ = match encoding {
        PayloadEncoding::RAW => write!(out, "\"raw\""),
        PayloadEncoding::JSON => write!(out, "\"json\""),
        PayloadEncoding::MESSAGE_PACK => write!(out, "\"message_pack\""),
        other => write!(out, "{}", other.code()),
    };
}

fn write_payload(out: &mut Vec<u8>, event: &EventRef<'_>, form: PayloadForm) {
    let encoding = event.encoding();
    let Ok(payload) = event.payload() else {
        out.extend_from_slice(b",\"redacted\":true");
        return;
    };
    if encoding == PayloadEncoding::JSON && is_one_line_of_json(payload) {
        out.extend_from_slice(b",\"payload\":");
        out.extend_from_slice(payload);
        return;
    }
    out.extend_from_slice(b",\"encoding\":");
    write_encoding(out, encoding);
    if form == PayloadForm::Readable
        && let Some(json) = readable_json(encoding, payload)
    {
        out.extend_from_slice(b",\"payload\":");
        out.extend_from_slice(json.as_bytes());
        return;
    }
    out.extend_from_slice(b",\"payload_base64\":\"");
    base64::encode(payload, out);
    out.push(b'"');
}

/// A payload as one line of JSON for people to read; `None` if it is neither JSON nor MessagePack.
///
/// JSON is what was written, number for number, without line ends and, if it has some, without the spaces
/// between its parts. Of MessagePack byte strings are base64, and so are numbers of 128 bits, which are
/// written as 16 bytes; NaN and the infinities are texts.
#[must_use]
pub fn readable_json(encoding: PayloadEncoding, payload: &[u8]) -> Option<String> {
    match encoding {
        PayloadEncoding::JSON if is_one_line_of_json(payload) => {
            Some(String::from_utf8_lossy(payload).into_owned())
        }
        PayloadEncoding::JSON => readable::one_line(payload),
        PayloadEncoding::MESSAGE_PACK => readable::message_pack(payload),
        _ => None,
    }
}

/// Bytes as base64 text ([RFC 4648](https://www.rfc-editor.org/rfc/rfc4648), section 4).
#[must_use]
pub fn base64_text(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    base64::encode(bytes, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Whether bytes are JSON that a line can hold as it is, and that is read back as it is.
pub(super) fn is_one_line_of_json(bytes: &[u8]) -> bool {
    let ends = [bytes.first(), bytes.last()];
    let padded = ends.iter().flatten().any(|byte| byte.is_ascii_whitespace());
    let broken = bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
    // Skipping a value does not check that its texts are UTF-8.
    let is_json = |text| serde_json::from_str::<IgnoredAny>(text).is_ok();
    !padded && !broken && std::str::from_utf8(bytes).is_ok_and(is_json)
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn json_that_a_line_cannot_hold_is_told_apart() {
        for fine in ["{}", "[1, 2]", "\"a b\"", "1e3"] {
            assert!(is_one_line_of_json(fine.as_bytes()), "{fine}");
        }
        for not in ["", " {}", "{} ", "{\n}", "{", "\"\\q\""] {
            assert!(!is_one_line_of_json(not.as_bytes()), "{not}");
        }
        assert!(!is_one_line_of_json(b"\"\xff\""));
    }
}
