//! Retries against a model: an id that is there gives its first receipt, whatever became of the way
//! in which it was written first.

use crate::compact::{assert_intact, copy, cut_footers, run, run_redact, small};
use crate::harness::{CREATED, at, dir, exported, remove};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, Retention};
use strandline::{
    AppendOptions, Batch, Coordinate, Difference, Durability, ErrorKind, Event, EventId, Receipt,
    Region, Store,
};
use strandline_transfer::{ImportOptions, LineFormat, import};

const ENTITIES: u8 = 4;

/// What becomes of a store between the first time and the retry.
#[derive(Debug, Clone)]
enum Fate {
    Close,
    Kill,
    WithoutFooters,
    Moved(bool),
    Dropped(u8),
    Redacted(u8),
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        Just(Fate::Close),
        Just(Fate::Kill),
        Just(Fate::WithoutFooters),
        any::<bool>().prop_map(Fate::Moved),
        (0..ENTITIES).prop_map(Fate::Dropped),
        (0..ENTITIES).prop_map(Fate::Redacted),
    ];
    prop::collection::vec(fate, 0..4)
}

/// Event `number`, which is linked to the one before it in the first writing's order, if that is a
/// multiple of three.
fn given(number: u8) -> (Coordinate, Event) {
    let coordinate = at(&format!("e:{}", number % ENTITIES), "s");
    let size = 40 + usize::from(number) * 37;
    let event =
        Event::bytes(CREATED, vec![number; size]).with_id(EventId::from_u128(own_id(number)));
    let event = match number.checked_sub(1) {
        Some(before) if number.is_multiple_of(3) => {
            event.caused_by(EventId::from_u128(own_id(before)))
        }
        _ => event,
    };
    (coordinate, event.tagged(format!("t:{}", number % 2)))
}

/// Ids that do not ascend.
fn own_id(number: u8) -> u128 {
    1 + u128::from(number.wrapping_mul(37))
}

/// How numbers are grouped: batches of these sizes, one after the other.
fn groups(numbers: &[u8], sizes: &[usize]) -> Vec<Vec<u8>> {
    let mut rest = numbers;
    let mut groups = Vec::new();
    for size in sizes.iter().cycle() {
        let (group, after) = rest.split_at((*size).min(rest.len()));
        if group.is_empty() {
            return groups;
        }
        groups.push(group.to_vec());
        rest = after;
    }
    groups
}

/// Appends a group: how is its number.
fn append(store: &Store, group: &[u8], how: usize) -> Vec<Receipt> {
    if let ([number], 0) = (group, how % 2) {
        let (coordinate, event) = given(*number);
        return vec![match how % 4 {
            0 => store.append(&coordinate, event).unwrap(),
            _ => store.submit(&coordinate, event).unwrap().wait().unwrap(),
        }];
    }
    let mut batch = Batch::new();
    for (coordinate, event) in group.iter().map(|number| given(*number)) {
        batch.add(&coordinate, event);
    }
    let synced = AppendOptions::new().durability(Durability::Synced);
    match how % 3 {
        0 => store.append_batch(batch).unwrap(),
        1 => {
            let receipts = store.append_batch_with(batch, synced).unwrap();
            assert!(
                receipts.iter().all(|receipt| receipt.durable),
                "repeats are waited for too"
            );
            receipts
        }
        _ => store.submit_batch(batch).unwrap().wait().unwrap(),
    }
}

fn moved(store: &Store, fs: &MemFs, format: LineFormat) -> Store {
    let lines = exported(store, Region::all(), format);
    let target = small(fs).open(dir()).unwrap();
    let options = ImportOptions::new().format(format);
    import(&target, &mut lines.as_bytes(), options, &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    target
}

fn check_first(store: &Store, number: u8, receipt: &Receipt) {
    let id = EventId::from_u128(own_id(number));
    let first = store.snapshot().get(id).unwrap().unwrap();
    let stored = (first.id, first.sequence, first.clock, first.hlc, first.hash);
    let told = (
        receipt.id,
        receipt.sequence,
        receipt.clock,
        receipt.hlc,
        receipt.hash,
    );
    assert_eq!(told, stored, "event {number}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    /// The first frame of a batch was taken for a part of its content, so a copy, another grouping or a
    /// removed member made a retry a conflict.
    #[test]
    fn a_retry_gives_first_receipts_whatever_became_of_the_first_writing(
        count in 1..40_u8,
        first in prop::collection::vec(1..7_usize, 1..5),
        again in prop::collection::vec(1..9_usize, 1..5),
        order in Just((0..44_u8).collect::<Vec<_>>()).prop_shuffle(),
        fates in fates(),
    ) {
        let mut fs = MemFs::new();
        let mut store = small(&fs).open(dir()).unwrap();
        let numbers: Vec<u8> = (0..count).collect();
        let mut there: BTreeSet<u8> = numbers.iter().copied().collect();
        for (how, group) in groups(&numbers, &first).iter().enumerate() {
            append(&store, group, how);
        }
        for fate in fates {
            match fate {
                Fate::Close => {
                    store.close().unwrap();
                    store = small(&fs).open(dir()).unwrap();
                }
                Fate::Kill | Fate::WithoutFooters => {
                    let copied = copy(&fs);
                    drop(store);
                    fs = copied;
                    if matches!(fate, Fate::WithoutFooters) {
                        cut_footers(&fs);
                        remove(&fs, "checkpoint-");
                    }
                    store = small(&fs).open(dir()).unwrap();
                }
                Fate::Moved(as_lines) => {
                    let format = if as_lines { LineFormat::Lines } else { LineFormat::CloudEvents };
                    let target = MemFs::new();
                    let redacted = |number: &u8| {
                        let id = EventId::from_u128(own_id(*number));
                        store.snapshot().get(id).unwrap().unwrap().is_redacted()
                    };
                    // An import passes over what has no payload.
                    let kept: BTreeSet<u8> = there.iter().copied().filter(|n| !redacted(n)).collect();
                    store = moved(&store, &target, format);
                    (fs, there) = (target, kept);
                }
                Fate::Dropped(entity) => {
                    run(&store, &Retention::new().drop_entity(format!("e:{entity}")));
                    there.retain(|number| number % ENTITIES != entity);
                }
                Fate::Redacted(entity) => {
                    run_redact(&store, &Redaction::new().entity(format!("e:{entity}")));
                }
            }
        }
        for (how, group) in groups(&order, &again).iter().enumerate() {
            let before = store.snapshot().visible().get();
            let receipts = append(&store, group, how);
            prop_assert_eq!(receipts.len(), group.len());
            let mut next = before;
            for (number, receipt) in group.iter().zip(&receipts) {
                prop_assert_eq!(receipt.repeated, there.contains(number), "event {}", number);
                if !receipt.repeated {
                    prop_assert_eq!(receipt.sequence.get(), next);
                    next += 1;
                }
                check_first(&store, *number, receipt);
            }
            prop_assert_eq!(store.snapshot().visible().get(), next);
            there.extend(group);
        }
        prop_assert_eq!(store.snapshot().len(), there.len() as u64);
        assert_intact(&store);
    }
}

/// Of a redacted payload nothing is left to compare, and a relay that retries would be stuck for good:
/// what can be compared decides.
#[test]
fn a_redacted_event_is_repeated_by_all_that_is_left_of_it() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    let (coordinate, event) = given(3);
    let (before, cause) = given(2);
    let batch = || {
        let batch = Batch::new().push(&before, cause.clone());
        batch.push(&coordinate, event.clone())
    };
    let firsts = store.append_batch(batch()).unwrap();
    run_redact(&store, &Redaction::new().entity("e:3"));
    let again = store.append_batch(batch()).unwrap();
    assert!(again.iter().all(|receipt| receipt.repeated));
    assert_eq!(
        (again[1].sequence, again[1].hash),
        (firsts[1].sequence, firsts[1].hash)
    );
    assert!(store.append(&coordinate, event.clone()).unwrap().repeated);
    let id = EventId::from_u128(own_id(3));
    let like = Event::bytes(CREATED, *b"another payload").with_id(id);
    let like = like.caused_by(EventId::from_u128(own_id(2)));
    assert!(
        store
            .append(&coordinate, like.clone().tagged("t:1"))
            .unwrap()
            .repeated
    );
    for (at, event, difference) in [
        (&before, event.clone(), Difference::Coordinate),
        (&coordinate, like.clone(), Difference::Extensions),
        (
            &coordinate,
            event.clone().caused_by(id),
            Difference::Causation,
        ),
        (
            &coordinate,
            event.correlated_with_member(0),
            Difference::Correlation,
        ),
    ] {
        let batch = Batch::new().push(&before, cause.clone()).push(at, event);
        let error = store.append_batch(batch).unwrap_err();
        assert_eq!(error.id_conflict().unwrap().difference, difference);
    }
    assert_eq!(store.snapshot().len(), 2);
    assert!(store.snapshot().get(id).unwrap().unwrap().is_redacted());
}

/// The id of a removed event is forgotten, so a retry makes a new event of it. A reader that still had the
/// removed one called the log damaged.
#[test]
fn a_reader_that_has_a_removed_event_is_told_to_open_again_when_its_id_is_given_again() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    let (coordinate, event) = given(1);
    store.append(&coordinate, event.clone()).unwrap();
    let reader = small(&fs).read_only().open(dir()).unwrap();
    run(&store, &Retention::new().drop_entity("e:1"));
    let again = store.append(&coordinate, event).unwrap();
    assert!(!again.repeated);
    for _ in 0..2 {
        let error = reader.refresh().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LogBehindCheckpoint, "{error}");
        assert!(
            error.to_string().contains("open the store again"),
            "{error}"
        );
    }
    assert_eq!(reader.snapshot().len(), 1);
    let reader = small(&fs).read_only().open(dir()).unwrap();
    check_first(&reader, 1, &again);
}
