//! The names of a coordinate as a record has them.

use crate::codec::{DecodeError, Reader, Writer};
use crate::model::Coordinate;

/// Appends entity and scope, each as a length of one byte and UTF-8.
pub(super) fn encode_names(out: &mut Writer<'_>, coordinate: &Coordinate) {
    for name in [coordinate.entity(), coordinate.scope()] {
        encode_name(out, name);
    }
}

/// Appends one name, which has at most 255 bytes.
pub(super) fn encode_name(out: &mut Writer<'_>, name: &str) {
    out.u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
    out.bytes(name.as_bytes());
}

/// Reads what [`encode_names`] wrote.
pub(super) fn decode_names(reader: &mut Reader<'_>) -> Result<Coordinate, DecodeError> {
    let entity = decode_name(reader, "entity")?;
    let scope = decode_name(reader, "scope")?;
    Coordinate::new(entity, scope).map_err(|_| reader.invalid("names", "break a rule for names"))
}

/// Reads one name; that it keeps the rules for names is not checked.
pub(super) fn decode_name<'a>(
    reader: &mut Reader<'a>,
    part: &'static str,
) -> Result<&'a str, DecodeError> {
    let bytes = reader.u8(part)?;
    let bytes = reader.bytes(part, usize::from(bytes))?;
    std::str::from_utf8(bytes).map_err(|_| reader.invalid(part, "is not UTF-8"))
}
