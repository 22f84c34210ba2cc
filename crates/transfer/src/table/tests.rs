//! Rows made of events and read again; and files that are not what they should be.

use super::{ParquetError, ParquetLines, export_parquet};
use crate::{ImportOptions, Imported, LineFormat, export, import};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::error::Error as _;
use std::io::{Cursor, Read};
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::maintenance::{Progress, Redaction};
use strandline::{Coordinate, ErrorKind, Event, EventId, EventKind, Region, Store, StoreOptions};
use strandline_core::PayloadEncoding;
use strandline_core::fs::MemFs;

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn store() -> Store {
    let options = StoreOptions::new().fs(Arc::new(MemFs::new()));
    options.no_background_sync().open("/store").unwrap()
}

/// Every field, present and not, and enough events for several reads.
fn filled() -> Store {
    let store = store();
    let kind = EventKind::new(1, 2);
    store.name_kind(kind, "order placed").unwrap();
    let order = Coordinate::new("order:\"1\"", "eu/\u{202e}payments").unwrap();
    let first = EventId::from_u128(0x1234_5678 << 90);
    let events = [
        Event::json(kind, &serde_json::json!({"a": [1, 2.5, "ü\n"]}))
            .unwrap()
            .with_id(first)
            .tagged("customer:7")
            .tagged("b"),
        Event::json(EventKind::new(2, 1), &())
            .unwrap()
            .caused_by(first),
        Event::encoded(kind, PayloadEncoding::JSON, b"{\n\"lines\": 2}".to_vec()).with_version(3),
        Event::bytes(kind, vec![0, 255, 10, 13]).tagged("c"),
        Event::bytes(kind, Vec::new()),
        Event::encoded(kind, PayloadEncoding::from_code(77), b"own".to_vec()),
        Event::json(kind, "to be gone")
            .unwrap()
            .with_id(EventId::from_u128(9)),
    ];
    for event in events {
        store.append(&order, event).unwrap();
    }
    for number in 0..200 {
        let entity = Coordinate::new(format!("entity:{}", number % 7), "us").unwrap();
        store
            .append(&entity, Event::json(kind, &number).unwrap())
            .unwrap();
    }
    store
        .redact(&Redaction::new().event(EventId::from_u128(9)))
        .unwrap();
    store
}

fn parquet(store: &Store) -> Vec<u8> {
    let mut out = Vec::new();
    let exported =
        export_parquet(&store.snapshot(), Region::all(), None, &mut out, &mut go_on).unwrap();
    assert_eq!(exported.bytes, out.len() as u64);
    assert_eq!(exported.events, store.snapshot().len());
    out
}

/// The lines of an export, without what an import has no use for, and without records of removals.
fn lines(store: &Store) -> Vec<serde_json::Value> {
    let mut out = Vec::new();
    export(
        &store.snapshot(),
        Region::all(),
        LineFormat::Lines,
        &mut out,
        &mut go_on,
    )
    .unwrap();
    let lines = std::str::from_utf8(&out).unwrap().lines();
    let lines = lines.map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &serde_json::Value| line.get("entity").is_some())
        .map(|mut line| {
            for unused in ["sequence", "clock", "hash"] {
                line.as_object_mut().unwrap().remove(unused);
            }
            line
        })
        .collect()
}

fn import_from(file: Vec<u8>) -> (Store, Result<Imported, crate::ImportError>) {
    let store = store();
    let mut rows = ParquetLines::new(Cursor::new(file)).unwrap();
    let imported = import(&store, &mut rows, ImportOptions::new(), &mut go_on);
    (store, imported)
}

#[test]
fn what_is_exported_comes_back_as_it_was() {
    let original = filled();
    let file = parquet(&original);
    let (copy, imported) = import_from(file.clone());
    let imported = imported.unwrap();
    assert_eq!((imported.events, imported.redacted), (206, 1));
    assert_eq!(imported.lines, 207);
    let mut expected = lines(&original);
    expected.retain(|line| line.get("redacted").is_none());
    assert_eq!(lines(&copy), expected);
    assert_eq!(
        copy.kind_name(EventKind::new(1, 2)).as_deref(),
        Some("order placed")
    );
    // The same again is nothing.
    let mut rows = ParquetLines::new(Cursor::new(file)).unwrap();
    let again = import(&copy, &mut rows, ImportOptions::new(), &mut go_on).unwrap();
    assert_eq!((again.events, again.repeated), (0, 206));
}

#[test]
fn columns_have_the_types_that_others_know() {
    let file = parquet(&filled());
    let file = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
    let schema = file.metadata().file_metadata().schema_descr();
    let columns = schema
        .columns()
        .iter()
        .map(|column| column.name().to_owned());
    assert_eq!(columns.count(), 20);
    let group = file.metadata().row_group(0);
    assert_eq!(group.num_rows(), 207);
    for column in group.columns() {
        let codec = column.compression();
        assert_eq!(codec, parquet::basic::Compression::SNAPPY);
    }
}

/// A file with the columns of a schema and one row, in which each has the value that `fill` writes.
fn file(message: &str, mut fill: impl FnMut(usize, &mut ColumnWriter<'_>)) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(message).unwrap());
    let mut out = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(&mut out, schema, properties).unwrap();
    let mut group = file.next_row_group().unwrap();
    let mut number = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        fill(number, column.untyped());
        column.close().unwrap();
        number += 1;
    }
    group.close().unwrap();
    file.close().unwrap();
    out
}

/// A file with columns of texts that may be missing.
fn texts(columns: &[(&str, Option<&str>)]) -> Vec<u8> {
    let fields = columns
        .iter()
        .map(|(name, _)| format!("optional binary {name} (STRING);"));
    let message = format!("message rows {{ {} }}", fields.collect::<String>());
    file(&message, |number, column| {
        let ColumnWriter::ByteArrayColumnWriter(column) = column else {
            panic!("a column of texts");
        };
        let value = columns[number].1.map(ByteArray::from);
        let level = i16::from(value.is_some());
        let values: Vec<_> = value.into_iter().collect();
        column.write_batch(&values, Some(&[level]), None).unwrap();
    })
}

#[test]
fn columns_that_are_missing_or_of_other_types_are_named() {
    let refused = |file| ParquetLines::new(Cursor::new(file)).unwrap_err();
    let error = refused(texts(&[("entity", Some("a"))]));
    assert!(
        matches!(error, ParquetError::MissingColumn { name: "scope" }),
        "{error}"
    );
    let error = refused(texts(&[
        ("entity", Some("a")),
        ("scope", None),
        ("paylod", None),
    ]));
    assert!(
        matches!(&error, ParquetError::UnknownColumn { name } if name == "paylod"),
        "{error}"
    );
    for (name, expected) in [
        ("kind", "numbers"),
        ("time", "timestamps"),
        ("tags", "lists of texts"),
        ("redacted", "booleans"),
    ] {
        let error = refused(texts(&[
            ("entity", Some("a")),
            ("scope", Some("b")),
            (name, None),
        ]));
        let text = error.to_string();
        assert!(matches!(&error, ParquetError::ColumnType { name: found, .. } if found == name));
        assert!(
            text.contains(&format!("`{name}`")) && text.contains(expected),
            "{text}"
        );
    }
    let twice = [
        ("entity", Some("a")),
        ("scope", Some("b")),
        ("scope", Some("b")),
    ];
    assert!(matches!(
        refused(texts(&twice)),
        ParquetError::ColumnType { .. }
    ));
    let message = "message m { required int64 time (DECIMAL(5,2)); required binary entity; required binary scope; }";
    let decimals = file(message, |_, column| match column {
        ColumnWriter::Int64ColumnWriter(column) => {
            column.write_batch(&[5], None, None).map(drop).unwrap();
        }
        ColumnWriter::ByteArrayColumnWriter(column) => {
            column
                .write_batch(&["a".into()], None, None)
                .map(drop)
                .unwrap();
        }
        _ => panic!("another column"),
    });
    assert!(matches!(refused(decimals), ParquetError::ColumnType { .. }));
}

#[test]
fn values_that_are_none_of_an_event_are_named_with_their_row() {
    let base = [("entity", Some("a")), ("scope", Some("b"))];
    for (column, value, expected) in [
        ("payload", "{\"a\":", "column `payload`: it is no JSON"),
        // What would end the object, and say something else of the event.
        (
            "payload",
            "1,\"redacted\":true",
            "column `payload`: it is no JSON",
        ),
        ("attributes", "[}", "column `attributes`: it is no JSON"),
        ("id", "no id", "id"),
        ("encoding", "rot13", "rot13"),
        ("seal", "!", "seal"),
    ] {
        let (store, imported) = import_from(texts(&[base[0], base[1], (column, Some(value))]));
        let error = imported.unwrap_err();
        let source = error
            .error
            .source()
            .map_or_else(String::new, ToString::to_string);
        assert_eq!(
            error.error.kind(),
            ErrorKind::InvalidInput,
            "{error}: {source}"
        );
        assert!(
            format!("{error}: {source}").contains(expected),
            "{error}: {source}"
        );
        assert!(store.snapshot().is_empty());
    }
    let (_, imported) = import_from(texts(&[("entity", None), ("scope", Some("b"))]));
    let error = imported.unwrap_err();
    let told = format!("{error} {:?}", error.error);
    assert!(told.contains("it has no value"), "{told}");
}

#[test]
fn little_is_enough_for_an_event() {
    let (store, imported) = import_from(texts(&[
        ("payload", Some("{\n  \"pretty\": [1]\n}")),
        ("scope", Some("b")),
        ("type", Some("ordered")),
        ("id", Some("01890000-0000-7000-8000-000000000001")),
        ("entity", Some("a")),
    ]));
    assert_eq!(imported.unwrap().events, 1);
    let event = store.snapshot().latest("a").unwrap().unwrap();
    assert_eq!(event.payload().unwrap(), b"{\"pretty\":[1]}");
    assert_eq!(event.id.to_string(), "01890000-0000-7000-8000-000000000001");
}

/// As pandas writes a column in which no row has a value.
#[test]
fn a_column_without_values_may_have_no_type() {
    let message = "message m { required binary entity; required binary scope; optional int32 attributes (UNKNOWN); }";
    let file = file(message, |_, column| match column {
        ColumnWriter::Int32ColumnWriter(column) => {
            column.write_batch(&[], Some(&[0]), None).map(drop).unwrap();
        }
        ColumnWriter::ByteArrayColumnWriter(column) => {
            column
                .write_batch(&["a".into()], None, None)
                .map(drop)
                .unwrap();
        }
        _ => panic!("another column"),
    });
    assert_eq!(import_from(file).1.unwrap().events, 1);
}

/// Every byte of a file changed, and every length of it: an error or rows, and never a panic that gets out.
#[test]
fn damage_is_an_error() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // What the reader of Parquet panics with is caught.
        let is_its_own = info
            .location()
            .is_some_and(|at| at.file().contains("parquet-"));
        if !is_its_own {
            hook(info);
        }
    }));
    let small = store();
    let order = Coordinate::new("order:1", "eu").unwrap();
    for number in 0..3 {
        let event = Event::json(EventKind::new(1, 1), &number)
            .unwrap()
            .tagged("t");
        small.append(&order, event).unwrap();
    }
    let whole = parquet(&small);
    let read = |file: Vec<u8>| {
        let mut text = String::new();
        match ParquetLines::new(Cursor::new(file)) {
            Ok(mut lines) => lines
                .read_to_string(&mut text)
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    };
    assert!(read(whole.clone()).unwrap() > 100);
    for length in 0..whole.len() {
        assert!(read(whole[..length].to_vec()).is_err(), "{length}");
    }
    let mut refused = 0;
    for place in 0..whole.len() {
        for flip in [0x01, 0x80, 0xFF] {
            let mut damaged = whole.clone();
            damaged[place] ^= flip;
            refused += usize::from(read(damaged).is_err());
        }
    }
    assert!(refused > whole.len() / 2, "{refused} of {}", whole.len());
}

/// The header of a data page, with a size that it says it has.
fn page_header(uncompressed: u32, compressed: u32, values: u32) -> Vec<u8> {
    let varint = |number: u32| {
        let mut number = u64::from(number) << 1;
        let mut bytes = Vec::new();
        while number >= 0x80 {
            bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        bytes.push(number.to_le_bytes()[0]);
        bytes
    };
    let mut header = vec![0x15, 0x00, 0x15];
    header.extend(varint(uncompressed));
    header.push(0x15);
    header.extend(varint(compressed));
    header.extend([0x2C, 0x15]);
    header.extend(varint(values));
    header.extend([0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00]);
    header
}

/// A page that says that it becomes 2 GiB, and one that has 2³¹ values, take no memory for it.
#[test]
fn pages_that_say_that_they_are_large_are_refused() {
    let plain = texts(&[("entity", Some("a")), ("scope", Some("b"))]);
    for (uncompressed, values, what) in [
        (i32::MAX.cast_unsigned(), 1, "a page is 2147483647"),
        (
            40,
            i32::MAX.cast_unsigned(),
            "the count of values of a column is 2147483647",
        ),
    ] {
        let mut forged = plain.clone();
        let header = page_header(uncompressed, 0, values);
        // The first column begins after the magic number, and the header is no longer than what was there.
        forged[4..4 + header.len()].copy_from_slice(&header);
        let mut lines = ParquetLines::new(Cursor::new(forged)).unwrap();
        let error = lines.read_to_string(&mut String::new()).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    let mut footer = b"PAR1".to_vec();
    footer.extend(u32::MAX.to_le_bytes());
    footer.extend(b"PAR1");
    let error = ParquetLines::new(Cursor::new(footer)).unwrap_err();
    assert!(matches!(error, ParquetError::TooLarge { .. }), "{error}");
}
