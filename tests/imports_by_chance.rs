//! Imports of lines by chance: that a trial says what the import does, and that what was exported comes out
//! of the store that it was imported into.

use crate::compact::{assert_intact, run as run_compact, run_redact};
use crate::harness::{dir, exported, written};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, Retention};
use strandline::{
    Batch, Coordinate, Event, EventId, EventKind, Hlc, ManualClock, PayloadEncoding, Region, Seal,
    SealForm, SealKeyId, Store, StoreOptions,
};
use strandline_transfer::{ImportError, ImportOptions, Imported, LineFormat, import, try_import};

const NOW: u64 = 1_700_000_000_000;
/// A payload over this is over the limit of the stores here.
const PAYLOAD_BYTES_MAX: usize = 100_000;

fn options(fs: &MemFs) -> StoreOptions {
    written(fs)
        .clock(Arc::new(ManualClock::new(NOW)))
        .segment_bytes_max(64 << 10)
        .payload_bytes_max(PAYLOAD_BYTES_MAX)
}

fn has(store: &Store, entity: &str) -> bool {
    store.snapshot().stream(entity).next().is_some()
}

/// What a line of an import is to be.
#[derive(Debug, Clone)]
enum Kind {
    Event {
        id: Option<u8>,
        entity: u8,
        wall_ms: Option<u64>,
        counter: Option<u32>,
        payload: u8,
        tag: Option<u8>,
        is_redacted: bool,
    },
    Long(usize),
    /// A line of the export of a store with removals.
    Removal(usize),
    Garbage(String),
}

fn kind() -> impl Strategy<Value = Kind> {
    let times = prop_oneof![0..6_u64, Just(NOW), Just(NOW + 60_000), NOW..NOW + 61_000];
    let counter = prop_oneof![Just(0), Just(1), Just(u32::MAX)];
    let event = (
        option::of(0..8_u8),
        0..3_u8,
        option::of(times),
        option::of(counter),
        0..2_u8,
        option::of(0..2_u8),
        prop::bool::weighted(0.1),
    );
    let event = event.prop_map(
        |(id, entity, wall_ms, counter, payload, tag, is_redacted)| Kind::Event {
            id,
            entity,
            wall_ms,
            counter,
            payload,
            tag,
            is_redacted,
        },
    );
    prop_oneof![
        40 => event,
        2 => (0..65_000_usize).prop_map(Kind::Long),
        1 => (60_000..PAYLOAD_BYTES_MAX + 100).prop_map(Kind::Long),
        4 => (0..4_usize).prop_map(Kind::Removal),
        2 => "[ \t\r\u{feff}]{0,3}".prop_map(Kind::Garbage),
        1 => "\\PC{1,20}".prop_map(Kind::Garbage),
        1 => "\\{\"(entity|id|specversion)\": ?\"?[a-z0-9]{0,4}\"?,?\\}?".prop_map(Kind::Garbage),
    ]
}

fn line(kind: &Kind, number: usize, format: LineFormat, removals: &[String]) -> String {
    let is_lines = format == LineFormat::Lines;
    let head = |entity: &str, id: Option<String>, text: String| match (format, id) {
        (LineFormat::Lines, None) => {
            format!("{{\"entity\":{entity:?},\"scope\":\"s\",\"payload\":{text}")
        }
        (LineFormat::Lines, Some(id)) => {
            format!(
                "{{\"entity\":{entity:?},\"scope\":\"s\",\"id\":\"{id:0>32}\",\"payload\":{text}"
            )
        }
        (LineFormat::CloudEvents, id) => format!(
            "{{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/s\",\"subject\":{entity:?},\
             \"id\":\"{}\",\"data\":{text}",
            id.unwrap_or_else(|| "same".to_owned())
        ),
    };
    match kind {
        Kind::Event {
            id,
            entity,
            wall_ms,
            counter,
            payload,
            tag,
            is_redacted,
        } => {
            let mut line = head(
                &format!("e{entity}"),
                id.map(|id| id.to_string()),
                payload.to_string(),
            );
            if let Some(ms) = wall_ms {
                line += &match is_lines {
                    true => format!(",\"wall_ms\":{ms}"),
                    false => format!(",\"time\":\"{}\"", strandline::maintenance::rfc3339(*ms)),
                };
            }
            if let Some(counter) = counter {
                line += &match is_lines {
                    true => format!(",\"counter\":{counter}"),
                    false => format!(",\"strandcounter\":\"{counter}\""),
                };
            }
            if let Some(tag) = tag {
                line += &match is_lines {
                    true => format!(",\"tags\":[\"b\",\"t{tag}\",\"b\"]"),
                    false => format!(",\"strandtags\":\"[\\\"t{tag}\\\"]\""),
                };
            }
            if *is_redacted {
                line += if is_lines {
                    ",\"redacted\":true"
                } else {
                    ",\"strandredacted\":true"
                };
            }
            line + "}"
        }
        Kind::Long(bytes) => {
            let id = Some(format!("9{number}"));
            head("e0", id, format!("{:?}", "x".repeat(*bytes))) + "}"
        }
        Kind::Removal(at) => removals[at % removals.len()].clone(),
        Kind::Garbage(text) => text.clone(),
    }
}

/// What an import or a trial came to, to compare.
type Outcome = Result<Imported, (Option<u64>, String, Imported)>;

fn outcome(result: Result<Imported, ImportError>) -> Outcome {
    result.map_err(|error| (error.line, error.to_string(), error.imported))
}

fn imported(store: &Store, options: ImportOptions, lines: &str) -> Outcome {
    outcome(import(store, &mut lines.as_bytes(), options, &mut |_| {
        ControlFlow::Continue(())
    }))
}

fn tried(fs: &MemFs, import: ImportOptions, lines: &str) -> Outcome {
    let mut go_on = |_| ControlFlow::Continue(());
    outcome(try_import(
        dir(),
        &options(fs),
        &mut lines.as_bytes(),
        import,
        &mut go_on,
    ))
}

/// The lines of the removals of a store.
fn removals(format: LineFormat) -> Vec<String> {
    let store = options(&MemFs::new()).open(dir()).unwrap();
    for number in 0..9_u8 {
        let at = Coordinate::new(format!("e{}", number % 3), "s").unwrap();
        store
            .append(&at, Event::bytes(EventKind::new(1, 1), [number]))
            .unwrap();
    }
    run_compact(&store, &Retention::new().drop_entity("e0"));
    run_redact(&store, &Redaction::new().entity("e1"));
    let lines = exported(&store, Region::all(), format);
    lines
        .lines()
        .filter(|line| line.contains("removal"))
        .map(str::to_owned)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A trial asked the store alone, and so knew nothing of earlier lines, and had limits of its own.
    #[test]
    fn a_trial_says_what_the_import_does(
        before in vec(kind(), 0..6),
        lines in vec(kind(), 0..40),
        is_removed in any::<bool>(),
        is_cloud in any::<bool>(),
        takes_future in any::<bool>(),
    ) {
        let format = if is_cloud { LineFormat::CloudEvents } else { LineFormat::Lines };
        let removals = removals(format);
        let text = |kinds: &[Kind]| -> String {
            let lines = kinds.iter().enumerate();
            lines.map(|(number, kind)| line(kind, number, format, &removals) + "\n").collect()
        };
        let mut how = ImportOptions::new().format(format).source("x");
        if takes_future {
            how = how.allow_future();
        }
        let fs = MemFs::new();
        // Nothing is there.
        let nowhere = tried(&fs, how, &text(&before));
        let store = options(&fs).open(dir()).unwrap();
        prop_assert_eq!(nowhere, imported(&store, how, &text(&before)));
        if is_removed && has(&store, "e0") {
            run_compact(&store, &Retention::new().drop_entity("e0"));
        }
        let lines = text(&lines);
        let within = imported(&store, how.trial(), &lines);
        // Beside the writer, and after it.
        let beside = tried(&fs, how, &lines);
        store.close().unwrap();
        let after = tried(&fs, how, &lines);
        let store = options(&fs).open(dir()).unwrap();
        let done = imported(&store, how, &lines);
        prop_assert_eq!(&within, &done);
        prop_assert_eq!(&beside, &done);
        prop_assert_eq!(&after, &done);
        // Lines before a wrong one are there, and those that are there are there already.
        let wrong = match &done {
            Ok(_) => usize::MAX,
            Err((line, reason, _)) => {
                prop_assert!(line.is_some(), "{}", reason);
                line.unwrap_or(0) as usize - 1
            }
        };
        let counted = match &done {
            Ok(counted) | Err((_, _, counted)) => *counted,
        };
        let again: String = lines.split_inclusive('\n').take(wrong).collect();
        let again = imported(&store, how, &again);
        prop_assert!(again.is_ok(), "{:?}", again);
        let again = again.unwrap();
        prop_assert_eq!((again.events, again.removals), (0, 0));
        prop_assert_eq!(again.repeated, counted.events + counted.repeated);
        assert_intact(&store);
    }

    #[test]
    fn an_export_comes_out_of_the_store_that_it_was_imported_into(
        batches in vec(vec(event(), 1..4), 1..12),
        redacted in option::of(0..4_u8),
        removed in option::of(0..4_u8),
    ) {
        let store = options(&MemFs::new()).open(dir()).unwrap();
        for batch in &batches {
            let batch = batch.iter().fold(Batch::new(), |batch, (at, event)| batch.push(at, event.clone()));
            store.append_batch(batch).unwrap();
        }
        if let Some(name) = redacted.map(name).filter(|name| has(&store, name)) {
            run_redact(&store, &Redaction::new().entity(name));
        }
        if let Some(name) = removed.map(name).filter(|name| has(&store, name)) {
            run_compact(&store, &Retention::new().drop_entity(name));
        }
        for format in [LineFormat::Lines, LineFormat::CloudEvents] {
            let how = ImportOptions::new().format(format);
            let lines = exported(&store, Region::all(), format);
            let copy = options(&MemFs::new()).open(dir()).unwrap();
            let counted = imported(&copy, how, &lines).unwrap();
            prop_assert_eq!((counted.moved_times, counted.repeated), (0, 0));
            let copied = exported(&copy, Region::all(), format);
            prop_assert_eq!(comparable(&lines, true), comparable(&copied, false));
            // Once more, without a gap: whole lines but for the hash, and in CloudEvents those too.
            let second = options(&MemFs::new()).open(dir()).unwrap();
            imported(&second, how, &copied).unwrap();
            let twice = exported(&second, Region::all(), format);
            if format == LineFormat::CloudEvents {
                prop_assert_eq!(&copied, &twice);
            }
            prop_assert_eq!(comparable(&copied, false), comparable(&twice, false));
            assert_intact(&copy);
        }
    }
}

/// Names with what texts of JSON and percents escape.
fn name(number: u8) -> &'static str {
    [
        "e",
        "a \"b\\\" %41",
        "größe/\u{2028}{}",
        "\u{10ffff}\u{301}",
    ][usize::from(number)]
}

fn event() -> impl Strategy<Value = (Coordinate, Event)> {
    let json = prop_oneof![
        "[0-9]{1,30}",
        Just("null".to_owned()),
        Just("{\"a\":1,\"a\":[1.0e400, -0,\"\\ud800\\u0000\"] }".to_owned()),
        Just("{\n}".to_owned()),
        Just("[".repeat(300) + &"]".repeat(300)),
        "\\PC{0,9}".prop_map(|text| format!("{text:?}")),
    ];
    let payload = prop_oneof![
        3 => json.prop_map(|text| (PayloadEncoding::JSON, text.into_bytes())),
        1 => vec(any::<u8>(), 0..9).prop_map(|bytes| (PayloadEncoding::JSON, bytes)),
        2 => (any::<u8>(), vec(any::<u8>(), 0..9))
            .prop_map(|(code, bytes)| (PayloadEncoding::from_code(code), bytes))
            .prop_filter("it takes a seal", |(encoding, _)| *encoding != PayloadEncoding::SEALED),
        1 => vec(any::<u8>(), 0..9)
            .prop_map(|bytes| (PayloadEncoding::SEALED, [&[0xFF; 16], &*bytes].concat())),
    ];
    let links = (
        option::of(any::<u128>()),
        option::of(any::<u128>()),
        option::of(any::<u128>()),
    );
    let tags = vec(0..4_u8, 0..5);
    let rest = (
        0..4_u8,
        0..4_u8,
        0x1000..0xD000_u16,
        prop_oneof![Just(1_u16), 1..=u16::MAX],
    );
    (payload, links, tags, rest).prop_map(|((encoding, payload), links, tags, rest)| {
        let (id, correlation, causation) = links;
        let (entity, scope, kind, version) = rest;
        let kind_of = EventKind::from_bits(kind);
        let event = match encoding {
            PayloadEncoding::SEALED => Event::bytes(kind_of, Vec::new()).sealed(
                Seal {
                    form: match scope {
                        0 => SealForm::XChaCha20Poly1305,
                        _ => SealForm::Aes256Gcm,
                    },
                    encoding: PayloadEncoding::JSON,
                    is_bound_to_id: id.is_some(),
                    key: SealKeyId::from_bytes([scope; 16]),
                    nonce: [entity; 24],
                },
                payload,
            ),
            _ => Event::encoded(kind_of, encoding, payload),
        };
        let mut event = event.with_version(version);
        if let Some(id) = id {
            event = event.with_id(EventId::from_u128(id));
        }
        if let Some(correlation) = correlation {
            event = event.correlated_with(EventId::from_u128(correlation));
        }
        if let Some(causation) = causation {
            event = event.caused_by(EventId::from_u128(causation));
        }
        if kind % 3 == 0 {
            event = event.at(Hlc::new(NOW, u32::from(kind)).unwrap());
        }
        let event = tags
            .iter()
            .fold(event, |event, tag| event.tagged(name(*tag)));
        (Coordinate::new(name(entity), name(scope)).unwrap(), event)
    })
}

/// The lines of an export without what every store gives anew, and without events that have no payload.
fn comparable(lines: &str, is_first: bool) -> Vec<BTreeMap<String, String>> {
    let mut all = Vec::new();
    for line in lines.lines() {
        let mut fields: BTreeMap<String, Box<serde_json::value::RawValue>> =
            serde_json::from_str(line).unwrap();
        if fields.contains_key("redacted") || fields.contains_key("strandredacted") {
            assert!(is_first, "{line}");
            continue;
        }
        for given in ["sequence", "clock", "hash", "strandsequence"] {
            fields.remove(given);
        }
        let texts = fields
            .into_iter()
            .map(|(name, value)| (name, value.get().to_owned()));
        all.push(texts.collect());
    }
    all
}
