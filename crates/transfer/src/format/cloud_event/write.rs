//! An event as one line.

use super::content::content_type;
use super::names::{DATA_BASE64, ID, KEPT_APART, KIND, SOURCE_PREFIX, SUBJECT, TYPE, TYPE_PREFIX};
use crate::format::attributes::{write_object, write_value};
use crate::format::ids::foreign_id;
use crate::format::seal::seal_of;
use crate::text::base64;
use crate::text::json::{is_one_line_of_json, write_text, write_texts};
use crate::text::percent;
use std::io::Write;
use strandline::{
    AttributeValue, Attributes, EventRef, Extensions, MADE_KINDS_CATEGORY, PayloadEncoding,
};
use strandline_core::rfc3339;

/// The last millisecond of the year 9999.
const TEXT_MS_MAX: u64 = 253_402_300_799_999;

/// Appends an event to `out` as one line.
pub(crate) fn write_cloud_event(out: &mut Vec<u8>, event: &EventRef<'_>) {
    let extensions = event.extensions();
    let attributes = extensions.attributes();
    let name = event.kind_name();
    let name = name.as_deref();
    out.extend_from_slice(b"{\"specversion\":\"1.0\"");
    match foreign(event, &attributes) {
        Some(id) => write_foreign(out, event, (id, name), &attributes),
        None => write_own(out, event, name, &attributes),
    }
    write_rest(out, event, &extensions);
    out.extend_from_slice(b"}\n");
}

/// The id that an event has in another program, if it came from one: the `id` of its CloudEvents, unique within
/// its `source`, which is the event's scope.
#[must_use]
pub fn foreign_id_of(event: &EventRef<'_>) -> Option<String> {
    foreign(event, &event.extensions().attributes()).map(str::to_owned)
}

/// The id that an event has in another program, if it came from one: the event's own is made of it.
fn foreign<'a>(event: &EventRef<'_>, attributes: &'a Attributes) -> Option<&'a str> {
    let id = attributes.text(ID)?;
    (foreign_id(event.coordinate().scope(), id) == event.id()).then_some(id)
}

/// What an event of another program came with.
fn write_foreign(
    out: &mut Vec<u8>,
    event: &EventRef<'_>,
    (id, name): (&str, Option<&str>),
    attributes: &Attributes,
) {
    let at = event.coordinate();
    member(out, ID);
    write_text(out, id);
    member(out, "source");
    write_text(out, at.scope());
    write_type(out, event, name);
    match attributes.get(SUBJECT) {
        Some(subject) => {
            member(out, SUBJECT);
            write_value(out, subject);
        }
        None if at.entity() == at.scope() => {}
        None => {
            member(out, SUBJECT);
            write_text(out, at.entity());
        }
    }
    let others = attributes.iter();
    for (name, value) in others.filter(|(name, _)| !KEPT_APART.contains(name)) {
        member(out, name);
        write_value(out, value);
    }
    let Ok(payload) = event.payload() else {
        return;
    };
    let is_json = event.encoding() == PayloadEncoding::JSON && is_one_line_of_json(payload);
    let mark = attributes.get(DATA_BASE64);
    match mark.is_some_and(|mark| *mark != AttributeValue::Null) {
        false if is_json => write_json(out, payload),
        false if payload.is_empty() => {}
        _ => return write_base64(out, payload),
    }
    if let Some(null) = mark {
        member(out, DATA_BASE64);
        write_value(out, null);
    }
}

/// What an event of this store is as one of CloudEvents.
fn write_own(out: &mut Vec<u8>, event: &EventRef<'_>, name: Option<&str>, attributes: &Attributes) {
    let at = event.coordinate();
    // Writing to a vector does not fail.
    let _ = write!(
        out,
        ",\"id\":\"{}\",\"source\":\"{SOURCE_PREFIX}{}\"",
        event.id(),
        percent::encode(at.scope()),
    );
    write_type(out, event, name);
    member(out, SUBJECT);
    write_text(out, at.entity());
    let hlc = event.hlc();
    let _ = match hlc.wall_ms() {
        wall_ms @ ..=TEXT_MS_MAX => write!(out, ",\"time\":\"{}\"", rfc3339(wall_ms)),
        // RFC 3339 has four digits for a year.
        wall_ms => write!(out, ",\"strandwallms\":\"{wall_ms}\""),
    };
    let _ = write!(out, ",\"strandsequence\":\"{}\"", event.sequence());
    // A name that looks like a number is told from one by the number beside it.
    let is_told = |name: &str| {
        event.kind().category() != MADE_KINDS_CATEGORY || name.starts_with(TYPE_PREFIX)
    };
    if name.is_some_and(is_told) {
        let _ = write!(out, ",\"{KIND}\":\"{}\"", event.kind());
    }
    if hlc.counter() != 0 {
        let _ = write!(out, ",\"strandcounter\":\"{}\"", hlc.counter());
    }
    if !attributes.is_empty() {
        let mut object = Vec::new();
        write_object(&mut object, attributes);
        member(out, "strandattributes");
        write_text(out, &String::from_utf8_lossy(&object));
    }
    let Ok(payload) = event.payload() else {
        return;
    };
    let encoding = event.encoding();
    let _ = write!(out, ",\"datacontenttype\":\"{}\"", content_type(encoding));
    match encoding == PayloadEncoding::JSON && is_one_line_of_json(payload) {
        true => write_json(out, payload),
        false => write_base64(out, payload),
    }
}

/// What any event has, where it says something.
fn write_rest(out: &mut Vec<u8>, event: &EventRef<'_>, extensions: &Extensions) {
    if event.correlation() != event.id() {
        let _ = write!(out, ",\"strandcorrelation\":\"{}\"", event.correlation());
    }
    if let Some(causation) = event.causation() {
        let _ = write!(out, ",\"strandcausation\":\"{causation}\"");
    }
    if extensions.payload_version() != 1 {
        let _ = write!(
            out,
            ",\"strandversion\":\"{}\"",
            extensions.payload_version()
        );
    }
    if extensions.tags().next().is_some() {
        let mut tags = Vec::new();
        write_texts(&mut tags, extensions.tags());
        member(out, "strandtags");
        write_text(out, &String::from_utf8_lossy(&tags));
    }
    if let Some(seal) = seal_of(event) {
        let _ = write!(out, ",\"strandseal\":\"{seal}\"");
    }
    if event.is_redacted() {
        out.extend_from_slice(b",\"strandredacted\":true");
    }
}

/// The name of the kind, or its number.
fn write_type(out: &mut Vec<u8>, event: &EventRef<'_>, name: Option<&str>) {
    member(out, TYPE);
    let _ = match name {
        Some(name) => {
            write_text(out, name);
            Ok(())
        }
        None => write!(out, "\"{TYPE_PREFIX}{}\"", event.kind()),
    };
}

fn write_json(out: &mut Vec<u8>, payload: &[u8]) {
    member(out, "data");
    out.extend_from_slice(payload);
}

fn write_base64(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend_from_slice(b",\"data_base64\":\"");
    base64::encode(payload, out);
    out.push(b'"');
}

/// The name of the next member.
fn member(out: &mut Vec<u8>, name: &str) {
    out.push(b',');
    write_text(out, name);
    out.push(b':');
}
