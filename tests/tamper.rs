//! Histories rewritten by someone who makes every checksum and the log chain right again.
//!
//! The records of a store are changed and written into a new log by the segment layer itself, so
//! nothing but the hash chains of the entities can tell.

use crate::harness::{CHANGED, at, dir, event, open, options};
use std::path::Path;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::{ErrorKind, Hash, Hlc, Receipt, ReceiptMismatch, Region, Sequence, Store};
use strandline_core::record::{Record, RecordPayload};
use strandline_core::{EventHasher, Random};
use strandline_segment::{CommitBuffer, LogOptions, UncheckedLog};

#[derive(Debug, Clone, PartialEq)]
struct Raw {
    sequence: Sequence,
    digest: Hash,
    body: Vec<u8>,
}

/// Six events of two entities, `a` and `b` in turn.
fn history() -> Vec<Raw> {
    let fs = MemFs::new();
    let store = open(&fs);
    for n in 0..6 {
        let entity = if n % 2 == 0 { "a" } else { "b" };
        store
            .append(&at(entity, "s"), event(&format!("payload {n}")))
            .unwrap();
    }
    drop(store);
    let log = UncheckedLog::open(Arc::new(fs), &dir(), LogOptions::default());
    let mut records = Vec::new();
    log.unwrap()
        .unwrap()
        .scan(None, Sequence::ZERO, |frame| {
            records.extend(frame.records().map(|record| Raw {
                sequence: record.sequence,
                digest: record.digest,
                body: record.body.to_vec(),
            }));
            Ok::<_, std::io::Error>(())
        })
        .unwrap();
    records
}

/// A store whose log holds these records, each a commit of its own.
fn rewritten(records: &[Raw]) -> Result<Store, strandline::Error> {
    let fs = MemFs::new();
    let random = Random::from_seed(1);
    let log =
        UncheckedLog::create(Arc::new(fs.clone()), &dir(), LogOptions::default(), &random).unwrap();
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, std::io::Error>(()));
    let (mut writer, ..) = scanned.unwrap().into_writer(&Random::from_seed(9)).unwrap();
    let mut commit = CommitBuffer::default();
    for record in records {
        commit.clear();
        commit.push(&record.digest, |out| out.extend_from_slice(&record.body));
        writer
            .append(&mut commit, record.sequence, Sequence::ZERO)
            .unwrap();
    }
    drop(writer);
    options(&fs).open(Path::new(&dir()))
}

/// Checks that the change is found, by opening or by verification, at one of these sequences.
fn check(what: &str, sequences: &[u64], change: impl FnOnce(&mut Vec<Raw>)) {
    let mut records = history();
    let before = records.clone();
    change(&mut records);
    assert_ne!(records, before, "{what} changed nothing");
    match rewritten(&records) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}"),
        Ok(store) => {
            let report = store.verify().unwrap();
            let found: Vec<_> = report
                .problems
                .iter()
                .filter_map(|problem| Some(problem.sequence?.get()))
                .collect();
            for sequence in sequences {
                assert!(found.contains(sequence), "{what}: {:?}", report.problems);
            }
        }
    }
}

/// Changes a record as its fields, and leaves its digest as it was.
fn edit(raw: &mut Raw, change: impl FnOnce(&mut Record<'_>)) {
    let body = raw.body.clone();
    let mut record = Record::decode(&body).unwrap();
    change(&mut record);
    raw.body.clear();
    record.encode(&mut raw.body);
}

#[test]
fn an_untouched_history_is_intact() {
    let store = rewritten(&history()).unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    assert_eq!(report.events, 6);
}

#[test]
fn a_changed_payload_is_found() {
    check("payload", &[2], |records| {
        *records[2].body.last_mut().unwrap() ^= 1
    });
}

#[test]
fn a_changed_payload_is_found_by_the_receipt_of_its_event() {
    let mut records = history();
    *records[2].body.last_mut().unwrap() ^= 1;
    let store = rewritten(&records).unwrap();
    let now = store.snapshot();
    for event in now.query(Region::all()) {
        let event = event.unwrap();
        let receipt = Receipt {
            id: event.id,
            sequence: event.sequence,
            clock: event.clock,
            hlc: event.hlc,
            hash: event.hash,
            durable: true,
            replicated: false,
            repeated: false,
        };
        let checked = now.verify_receipt(&receipt);
        if event.sequence != Sequence::new(2) {
            checked.unwrap();
            continue;
        }
        let error = checked.unwrap_err();
        let found = error.receipt_mismatches();
        assert!(
            matches!(found, [ReceiptMismatch::Content { .. }]),
            "{found:?}"
        );
    }
}

#[test]
fn a_changed_kind_is_found() {
    check("kind", &[3], |records| {
        edit(&mut records[3], |record| record.kind = CHANGED)
    });
}

#[test]
fn a_changed_time_is_found() {
    check("time", &[5], |records| {
        edit(&mut records[5], |record| {
            record.hlc = Hlc::new(record.hlc.wall_ms() + 1, 0).unwrap();
        });
    });
}

#[test]
fn a_changed_id_or_link_is_found() {
    let other = strandline::EventId::from_u128(9);
    check("causation", &[1], |records| {
        edit(&mut records[1], |record| record.causation = Some(other));
    });
    check("correlation", &[1], |records| {
        edit(&mut records[1], |record| record.correlation = other);
    });
    check("id", &[4], |records| {
        edit(&mut records[4], |record| {
            record.id = other;
            record.correlation = other;
        });
    });
}

#[test]
fn an_event_moved_to_another_entity_is_found() {
    check("entity", &[4], |records| {
        edit(&mut records[4], |record| record.local_coordinate = 1);
    });
    check("entity with a fitting clock", &[5], |records| {
        edit(&mut records[5], |record| {
            record.local_coordinate = 0;
            record.clock = 3;
        });
    });
}

#[test]
fn a_renamed_entity_is_found() {
    check("name", &[0], |records| {
        edit(&mut records[0], |record| {
            record.coordinate = Some(at("c", "s"))
        });
    });
    check("scope", &[0], |records| {
        edit(&mut records[0], |record| {
            record.coordinate = Some(at("a", "t"))
        });
    });
}

#[test]
fn swapped_neighbours_are_found() {
    let swap = |records: &mut Vec<Raw>, left: usize, right: usize| {
        let (a, b) = (records[left].clone(), records[right].clone());
        records[left] = Raw {
            sequence: a.sequence,
            ..b
        };
        records[right] = Raw {
            sequence: b.sequence,
            ..a
        };
    };
    check("neighbours of two entities", &[2, 3], |records| {
        swap(records, 2, 3)
    });
    check("neighbours of one entity", &[2, 4], |records| {
        swap(records, 2, 4)
    });
}

#[test]
fn a_removed_event_is_found_in_its_chain() {
    check("middle", &[4], |records| drop(records.remove(2)));
    check("first", &[2], |records| {
        let names = Record::decode(&records[0].body).unwrap().coordinate;
        records.remove(0);
        // The names go with the first use, so the forger hands them on.
        edit(&mut records[1], |record| {
            record.coordinate = names;
            record.local_coordinate = 1;
        });
        edit(&mut records[0], |record| record.local_coordinate = 0);
        edit(&mut records[2], |record| record.local_coordinate = 0);
        edit(&mut records[3], |record| record.local_coordinate = 1);
        edit(&mut records[4], |record| record.local_coordinate = 0);
    });
}

#[test]
fn a_removed_newest_event_is_found_against_a_saved_log_hash() {
    let records = history();
    let saved = rewritten(&records).unwrap().verify().unwrap().log_hash;
    let shorter = rewritten(&records[..5]).unwrap().verify().unwrap();
    assert!(shorter.is_intact(), "a prefix is a valid history");
    assert_ne!(
        shorter.log_hash, saved,
        "and not the one whose hash was kept"
    );
}

#[test]
fn a_recomputed_hash_breaks_the_link_that_follows() {
    check("own hash made right", &[4], |records| {
        let previous = records[0].digest;
        let raw = &mut records[2];
        edit(raw, |record| record.kind = CHANGED);
        let record = Record::decode(&raw.body).unwrap();
        let mut hasher = EventHasher::default();
        raw.digest = record.hash_after(&previous, &at("a", "s"), raw.sequence, &mut hasher);
    });
}

#[test]
fn a_redacted_payload_leaves_the_chain_whole() {
    let mut records = history();
    edit(&mut records[2], |record| {
        record.payload = RecordPayload::Redacted {
            hash: record.payload.hash(),
        };
    });
    let store = rewritten(&records).unwrap();
    let report = store.verify().unwrap();
    let found: Vec<_> = report.problems.iter().map(|one| one.sequence).collect();
    // The chain is whole, and no record of the log says that this was lawful.
    assert_eq!(found, [Some(Sequence::new(2))], "{:?}", report.problems);
    assert!(report.problems[0].message.contains("no record"));
    let now = store.snapshot();
    let redacted = now.stream("a").nth(1).unwrap().unwrap();
    assert_eq!(redacted.payload().unwrap_err().kind(), ErrorKind::Redacted);
    assert_eq!(
        now.stream("a").nth(2).unwrap().unwrap().payload().unwrap(),
        b"payload 4"
    );
}

#[test]
fn sparse_sequences_survive() {
    let fs = MemFs::new();
    let random = Random::from_seed(1);
    let log =
        UncheckedLog::create(Arc::new(fs.clone()), &dir(), LogOptions::default(), &random).unwrap();
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, std::io::Error>(()));
    let (mut writer, ..) = scanned.unwrap().into_writer(&Random::from_seed(9)).unwrap();
    let mut commit = CommitBuffer::default();
    // The hashes cover the sequences, so only reading is asked of these.
    for (raw, sequence) in history()
        .iter()
        .zip([0, 1, 7, 8, 100, 101].map(Sequence::new))
    {
        commit.clear();
        commit.push(&raw.digest, |out| out.extend_from_slice(&raw.body));
        writer
            .append(&mut commit, sequence, Sequence::ZERO)
            .unwrap();
    }
    drop(writer);
    let check = |store: &Store| {
        let now = store.snapshot();
        let sequences: Vec<_> = now
            .query(strandline::Region::all())
            .map(|event| event.unwrap().sequence.get())
            .collect();
        assert_eq!(sequences[..6], [0, 1, 7, 8, 100, 101]);
    };
    let store = open(&fs);
    check(&store);
    let receipt = store.append(&at("a", "s"), event("next")).unwrap();
    assert_eq!(receipt.sequence.get(), 102);
    store.close().unwrap();
    check(&open(&fs));
}

#[test]
fn a_sequence_that_none_can_have_is_refused() {
    for sequence in [1 << 63, (1 << 63) - 1, u64::MAX - 1] {
        let mut records = history();
        records.truncate(1);
        records[0].sequence = Sequence::new(sequence);
        let error = rewritten(&records).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{sequence}: {error}");
    }
}
