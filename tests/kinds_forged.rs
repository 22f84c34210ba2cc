//! Names of kinds that somebody forged in records, under checksums and chains that are right. Nothing panics, what
//! was named first counts however a store is opened, and verification tells of the rest.

use crate::backup::go_on;
use crate::compact::{assert_intact, copy, cut_footers, run};
use crate::forge::{forge, forge_chained};
use crate::forge_index::sealed;
use crate::harness::{at, cases, dir, exported, files, options, read, remove, written};
use crate::imports::LINES;
use crate::kinds::{PAID, PLACED, SHIPPED, append, fill, small};
use crate::merged_index::{inline, merged};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs, OpenMode};
use strandline::maintenance::{
    CopyMode, Existing, Retention, backup, rebuild, restore, salvage_into,
};
use strandline::{
    ErrorKind, Event, EventKind, MADE_KINDS_CATEGORY, ManualClock, ProblemKind, Region, Snapshot,
    Store,
};
use strandline_core::record::{Record, StoredRecord};
use strandline_core::{Extensions, extension_tag};
use strandline_transfer::{LineFormat, import};

/// The last one is reserved for the store.
const OWN: [EventKind; 6] = [
    PLACED,
    PAID,
    SHIPPED,
    EventKind::new(0xF, 0),
    EventKind::new(0xF, 1),
    EventKind::from_bits(7),
];

/// What is written for a name, and whether it is one.
fn written_names() -> Vec<(Vec<u8>, bool)> {
    let fine = ["a", "b", "c", "é", "a b"].map(|name| (name.as_bytes().to_vec(), true));
    let mut names = fine.to_vec();
    names.push((vec![b'x'; 255], true));
    for wrong in [
        &b""[..],
        b"\xFF\xFE",
        b"a\n",
        b"\0",
        "a\u{7f}".as_bytes(),
        "a\u{85}".as_bytes(),
        &[b'x'; 256],
        &[b'x'; 3000],
    ] {
        names.push((wrong.to_vec(), false));
    }
    names
}

/// A record that gives its kind a name, whatever it is.
fn renamed(body: &[u8], kind: EventKind, name: &[u8]) -> Vec<u8> {
    let record = Record::decode(body).unwrap();
    let extensions = Extensions::new([(extension_tag::KIND_NAME, name)]).unwrap();
    let mut bytes = Vec::new();
    Record {
        kind,
        extensions,
        ..record
    }
    .encode(&mut bytes);
    bytes
}

/// What the names are that records give, told by themselves: which kind has which name, and which records are
/// wrong.
#[derive(Debug, Default)]
struct Expected {
    names: BTreeMap<EventKind, String>,
    wrong: BTreeSet<u64>,
    counts: BTreeMap<EventKind, u64>,
}

/// Which kind an event is of, and what it is called there.
type Said = Vec<(usize, Option<usize>)>;

fn expected(said: &Said) -> Expected {
    let all = written_names();
    let mut expected = Expected::default();
    let mut first = BTreeMap::new();
    for (sequence, (kind, name)) in (0..).zip(said) {
        let kind = OWN[*kind];
        *expected.counts.entry(kind).or_insert(0) += 1;
        let Some((name, is_name)) = name.map(|name| &all[name]) else {
            continue;
        };
        if !is_name || kind == OWN[5] {
            expected.wrong.insert(sequence);
            continue;
        }
        let name = String::from_utf8(name.clone()).unwrap();
        let own = first.entry(kind).or_insert_with(|| name.clone());
        let mut others = expected.names.iter();
        let is_other = others.any(|(other, taken)| *other != kind && *taken == name);
        if *own != name || is_other {
            expected.wrong.insert(sequence);
        } else {
            expected.names.insert(kind, name);
        }
    }
    expected
}

impl Expected {
    fn check_names(&self, now: &Snapshot, what: &str) {
        for kind in OWN {
            let own = self.names.get(&kind).map(String::as_str);
            assert_eq!(now.kind_name(kind).as_deref(), own, "{kind}, {what}");
        }
        for (name, is_name) in written_names() {
            let Ok(name) = String::from_utf8(name) else {
                continue;
            };
            let mut names = self.names.iter();
            let of = names.find(|(_, own)| **own == name).map(|(kind, _)| *kind);
            assert_eq!(now.kind_named(&name), of, "{name:?}, {what}");
            assert!(is_name || of.is_none());
        }
    }

    /// Whether there are events of a kind without a name in the category of those that are made for names.
    fn has_unnamed_made(&self) -> bool {
        let mut unnamed = self
            .counts
            .keys()
            .filter(|kind| !self.names.contains_key(kind));
        unnamed.any(|kind| kind.category() == MADE_KINDS_CATEGORY)
    }

    /// All of it, of a store with these events alone.
    fn check(&self, store: &Store, what: &str) {
        let now = store.snapshot();
        self.check_names(&now, what);
        let counts: BTreeMap<_, _> = now
            .kinds()
            .into_iter()
            .map(|one| (one.kind, one.events))
            .collect();
        assert_eq!(counts, self.counts, "{what}");
        for (kind, name) in &self.names {
            let found = now.query(Region::all().kind_named(name)).count();
            assert_eq!(Some(&(found as u64)), self.counts.get(kind), "{what}");
        }
        self.check_problems(store, what);
    }

    /// Verification says which records are wrong, and that nothing else is.
    fn check_problems(&self, store: &Store, what: &str) {
        let problems = store.verify().unwrap().problems;
        let told: Vec<_> = problems
            .iter()
            .map(|problem| problem.sequence.unwrap().get())
            .collect();
        assert_eq!(
            told,
            self.wrong.iter().copied().collect::<Vec<_>>(),
            "{problems:?}, {what}"
        );
        for problem in problems {
            assert_eq!(problem.kind, ProblemKind::Log);
            let said = [
                "cannot be named",
                "what is no name",
                "is reserved for the store",
            ];
            assert!(
                said.iter().any(|said| problem.message.contains(said)),
                "{problem}"
            );
        }
    }
}

/// A closed store of one segment, whose events are of these kinds and are called so.
fn forged(said: &Said) -> MemFs {
    let fs = MemFs::new();
    // Of as many events the bytes are the same each time.
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    let store = options(&fs).clock(clock).open(dir()).unwrap();
    for number in 0..said.len() {
        let entity = at(&format!("e:{}", number % 3), "s");
        let event = Event::bytes(PLACED, vec![7; 2000]);
        store.append(&entity, event).unwrap();
    }
    store.close().unwrap();
    let names = written_names();
    forge_chained(&fs, &mut |_, sequence, body| {
        let (kind, name) = said[sequence.get() as usize];
        Some(match name {
            Some(name) => renamed(body, OWN[kind], &names[name].0),
            None => {
                let record = Record::decode(body).unwrap();
                let mut bytes = Vec::new();
                Record {
                    kind: OWN[kind],
                    ..record
                }
                .encode(&mut bytes);
                bytes
            }
        })
    });
    fs
}

type Way<'a> = (&'a str, &'a dyn Fn(&MemFs));

const WAYS: [Way<'_>; 6] = [
    ("as it was closed", &|_| {}),
    ("no checkpoint", &|fs| remove(fs, "checkpoint-")),
    ("footers", &|fs| remove(fs, "index-")),
    ("no footer", &|fs| {
        remove(fs, "index-");
        cut_footers(fs);
    }),
    ("nothing but frames", &|fs| {
        remove(fs, "index-");
        remove(fs, "checkpoint-");
        cut_footers(fs);
    }),
    ("rebuilt", &|fs| {
        rebuild(inline(fs), &dir(), &mut go_on).unwrap();
    }),
];

fn each_way(fs: &MemFs, check: &dyn Fn(&Store, &str)) {
    for (way, change) in WAYS {
        let fs = copy(fs);
        change(&fs);
        for options in [small(&fs).read_only(), inline(&fs)] {
            let store = options.open(dir()).unwrap();
            check(&store, way);
            store.close().unwrap();
        }
    }
}

/// What the store writes after that neither contradicts nor hides what was said.
fn go_further(fs: &MemFs, expected: &Expected) {
    let store = inline(fs).open(dir()).unwrap();
    let end = store.stats().unwrap().segments + 9;
    let mut number = 0;
    while store.stats().unwrap().segments < end {
        let kind = OWN[number % 5];
        number += 1;
        append(&store, Event::bytes(kind, vec![8; 20_000]));
        for (other, name) in &expected.names {
            if *other != kind {
                let contradicts = Event::bytes(kind, *b"x").with_kind_name(name.clone());
                let refused = store.append(&at("x", "s"), contradicts).unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::KindConflict);
            }
        }
    }
    assert!(!merged(fs).is_empty());
    expected.check_problems(&store, "further");
    store.close().unwrap();
    each_way(fs, &|store, way| {
        expected.check_names(&store.snapshot(), way);
        expected.check_problems(store, way);
    });
    let store = inline(fs).open(dir()).unwrap();
    run(&store, &Retention::new().keep_newest(1));
    expected.check_names(&store.snapshot(), "compacted");
    store.close().unwrap();
    each_way(fs, &|store, way| {
        expected.check_names(&store.snapshot(), way);
    });
}

/// A copy says what the store says, and what is saved into a new one is without fault.
fn copies(fs: &MemFs, expected: &Expected) {
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let (to, restored) = (Path::new("/backup"), Path::new("/restored"));
    backup(&shared, &dir(), to, CopyMode::Copy, &mut go_on).unwrap();
    expected.check(&small(fs).read_only().open(to).unwrap(), "a backup");
    match restore(&shared, to, restored, Existing::Refuse, &mut go_on) {
        Ok(_) => expected.check(&small(fs).read_only().open(restored).unwrap(), "restored"),
        // A restore takes what verifies.
        Err(error) => assert!(
            error.kind() == ErrorKind::Corrupt && !expected.wrong.is_empty(),
            "{error}"
        ),
    }
    let salvaged = salvage_into(small(fs), &dir(), Path::new("/salvaged"), &mut go_on).unwrap();
    let reserved = expected.counts.get(&OWN[5]).copied().unwrap_or_default();
    let all: u64 = expected.counts.values().sum();
    assert_eq!(salvaged.events, all - reserved, "{salvaged:?}");
    let store = small(fs).read_only().open("/salvaged").unwrap();
    assert_intact(&store);
    let names = store.snapshot().kinds().into_iter();
    let mut names: Vec<_> = names.filter_map(|one| one.name).collect();
    names.sort();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}

/// An export has the names that count, so that another store takes all of it.
fn export_has_names(fs: &MemFs, expected: &Expected) {
    let store = small(fs).read_only().open(dir()).unwrap();
    for format in [LineFormat::Lines, LineFormat::CloudEvents] {
        let lines = exported(&store, Region::all(), format);
        let other = written(&MemFs::new()).open(dir()).unwrap();
        let options = LINES.format(format);
        let imported = import(&other, &mut lines.as_bytes(), options, &mut go_on);
        if expected.counts.contains_key(&OWN[5]) {
            assert_eq!(
                imported.unwrap_err().error.kind(),
                ErrorKind::InvalidInput,
                "{format:?}"
            );
            continue;
        }
        imported.unwrap();
        if format == LineFormat::CloudEvents && expected.has_unnamed_made() {
            // Its number alone may be that of a kind that was made for a name.
            continue;
        }
        let now = other.snapshot();
        for (kind, name) in &expected.names {
            let events = now.query(Region::all().kind_named(name)).count() as u64;
            assert_eq!(Some(&events), expected.counts.get(kind), "{name:?}");
        }
        assert_intact(&other);
    }
}

/// A reader that follows, a part after the other, learns what an opening finds.
fn followed(said: &Said) {
    let whole = forged(said);
    let path = files(&whole, "segment-").pop().unwrap();
    let bytes = read(&whole, &path);
    let mut ends = vec![];
    for count in [0, said.len() / 3, said.len() / 2] {
        let part = forged(&said[..count].to_vec());
        let end = read(&part, &files(&part, "segment-").pop().unwrap());
        assert!(bytes.starts_with(&end), "events are where they are alone");
        ends.push(end.len());
    }
    ends.push(bytes.len());
    let fs = forged(&Vec::new());
    let path = files(&fs, "segment-").pop().unwrap();
    let reader = small(&fs).read_only().open(dir()).unwrap();
    for end in ends.windows(2) {
        let mode = OpenMode::Append { end: end[0] as u64 };
        let file = fs.open(&path, mode).unwrap();
        file.write_at(&bytes[end[0]..end[1]], end[0] as u64)
            .unwrap();
        reader.refresh().unwrap();
    }
    expected(said).check(&reader, "followed");
}

fn check(said: &Said) {
    let (fs, expected) = (forged(said), expected(said));
    expected.check(
        &small(&fs).read_only().open(dir()).unwrap(),
        "as it was forged",
    );
    copies(&fs, &expected);
    export_has_names(&fs, &expected);
    let store = inline(&fs).open(dir()).unwrap();
    expected.check(&store, "opened to write");
    store.close().unwrap();
    each_way(&fs, &|store, way| expected.check(store, way));
    go_further(&fs, &expected);
    followed(said);
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn what_was_named_first_counts_and_the_rest_is_told(
        said in prop::collection::vec(
            (
                prop_oneof![20 => 0..5_usize, 1 => Just(5)],
                prop::option::weighted(0.6, prop_oneof![4 => 0..3_usize, 1 => 3..14_usize]),
            ),
            1..24,
        ),
    ) {
        check(&said);
    }
}

/// Cause: each look at what another process wrote began to tell names apart anew, and knew nothing of those before.
#[test]
fn a_follower_tells_names_apart_by_all_that_it_has_read() {
    let said = [
        (1, None),
        (0, None),
        (0, None),
        (0, None),
        (3, Some(0)),
        (3, Some(2)),
        (1, Some(2)),
        (0, Some(2)),
        (0, None),
        (0, None),
    ];
    followed(&said.to_vec());
}

#[test]
fn each_name_that_is_none_is_told_and_left_out() {
    for name in 0..written_names().len() {
        check(&vec![(0, None), (0, Some(name)), (1, Some(0)), (0, None)]);
    }
    check(&vec![(5, Some(0)), (0, Some(1)), (5, None), (1, Some(0))]);
}

/// Chains that are wrong too, in several segments that were sealed.
#[test]
fn contradictions_in_sealed_segments_are_read_alike() {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    fill(&store, 12);
    store.close().unwrap();
    let segments = sealed(&fs);
    remove(&fs, "index-");
    forge(&fs, &mut |info, sequence, body| {
        let Ok(StoredRecord::Event(record)) = StoredRecord::decode(body) else {
            return None;
        };
        // From the second segment on, kinds are called what others are.
        let others: [&[u8]; 4] = [b"order.paid", b"order.placed", b"", &[b'x'; 400]];
        let is_first = info.id() == segments[0].id();
        let name = others[sequence.get() as usize % 4];
        (!is_first).then(|| renamed(body, record.kind, name))
    });
    let now = small(&fs).read_only().open(dir()).unwrap();
    // What the first one has not named may be anything, and is the same in each way.
    let names = |store: &Store| {
        let now = store.snapshot();
        [PLACED, PAID, SHIPPED].map(|kind| now.kind_name(kind))
    };
    let told = names(&now);
    assert_eq!(told[0].as_deref(), Some("order.placed"));
    assert!(now.open_report().notices.len() <= 20, "not each is told");
    drop(now);
    each_way(&fs, &|store, way| assert_eq!(names(store), told, "{way}"));
    let store = inline(&fs).open(dir()).unwrap();
    assert_eq!(names(&store), told);
    store.close().unwrap();
    each_way(&fs, &|store, way| assert_eq!(names(store), told, "{way}"));
}
