//! An event as a CloudEvents 1.0 object, and back. How the attributes map is in `docs/export.md`.

use super::fields::{object, parse_id, parse_time, raw_value};
use super::ids::foreign_id;
use super::imported_event::ImportedEvent;
use super::refused_line::{RefusedLine, shown};
use crate::text::base64;
use crate::text::json::{is_one_line_of_json, write_text, write_texts};
use crate::text::percent;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::io::Write;
use std::str::FromStr;
use strandline::{EventId, EventRef, PayloadEncoding};
use strandline_core::rfc3339;

const SOURCE_PREFIX: &str = "strandline:";
const TYPE_PREFIX: &str = "strandline.kind.";
const JSON: &str = "application/json";
const MESSAGE_PACK: &str = "application/msgpack";
const RAW: &str = "application/octet-stream";
/// The last millisecond of the year 9999.
const TEXT_MS_MAX: u64 = 253_402_300_799_999;
const OTHER_PREFIX: &str = "application/x-strandline-encoding-";

/// Appends an event to `out` as one line.
pub(crate) fn write_cloud_event(out: &mut Vec<u8>, event: &EventRef<'_>) {
    let at = event.coordinate();
    let (id, hlc) = (event.id(), event.hlc());
    // Writing to a vector does not fail.
    let _ = write!(
        out,
        "{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"{SOURCE_PREFIX}{}\",\
         \"type\":\"{TYPE_PREFIX}{}\",\"subject\":",
        percent::encode(at.scope()),
        event.kind()
    );
    write_text(out, at.entity());
    let _ = match hlc.wall_ms() {
        wall_ms @ ..=TEXT_MS_MAX => write!(out, ",\"time\":\"{}\"", rfc3339(wall_ms)),
        // RFC 3339 has four digits for a year.
        wall_ms => write!(out, ",\"strandwallms\":\"{wall_ms}\""),
    };
    let _ = write!(out, ",\"strandsequence\":\"{}\"", event.sequence());
    if hlc.counter() != 0 {
        let _ = write!(out, ",\"strandcounter\":\"{}\"", hlc.counter());
    }
    if event.correlation() != id {
        let _ = write!(out, ",\"strandcorrelation\":\"{}\"", event.correlation());
    }
    if let Some(causation) = event.causation() {
        let _ = write!(out, ",\"strandcausation\":\"{causation}\"");
    }
    if event.version() != 1 {
        let _ = write!(out, ",\"strandversion\":\"{}\"", event.version());
    }
    let extensions = event.extensions();
    if extensions.tags().next().is_some() {
        let mut tags = Vec::new();
        write_texts(&mut tags, extensions.tags());
        out.extend_from_slice(b",\"strandtags\":");
        write_text(out, &String::from_utf8_lossy(&tags));
    }
    match event.payload() {
        Err(_) => out.extend_from_slice(b",\"strandredacted\":true"),
        Ok(payload) => write_data(out, event.encoding(), payload),
    }
    out.extend_from_slice(b"}\n");
}

fn write_data(out: &mut Vec<u8>, encoding: PayloadEncoding, payload: &[u8]) {
    let _ = match encoding {
        PayloadEncoding::JSON => write!(out, ",\"datacontenttype\":\"{JSON}\""),
        PayloadEncoding::MESSAGE_PACK => write!(out, ",\"datacontenttype\":\"{MESSAGE_PACK}\""),
        PayloadEncoding::RAW => write!(out, ",\"datacontenttype\":\"{RAW}\""),
        other => write!(
            out,
            ",\"datacontenttype\":\"{OTHER_PREFIX}{}\"",
            other.code()
        ),
    };
    if encoding == PayloadEncoding::JSON && is_one_line_of_json(payload) {
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(payload);
        return;
    }
    out.extend_from_slice(b",\"data_base64\":\"");
    base64::encode(payload, out);
    out.push(b'"');
}

/// The attributes that are read; others are extensions of others, which are passed over.
#[derive(Deserialize)]
struct CloudEvent<'a> {
    specversion: Cow<'a, str>,
    id: Cow<'a, str>,
    source: Cow<'a, str>,
    #[serde(rename = "type")]
    event_type: Cow<'a, str>,
    subject: Option<Cow<'a, str>>,
    time: Option<Cow<'a, str>>,
    datacontenttype: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "raw_value")]
    data: Option<&'a RawValue>,
    data_base64: Option<Cow<'a, str>>,
    strandwallms: Option<Cow<'a, str>>,
    strandcounter: Option<Cow<'a, str>>,
    strandcorrelation: Option<Cow<'a, str>>,
    strandcausation: Option<Cow<'a, str>>,
    strandversion: Option<Cow<'a, str>>,
    strandtags: Option<Cow<'a, str>>,
    strandredacted: Option<bool>,
}

/// Reads a line.
pub(crate) fn parse_cloud_event(text: &str) -> Result<ImportedEvent<'_>, RefusedLine> {
    let event: CloudEvent<'_> = object(text)?;
    for (name, text) in [
        ("id", &event.id),
        ("source", &event.source),
        ("type", &event.event_type),
    ] {
        if text.is_empty() {
            return Err(RefusedLine::new(format!("{name} is empty")));
        }
    }
    if event.specversion != "1.0" {
        let version = &event.specversion;
        return Err(RefusedLine::new(format!(
            "specversion is {}; 1.0 is read",
            shown(version)
        )));
    }
    let scope = match event.source.strip_prefix(SOURCE_PREFIX) {
        Some(encoded) => Cow::Owned(percent::decode(encoded).ok_or_else(|| {
            RefusedLine::new("source has `%` without two hexadecimal digits of UTF-8".to_owned())
        })?),
        None => event.source.clone(),
    };
    let wall_ms = match (&event.time, &event.strandwallms) {
        (Some(_), Some(_)) => {
            let reason = "an event has `time` or `strandwallms`, not both";
            return Err(RefusedLine::new(reason.to_owned()));
        }
        (Some(time), None) => Some(parse_time("time", time)?),
        (None, text) => number("strandwallms", text.as_deref())?,
    };
    let tags = event.strandtags.as_deref().map(serde_json::from_str);
    let tags = tags.transpose().map_err(|error| {
        let RefusedLine(reason) = RefusedLine::json(error);
        RefusedLine::new(format!(
            "strandtags is no array of texts in a text: {reason}"
        ))
    })?;
    let id = match is_of_an_export(&event.source, &event.id) {
        true => parse_id("id", &event.id)?,
        false => foreign_id(&event.source, &event.id),
    };
    Ok(ImportedEvent {
        entity: event.subject.unwrap_or_else(|| event.source.clone()),
        scope,
        id: Some(id),
        kind: event
            .event_type
            .strip_prefix(TYPE_PREFIX)
            .map(|kind| Cow::Owned(kind.to_owned())),
        kind_number: None,
        kind_name: None,
        wall_ms,
        counter: number("strandcounter", event.strandcounter.as_deref())?,
        correlation: link("strandcorrelation", event.strandcorrelation)?,
        causation: link("strandcausation", event.strandcausation)?,
        version: number("strandversion", event.strandversion.as_deref())?,
        encoding: encoding(event.datacontenttype.as_deref(), event.data.is_some())?,
        json: event.data.map(RawValue::get),
        base64: event.data_base64,
        tags: tags.unwrap_or_default(),
        is_redacted: event.strandredacted == Some(true),
    })
}

/// The number that an attribute has, as a text.
fn number<T: FromStr>(name: &str, text: Option<&str>) -> Result<Option<T>, RefusedLine> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|_| {
        let text = shown(text.unwrap_or_default());
        RefusedLine::new(format!("{name} is no number that an export writes: {text}"))
    })
}

/// Whether source and id are as an export writes them: then the id is the event's own. Otherwise it is
/// another program's, unique within its source and nowhere else (CloudEvents 1.0, `source`).
fn is_of_an_export(source: &str, id: &str) -> bool {
    source.starts_with(SOURCE_PREFIX)
        && id.parse::<EventId>().is_ok_and(|own| own.to_string() == id)
}

fn link(name: &'static str, text: Option<Cow<'_, str>>) -> Result<Option<EventId>, RefusedLine> {
    text.map(|text| parse_id(name, &text)).transpose()
}

fn encoding(content_type: Option<&str>, is_json: bool) -> Result<PayloadEncoding, RefusedLine> {
    let Some(content_type) = content_type else {
        // The specification's default.
        return Ok(if is_json {
            PayloadEncoding::JSON
        } else {
            PayloadEncoding::RAW
        });
    };
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if let Some(code) = essence.strip_prefix(OTHER_PREFIX) {
        return code.parse().map(PayloadEncoding::from_code).map_err(|_| {
            let code = shown(code);
            RefusedLine::new(format!(
                "datacontenttype has no encoding of 0 to 255: {code}"
            ))
        });
    }
    // Names of media types have no case (RFC 6838, section 4.2).
    Ok(match &*essence.to_ascii_lowercase() {
        JSON => PayloadEncoding::JSON,
        MESSAGE_PACK => PayloadEncoding::MESSAGE_PACK,
        essence if essence.ends_with("+json") => PayloadEncoding::JSON,
        _ if is_json => PayloadEncoding::JSON,
        _ => PayloadEncoding::RAW,
    })
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_another_program_is_read() {
        let text = r#"{"specversion":"1.0","id":"A234-1234-1234","source":"https://example.com/a",
            "type":"com.example.someevent","time":"2018-04-05T17:31:00Z","comexampleextension":"x",
            "datacontenttype":"application/cloudevents+json","data":{"a":1}}"#;
        let event = parse_cloud_event(text).unwrap();
        assert_eq!(event.entity, "https://example.com/a");
        assert_eq!(event.encoding, PayloadEncoding::JSON);
        assert_eq!(event.json, Some("{\"a\":1}"));
        let id = foreign_id("https://example.com/a", "A234-1234-1234");
        assert_eq!((event.id, event.kind), (Some(id), None));
        assert_eq!(event.wall_ms, Some(1_522_949_460_000));
    }
}
