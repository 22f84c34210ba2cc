//! What is not proven durable when a store is opened goes into a new file.

use crate::forge_index;
use crate::harness::{LocklessFs, assert_same, at, contents, dir, event, files, options, read};
use crate::redact::files_with;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fault, FaultFs, Fs, MemFs, OpenMode, Operation, OsFs};
use strandline::maintenance::{Redaction, redact};
use strandline::{
    AppendOptions, Durability, Event, EventKind, Hash, IndexLayout, ProblemKind, Region, Sequence,
    Store, StoreOptions,
};
use strandline_core::record::StoredRecord;
use strandline_segment::{LogOptions, Manifest, UncheckedLog};

/// Of segments this long, a proven part over 8 KiB is long.
const SEGMENT_BYTES: u64 = 64 << 10;

pub(crate) fn plain(options: StoreOptions) -> StoreOptions {
    options
        .segment_bytes_max(SEGMENT_BYTES)
        .no_background_sync()
        .no_background_checkpoint()
        .background_inline()
}

pub(crate) fn small(fs: &MemFs) -> StoreOptions {
    plain(options(fs))
}

pub(crate) fn append(store: &Store, entity: &str, scope: &str, durability: Durability) {
    let payload = format!("{entity} {scope} {}", "x".repeat(500));
    let event = Event::bytes(EventKind::new(1, 1), payload);
    let options = AppendOptions::new().durability(durability);
    store
        .append_with(&at(entity, scope), event, options)
        .unwrap();
}

/// Events of a few entities that are proven durable, but for the last, and some that are not: of the
/// same entities, in the same and other scopes, and of new ones.
pub(crate) fn fill(store: &Store, proven: usize) {
    fill_proven(store, proven);
    fill_unproven(store);
}

pub(crate) fn fill_proven(store: &Store, proven: usize) {
    for number in 0..proven {
        let entity = format!("entity:{}", number % 7);
        append(
            store,
            &entity,
            &format!("s{}", number % 3),
            Durability::Synced,
        );
    }
}

pub(crate) fn fill_unproven(store: &Store) {
    for (entity, scope) in [
        ("new:1", "s0"),
        ("entity:3", "s0"),
        ("new:2", "other"),
        ("entity:3", "other"),
        ("new:1", "other"),
        ("entity:0", "s0"),
        ("new:1", "s0"),
    ] {
        append(store, entity, scope, Durability::Written);
    }
}

pub(crate) fn segments(fs: &dyn Fs, dir: &Path) -> usize {
    Manifest::read(fs, dir).unwrap().unwrap().segments().len()
}

/// Each record of the active segment can be read without the segment before: names with the first use
/// of a coordinate, the hash before with the first event of an entity.
fn assert_active_reads_alone(fs: &MemFs, store: &Store) {
    let mut heads: HashMap<String, Hash> = HashMap::new();
    let mut before: HashMap<Sequence, Hash> = HashMap::new();
    for event in contents(&store.snapshot()) {
        let head = heads.insert(event.coordinate.entity().to_owned(), event.hash);
        before.insert(event.sequence, head.unwrap_or(Hash::ZERO));
    }
    let log = UncheckedLog::open(Arc::new(fs.clone()), &dir(), LogOptions::default());
    let log = log.unwrap().unwrap();
    let start = log.segments().last().unwrap().start();
    let mut named = Vec::new();
    let mut entities = HashSet::new();
    let mut seen = 0;
    let scanned = log.scan(Some(start), Sequence::ZERO, |frame| {
        for at in frame.records() {
            seen += 1;
            let record = StoredRecord::decode(at.body).unwrap();
            let local = record.local_coordinate() as usize;
            match record.coordinate() {
                Some(coordinate) => {
                    assert_eq!(local, named.len(), "numbered in order of first use");
                    named.push(coordinate.clone());
                }
                None => assert!(local < named.len(), "{} is named", at.sequence),
            }
            let is_first = entities.insert(named[local].entity().to_owned());
            let previous = is_first.then(|| before[&at.sequence]);
            assert_eq!(record.previous(), previous, "{}", at.sequence);
        }
        Ok::<_, Infallible>(())
    });
    assert!(scanned.is_ok());
    assert!(seen > 0);
}

#[test]
fn a_killed_store_shows_the_same_events_whichever_way_they_are_carried() {
    // Nothing is proven, little, much, and all but what came with the last sync.
    let cases = [0, 5, 40, 60].map(|proven| [(proven, false), (proven, true)]);
    for (proven, has_checkpoint) in cases.concat() {
        let fs = MemFs::new();
        let live = small(&fs).open(dir()).unwrap();
        fill_proven(&live, proven);
        if has_checkpoint {
            live.checkpoint().unwrap();
        }
        fill_unproven(&live);
        let image = fs.fork();
        let store = small(&image).open(dir()).unwrap();
        let report = store.open_report();
        assert!(report.rewritten_bytes > 0, "{report}");
        let is_told = |notice: &String| notice.contains("made ahead for the next segment");
        assert!(report.notices.iter().all(is_told), "{report}");
        assert!(report.to_string().contains("into a new file"), "{report}");
        assert_eq!(
            report.events_from_checkpoint,
            if has_checkpoint { proven as u64 } else { 0 },
            "{report}"
        );
        let expected = if proven < 15 { 1 } else { 2 };
        assert_eq!(segments(&image, &dir()), expected);
        assert_same(&store.snapshot(), &live.snapshot());
        assert!(store.verify().unwrap().is_intact());
        if expected == 2 {
            assert_active_reads_alone(&image, &store);
        }
        for entity in ["entity:0", "entity:5", "new:1", "later"] {
            append(&store, entity, "s0", Durability::Synced);
            append(&live, entity, "s0", Durability::Synced);
        }
        assert!(store.verify().unwrap().is_intact());
        let shown = contents(&store.snapshot());
        store.close().unwrap();
        let again = small(&image).open(dir()).unwrap();
        assert_eq!(
            again.open_report().rewritten_bytes,
            0,
            "all of it is proven"
        );
        assert_eq!(contents(&again.snapshot()), shown);
        assert_eq!(segments(&image, &dir()), expected);
        assert!(again.verify().unwrap().is_intact());
    }
}

#[test]
fn stores_that_are_killed_again_and_again_have_few_segments_and_all_events() {
    let mut fs = MemFs::new();
    let mut count = 0;
    for cycle in 0..60 {
        let store = small(&fs).open(dir()).unwrap();
        assert_eq!(store.snapshot().len(), count);
        for number in 0..5 {
            let durability = match (cycle + number) % 3 {
                0 => Durability::Synced,
                _ => Durability::Written,
            };
            append(&store, &format!("e{}", number % 3), "s", durability);
        }
        count += 5;
        let killed = fs.fork();
        drop(store);
        fs = killed;
    }
    let store = small(&fs).open(dir()).unwrap();
    assert_eq!(store.snapshot().len(), count);
    assert!(store.verify().unwrap().is_intact());
    let bytes: usize = files(&fs, "segment-")
        .iter()
        .map(|path| read(&fs, path).len())
        .sum();
    let most = bytes / (8 << 10) + 1;
    assert!(segments(&fs, &dir()) <= most, "{bytes} bytes");
}

/// A store in files whose process is gone, as far as the next one can tell: its locks are.
fn killed(dir: &Path, proven: usize) -> ManuallyDrop<Store> {
    let options = plain(StoreOptions::new()).fs(Arc::new(LocklessFs));
    let store = options.open(dir).unwrap();
    fill(&store, proven);
    ManuallyDrop::new(store)
}

/// Whoever has the file of a killed store mapped keeps its pages in the cache, and those that a failed
/// sync left there with them. So the file is left as it is.
#[test]
fn a_file_that_a_snapshot_has_mapped_stays_as_it_is_when_the_store_is_opened_again() {
    for proven in [0, 40] {
        let dir = tempfile::tempdir().unwrap();
        let gone = killed(dir.path(), proven);
        let snapshot = gone.snapshot();
        let shown = contents(&snapshot);
        let mut iterator = snapshot.query(Region::all());
        iterator.next().unwrap().unwrap();
        let path = dir.path().join("segment-0000000001.log");
        let old = OsFs.open(&path, OpenMode::Read).unwrap();
        let bytes = || {
            let mut bytes = vec![0; old.len().unwrap() as usize];
            old.read_up_to(&mut bytes, 0).unwrap();
            bytes
        };
        let before = bytes();

        let store = plain(StoreOptions::new()).open(dir.path()).unwrap();
        assert_eq!(contents(&store.snapshot()), shown);
        for _ in 0..50 {
            append(&store, "entity:1", "s0", Durability::Synced);
        }
        drop(store);
        let again = plain(StoreOptions::new()).open(dir.path()).unwrap();
        assert_eq!(again.snapshot().len(), shown.len() as u64 + 50);
        assert!(again.verify().unwrap().is_intact());

        assert!(before == bytes(), "{proven} events were proven durable");
        assert_eq!(contents(&snapshot), shown);
        assert_eq!(iterator.count() + 1, shown.len());
    }
}

#[test]
fn a_reader_goes_on_beside_the_process_that_follows_a_killed_one() {
    for mapped in [true, false] {
        for proven in [0, 40] {
            let dir = tempfile::tempdir().unwrap();
            let gone = killed(dir.path(), proven);
            let options = || match mapped {
                true => plain(StoreOptions::new()),
                false => plain(StoreOptions::new()).no_mapped_reads(),
            };
            let reader = options().read_only().open(dir.path()).unwrap();
            let shown = contents(&reader.snapshot());
            assert_eq!(shown, contents(&gone.snapshot()));
            let store = options().open(dir.path()).unwrap();
            reader.refresh().unwrap();
            assert_eq!(contents(&reader.snapshot()), shown);
            for entity in ["entity:1", "new:1", "new:2", "later"] {
                append(&store, entity, "s0", Durability::Written);
            }
            reader.refresh().unwrap();
            assert_same(&reader.snapshot(), &store.snapshot());
            for _ in 0..250 {
                append(&store, "entity:2", "s0", Durability::Written);
            }
            reader.refresh().unwrap();
            assert_same(&reader.snapshot(), &store.snapshot());
            assert!(segments(&OsFs, dir.path()) > 2);
            drop(reader);
            let reader = options().read_only().open(dir.path()).unwrap();
            assert_same(&reader.snapshot(), &store.snapshot());
            assert!(reader.verify().unwrap().is_intact());
        }
    }
}

/// A commit that was torn, after a checkpoint that proves everything before it durable.
#[test]
fn a_torn_commit_after_a_checkpoint_leaves_no_damaged_footer() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    fill(&store, 40);
    store.checkpoint().unwrap();
    let count = store.snapshot().len();
    let options = AppendOptions::new().durability(Durability::Written);
    store
        .append_with(&at("e", "s"), event(&"x".repeat(3000)), options)
        .unwrap();
    let image = fs.fork();
    let path = files(&image, "segment-").remove(0);
    let bytes = read(&image, &path);
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    crate::harness::write(&image, &path, &bytes[..written - 1000]);
    let store = small(&image).open(dir()).unwrap();
    let report = store.open_report();
    assert!(report.torn_tail, "{report}");
    let damaged = |notice: &String| notice.contains("footer");
    assert!(!report.notices.iter().any(damaged), "{report}");
    assert_eq!(store.snapshot().len(), count);
    let again = small(&image).read_only().open(dir()).unwrap();
    assert!(again.open_report().is_clean(), "{}", again.open_report());
    assert!(again.verify().unwrap().is_intact());
}

/// A reader that had read frames before they were carried into the next segment has their rows where
/// they were. Its verification finds them right, and it reads them whatever becomes of the file.
#[test]
fn what_a_reader_had_read_before_it_was_carried_stays_where_it_was() {
    for mapped in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let gone = killed(dir.path(), 40);
        let options = || match mapped {
            true => plain(StoreOptions::new()).open_files_max(1),
            false => plain(StoreOptions::new()).no_mapped_reads(),
        };
        let reader = options().read_only().open(dir.path()).unwrap();
        let shown = contents(&gone.snapshot());
        let store = options().open(dir.path()).unwrap();
        reader.refresh().unwrap();
        let problems = reader.verify().unwrap().problems;
        assert!(problems.is_empty(), "{problems:?}");
        // Segments after it, for which its file is closed, and another file in its place.
        for _ in 0..400 {
            append(&store, "entity:2", "s0", Durability::Written);
        }
        assert!(segments(&OsFs, dir.path()) > 4);
        store.checkpoint().unwrap();
        reader.refresh().unwrap();
        let now = contents(&reader.snapshot());
        assert_eq!(now[..shown.len()], shown);
        assert_same(&reader.snapshot(), &store.snapshot());
        let problems = reader.verify().unwrap().problems;
        assert!(problems.is_empty(), "{problems:?}");
    }
}

/// A name that a checkpoint gave a coordinate was written into the log with the first carried record of
/// it, whatever the log said: under checksums that are right, under another name for good.
#[test]
fn no_carried_record_gets_a_name_that_a_checkpoint_alone_gives() {
    let fs = MemFs::new();
    let live = small(&fs).open(dir()).unwrap();
    fill_proven(&live, 20);
    live.checkpoint().unwrap();
    append(&live, "entity:6", "s0", Durability::Written);
    append(&live, "entity:6", "s0", Durability::Written);
    let image = fs.fork();
    let mut parts = forge_index::checkpoint(&image);
    let mut renamed = 0;
    for at in 0..parts.rows.len() - 8 {
        if &parts.rows[at..at + 8] == b"entity:6" {
            parts.rows[at + 7] = b'7';
            renamed += 1;
        }
    }
    assert!(renamed > 0);
    forge_index::mend_block(&mut parts.rows);
    forge_index::put_checkpoint(&image, &parts);
    let store = small(&image).open(dir()).unwrap();
    assert_eq!(segments(&image, &dir()), 2);
    let problems = store.verify().unwrap().problems;
    let of_log = problems
        .iter()
        .find(|problem| problem.kind == ProblemKind::Log);
    assert!(of_log.is_none(), "{of_log:?}");
    drop(store);
    crate::forged::rebuild(&image, IndexLayout::Postings);
    let store = small(&image).open(dir()).unwrap();
    assert_same(&store.snapshot(), &live.snapshot());
}

/// The file of a segment that was sealed where it stops being proven durable holds what was carried on
/// from there, until it gets a new file with its footer.
#[test]
fn a_redacted_event_that_was_carried_is_in_no_file_whatever_failed() {
    let operations = [
        Operation::Create,
        Operation::Write,
        Operation::Sync,
        Operation::Rename,
        Operation::SyncDir,
    ];
    let (mut stale, mut refused) = (0, 0);
    for (operation, after) in operations
        .iter()
        .flat_map(|one| (0..12).map(move |n| (*one, n)))
    {
        let fs = MemFs::new();
        let live = small(&fs).open(dir()).unwrap();
        fill(&live, 40);
        let image = fs.fork();
        let faulty = FaultFs::new(Arc::new(image.clone()));
        let fault = |after| Fault {
            after,
            times: u64::MAX,
            error: std::io::ErrorKind::StorageFull,
            partial_bytes: 0,
        };
        faulty.fail(operation, fault(after));
        let options = || small(&image).fs(Arc::new(faulty.clone()));
        let Ok(store) = options().open(dir()) else {
            continue;
        };
        let needle = b"new:1 s0 xxx";
        stale += usize::from(files_with(&image, &dir(), needle).len() > 1);
        let chosen = Redaction::new().entity("new:1");
        let mut go_on = |_| ControlFlow::Continue(());
        if redact(&store, &chosen, &mut go_on).is_err() {
            refused += 1;
            faulty.heal();
            match store.stats().unwrap().poisoned {
                None => drop(redact(&store, &chosen, &mut go_on).unwrap()),
                Some(_) => {
                    drop(store);
                    let store = options().open(dir()).unwrap();
                    redact(&store, &chosen, &mut go_on).unwrap();
                }
            }
        }
        let left = files_with(&image, &dir(), needle);
        assert!(left.is_empty(), "{operation:?} {after}: {left:?}");
    }
    assert!(stale > 0 && refused > 0, "{stale} {refused}");
}

/// What failed once at an opening, and works again.
#[test]
fn a_redaction_makes_up_for_a_file_that_an_opening_could_not_renew() {
    let mut stale = 0;
    for (operation, after) in [Operation::Create, Operation::Rename]
        .iter()
        .flat_map(|one| (0..12).map(move |n| (*one, n)))
    {
        let fs = MemFs::new();
        let live = small(&fs).open(dir()).unwrap();
        fill(&live, 40);
        let image = fs.fork();
        let faulty = FaultFs::new(Arc::new(image.clone()));
        let fault = Fault {
            after,
            times: 1,
            error: std::io::ErrorKind::StorageFull,
            partial_bytes: 0,
        };
        faulty.fail(operation, fault);
        let faults = Arc::new(faulty.clone());
        let Ok(store) = small(&image).fs(faults).open(dir()) else {
            continue;
        };
        faulty.heal();
        let needle = b"new:1 s0 xxx";
        let snapshot = store.snapshot();
        let shown = contents(&snapshot).len();
        stale += usize::from(files_with(&image, &dir(), needle).len() > 1);
        let chosen = Redaction::new().entity("new:1");
        redact(&store, &chosen, &mut |_| ControlFlow::Continue(())).unwrap();
        let left = files_with(&image, &dir(), needle);
        assert!(left.is_empty(), "{operation:?} {after}: {left:?}");
        assert_eq!(snapshot.query(Region::all()).count(), shown);
        assert!(store.verify().unwrap().is_intact());
        append(&store, "entity:1", "s0", Durability::Synced);
        store.close().unwrap();
        let store = small(&image).open(dir()).unwrap();
        assert_eq!(store.snapshot().len(), shown as u64 + 1);
        assert!(store.verify().unwrap().is_intact());
    }
    assert!(stale > 0);
}
