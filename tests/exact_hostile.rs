//! Entries of a log that somebody has made who makes right hashes of whatever he likes: what [`write_log`] makes of them
//! is a store that opens, verifies and is gone on with, or nothing.

use crate::compact::assert_intact;
use crate::harness::{at, cases, dir, event, written};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{
    LogEnd, LogEntry, LogOrigin, LogRecord, LogWriting, log_origin, read_log, write_log,
};
use strandline::proof::{MemoryTree, leaf_hash};
use strandline::{
    AppendOptions, Coordinate, Error, ErrorKind, Event, EventId, EventKind, Hash, Hlc,
    PayloadEncoding, Sequence, Store, StoreOptions,
};
use strandline_core::record::{Record, RecordPayload, RemovedRecord, StoredRecord};
use strandline_core::{
    EventHasher, Extensions, LogHasher, Nonce, extension_tag, log_hash_of_note, note_digest,
    recorded_log_base,
};
use strandline_segment::COMMIT_BYTES_MAX;

const IDENTITY: [u8; 16] = [5; 16];

fn small(fs: &MemFs) -> StoreOptions {
    written(fs).segment_bytes_max(64 << 10)
}

/// A record, as its maker wants it.
#[derive(Debug, Clone)]
struct Made {
    entity: u8,
    scope: u8,
    kind: u16,
    encoding: u8,
    id: u8,
    later_ms: u64,
    extensions: Vec<(u16, Vec<u8>)>,
    payload: usize,
    is_removed: bool,
    is_redacted: bool,
}

#[derive(Debug, Clone)]
enum Step {
    /// After so many sequences that nothing has.
    Commit(u64, Vec<Made>),
    Note(Vec<u8>),
}

/// What few logs have, or none: most that have much of it are refused.
fn hostile_extension() -> impl Strategy<Value = (u16, Vec<u8>)> {
    use extension_tag::{ATTRIBUTES, KIND_NAME, PAYLOAD_VERSION, SEAL, TAGS, TRACKING};
    let tags = [TAGS, SEAL, ATTRIBUTES, PAYLOAD_VERSION, KIND_NAME, TRACKING];
    prop_oneof![
        (0..9_u64).prop_map(|at| (TRACKING, [&at.to_le_bytes()[..], b"source"].concat())),
        Just((KIND_NAME, b"b".to_vec())),
        (prop::sample::select(tags.to_vec()), vec(any::<u8>(), 0..60)),
    ]
}

fn extension() -> impl Strategy<Value = (u16, Vec<u8>)> {
    let usual = prop_oneof![
        Just((extension_tag::TAGS, b"\x01a\x01b".to_vec())),
        Just((extension_tag::KIND_NAME, b"a".to_vec())),
        (0x4000_u16.., vec(any::<u8>(), 0..60)),
    ];
    prop_oneof![60 => usual.boxed(), 1 => hostile_extension().boxed()]
}

fn made() -> impl Strategy<Value = Made> {
    let kind = prop_oneof![200 => Just(0x1001_u16), 1 => Just(0x1002), 1 => any::<u16>()];
    let later_ms = prop_oneof![200 => 0..3_u64, 1 => Just(1 << 47)];
    let front = (0..3_u8, 0..2_u8, kind, any::<u8>(), any::<u8>(), later_ms);
    let back = (
        vec(extension(), 0..3),
        0..9000_usize,
        prop::bool::weighted(0.2),
        any::<bool>(),
    );
    (front, back).prop_map(|(front, back)| {
        let (entity, scope, kind, encoding, id, later_ms) = front;
        let (mut extensions, payload, is_removed, is_redacted) = back;
        extensions.sort();
        extensions.dedup_by_key(|(tag, _)| *tag);
        Made {
            entity,
            scope,
            kind,
            encoding,
            id,
            later_ms,
            extensions,
            payload,
            is_removed,
            is_redacted,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let gap = prop_oneof![
        150 => Just(0),
        15 => 1..300_u64,
        1 => prop_oneof![Just(1 << 32), Just(1 << 62), Just(u64::MAX - 3), Just(u64::MAX)],
    ];
    prop_oneof![
        8 => (gap, vec(made(), 1..6)).prop_map(|(gap, made)| Step::Commit(gap, made)),
        1 => vec(any::<u8>(), 0..200).prop_map(Step::Note),
    ]
}

/// Makes right hashes of steps, and gives the entries to `take`.
struct Maker {
    next: u64,
    wall_ms: u64,
    log_hash: Hash,
    heads: HashMap<String, (Hash, u32)>,
    digests: Vec<Hash>,
    /// Whether each sequence has a record.
    is_dense: bool,
}

impl Maker {
    /// Of a log that records what was removed, or of one in which nothing has to be explained.
    fn new(is_recorded: bool) -> Self {
        Self {
            next: 0,
            wall_ms: 1000,
            log_hash: match is_recorded {
                true => recorded_log_base(&IDENTITY),
                false => Hash::ZERO,
            },
            heads: HashMap::new(),
            digests: Vec::new(),
            is_dense: true,
        }
    }

    /// Of a log that nothing was made of yet.
    fn origin(&self) -> LogOrigin {
        LogOrigin {
            identity: IDENTITY,
            epoch: small(&MemFs::new()).open(dir()).unwrap().epoch(),
            base_log_hash: self.log_hash,
            unrecorded_before: (self.log_hash != Hash::ZERO).then_some(Sequence::ZERO),
            has_runs: false,
        }
    }

    fn end(&self) -> LogEnd {
        LogEnd {
            sequence: Sequence::new(self.next),
            log_hash: self.log_hash,
        }
    }

    fn take(
        &mut self,
        step: &Step,
        take: &mut dyn FnMut(LogEntry<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let all = match step {
            Step::Note(body) => {
                self.log_hash = log_hash_of_note(&self.log_hash, &note_digest(body));
                let log_hash = self.log_hash;
                return take(LogEntry::Note { body, log_hash });
            }
            Step::Commit(gap, all) => {
                self.next = self.next.saturating_add(*gap);
                self.is_dense &= *gap == 0;
                all
            }
        };
        let records = self.commit(all).into_iter();
        records.map(LogEntry::Record).try_for_each(take)
    }

    fn commit(&mut self, all: &[Made]) -> Vec<LogRecord<'static>> {
        let mut hasher = LogHasher::default();
        let mut records = Vec::new();
        for made in all {
            let (record, hash) = self.record(made);
            hasher.add(&hash);
            records.push(LogRecord {
                sequence: Sequence::new(self.next),
                hash,
                record,
                log_hash: None,
            });
            self.next = self.next.saturating_add(1);
        }
        self.log_hash = hasher.hash(&self.log_hash);
        if let Some(last) = records.last_mut() {
            last.log_hash = Some(self.log_hash);
        }
        records
    }

    fn record(&mut self, made: &Made) -> (StoredRecord<'static>, Hash) {
        let entity = format!("e{}", made.entity);
        let coordinate = Coordinate::new(entity.as_str(), format!("s{}", made.scope)).unwrap();
        let (previous, clock) = match self.heads.get(&entity) {
            Some((hash, clock)) => (*hash, clock + 1),
            None => (Hash::ZERO, 0),
        };
        self.wall_ms = (self.wall_ms + made.later_ms).min((1 << 48) - 1);
        let hlc = Hlc::new(self.wall_ms, 7).unwrap();
        let own = made.extensions.iter().map(|(tag, bytes)| (*tag, &**bytes));
        let nonce = Nonce([made.id; 16]);
        let bytes: &'static [u8] = &[b'x'; 9000];
        let stored = RecordPayload::Stored {
            nonce,
            bytes: &bytes[..made.payload],
        };
        let record = Record {
            local_coordinate: 0,
            coordinate: Some(coordinate.clone()),
            previous: Some(previous),
            kind: EventKind::from_bits(made.kind),
            encoding: PayloadEncoding::from_code(made.encoding),
            clock,
            hlc,
            id: EventId::from_u128(u128::from(made.id) << 64 | u128::from(self.next)),
            correlation: EventId::from_u128(u128::from(made.id)),
            causation: None,
            extensions: Extensions::new(own).unwrap_or_default(),
            payload: match made.is_redacted {
                true => RecordPayload::Redacted {
                    hash: stored.hash(),
                },
                false => stored,
            },
        };
        let sequence = Sequence::new(self.next);
        let hash = record.hash_after(
            &previous,
            &coordinate,
            sequence,
            &mut EventHasher::default(),
        );
        self.heads.insert(entity, (hash, clock));
        self.digests.push(hash);
        let record = match made.is_removed {
            false => StoredRecord::Event(record),
            true => StoredRecord::Removed(RemovedRecord {
                local_coordinate: 0,
                coordinate: Some(coordinate),
                previous: Some(previous),
                clock,
                hlc,
                kind_name: None,
                tracking: None,
            }),
        };
        (record, hash)
    }
}

/// Makes a store of steps, and says what has come of it.
fn write(fs: &MemFs, is_recorded: bool, steps: &[Step]) -> (Result<LogEnd, Error>, Maker) {
    let mut maker = Maker::new(is_recorded);
    let origin = maker.origin();
    let mut feed = |log: &mut LogWriting<'_>| {
        for step in steps {
            maker.take(step, &mut |entry| log.take(entry))?;
        }
        Ok(maker.end())
    };
    let mut go_on = |_| ControlFlow::Continue(());
    let end = write_log(&small(fs), &dir(), &origin, &mut feed, &mut go_on);
    (end, maker)
}

/// Checks what was made of steps: nothing, or a store that is none worse than others. Why there is nothing.
fn check(is_recorded: bool, steps: &[Step]) -> Result<(), Error> {
    let fs = MemFs::new();
    let (end, maker) = write(&fs, is_recorded, steps);
    let end = end.inspect_err(|_| {
        let names = fs.list(Path::new("/")).unwrap_or_default();
        assert!(names.is_empty(), "{names:?}");
    })?;
    let copy = small(&fs).read_only().open(dir()).unwrap();
    assert_intact(&copy);
    let report = copy.open_report();
    // That its times are ahead of the clock is said, and nothing else.
    let notices = usize::from(report.clock_ahead_ms.is_some());
    assert_eq!(report.notices.len(), notices, "{report:?}");
    drop(copy);
    // Its footers are taken, however often it is opened.
    for _ in 0..2 {
        let store = small(&fs).open(dir()).unwrap();
        let report = store.open_report();
        assert_eq!(report.footers_missing, 0, "{report:?}");
        store.close().unwrap();
    }
    let store = small(&fs).open(dir()).unwrap();
    if let Ok(receipt) = store.append(&at("e0", "s0"), event("and on")) {
        assert_eq!(receipt.sequence, end.sequence);
        assert_intact(&store);
    }
    if maker.is_dense {
        let mut tree = MemoryTree::default();
        for digest in &maker.digests {
            tree.push(leaf_hash(digest.as_bytes()));
        }
        let now = store.snapshot();
        assert_eq!(now.tree_head_at(maker.next).unwrap(), tree.head());
    }
    Ok(())
}

fn plain(later_ms: u64) -> Made {
    Made {
        entity: 0,
        scope: 0,
        kind: 0x1001,
        encoding: 1,
        id: 9,
        later_ms,
        extensions: Vec::new(),
        payload: 3,
        is_removed: false,
        is_redacted: false,
    }
}

/// What is changed in an entry, its hash not: each is refused by its own check.
#[test]
fn an_entry_that_does_not_follow_is_refused() {
    type Change = fn(&mut LogRecord<'static>);
    fn event_of<'r>(entry: &'r mut LogRecord<'static>) -> &'r mut Record<'static> {
        match &mut entry.record {
            StoredRecord::Event(event) => event,
            StoredRecord::Removed(_) => unreachable!("none was removed"),
        }
    }
    fn removed<'r>(entry: &'r mut LogRecord<'static>) -> &'r mut RemovedRecord {
        let removed = RemovedRecord::of(event_of(entry));
        entry.record = StoredRecord::Removed(RemovedRecord {
            coordinate: event_of(entry).coordinate.clone(),
            previous: event_of(entry).previous,
            ..removed
        });
        match &mut entry.record {
            StoredRecord::Removed(removed) => removed,
            StoredRecord::Event(_) => unreachable!("it was removed"),
        }
    }
    let changes: [(&str, Change); 8] = [
        ("that of its content", |entry| {
            event_of(entry).id = EventId::from_u128(1)
        }),
        ("the hash before it is", |entry| {
            removed(entry).previous = Some(Hash::ZERO);
        }),
        ("its clock is", |entry| removed(entry).clock = 7),
        ("its time", |entry| removed(entry).hlc = Hlc::default()),
        ("its sequence is", |entry| entry.sequence = Sequence::ZERO),
        ("the hash of the log is", |entry| {
            entry.log_hash = Some(Hash::of(b"x"))
        }),
        ("has no end", |entry| entry.log_hash = None),
        ("no coordinate", |entry| event_of(entry).coordinate = None),
    ];
    for (told, change) in changes {
        let mut maker = Maker::new(true);
        let origin = maker.origin();
        let mut entries = maker.commit(&[plain(1)]);
        entries.extend(maker.commit(&[plain(1)]));
        change(&mut entries[1]);
        let end = maker.end();
        let mut feed = |log: &mut LogWriting<'_>| {
            for entry in &entries {
                log.take(LogEntry::Record(entry.clone()))?;
            }
            Ok(end)
        };
        let fs = MemFs::new();
        let mut go_on = |_| ControlFlow::Continue(());
        let error = write_log(&small(&fs), &dir(), &origin, &mut feed, &mut go_on).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(told), "{told}: {error}");
    }
    // And an end that is elsewhere.
    let mut maker = Maker::new(true);
    let origin = maker.origin();
    let mut feed = |log: &mut LogWriting<'_>| {
        maker.take(&Step::Commit(0, vec![plain(1)]), &mut |entry| {
            log.take(entry)
        })?;
        Ok(LogEnd {
            sequence: Sequence::new(2),
            ..maker.end()
        })
    };
    let mut go_on = |_| ControlFlow::Continue(());
    let error = write_log(
        &small(&MemFs::new()),
        &dir(),
        &origin,
        &mut feed,
        &mut go_on,
    );
    let error = error.unwrap_err();
    assert!(error.to_string().contains("the log ends at"), "{error}");
}

/// A commit that is as long as any that a store takes, and whose names its segment had said before: in the copy it may
/// be the first of a segment, and has them all.
#[test]
fn the_longest_commit_comes_back() {
    let (from, to) = (MemFs::new(), MemFs::new());
    let name = |number: usize| {
        let (entity, scope) = (format!("{number:0>250}"), "s".repeat(250));
        Coordinate::new(entity, scope).unwrap()
    };
    let store = written(&from).open(dir()).unwrap();
    let named: Vec<_> = (0..2005).map(|number| (name(number), event("x"))).collect();
    store.append_slice(&named, AppendOptions::new()).unwrap();
    let long = |payload_bytes: usize| {
        let payload = vec![7; payload_bytes / 5];
        let long = (2000..2005).map(|number| {
            let event = Event::bytes(EventKind::new(1, 1), payload.clone());
            (name(number), event)
        });
        let all: Vec<_> = named[..2000].iter().cloned().chain(long).collect();
        store.append_slice(&all, AppendOptions::new())
    };
    // Names of 501 bytes for each, and what a record has beside them.
    let most = COMMIT_BYTES_MAX as usize - 2005 * 501;
    let error = long(most).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    long(most - 2005 * 250).unwrap();
    let origin = log_origin(&store).unwrap();
    let mut go_on = |_| ControlFlow::Continue(());
    let mut feed = |log: &mut LogWriting<'_>| {
        read_log(&store, &mut |entry| log.take(entry), &mut |_| {
            ControlFlow::Continue(())
        })
    };
    // Segments that have room for no more than such a commit.
    let narrow = written(&to).segment_bytes_max(u64::from(COMMIT_BYTES_MAX) + 4096);
    write_log(&narrow, &dir(), &origin, &mut feed, &mut go_on).unwrap();
    let copy = narrow.read_only().open(dir()).unwrap();
    assert!(copy.stats().unwrap().segments > 1);
    let head = |store: &Store| store.snapshot().tree_head().unwrap();
    assert_eq!(head(&copy), head(&store));
}

/// Those of a segment that lacks rows, of events that were removed, are taken if it was rewritten.
#[test]
fn segments_that_lack_rows_have_footers_that_are_taken() {
    let made = |is_removed| Made {
        payload: 9000,
        is_removed,
        ..plain(1)
    };
    let commit = |number| Step::Commit(0, vec![made(number % 3 == 1), made(false)]);
    let commits: Vec<_> = (0..20).map(commit).collect();
    check(false, &commits).unwrap();
}

/// A log whose sequences leave some out has no tree, and so no store is made of it.
#[test]
fn sequences_that_nothing_has_are_refused() {
    for gap in [1, 5, 1 << 40, u64::MAX - 1, u64::MAX] {
        let steps = [
            Step::Commit(0, vec![plain(1)]),
            Step::Commit(gap, vec![plain(1)]),
        ];
        check(true, &steps).unwrap_err();
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn whatever_is_made_with_right_hashes_is_a_sound_store_or_nothing(
        is_recorded in any::<bool>(),
        steps in vec(step(), 0..30),
    ) {
        // What is no log is refused.
        let _ = check(is_recorded, &steps);
    }
}
