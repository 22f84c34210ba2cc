//! What the index lost, or another process replaces, is never passed over.

use crate::harness::*;
use strandline::fs::{Fs, MemFs};
use strandline::{
    AppendCondition, AppendOptions, Durability, ErrorKind, Event, IndexLayout, Region, Sequence,
    Start, StoreOptions, maintenance,
};

/// Length of a block's header before its table of sections, of an entry there, and their number.
const FIXED_BYTES: usize = 112;
const SECTION_BYTES: usize = 32;
const SECTIONS: usize = 41;
/// The section that says where the rows of each kind end.
const KIND_ROW_ENDS: usize = 20;

/// A sealed segment with an event of the kind `REMOVED`, whose lists of kinds are lost, and cannot be made anew.
fn lost() -> MemFs {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    let taken = Event::bytes(REMOVED, *b"taken");
    store.append(&at("order", "s"), taken).unwrap();
    for _ in 0..5 {
        let big = Event::bytes(CREATED, vec![b'x'; 16_000]);
        store.append(&at("big", "s"), big).unwrap();
    }
    store.close().unwrap();
    let sealed = files(&fs, "")
        .into_iter()
        .find(|path| path.ends_with("segment-0000000001.log"));
    let sealed = sealed.unwrap();
    let mut bytes = read(&fs, &sealed);
    let magic = bytes.windows(4).rposition(|window| window == b"STBK");
    let block = magic.unwrap();
    let length = |section: usize| {
        let at = block + FIXED_BYTES + SECTION_BYTES * section;
        usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap()
    };
    let before: usize = (0..KIND_ROW_ENDS).map(length).sum();
    let section = block + FIXED_BYTES + SECTION_BYTES * SECTIONS + 8 + before;
    bytes[section] ^= 0x40;
    let payload = bytes.windows(100).position(|window| window == [b'x'; 100]);
    bytes[payload.unwrap() + 50] ^= 1;
    write(&fs, &sealed, &bytes);
    fs
}

fn small(fs: &MemFs) -> StoreOptions {
    options(fs).segment_bytes_max(64 << 10)
}

/// The damage of a section is found when the condition's query uses it. Looked for before the query
/// alone, it let the append through.
#[test]
fn a_condition_that_a_lost_index_cannot_answer_refuses_the_append() {
    let fs = lost();
    let store = small(&fs).open(dir()).unwrap();
    store.append(&at("a", "s"), event("first")).unwrap();
    let removed = Region::all().kind(REMOVED);
    let condition = AppendCondition::since(Sequence::ZERO).none_in(removed);
    let options = AppendOptions::new().condition(&condition);
    for _ in 0..2 {
        let refused = store.append_with(&at("a", "s"), event("second"), options);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

/// What comes after events that are lost may be there, and is not given before them.
#[test]
fn who_follows_a_query_stays_before_what_a_lost_index_may_have_of_it() {
    let fs = lost();
    let store = small(&fs).open(dir()).unwrap();
    let later = Event::bytes(REMOVED, *b"later");
    store.append(&at("order", "s"), later).unwrap();
    let query = || Region::all().kind(REMOVED);
    let mut cursor = store.follow(query(), Start::Beginning).unwrap();
    for _ in 0..2 {
        let next = cursor.try_next();
        assert_eq!(next.unwrap_err().kind(), ErrorKind::Corrupt);
        let rows = cursor.try_rows_with(10, |_| ());
        assert_eq!(rows.unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(cursor.position().unwrap().sequence(), Sequence::ZERO);
    }
    let subscription = store.subscribe(query(), Start::Beginning, 4).unwrap();
    assert_eq!(subscription.recv().unwrap_err().kind(), ErrorKind::Corrupt);
}

/// A reader in another process had the footers mapped that a rebuild writes anew.
#[test]
fn a_reader_is_undisturbed_by_a_rebuild_in_another_layout() {
    let folder = tempfile::tempdir().unwrap();
    let options = || StoreOptions::new().segment_bytes_max(64 << 10);
    let path = folder.path().join("store");
    let store = options().open(&path).unwrap();
    for number in 0..2000 {
        let event = Event::bytes(KINDS[number % KINDS.len()], vec![b'x'; 20]);
        let written = AppendOptions::new().durability(Durability::Written);
        store.append_with(&at("e", "s"), event, written).unwrap();
    }
    store.close().unwrap();
    let reader = options().read_only().open(&path).unwrap();
    let now = reader.snapshot();
    let counts = || {
        KINDS.map(|kind| {
            let events = now.query(Region::all().kind(kind));
            events
                .filter(|event| event.as_ref().unwrap().kind == kind)
                .count()
        })
    };
    let before = counts();
    let other = options().index_layout(IndexLayout::Columns);
    let go_on = &mut |_| std::ops::ControlFlow::Continue(());
    assert!(maintenance::rebuild(other, &path, go_on).unwrap().footers > 1);
    assert_eq!(counts(), before);
    assert!(now.damage().is_none());
}

#[test]
fn a_rebuild_counts_the_footers_that_were_written_and_names_the_others() {
    let fs = MemFs::new();
    let store = options(&fs)
        .segment_bytes_max(64 << 10)
        .open(dir())
        .unwrap();
    for _ in 0..60 {
        let event = Event::bytes(KINDS[0], vec![b'x'; 5000]);
        let written = AppendOptions::new().durability(Durability::Written);
        store.append_with(&at("e", "s"), event, written).unwrap();
    }
    let sealed = store.stats().unwrap().segments - 1;
    assert!(sealed > 2);
    store.close().unwrap();
    // Each footer goes into a new file of this name, and here is something in its way.
    let taken = dir().join("segment-0000000002.log.tmp");
    fs.create_dir_all(&taken).unwrap();
    // In another layout none of them is as it should be.
    let other = options(&fs).index_layout(IndexLayout::Columns);
    let go_on = &mut |_| std::ops::ControlFlow::Continue(());
    let rebuilt = maintenance::rebuild(other, dir().as_path(), go_on).unwrap();
    assert_eq!(rebuilt.footers, sealed - 1);
    let [failed] = rebuilt.footers_failed.as_slice() else {
        panic!("{:?}", rebuilt.footers_failed);
    };
    assert!(failed.contains("segment-0000000002.log"), "{failed}");
}
