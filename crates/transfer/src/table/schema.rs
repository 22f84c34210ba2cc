//! The columns: names and types, as they are written, and which of what is read is taken for them.

use super::error::ParquetError;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

/// The columns as they are written, in this order.
pub(super) const MESSAGE: &str = "message events {
    required int64 sequence (INTEGER(64,false));
    required fixed_len_byte_array(16) id (UUID);
    required binary entity (STRING);
    required binary scope (STRING);
    required int32 kind (INTEGER(16,false));
    optional binary type (STRING);
    required int32 clock (INTEGER(32,false));
    required int64 time (TIMESTAMP(MILLIS,true));
    required int32 counter (INTEGER(32,false));
    required fixed_len_byte_array(16) correlation (UUID);
    optional fixed_len_byte_array(16) causation (UUID);
    required int32 version (INTEGER(16,false));
    required group tags (LIST) { repeated group list { required binary element (STRING); } }
    optional binary attributes (JSON);
    required binary encoding (STRING);
    optional binary payload (JSON);
    optional binary payload_bytes;
    optional binary seal (STRING);
    required boolean redacted;
    required fixed_len_byte_array(32) hash;
}";

/// What a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Number,
    Id,
    Text,
    Time,
    Texts,
    Bytes,
    Flag,
    /// Written, and of no use to an import.
    Unused,
}

impl Shape {
    const fn expected(self) -> &'static str {
        match self {
            Self::Number => "numbers without a fraction",
            Self::Id => "UUIDs, 16 bytes or texts",
            Self::Text => "texts",
            Self::Time => "timestamps",
            Self::Texts => "lists of texts",
            Self::Bytes => "bytes",
            Self::Flag => "booleans",
            Self::Unused => "anything",
        }
    }
}

/// The columns that an import reads.
pub(super) const COLUMNS: [(&str, Shape); 20] = [
    ("sequence", Shape::Unused),
    ("id", Shape::Id),
    ("entity", Shape::Text),
    ("scope", Shape::Text),
    ("kind", Shape::Number),
    ("type", Shape::Text),
    ("clock", Shape::Unused),
    ("time", Shape::Time),
    ("counter", Shape::Number),
    ("correlation", Shape::Id),
    ("causation", Shape::Id),
    ("version", Shape::Number),
    ("tags", Shape::Texts),
    ("attributes", Shape::Text),
    ("encoding", Shape::Text),
    ("payload", Shape::Text),
    ("payload_bytes", Shape::Bytes),
    ("seal", Shape::Text),
    ("redacted", Shape::Flag),
    ("hash", Shape::Unused),
];

/// The columns without which a row is no event.
const NEEDED: [&str; 2] = ["entity", "scope"];

/// How many of the unit of a timestamp a millisecond has.
pub(super) fn per_ms(column: &ColumnDescriptor) -> Option<i64> {
    match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Timestamp(timestamp)), _) => Some(match timestamp.unit {
            TimeUnit::MILLIS => 1,
            TimeUnit::MICROS => 1_000,
            TimeUnit::NANOS => 1_000_000,
        }),
        (_, ConvertedType::TIMESTAMP_MILLIS) => Some(1),
        (_, ConvertedType::TIMESTAMP_MICROS) => Some(1_000),
        _ => None,
    }
}

/// Which leaf is which column, in the order of [`COLUMNS`].
///
/// # Errors
///
/// For the first column that is missing, unknown, there twice, or of another type.
pub(super) fn find(schema: &SchemaDescriptor) -> Result<Vec<Option<usize>>, ParquetError> {
    let mut found = vec![None; COLUMNS.len()];
    let mut seen = vec![false; COLUMNS.len()];
    for (leaf, column) in schema.columns().iter().enumerate() {
        let path = column.path().parts();
        let name = path.first().map_or("", String::as_str);
        let known = COLUMNS.iter().position(|(known, _)| *known == name);
        let place = known.and_then(|place| {
            let (_, shape) = COLUMNS.get(place)?;
            Some((found.get_mut(place)?, seen.get_mut(place)?, *shape))
        });
        let Some((place, is_seen, shape)) = place else {
            let name = name.to_owned();
            return Err(ParquetError::UnknownColumn { name });
        };
        let is_empty = matches!(column.logical_type_ref(), Some(LogicalType::Unknown));
        if *is_seen || !(is_empty || is(column, path.len(), shape)) {
            return Err(ParquetError::ColumnType {
                name: name.to_owned(),
                expected: shape.expected(),
                found: shown(column),
            });
        }
        *is_seen = true;
        // Some programs give a column without a value no type, and what it is in then says nothing.
        *place = Some(leaf).filter(|_| !is_empty);
    }
    for name in NEEDED {
        let place = COLUMNS.iter().position(|(known, _)| *known == name);
        if place.is_none_or(|place| found.get(place) == Some(&None)) {
            return Err(ParquetError::MissingColumn { name });
        }
    }
    Ok(found)
}

/// Whether a column has what it should.
fn is(column: &ColumnDescriptor, depth: usize, shape: Shape) -> bool {
    let physical = column.physical_type();
    let is_list = column.max_rep_level() == 1 && depth > 1;
    let is_flat = column.max_rep_level() == 0 && depth == 1;
    let is_whole = !matches!(
        column.logical_type_ref(),
        Some(LogicalType::Decimal(_) | LogicalType::Timestamp(_) | LogicalType::Time(_))
    );
    match shape {
        Shape::Number => {
            is_flat && is_whole && matches!(physical, Physical::INT32 | Physical::INT64)
        }
        Shape::Id => {
            let is_fixed = physical == Physical::FIXED_LEN_BYTE_ARRAY && column.type_length() == 16;
            is_flat && (is_fixed || physical == Physical::BYTE_ARRAY)
        }
        Shape::Text | Shape::Bytes => is_flat && physical == Physical::BYTE_ARRAY,
        Shape::Time => is_flat && physical == Physical::INT64 && per_ms(column).is_some(),
        Shape::Texts => is_list && physical == Physical::BYTE_ARRAY,
        Shape::Flag => is_flat && physical == Physical::BOOLEAN,
        Shape::Unused => true,
    }
}

/// What a column is, for people.
fn shown(column: &ColumnDescriptor) -> String {
    let physical = column.physical_type();
    let list = if column.max_rep_level() > 0 {
        "a list of "
    } else {
        ""
    };
    match column.logical_type_ref() {
        Some(logical) => format!("{list}{physical} ({logical:?})"),
        None => format!("{list}{physical}"),
    }
}
