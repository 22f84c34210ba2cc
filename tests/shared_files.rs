//! What others have of a store's files stays as it is, whatever is done with the store: snapshots, also
//! those that outlive it, iterators that are half way, stores that were opened to read only, and
//! backups that share files by links.
//!
//! A rebuild cut the footers of such files off and wrote them anew: snapshots of the store that had
//! been closed, and the running store of which a linked backup was rebuilt, gave wrong answers and
//! then died of a bus error.

use crate::harness::{at, contents, exported};
use crate::kill::kill_one_that_appends;
use std::cell::RefCell;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, OsFs, replace_file};
use strandline::maintenance::{
    CopyMode, Existing, Kept, Progress, Redaction, Retention, backup, compact, rebuild, redact,
    restore, restore_linked, salvage, verify,
};
use strandline::{
    Event, EventKind, Events, IndexLayout, Region, Snapshot, Store, StoreOptions, StoredEvent,
};
use strandline_segment::Manifest;
use strandline_transfer::{ImportOptions, LineFormat, import};

const EVENTS: usize = 120;
/// Entities whose names start so may be redacted, which shows everywhere.
const REDACTED: &str = "secret:";

fn options() -> StoreOptions {
    StoreOptions::new()
        .segment_bytes_max(64 << 10)
        .open_files_max(2)
        .no_background_sync()
}

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn fs() -> Arc<dyn Fs> {
    Arc::new(OsFs)
}

fn append(store: &Store, count: usize) {
    let first = store.snapshot().len() as usize;
    for number in first..first + count {
        let entity = match number % 7 {
            0 => format!("{REDACTED}{}", number % 2),
            of => format!("entity:{of}"),
        };
        let payload = vec![number as u8; 1500 + number % 900];
        let event = Event::bytes(EventKind::new(1, number as u16 % 5), payload);
        let written = strandline::AppendOptions::new().durability(strandline::Durability::Written);
        let to = at(&entity, &format!("scope/{}", number % 3));
        store.append_with(&to, event, written).unwrap();
    }
    store.sync().unwrap();
}

/// Whoever has a store's events as they were, and asks for them again and again.
struct Holder {
    what: String,
    expected: Vec<StoredEvent>,
    snapshot: &'static Snapshot,
    /// An iterator that is half way, and what it gives next.
    half: RefCell<(Events<'static>, usize)>,
    /// Kept open.
    _store: Option<Store>,
}

impl Holder {
    fn of(what: &str, store: &Store) -> Self {
        let snapshot: &Snapshot = Box::leak(Box::new(store.snapshot()));
        let expected = contents(snapshot);
        let mut events = snapshot.query(Region::all());
        let at = expected.len() / 2;
        assert!(events.by_ref().take(at).all(|event| event.is_ok()));
        Self {
            what: what.to_owned(),
            expected,
            snapshot,
            half: RefCell::new((events, at)),
            _store: None,
        }
    }

    fn read_only(dir: &Path) -> Self {
        let store = options().read_only().open(dir).unwrap();
        let mut holder = Self::of("a store that was opened to read only", &store);
        holder._store = Some(store);
        holder
    }

    fn check(&self, after: &str) {
        let what = format!("{} after {after}", self.what);
        let same = |now: &StoredEvent, then: &StoredEvent| {
            let redacted = now.payload().is_err() && then.coordinate.entity().starts_with(REDACTED);
            assert!(
                now == then || redacted && (now.id, now.hash) == (then.id, then.hash),
                "{what}"
            );
        };
        let all = contents(self.snapshot);
        assert_eq!(all.len(), self.expected.len(), "{what}");
        all.iter().zip(&self.expected).for_each(|(a, b)| same(a, b));
        for scope in ["scope/0", "scope/1", "scope/2"] {
            let found = self.snapshot.query(Region::all().scope(scope));
            let found: Vec<_> = found.map(Result::unwrap).collect();
            let of_scope = |event: &&StoredEvent| event.coordinate.scope() == scope;
            let expected: Vec<_> = self.expected.iter().filter(of_scope).collect();
            assert_eq!(found.len(), expected.len(), "{what}");
            found.iter().zip(expected).for_each(|(a, b)| same(a, b));
        }
        for (entity, _) in self.snapshot.entities("") {
            let of_entity = |event: &&StoredEvent| event.coordinate.entity() == &*entity;
            let newest = self.expected.iter().rev().find(of_entity);
            let found = self.snapshot.latest(&entity).unwrap();
            same(&found.unwrap(), newest.unwrap());
            let count = self.expected.iter().filter(of_entity).count();
            assert_eq!(self.snapshot.stream(&entity).count(), count, "{what}");
        }
        for event in self.expected.iter().step_by(9) {
            same(&self.snapshot.get(event.id).unwrap().unwrap(), event);
        }
        let (events, at) = &mut *self.half.borrow_mut();
        if let Some(event) = events.next() {
            same(&event.unwrap(), &self.expected[*at]);
            *at += 1;
        }
    }
}

/// A file that somebody has, by its descriptor: whatever becomes of its names.
struct HeldFile {
    path: PathBuf,
    file: File,
    /// What was written to it; space that was set aside after that is not.
    bytes: Vec<u8>,
}

impl HeldFile {
    /// Nothing if the background has removed it since it was listed.
    fn take(path: PathBuf) -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "the file itself is looked at")]
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            opened => opened.unwrap(),
        };
        let mut bytes = Vec::new();
        // Of the file that is held: the name may be another one's by now.
        file.read_to_end(&mut bytes).unwrap();
        let written = bytes.iter().rposition(|byte| *byte != 0);
        bytes.truncate(written.map_or(0, |last| last + 1));
        Some(Self { path, file, bytes })
    }

    fn check(&self, after: &str) {
        let mut now = vec![0; self.bytes.len()];
        let read = self.file.read_exact_at(&mut now, 0);
        let same = read.is_ok() && now == self.bytes;
        assert!(same, "{} changed by {after}", self.path.display());
    }
}

fn read(path: &Path) -> Vec<u8> {
    strandline::fs::read_file(&OsFs, path, 1 << 30).unwrap()
}

/// The files of a directory, with their bytes.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = OsFs.list(dir).unwrap();
    let files = entries
        .into_iter()
        .filter(|entry| entry.kind == strandline::fs::EntryKind::File);
    files.map(|entry| dir.join(entry.name)).collect()
}

struct World {
    root: tempfile::TempDir,
    holders: Vec<Holder>,
    files: Vec<HeldFile>,
    /// A linked backup that nobody touches, and the bytes of its files.
    untouched: Vec<(PathBuf, blake3::Hash)>,
    directories: usize,
}

impl World {
    fn new_dir(&mut self, what: &str) -> PathBuf {
        self.directories += 1;
        self.root
            .path()
            .join(format!("{what}-{}", self.directories))
    }

    /// Holds everything that there is of a store.
    fn hold(&mut self, what: &str, dir: &Path, store: Option<&Store>) {
        match store {
            Some(store) => self.holders.push(Holder::of(what, store)),
            None => {
                let store = options().open(dir).unwrap();
                self.holders.push(Holder::of(what, &store));
                store.close().unwrap();
            }
        }
        self.holders.push(Holder::read_only(dir));
        self.hold_files(dir);
    }

    fn hold_files(&mut self, dir: &Path) {
        // LOCK says who writes there just now, and nothing rests on it.
        let mut held = files(dir);
        held.retain(|path| path.file_name().is_none_or(|name| name != "LOCK"));
        self.files
            .extend(held.into_iter().filter_map(HeldFile::take));
    }

    fn check(&self, after: &str) {
        for holder in &self.holders {
            holder.check(after);
        }
        for file in &self.files {
            file.check(after);
        }
        for (path, hash) in &self.untouched {
            let same = blake3::hash(&read(path)) == *hash;
            assert!(same, "{} changed by {after}", path.display());
        }
    }

    /// Every verb that an open store takes.
    fn use_open(&mut self, what: &str, dir: &Path, store: &Store) {
        append(store, 20);
        self.check(&format!("appends to {what}"));
        store.checkpoint().unwrap();
        self.check(&format!("a checkpoint of {what}"));
        let verified = verify(store, &Kept::default(), &mut go_on).unwrap();
        assert!(verified.is_intact(), "{what}: {:?}", verified.report);
        self.check(&format!("verifying {what}"));
        for mode in [CopyMode::Link, CopyMode::Copy] {
            let target = self.new_dir("backup");
            for _ in 0..2 {
                backup(&fs(), dir, &target, mode, &mut go_on).unwrap();
                self.check(&format!("a backup of {what} ({mode:?})"));
                append(store, 30);
            }
            self.hold("a snapshot of a backup", &target, None);
            let rebuilt = rebuild(options(), &target, &mut go_on).unwrap();
            assert!(rebuilt.footers_failed.is_empty(), "{rebuilt:?}");
            self.check(&format!("rebuilding a backup of {what} ({mode:?})"));
        }
        let lines = exported(store, Region::all(), LineFormat::Lines);
        import(
            store,
            &mut lines.as_bytes(),
            ImportOptions::new(),
            &mut go_on,
        )
        .unwrap();
        self.check(&format!("exporting and importing {what}"));
        let rules = Retention::new().keep_newest(30).within("entity:");
        compact(store, &rules, &mut go_on).unwrap();
        self.check(&format!("compacting {what}"));
        let chosen = Redaction::new().entity(format!("{REDACTED}0"));
        redact(store, &chosen, &mut go_on).unwrap();
        self.check(&format!("redacting in {what}"));
    }

    /// Every verb that takes a directory.
    fn use_closed(&mut self, what: &str, dir: &Path) {
        for layout in [IndexLayout::Columns, IndexLayout::Postings] {
            let rebuilt = rebuild(options().index_layout(layout), dir, &mut go_on).unwrap();
            assert!(rebuilt.footers > 1 && rebuilt.footers_failed.is_empty());
            self.check(&format!("rebuilding {what}"));
        }
        self.damage_footers(dir);
        let store = options().open(dir).unwrap();
        assert!(store.open_report().footers_missing > 1);
        self.hold(
            "a snapshot beside footers that are written",
            dir,
            Some(&store),
        );
        store.close().unwrap();
        self.check(&format!("opening {what} with damaged footers"));
        let target = self.new_dir("salvaged");
        let salvaged = options().open(&target).unwrap();
        salvage(&OsFs, dir, &salvaged, &mut go_on).unwrap();
        self.check(&format!("salvaging {what}"));
        kill_one_that_appends(dir);
        self.hold_files(dir);
        self.holders.push(Holder::read_only(dir));
        self.check(&format!("a kill of a process that wrote {what}"));
        options().open(dir).unwrap().close().unwrap();
        self.check(&format!("opening {what} after a kill"));
    }

    /// Gives half of the sealed segments footers that are damaged, in files of their own: only the
    /// store's own doing is looked at.
    fn damage_footers(&mut self, dir: &Path) {
        let manifest = Manifest::read(&OsFs, dir).unwrap().unwrap();
        let sealed = manifest.segments().iter().filter(|info| info.is_sealed());
        for (number, info) in sealed.enumerate() {
            let path = dir.join(info.file_name());
            let mut bytes = read(&path);
            let at = match number % 4 {
                0 => bytes.len() - 1,
                2 => info.end().unwrap().offset as usize,
                _ => continue,
            };
            bytes[at] ^= 1;
            replace_file(&OsFs, &path, &bytes).unwrap();
        }
        self.hold_files(dir);
    }
}

#[test]
fn what_others_have_of_a_stores_files_stays_whatever_is_done_with_the_store() {
    let root = tempfile::tempdir().unwrap();
    let source = root.path().join("source");
    let mut world = World {
        root,
        holders: Vec::new(),
        files: Vec::new(),
        untouched: Vec::new(),
        directories: 0,
    };
    let running = options().open(&source).unwrap();
    append(&running, EVENTS);
    world.hold("a snapshot of the running store", &source, Some(&running));

    let [linked, untouched, copied, restored] =
        ["linked", "untouched", "copied", "restored"].map(|what| world.new_dir(what));
    for (target, mode) in [
        (&linked, CopyMode::Link),
        (&untouched, CopyMode::Link),
        (&copied, CopyMode::Copy),
    ] {
        let done = backup(&fs(), &source, target, mode, &mut go_on).unwrap();
        assert_eq!(done.linked > 1, mode == CopyMode::Link, "{done:?}");
    }
    for path in files(&untouched) {
        let hash = blake3::hash(&read(&path));
        world.untouched.push((path, hash));
    }
    let back = |dir: &Path, existing| restore(&fs(), &linked, dir, existing, &mut go_on).unwrap();
    back(&restored, Existing::Refuse);
    back(&restored, Existing::MoveAside);
    world.check("restoring");

    for (what, dir) in [
        ("a linked backup", &linked),
        ("a copied backup", &copied),
        ("a restored copy", &restored),
    ] {
        world.hold(&format!("a snapshot of {what}"), dir, None);
        world.use_closed(what, dir);
        let store = options().open(dir).unwrap();
        world.use_open(what, dir, &store);
        store.close().unwrap();
    }
    // By hand, the active segment too (`cp -al`): it is not appended to under two names.
    let by_hand = world.new_dir("by-hand");
    OsFs.create_dir_all(&by_hand).unwrap();
    for path in files(&source) {
        let name = path.file_name().unwrap();
        if name != "LOCK" {
            OsFs.link(&path, &by_hand.join(name)).unwrap();
        }
    }
    world.holders.push(Holder::read_only(&by_hand));
    if let Ok(store) = options().open(&by_hand) {
        append(&store, 60);
        store.close().unwrap();
        world.check("appending to a store that has all of another's files");
        rebuild(options(), &by_hand, &mut go_on).unwrap();
    }
    world.check("opening a store that has all of another's files");
    world.use_open("the running store", &source, &running);
    running.close().unwrap();
    world.check("closing the store");
    world.use_closed("the store", &source);
    restore(&fs(), &untouched, &source, Existing::MoveAside, &mut go_on).unwrap();
    world.check("replacing the store");
    let replaced = options().open(&source).unwrap();
    append(&replaced, 60);
    world.check("appending to the store that replaced it");
    assert!(replaced.verify().unwrap().is_intact());
}

/// A store that is replaced by a backup goes on in the segment that was active then, with other events
/// in a file that has the same header. Whoever has the files of the old one, and has closed them for
/// want of descriptors, opened those of the new one by their names.
#[test]
fn files_that_were_closed_are_not_looked_for_in_the_store_that_took_their_place() {
    let root = tempfile::tempdir().unwrap();
    let [dir, target] = ["store", "backup"].map(|name| root.path().join(name));
    let store = options().open(&dir).unwrap();
    append(&store, EVENTS);
    backup(&fs(), &dir, &target, CopyMode::Copy, &mut go_on).unwrap();
    append(&store, EVENTS);
    store.close().unwrap();
    // Has read nothing yet.
    let reader = options().read_only().open(&dir).unwrap();
    let snapshot = reader.snapshot();
    let other = options().read_only().open(&dir).unwrap();
    let expected = contents(&other.snapshot());

    restore(&fs(), &target, &dir, Existing::MoveAside, &mut go_on).unwrap();
    let replaced = options().open(&dir).unwrap();
    for _ in 0..EVENTS {
        let event = Event::bytes(EventKind::new(1, 7), vec![b'x'; 2000]);
        replaced.append(&at("another", "scope"), event).unwrap();
    }
    // From the end, so that the first read of a segment is in what the two do not share.
    let backward: Result<Vec<_>, _> = snapshot.query(Region::all()).rev().collect();
    assert!(backward.unwrap().iter().eq(expected.iter().rev()));
    assert_eq!(contents(&other.snapshot()), expected);
}

/// A backup whose log is intact is worth restoring, whatever its indexes say.
#[test]
fn a_backup_whose_indexes_are_wrong_is_restored_without_them() {
    let world = tempfile::tempdir().unwrap();
    let [source, target, dir] =
        ["source", "target", "restored"].map(|name| world.path().join(name));
    let options = || {
        StoreOptions::new()
            .segment_bytes_max(64 << 10)
            .background_inline()
    };
    let store = options().open(&source).unwrap();
    for n in 0..300 {
        let event = crate::harness::event(&format!("{n} {}", "x".repeat(500)));
        store
            .append(&crate::harness::at(&format!("e{}", n % 5), "s"), event)
            .unwrap();
    }
    store.checkpoint().unwrap();
    let shown = contents(&store.snapshot());
    backup(&fs(), &source, &target, CopyMode::Copy, &mut go_on).unwrap();
    store.close().unwrap();
    let path = target.join("segment-0000000001.log");
    let mut bytes = crate::harness::read(&OsFs, &path);
    let at = bytes.len() - 100;
    bytes[at] ^= 1;
    replace_file(&OsFs, &path, &bytes).unwrap();

    let linked = world.path().join("linked");
    let restored = restore_linked(&fs(), &target, &linked, Existing::Refuse, &mut go_on).unwrap();
    assert!(!restored.left_out.is_empty());
    assert!(Store::open(&linked).unwrap().verify().unwrap().is_intact());
    let restored = restore(&fs(), &target, &dir, Existing::Refuse, &mut go_on).unwrap();
    assert!(!restored.left_out.is_empty());
    let store = options().open(&dir).unwrap();
    assert_eq!(store.open_report().events_from_footers, 0);
    assert_eq!(contents(&store.snapshot()), shown);
    assert!(store.verify().unwrap().is_intact());
    drop(store);
    let again = restore(&fs(), &dir, &target, Existing::MoveAside, &mut go_on).unwrap();
    assert!(again.left_out.is_empty(), "the opening has made them anew");
}
