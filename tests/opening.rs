//! Every way to open a store: what it answers afterwards is what the live store answered.
//!
//! A store in memory is filled, and its answers noted. Then copies of its directory are brought into
//! each state that an opening can find, and opened.

use crate::answers::Answers;
use crate::harness::{KINDS, at, dir, event, files, read, remove, write};
use proptest::prelude::*;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs, OpenMode, OsFs};
use strandline::{
    Batch, Durability, ErrorKind, Event, EventId, OpenPath, Problem, ProblemKind, Store,
    StoreOptions, maintenance,
};
use strandline_segment::Manifest;

/// A commit of the workload.
#[derive(Debug, Clone)]
struct Commit {
    /// One event, or several for a batch.
    events: Vec<Given>,
    /// Whether the checkpoint that is there afterwards is kept for later.
    keeps_checkpoint: bool,
}

/// An event of the workload.
#[derive(Debug, Clone)]
struct Given {
    entity: u8,
    scope: u8,
    kind: usize,
    payload: Vec<u8>,
    /// An id of the caller's, in no order.
    id: Option<u128>,
    tags: u8,
    /// Which of the events before caused it, counted back from the newest.
    cause: Option<usize>,
    /// Which of the events before it is correlated with.
    correlation: Option<usize>,
}

fn given() -> impl Strategy<Value = Given> {
    let payload = (any::<u8>(), 0..3000_usize).prop_map(|(byte, length)| vec![byte; length]);
    (
        (0..6_u8, 0..3_u8, 0..3_usize),
        payload,
        proptest::option::weighted(0.2, 1_u128..),
        0..8_u8,
        proptest::option::weighted(0.2, 0..50_usize),
        proptest::option::weighted(0.2, 0..50_usize),
    )
        .prop_map(
            |((entity, scope, kind), payload, id, tags, cause, correlation)| Given {
                entity,
                scope,
                kind,
                payload,
                id,
                tags,
                cause,
                correlation,
            },
        )
}

fn commit() -> impl Strategy<Value = Commit> {
    let events = prop_oneof![
        3 => proptest::collection::vec(given(), 1),
        1 => proptest::collection::vec(given(), 2..6),
    ];
    (events, proptest::bool::weighted(0.1)).prop_map(|(events, keeps_checkpoint)| Commit {
        events,
        keeps_checkpoint,
    })
}

impl Given {
    fn event(&self, before: &[EventId]) -> Event {
        let back = |count: usize| {
            before
                .len()
                .checked_sub(1 + count)
                .map(|place| before[place])
        };
        let mut event = Event::bytes(KINDS[self.kind], self.payload.clone());
        if let Some(id) = self.id {
            event = event.with_id(EventId::from_u128(id));
        }
        for tag in 0..3 {
            if self.tags & (1 << tag) != 0 {
                event = event.tagged(format!("tag:{tag}"));
            }
        }
        if let Some(cause) = self.cause.and_then(back) {
            event = event.caused_by(cause);
        }
        if let Some(first) = self.correlation.and_then(back) {
            event = event.correlated_with(first);
        }
        event
    }
}

/// A checkpoint file: its name and bytes, and the segment that was active when it was made.
#[derive(Debug, Clone)]
struct KeptCheckpoint {
    name: String,
    bytes: Vec<u8>,
    segment: usize,
}

/// A filled store that was closed and one that was not, and what it answered when it lived.
struct Made {
    closed: MemFs,
    killed: MemFs,
    answers: Answers,
    checkpoints: Vec<KeptCheckpoint>,
}

fn small(fs: Arc<dyn Fs>) -> StoreOptions {
    StoreOptions::new()
        .fs(fs)
        .random_seed(7)
        .segment_bytes_max(64 << 10)
        .durability(Durability::Written)
        .no_background_sync()
        .no_background_checkpoint()
        .background_inline()
}

fn segments(fs: &MemFs) -> Vec<strandline_segment::SegmentInfo> {
    let manifest = Manifest::read(fs, &dir()).unwrap().unwrap();
    manifest.segments().to_vec()
}

/// Fills a store with the commits, with checkpoints in the background or not.
fn make(commits: &[Commit], in_background: bool) -> Made {
    let fs = MemFs::new();
    let options = small(Arc::new(fs.clone()));
    let store = match in_background {
        true => options.checkpoint_interval_bytes(20_000),
        false => options,
    };
    let store = store.open(dir()).unwrap();
    let mut ids = Vec::new();
    let mut checkpoints = Vec::new();
    for commit in commits {
        let mut batch = Batch::new();
        for given in &commit.events {
            let coordinate = at(
                &format!("entity:{}", given.entity),
                &format!("scope/{}", given.scope),
            );
            batch.add(&coordinate, given.event(&ids));
        }
        let receipts = store.append_batch(batch).unwrap();
        ids.extend(receipts.iter().map(|receipt| receipt.id));
        if commit.keeps_checkpoint {
            store.checkpoint().unwrap();
            let path = files(&fs, "checkpoint-").pop().unwrap();
            checkpoints.push(KeptCheckpoint {
                name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                bytes: read(&fs, &path),
                segment: segments(&fs).len(),
            });
        }
    }
    store.sync().unwrap();
    let answers = Answers::of(&store);
    assert_eq!(store.verify().unwrap().problems, []);
    assert_eq!(answers.events.len(), ids.len());
    let killed = fs.fork();
    store.close().unwrap();
    Made {
        closed: fs,
        killed,
        answers,
        checkpoints,
    }
}

/// What there is of checkpoints.
#[derive(Debug, Clone, Copy, PartialEq)]
enum CheckpointIs {
    AsItWas,
    Missing,
    /// An older one of the segment that is still active, if one was kept.
    StaleActive,
    /// An older one of a segment that was sealed since, if one was kept.
    StaleSealed,
    Damaged,
}

/// What there is of the footer of a sealed segment.
#[derive(Debug, Clone, Copy, PartialEq)]
enum FooterIs {
    AsItWas,
    Missing,
    /// The clock reading before the block.
    PrefixDamaged,
    BlockHeaderDamaged,
    /// A byte in the sections of the block, so many thousandths of the way through.
    SectionDamaged(usize),
    TrailerDamaged,
}

const CHECKPOINTS: [CheckpointIs; 5] = [
    CheckpointIs::AsItWas,
    CheckpointIs::Missing,
    CheckpointIs::StaleActive,
    CheckpointIs::StaleSealed,
    CheckpointIs::Damaged,
];

const PREFIX_BYTES: u64 = 32;
const BLOCK_HEADER_BYTES: u64 = 8 + 40 + 16 + 32 + 16 + 41 * 32 + 8;
const TRAILER_BYTES: u64 = 64;

fn footer() -> impl Strategy<Value = FooterIs> {
    prop_oneof![
        Just(FooterIs::AsItWas),
        Just(FooterIs::Missing),
        Just(FooterIs::PrefixDamaged),
        Just(FooterIs::BlockHeaderDamaged),
        (0..1000_usize).prop_map(FooterIs::SectionDamaged),
        Just(FooterIs::TrailerDamaged),
    ]
}

/// A state of the directory that an opening may find.
#[derive(Debug, Clone)]
struct State {
    closed: bool,
    /// Whether the first opening to write is closed, or dropped.
    closes: bool,
    /// Whether it is also opened in files of the operating system, mapped and not.
    in_files: bool,
    checkpoint: CheckpointIs,
    /// For each sealed segment, over and over.
    footers: Vec<FooterIs>,
}

/// Brings a copy of the directory into a state. Gives how many footers cannot be used from the start.
fn bring(made: &Made, state: &State) -> (MemFs, u64) {
    let fs = match state.closed {
        true => made.closed.fork(),
        false => made.killed.fork(),
    };
    let active = segments(&fs).len();
    let stale = |is_active: bool| {
        let mut kept = made.checkpoints.iter();
        kept.rfind(|kept| (kept.segment == active) == is_active)
    };
    let put_back = match state.checkpoint {
        CheckpointIs::AsItWas => None,
        CheckpointIs::Missing => {
            remove(&fs, "checkpoint-");
            None
        }
        CheckpointIs::StaleActive => stale(true),
        CheckpointIs::StaleSealed => stale(false),
        CheckpointIs::Damaged => {
            for path in files(&fs, "checkpoint-") {
                let mut bytes = read(&fs, &path);
                let middle = bytes.len() / 2;
                bytes[middle] ^= 0x10;
                write(&fs, &path, &bytes);
            }
            None
        }
    };
    if let Some(kept) = put_back {
        remove(&fs, "checkpoint-");
        write(&fs, &dir().join(&kept.name), &kept.bytes);
    }
    let mut unusable = 0;
    let sealed = segments(&fs).into_iter().filter_map(|info| {
        let end = info.end()?;
        Some((dir().join(info.file_name()), u64::from(end.offset)))
    });
    for ((path, end), footer) in sealed.zip(state.footers.iter().cycle()) {
        let mut bytes = read(&fs, &path);
        let length = bytes.len() as u64;
        assert!(length > end, "a footer was written");
        let sections = end + PREFIX_BYTES + BLOCK_HEADER_BYTES;
        let flipped = match footer {
            FooterIs::AsItWas => continue,
            FooterIs::Missing => {
                bytes.truncate(end as usize);
                None
            }
            FooterIs::PrefixDamaged => Some(end + 3),
            FooterIs::BlockHeaderDamaged => Some(end + PREFIX_BYTES + 500),
            FooterIs::SectionDamaged(place) => {
                let span = length - TRAILER_BYTES - sections;
                Some(sections + span * *place as u64 / 1000)
            }
            FooterIs::TrailerDamaged => Some(length - 10),
        };
        if let Some(place) = flipped {
            bytes[place as usize] ^= 0x20;
        }
        write(&fs, &path, &bytes);
        unusable += u64::from(!matches!(footer, FooterIs::SectionDamaged(_)));
    }
    (fs, unusable)
}

/// A copy of the directory in files of the operating system.
fn in_files(fs: &MemFs) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for path in files(fs, "") {
        let name = path.file_name().unwrap();
        OsFs.open(&copy.path().join(name), OpenMode::Create)
            .unwrap()
            .write_all_at(&read(fs, &path), 0)
            .unwrap();
    }
    copy
}

/// Opens a store in this state by each of the ways, and checks what it answers.
fn check(made: &Made, state: &State) {
    let (image, unusable) = bring(made, state);
    let is_same = |store: &Store, how: &str| {
        let answers = Answers::of(store);
        assert!(
            answers == made.answers,
            "{how} of {state:?}: {}",
            store.open_report()
        );
    };

    let fs = image.fork();
    let before: Vec<_> = files(&fs, "").iter().map(|path| read(&fs, path)).collect();
    let reader = small(Arc::new(fs.clone())).read_only().open(dir()).unwrap();
    is_same(&reader, "reading");
    drop(reader);
    let after: Vec<_> = files(&fs, "").iter().map(|path| read(&fs, path)).collect();
    assert!(before == after, "an opening to read changes nothing");

    let fs = image.fork();
    let open = || small(Arc::new(fs.clone())).open(dir()).unwrap();
    let before = segments(&fs).len();
    let first = open();
    is_same(&first, "writing");
    // A segment that was sealed where it was proven durable gets its footer later.
    let sealed = segments(&fs).len() - before;
    check_report(&first, state, unusable + sealed as u64);
    if state.closes {
        first.close().unwrap();
    } else {
        drop(first);
    }
    let again = open();
    assert_eq!(again.open_report().footers_missing, 0, "written anew");
    is_same(&again, "writing again");
    goes_on(&again, &made.answers);
    drop(again);
    let last = open();
    let appended = made.answers.streams.len() as u64 + 1;
    assert_eq!(last.snapshot().len(), made.answers.visible + appended);
    drop(last);
    let go_on = &mut |_| std::ops::ControlFlow::Continue(());
    maintenance::rebuild(small(Arc::new(fs.clone())), &dir(), go_on).unwrap();
    assert_eq!(open().verify().unwrap().problems, []);

    if state.in_files {
        let copy = in_files(&image);
        let options = || small(Arc::new(OsFs));
        for options in [
            options().read_only(),
            options().read_only().no_mapped_reads(),
            options(),
        ] {
            is_same(&options.open(copy.path()).unwrap(), "files");
        }
    }
}

fn check_report(store: &Store, state: &State, unusable: u64) {
    let report = store.open_report();
    assert_eq!(report.footers_missing, unusable, "{report}");
    let has_checkpoint = match state.checkpoint {
        CheckpointIs::Missing | CheckpointIs::Damaged => Some(false),
        CheckpointIs::AsItWas if state.closed => Some(true),
        _ => None,
    };
    if let Some(expected) = has_checkpoint {
        assert_eq!(report.path == OpenPath::Checkpoint, expected, "{report}");
        if expected && unusable == 0 {
            assert_eq!(report.events_from_log, 0, "{report}");
        }
    }
}

/// Appends to each entity and to a new one: sequence, clock and chain go on.
fn goes_on(store: &Store, answers: &Answers) {
    let counts = answers.names[0].iter().cloned();
    let entities = counts.chain([("entity:new".to_owned(), 0)]);
    for (next, (entity, count)) in (answers.visible..).zip(entities) {
        let receipt = store
            .append(&at(&entity, "scope/1"), event("next"))
            .unwrap();
        assert_eq!(receipt.sequence.get(), next);
        assert_eq!(u64::from(receipt.clock), count, "{entity}");
    }
    let newest = answers.events.last().unwrap();
    let after = store.snapshot().latest("entity:new").unwrap().unwrap();
    assert!(after.hlc > newest.hlc, "time goes on");
    // A footer may be damaged still.
    let found = store.verify().unwrap().problems;
    let of_index = |problem: &Problem| problem.kind == ProblemKind::Index;
    assert!(found.iter().all(of_index), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn every_way_to_open_gives_what_the_live_store_answered(
        commits in proptest::collection::vec(commit(), 80..140),
        in_background in any::<bool>(),
        place in 0..1000_usize,
        mixed in proptest::collection::vec(
            (0..CHECKPOINTS.len(), proptest::collection::vec(footer(), 1..6)), 3),
    ) {
        let made = make(&commits, in_background);
        assert!(segments(&made.closed).len() >= 3);
        let state = |closed, checkpoint, footers| State {
            closed,
            closes: place % 2 == 0,
            in_files: false,
            checkpoint,
            footers,
        };
        for checkpoint in CHECKPOINTS {
            check(&made, &state(false, checkpoint, vec![FooterIs::AsItWas]));
        }
        check(&made, &state(true, CheckpointIs::AsItWas, vec![FooterIs::AsItWas]));
        for footer in [
            FooterIs::Missing,
            FooterIs::PrefixDamaged,
            FooterIs::BlockHeaderDamaged,
            FooterIs::SectionDamaged(place),
            FooterIs::TrailerDamaged,
        ] {
            check(&made, &state(true, CheckpointIs::AsItWas, vec![footer]));
        }
        check(&made, &state(false, CheckpointIs::Missing, vec![FooterIs::Missing]));
        for (checkpoint, footers) in mixed {
            let checkpoint = CHECKPOINTS[checkpoint];
            let mixed = state(place % 3 == 0, checkpoint, footers);
            check(&made, &State { in_files: true, closes: place % 2 == 1, ..mixed });
        }
    }
}

/// An I/O error was once said to be a store that is missing, upon which a caller makes a new one.
#[test]
fn a_directory_that_cannot_be_listed_is_not_said_to_be_missing() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for options in [
        StoreOptions::new().read_only(),
        StoreOptions::new().must_exist(),
    ] {
        let error = options.open(file.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    }
}
