//! Exact exports: what is imported of one is the log that was exported, hash for hash, or nothing.

use crate::compact::{assert_intact, run, run_redact};
use crate::harness::{CREATED, KINDS, at, contents, dir, event, exported, files, written};
use proptest::collection::vec;
use proptest::prelude::*;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{Redaction, Retention};
use strandline::{
    AppendOptions, AttributeValue, Attributes, ErrorKind, Event, ManualClock, PayloadEncoding,
    Receipt, Region, Store, StoreOptions,
};
use strandline_transfer::{
    ImportError, ImportOptions, ImportedExact, LineFormat, check_exact, export_exact, import,
    import_exact,
};

const NOW: u64 = 1_700_000_000_000;

fn small(fs: &MemFs) -> StoreOptions {
    let clock = ManualClock::new(NOW);
    written(fs)
        .clock(Arc::new(clock))
        .segment_bytes_max(64 << 10)
}

pub(crate) fn exact(store: &Store) -> String {
    let mut lines = Vec::new();
    export_exact(store, &mut lines, &mut |_| ControlFlow::Continue(())).unwrap();
    String::from_utf8(lines).unwrap()
}

fn import_to(fs: &MemFs, dir: &Path, lines: &str) -> Result<ImportedExact, ImportError> {
    let mut go_on = |_| ControlFlow::Continue(());
    let imported = import_exact(&small(fs), dir, &mut lines.as_bytes(), &mut go_on);
    // Who only looks is told the same.
    let checked = check_exact(&mut lines.as_bytes(), &mut go_on);
    match (&imported, &checked) {
        (Ok(imported), Ok(checked)) => assert_eq!(imported, checked),
        (Err(imported), Err(checked)) => {
            // That an id is there twice an import finds in the store that it has made.
            if imported.error.kind() != ErrorKind::Corrupt {
                assert_eq!(
                    (imported.line, imported.to_string()),
                    (checked.line, checked.to_string())
                );
            }
        }
        // What is of the directory, and not of the lines.
        (Err(imported), Ok(_)) => assert_eq!(imported.line, None, "{imported}"),
        (Ok(_), Err(checked)) => panic!("{checked}"),
    }
    imported
}

/// Everything that is where a directory was to be made.
fn all_files(fs: &MemFs) -> Vec<String> {
    let listed = fs.list(Path::new("/")).unwrap_or_default();
    listed.into_iter().map(|entry| entry.name).collect()
}

/// Imports lines that are wrong, and gives the error; nothing is there then.
fn refused(lines: &str) -> ImportError {
    let fs = MemFs::new();
    let error = import_to(&fs, &dir(), lines).unwrap_err();
    assert_eq!(all_files(&fs), Vec::<String>::new(), "{error}");
    error
}

fn rich_event(number: usize) -> Event {
    let payload = format!(
        "{{\"number\":{number},\"text\":\"é \\n {}\"}}",
        "x".repeat(300)
    );
    let encoding = match number % 3 {
        0 => PayloadEncoding::JSON,
        1 => PayloadEncoding::RAW,
        _ => PayloadEncoding::from_code(200),
    };
    let mut event = Event::encoded(KINDS[number % KINDS.len()], encoding, payload.into_bytes());
    if number.is_multiple_of(2) {
        event = event.tagged(format!("tag:{}", number % 5)).tagged("é\"");
    }
    if number.is_multiple_of(7) {
        event = event.with_version(3);
    }
    if number.is_multiple_of(5) {
        let mut attributes = Attributes::new();
        for (name, value) in [
            ("a", AttributeValue::Null),
            ("b", AttributeValue::Integer(-7)),
            ("c", AttributeValue::Text("1".into())),
            ("d", AttributeValue::Json("[1.50,{}]".into())),
            ("e", AttributeValue::Json("not JSON".into())),
        ] {
            attributes.add(name, value).unwrap();
        }
        event = event.with_attributes(attributes);
    }
    event
}

/// A store with some of everything, and the receipts of its events.
fn rich(fs: &MemFs, count: usize) -> (Store, Vec<Receipt>) {
    let store = small(fs).open(dir()).unwrap();
    let mut receipts = Vec::new();
    for (kind, name) in KINDS.iter().zip(["order.created", "order.changed"]) {
        store.name_kind(*kind, name).unwrap();
    }
    for number in 0..count {
        let coordinate = at(
            &format!("entity:{}", number % 9),
            &format!("scope/{}", number % 4),
        );
        let mut event = rich_event(number);
        if number % 11 == 3
            && let Some(last) = receipts.last()
        {
            let last: &Receipt = last;
            event = event.caused_by(last.id).correlated_with(last.id);
        }
        if number % 10 == 1 {
            let other = (at("other", "scope/0"), rich_event(number + 1));
            let all = [(coordinate, event), other];
            let source = format!("source:{}", number % 3);
            let options = AppendOptions::new().tracking(&source, number as u64);
            receipts.extend(store.append_slice(&all, options).unwrap());
        } else {
            receipts.push(store.append(&coordinate, event).unwrap());
        }
    }
    (store, receipts)
}

/// Imports the exact export of a store, and holds the copy against it.
fn check(store: &Store) -> (MemFs, Store) {
    let lines = exact(store);
    let fs = MemFs::new();
    let imported = import_to(&fs, &dir(), &lines).unwrap();
    assert_eq!(imported.lines, lines.lines().count() as u64);
    let copy = small(&fs).read_only().open(dir()).unwrap();
    assert_eq!(exact(&copy), lines);
    assert_eq!(copy.epoch(), store.epoch());
    assert_eq!(contents(&copy.snapshot()), contents(&store.snapshot()));
    let plain = |store: &Store| exported(store, Region::all(), LineFormat::Lines);
    assert_eq!(plain(&copy), plain(store));
    assert_eq!(copy.tracked_sources(), store.tracked_sources());
    assert_intact(&copy);
    assert!(
        copy.open_report().notices.is_empty(),
        "{:?}",
        copy.open_report()
    );
    (fs, copy)
}

#[test]
fn a_store_with_everything_comes_back_hash_for_hash() {
    let fs = MemFs::new();
    let (store, receipts) = rich(&fs, 900);
    assert!(files(&fs, "segment-").len() > 4);
    check(&store);
    // Records of removals in another store.
    let other = MemFs::new();
    let (elsewhere, _) = rich(&other, 30);
    run_redact(&elsewhere, &Redaction::new().entity("entity:1"));
    let removals = exported(&elsewhere, Region::all(), LineFormat::Lines);
    let removals = removals
        .lines()
        .filter(|line| line.starts_with("{\"removal\""));
    let removals = removals.collect::<Vec<_>>().join("\n");
    let mut go_on = |_| ControlFlow::Continue(());
    import(
        &store,
        &mut removals.as_bytes(),
        ImportOptions::new(),
        &mut go_on,
    )
    .unwrap();
    run_redact(&store, &Redaction::new().entity("entity:2"));
    run(&store, &Retention::new().keep_newest(40).within("entity:"));
    run(&store, &Retention::new().drop_entity("other"));
    let (kept_fs, copy) = check(&store);
    for receipt in &receipts {
        let own = store.snapshot().verify_receipt(receipt).is_ok();
        assert_eq!(copy.snapshot().verify_receipt(receipt).is_ok(), own);
    }
    // A place that was saved holds for the copy, until it goes a way of its own.
    let now = store.snapshot();
    let position = now.position(now.visible()).unwrap();
    assert!(copy.snapshot().verify_position(&position).is_ok());
    drop(copy);
    let copy = small(&kept_fs).random_seed(11).open(dir()).unwrap();
    assert_ne!(copy.epoch(), store.epoch());
    let error = copy.snapshot().verify_position(&position).unwrap_err();
    assert!(error.refused_position().is_some(), "{error}");
    let expected = store.snapshot().latest("entity:3").unwrap().unwrap().clock + 1;
    let next = |store: &Store| {
        store
            .append(&at("entity:3", "scope/0"), event("next"))
            .unwrap()
    };
    let (here, there) = (next(&store), next(&copy));
    assert_eq!((here.sequence, here.clock), (there.sequence, there.clock));
    assert_eq!(there.clock, expected);
    assert_intact(&copy);
    // And once more, of the copy.
    check(&copy);
}

#[test]
fn an_empty_store_comes_back() {
    let store = small(&MemFs::new()).open(dir()).unwrap();
    let (_, copy) = check(&store);
    assert!(copy.snapshot().is_empty());
}

#[test]
fn only_a_place_where_nothing_is_gets_a_copy() {
    let fs = MemFs::new();
    let (store, _) = rich(&fs, 5);
    let lines = exact(&store);
    let error = import_to(&fs, &dir(), &lines).unwrap_err();
    assert_eq!(
        (error.line, error.error.kind()),
        (None, ErrorKind::InvalidInput)
    );
    assert_eq!(exact(&store), lines);
    // An empty directory is filled.
    let fs = MemFs::new();
    fs.create_dir_all(&dir()).unwrap();
    import_to(&fs, &dir(), &lines).unwrap();
    assert_eq!(exact(&small(&fs).read_only().open(dir()).unwrap()), lines);
}

#[test]
fn a_file_that_was_cut_or_joined_is_refused() {
    let (store, _) = rich(&MemFs::new(), 20);
    let lines = exact(&store);
    let all: Vec<_> = lines.lines().collect();
    for end in 0..all.len() {
        let error = refused(&all[..end].join("\n"));
        assert_eq!(error.error.kind(), ErrorKind::InvalidInput);
    }
    let error = refused(&format!("{lines}{}\n", all[1]));
    assert_eq!(error.line, Some(all.len() as u64 + 1));
    // Neither kind of lines is taken for the other.
    let plain = exported(&store, Region::all(), LineFormat::Lines);
    assert!(
        refused(&plain)
            .error
            .to_string()
            .contains("no exact export")
    );
    let mut go_on = |_| ControlFlow::Continue(());
    let other = small(&MemFs::new()).open(dir()).unwrap();
    let error = import(
        &other,
        &mut lines.as_bytes(),
        ImportOptions::new(),
        &mut go_on,
    );
    assert!(error.unwrap_err().to_string().contains("--exact"));
}

#[test]
fn an_event_that_is_not_what_its_hash_says_is_named() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    for text in ["one", "two"] {
        let event = Event::json(CREATED, &text).unwrap();
        store.append(&at("e", "s"), event).unwrap();
    }
    let lines = exact(&store);
    let error = refused(&lines.replace("\"two\"", "\"owt\""));
    assert_eq!(
        (error.line, error.error.kind()),
        (Some(3), ErrorKind::InvalidInput)
    );
    assert!(error.to_string().contains("that of its content"), "{error}");
    let error = refused(&lines.replace("\"scope\":\"s\"", "\"scope\":\"t\""));
    assert_eq!(error.line, Some(2));
}

#[test]
fn lines_that_say_too_much_or_too_little_are_refused() {
    let store = small(&MemFs::new()).open(dir()).unwrap();
    store.append(&at("e", "s"), event("x")).unwrap();
    let good = exact(&store);
    let (nonce, rest) = good.split_once("\"nonce\":\"").unwrap();
    let payload = good
        .lines()
        .nth(1)
        .unwrap()
        .split_once("\"payload")
        .unwrap();
    let first = good.lines().next().unwrap();
    for (lines, told) in [
        (
            format!("{nonce}\"nonce\":\"{}", &rest[1..]),
            "32 hexadecimal",
        ),
        (format!("{nonce}\"nonce\":\"0{rest}"), "32 hexadecimal"),
        (good.replace("\"nonce\"", "\"once\""), "unknown field"),
        (
            good.replace("\"clock\":0", "\"clock\":0,\"clock\":0"),
            "duplicate field",
        ),
        (good.replace("\"clock\":0", "\"clock\":-1"), "invalid value"),
        (
            good.replace("\"sequence\":0", "\"sequence\":1e3"),
            "invalid type",
        ),
        (
            format!(
                "{first}\n{}\"removed\":true,\"payload{}\n",
                payload.0, payload.1
            ),
            "nothing is left but its place",
        ),
        (
            format!("{first}\n{}\n", payload.0.trim_end_matches(',')),
            "EOF",
        ),
        (format!("{first}\n{first}\n"), "unknown field"),
        (
            good.replace("\"version\":1", "\"version\":2"),
            "of version 2",
        ),
        (
            good.replace(&format!("\"wall_ms\":{NOW}"), "\"wall_ms\":281474976710656"),
            "past the last representable time",
        ),
    ] {
        let error = refused(&lines).to_string();
        assert!(error.contains(told), "{told}: {error}");
    }
}

/// What is done to a store.
#[derive(Debug, Clone)]
enum Step {
    Append(u8, u8),
    Batch(Vec<u8>),
    Redact(u8),
    Compact(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..5_u8, any::<u8>()).prop_map(|(entity, seed)| Step::Append(entity, seed)),
        3 => vec(any::<u8>(), 1..40).prop_map(Step::Batch),
        1 => (0..5_u8).prop_map(Step::Redact),
        1 => (1..4_u8).prop_map(Step::Compact),
        1 => Just(Step::Reopen),
    ]
}

fn run_steps(fs: &MemFs, steps: &[Step]) -> Store {
    let mut store = small(fs).open(dir()).unwrap();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Append(entity, seed) => {
                let options = AppendOptions::new();
                let coordinate = at(&format!("entity:{entity}"), &format!("s{}", seed % 2));
                let event = rich_event(usize::from(*seed));
                let event = match seed % 4 {
                    0 => event.with_kind_name(format!("kind.{}", usize::from(*seed) % KINDS.len())),
                    _ => event,
                };
                let options = match seed % 3 {
                    0 => options.tracking("source", number as u64),
                    _ => options,
                };
                store.append_with(&coordinate, event, options).unwrap();
            }
            Step::Batch(seeds) => {
                let of = |seed: &u8| {
                    (
                        at(&format!("entity:{}", seed % 5), "s0"),
                        rich_event(usize::from(*seed)),
                    )
                };
                let all: Vec<_> = seeds.iter().map(of).collect();
                store.append_slice(&all, AppendOptions::new()).unwrap();
            }
            Step::Redact(entity) => {
                let entity = format!("entity:{entity}");
                run_redact(&store, &Redaction::new().entity(entity));
            }
            Step::Compact(keep) => {
                run(&store, &Retention::new().keep_newest(u32::from(*keep)));
            }
            Step::Reopen => {
                store.close().unwrap();
                store = small(fs).open(dir()).unwrap();
            }
        }
    }
    store
}

/// How a file is changed.
#[derive(Debug, Clone)]
enum Change {
    Letter(prop::sample::Index, u8),
    Drop(prop::sample::Index),
    Twice(prop::sample::Index),
    Swap(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (any::<prop::sample::Index>(), 32..127_u8).prop_map(|(at, to)| Change::Letter(at, to)),
        1 => any::<prop::sample::Index>().prop_map(Change::Drop),
        1 => any::<prop::sample::Index>().prop_map(Change::Twice),
        1 => any::<prop::sample::Index>().prop_map(Change::Swap),
    ]
}

/// What is neither of the first line nor of an event that was removed: all that hashes cover.
fn proven(lines: &str) -> Vec<&str> {
    let is_proven = |line: &&str| !line.contains("\"removed\":true");
    lines.lines().skip(1).filter(is_proven).collect()
}

proptest! {
    #![proptest_config(crate::harness::cases(40))]

    #[test]
    fn any_history_comes_back_hash_for_hash(steps in vec(step(), 0..40)) {
        check(&run_steps(&MemFs::new(), &steps));
    }

    #[test]
    fn what_is_not_proven_is_not_imported(
        steps in vec(step(), 1..12),
        changes in vec(change(), 1..30),
    ) {
        let lines = exact(&run_steps(&MemFs::new(), &steps));
        for change in changes {
            let mut all: Vec<_> = lines.lines().map(str::to_owned).collect();
            match change {
                Change::Letter(at, to) => {
                    let mut bytes = lines.clone().into_bytes();
                    let at = at.index(bytes.len());
                    bytes[at] = to;
                    let Ok(text) = String::from_utf8(bytes) else { continue };
                    all = text.lines().map(str::to_owned).collect();
                }
                Change::Drop(at) => drop(all.remove(at.index(lines.lines().count()))),
                Change::Twice(at) => {
                    let at = at.index(all.len());
                    all.insert(at, all[at].clone());
                }
                Change::Swap(at) => {
                    let at = at.index(all.len() - 1);
                    all.swap(at, at + 1);
                }
            }
            let changed = all.join("\n") + "\n";
            let fs = MemFs::new();
            if import_to(&fs, &dir(), &changed).is_ok() {
                let copy = small(&fs).read_only().open(dir()).unwrap();
                assert_intact(&copy);
                let again = exact(&copy);
                prop_assert_eq!(proven(&again), proven(&lines), "{}", changed);
            } else {
                prop_assert_eq!(all_files(&fs), Vec::<String>::new());
            }
        }
    }
}
