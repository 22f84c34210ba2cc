//! What both formats read alike: an object, and fields of it. Knows no format.

use super::refused_line::{RefusedLine, shown};
use crate::text::rfc3339_ms;
use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use strandline::EventId;

/// A value as it is written. `null` is one too, where an option by itself would have none.
pub(super) fn raw_value<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What an object of JSON says. An array of the same values is none.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, RefusedLine> {
    if !text.starts_with('{') {
        return Err(not_an_object(text));
    }
    serde_json::from_str(text).map_err(|error| RefusedLine::json(error, text))
}

/// Why a text is refused that is none.
pub(super) fn not_an_object(text: &str) -> RefusedLine {
    RefusedLine::new(format!(
        "an event is an object of JSON, and this is {}",
        shown(text)
    ))
}

/// The id that a field has.
pub(super) fn parse_id(name: &str, text: &str) -> Result<EventId, RefusedLine> {
    text.parse()
        .map_err(|error| RefusedLine::new(format!("{name} {}: {error}", shown(text))))
}

/// The time that a field has, in milliseconds since 1970.
pub(super) fn parse_time(name: &str, text: &str) -> Result<u64, RefusedLine> {
    rfc3339_ms(text).map_err(|fault| {
        let text = shown(text);
        RefusedLine::new(format!("{name} {text} {}", fault.reason()))
    })
}
