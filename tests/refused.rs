//! What opening refuses, or reports and goes on: the rows of the failure table that no other module
//! tries. Checksums are made right, so that what is tried is not taken for damage.

use crate::harness::{assert_same, at, contents, dir, event, files, options, read, remove, write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, MemFs, OpenMode};
use strandline::maintenance::{CopyMode, backup, rebuild};
use strandline::{
    Durability, Error, ErrorClass, ErrorKind, Event, EventKind, OpenPath, StoreOptions, maintenance,
};
use strandline_core::Salt;
use strandline_segment::Manifest;

/// Where the format version stands in every file.
const VERSION_AT: usize = 8;
const SEGMENT_CHECKSUM_AT: usize = 120;
const SEGMENT_SEQUENCE_AT: usize = 52;
const MANIFEST_COUNT_AT: usize = 61;
const MANIFEST_HEAD_BYTES: usize = 65;
const MANIFEST_ENTRY_BYTES: usize = 181;
/// What is before the block in a footer, and where the block's version stands in it.
const FOOTER_PREFIX_BYTES: usize = 32;
const BLOCK_VERSION_AT: usize = 4;
const LATER: u32 = 9;

fn small(fs: &MemFs) -> StoreOptions {
    options(fs)
        .segment_bytes_max(64 << 10)
        .durability(Durability::Written)
        .background_inline()
}

/// A closed store of a few segments.
fn made() -> MemFs {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    for number in 0..40 {
        let event = Event::bytes(EventKind::new(1, 1), vec![b'x'; 5000]);
        let coordinate = at(&format!("e{}", number % 3), "s");
        store.append(&coordinate, event).unwrap();
    }
    assert!(store.stats().unwrap().segments >= 4);
    store.close().unwrap();
    fs
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// Changes a file and makes the checksum right that covers everything before `checksum_at`.
fn change(
    fs: &MemFs,
    path: &Path,
    checksum_at: impl Fn(&[u8]) -> usize,
    change: impl Fn(&mut Vec<u8>),
) {
    let mut bytes = read(fs, path);
    change(&mut bytes);
    let place = checksum_at(&bytes);
    let sum = Salt::NONE.checksum(0, &bytes[..place]).0;
    put(&mut bytes, place, &sum.to_le_bytes());
    write(fs, path, &bytes);
}

fn manifest() -> PathBuf {
    dir().join("MANIFEST")
}

fn change_manifest(fs: &MemFs, how: impl Fn(&mut Vec<u8>)) {
    change(fs, &manifest(), |bytes| bytes.len() - 8, how);
}

/// The error of opening, to write and to read only, which changes nothing.
fn refused(fs: &MemFs) -> Error {
    let image = fs.fork();
    let error = small(fs).open(dir()).unwrap_err();
    let other = small(fs).read_only().open(dir()).unwrap_err();
    assert_eq!(error.to_string(), other.to_string());
    assert_eq!(error.kind(), other.kind());
    for prefix in ["MANIFEST", "segment-", "checkpoint-"] {
        for path in files(&image, prefix) {
            assert_eq!(read(fs, &path), read(&image, &path), "{}", path.display());
        }
    }
    error
}

fn is_later(fs: &MemFs, file: &str, supported: u32) {
    let error = refused(fs);
    assert_eq!(error.kind(), ErrorKind::UnsupportedVersion, "{error}");
    let expected = format!(
        "{file} has format version 9, this program reads up to {supported}; open it with the version of the \
         program that wrote it, or a later one"
    );
    assert!(error.to_string().ends_with(&expected), "{error}");
}

fn is_corrupt(fs: &MemFs, file: &str, reason: &str) {
    let error = refused(fs);
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(error.class(), ErrorClass::Corrupt);
    let message = error.to_string();
    assert!(
        message.contains(file) && message.contains(reason),
        "{message}"
    );
}

#[test]
fn a_manifest_of_a_later_version_is_refused() {
    let fs = made();
    change_manifest(&fs, |bytes| put(bytes, VERSION_AT, &LATER.to_le_bytes()));
    is_later(&fs, "MANIFEST", 4);
}

#[test]
fn a_segment_of_a_later_version_is_refused() {
    for path in files(&made(), "segment-") {
        let fs = made();
        change(
            &fs,
            &path,
            |_| SEGMENT_CHECKSUM_AT,
            |bytes| put(bytes, VERSION_AT, &LATER.to_le_bytes()),
        );
        is_later(&fs, path.file_name().unwrap().to_str().unwrap(), 2);
    }
}

/// It saves time and no more, so it is passed over.
#[test]
fn a_checkpoint_of_a_later_version_is_passed_over_and_reported() {
    let fs = made();
    let live = small(&fs).read_only().open(dir()).unwrap();
    let path = files(&fs, "checkpoint-").pop().unwrap();
    let mut bytes = read(&fs, &path);
    put(&mut bytes, VERSION_AT, &LATER.to_le_bytes());
    write(&fs, &path, &bytes);
    for options in [small(&fs).read_only(), small(&fs)] {
        let store = options.open(dir()).unwrap();
        assert_same(&store.snapshot(), &live.snapshot());
        let report = store.open_report();
        assert_eq!(report.path, OpenPath::Footers, "{report}");
        let [notice] = report.notices.as_slice() else {
            panic!("{report}");
        };
        for part in [
            path.file_name().unwrap().to_str().unwrap(),
            "passed over",
            "format version 9, this program reads up to 1",
        ] {
            assert!(notice.contains(part), "{notice}");
        }
    }
}

/// Entries of the manifest that are the same, in another order, or one too many.
#[test]
fn a_manifest_whose_segments_overlap_is_refused() {
    let entry = |number: usize| {
        let start = MANIFEST_HEAD_BYTES + number * MANIFEST_ENTRY_BYTES;
        start..start + MANIFEST_ENTRY_BYTES
    };
    let twice = |bytes: &mut Vec<u8>, number: usize| {
        let copy = bytes[entry(number)].to_vec();
        let count = u32::from_le_bytes(*bytes[MANIFEST_COUNT_AT..].first_chunk().unwrap()) + 1;
        put(bytes, MANIFEST_COUNT_AT, &count.to_le_bytes());
        let after = entry(number).end;
        bytes.splice(after..after, copy);
    };
    let reason = "its segments do not follow each other";
    for number in 0..3 {
        let fs = made();
        change_manifest(&fs, |bytes| twice(bytes, number));
        is_corrupt(&fs, "MANIFEST", reason);
        let fs = made();
        change_manifest(&fs, |bytes| {
            let [first, second] = [entry(number), entry(number + 1)].map(|at| bytes[at].to_vec());
            put(bytes, entry(number).start, &second);
            put(bytes, entry(number + 1).start, &first);
        });
        is_corrupt(&fs, "MANIFEST", reason);
    }
}

#[test]
fn segments_that_have_changed_names_are_refused() {
    let fs = made();
    let [first, second] = [0, 1].map(|at| files(&fs, "segment-")[at].clone());
    let [in_first, in_second] = [&first, &second].map(|path| read(&fs, path));
    write(&fs, &first, &in_second);
    write(&fs, &second, &in_first);
    is_corrupt(&fs, "segment-0000000001.log", "another segment");
}

/// The manifest has the fields of the header too, with which what is left can be saved.
#[test]
fn a_damaged_segment_header_is_refused_and_salvage_goes_by_the_manifest() {
    let undamaged = made();
    let events = contents(
        &small(&undamaged)
            .read_only()
            .open(dir())
            .unwrap()
            .snapshot(),
    );
    for path in files(&undamaged, "segment-") {
        let fs = undamaged.fork();
        let mut bytes = read(&fs, &path);
        bytes[40] ^= 1;
        write(&fs, &path, &bytes);
        let name = path.file_name().unwrap().to_str().unwrap();
        is_corrupt(&fs, name, "the header's checksum is wrong");
        let saved = Path::new("/saved");
        let go_on = &mut |_| std::ops::ControlFlow::Continue(());
        let store = small(&fs).open(saved).unwrap();
        maintenance::salvage(&fs, dir().as_path(), &store, go_on).unwrap();
        assert_eq!(contents(&store.snapshot()).len(), events.len(), "{name}");
    }
}

#[test]
fn a_log_whose_sequences_cannot_be_is_refused() {
    let fs = MemFs::new();
    small(&fs).open(dir()).unwrap().close().unwrap();
    remove(&fs, "checkpoint-");
    let [segment] = files(&fs, "segment-").try_into().unwrap();
    let last = u64::MAX.to_le_bytes();
    change(
        &fs,
        &segment,
        |_| SEGMENT_CHECKSUM_AT,
        |bytes| put(bytes, SEGMENT_SEQUENCE_AT, &last),
    );
    let header = read(&fs, &segment)[..128].to_vec();
    change_manifest(&fs, |bytes| put(bytes, MANIFEST_HEAD_BYTES, &header));
    is_corrupt(&fs, "next sequence", "which none can be");
}

#[test]
fn what_an_interrupted_replacement_left_is_removed_and_reported_and_nothing_else() {
    let fs = made();
    let left = dir().join("MANIFEST.tmp");
    write(&fs, &left, b"half of a manifest");
    let other = dir().join("notes.tmp");
    write(&fs, &other, b"of the user's");
    let store = small(&fs).open(dir()).unwrap();
    let [notice] = store.open_report().notices.as_slice() else {
        panic!("{}", store.open_report());
    };
    assert!(notice.contains("MANIFEST.tmp"), "{notice}");
    store.append(&at("a", "s"), event("1")).unwrap();
    drop(store);
    assert!(files(&fs, "MANIFEST.").is_empty());
    assert_eq!(read(&fs, &other), b"of the user's");
    assert!(small(&fs).open(dir()).unwrap().open_report().is_clean());
}

/// A segment may be sealed before the end of what a killed process wrote to it.
#[test]
fn what_stands_after_the_frames_of_a_sealed_segment_is_no_damage_and_goes_with_the_next_footer() {
    let fs = made();
    let live = small(&fs).read_only().open(dir()).unwrap();
    let manifest = Manifest::read(&fs, &dir()).unwrap().unwrap();
    let first = manifest.segments()[0];
    let path = dir().join(first.file_name());
    let whole = read(&fs, &path);
    let mut bytes = whole.clone();
    bytes.truncate(first.end().unwrap().offset as usize);
    // What is no more than frames, once more.
    bytes.extend_from_slice(&whole[128..9000]);
    write(&fs, &path, &bytes);
    let reader = small(&fs).read_only().open(dir()).unwrap();
    assert!(reader.open_report().is_clean(), "{}", reader.open_report());
    assert!(reader.verify().unwrap().is_intact());
    let store = small(&fs).open(dir()).unwrap();
    let report = store.open_report();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.footers_missing, 1, "{report}");
    assert_same(&store.snapshot(), &live.snapshot());
    store.close().unwrap();
    assert!(read(&fs, &path) == whole, "the footer that there was");
}

/// It saves time and no more, so frames are read in its place.
#[test]
fn a_footer_of_another_version_is_passed_over_reported_and_written_anew() {
    let fs = made();
    let live = small(&fs).read_only().open(dir()).unwrap();
    let manifest = Manifest::read(&fs, &dir()).unwrap().unwrap();
    let first = manifest.segments()[0];
    let path = dir().join(first.file_name());
    let mut bytes = read(&fs, &path);
    let block = first.end().unwrap().offset as usize + FOOTER_PREFIX_BYTES;
    put(
        &mut bytes,
        block + BLOCK_VERSION_AT,
        &[u8::try_from(LATER).unwrap(), 0],
    );
    write(&fs, &path, &bytes);
    let store = small(&fs).open(dir()).unwrap();
    assert_same(&store.snapshot(), &live.snapshot());
    let report = store.open_report();
    assert_eq!(report.footers_missing, 1, "{report}");
    let [notice] = report.notices.as_slice() else {
        panic!("{report}");
    };
    for part in [first.file_name().as_str(), "cannot be used", "version 9"] {
        assert!(notice.contains(part), "{notice}");
    }
    store.close().unwrap();
    let again = small(&fs).open(dir()).unwrap();
    assert!(again.open_report().is_clean(), "{}", again.open_report());
    assert_eq!(again.open_report().footers_missing, 0);
}

/// A lock file was made before it was looked whether there is a store, and stayed.
#[test]
fn nothing_is_left_where_there_is_no_store() {
    for is_empty in [true, false] {
        let fs = MemFs::new();
        let shared: Arc<dyn Fs> = Arc::new(fs.clone());
        fs.create_dir_all(&dir()).unwrap();
        if !is_empty {
            fs.open(&dir().join("notes.txt"), OpenMode::Create).unwrap();
        }
        let before = fs.list(&dir()).unwrap();
        let options = || StoreOptions::new().fs(shared.clone()).must_exist();
        let mut go_on = |_| ControlFlow::Continue(());
        let target = Path::new("/backup");
        let errors = [
            options().open(dir()).unwrap_err(),
            rebuild(options(), &dir(), &mut go_on).unwrap_err(),
            backup(&shared, &dir(), target, CopyMode::Copy, &mut go_on).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
        assert_eq!(fs.list(&dir()).unwrap(), before);
        assert!(fs.list(target).is_err());
    }
}
