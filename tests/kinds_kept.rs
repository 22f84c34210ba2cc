//! Names of kinds stay: in compactions and redactions, for a reader in another process, in copies, and where somebody
//! wrote others.

use crate::backup::go_on;
use crate::compact::{assert_intact, copy, run, run_redact};
use crate::forge::{forge, stub};
use crate::harness::{
    CHANGED, CREATED, at, contents, dir, event, files, options, read, remove, write,
};
use crate::kinds::{
    PAID, PLACED, SHIPPED, append, assert_named, assert_refused, fill, kinds, named, plain, small,
};
use crate::merged_index::{inline, merged};
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{
    CopyMode, Existing, Redaction, Retention, backup, rebuild, restore, salvage_into,
};
use strandline::{ErrorKind, Sequence};
use strandline_core::record::{Record, StoredRecord};

#[test]
fn names_stay_when_events_go() {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    fill(&store, 10);
    run_redact(
        &store,
        &Redaction::new().event(contents(&store.snapshot())[0].id),
    );
    assert_named(&store);
    // Whole segments are nothing but the places of removed events then, and are merged.
    let done = run(&store, &Retention::new().keep_newest(1));
    assert!(done.merged > 0, "{done:?}");
    append(&store, plain(SHIPPED));
    let done = run(&store, &Retention::new().keep_newest(1));
    assert!(done.events > 0);
    let left = store.snapshot().kinds();
    assert_eq!(
        left.iter().map(|one| one.kind).collect::<Vec<_>>(),
        [SHIPPED]
    );
    assert_named(&store);
    assert_refused(&store);
    assert_intact(&store);
    store.close().unwrap();
    for change in [
        &["none"][..],
        &["index-"],
        &["checkpoint-"],
        &["index-", "checkpoint-"],
    ] {
        let fs = copy(&fs);
        change.iter().for_each(|prefix| remove(&fs, prefix));
        for options in [small(&fs).read_only(), inline(&fs)] {
            let store = options.open(dir()).unwrap();
            assert_named(&store);
            assert_intact(&store);
        }
        rebuild(inline(&fs), &dir(), &mut go_on).unwrap();
        assert_named(&inline(&fs).open(dir()).unwrap());
    }
    // And they are merged on and on.
    let store = inline(&fs).open(dir()).unwrap();
    while store.stats().unwrap().segments < 30 {
        append(&store, plain(SHIPPED));
    }
    assert!(!merged(&fs).is_empty());
    store.close().unwrap();
    let store = inline(&fs).open(dir()).unwrap();
    assert!(store.open_report().merged_used > 0);
    assert_named(&store);
    assert_refused(&store);
    assert_intact(&store);
}

#[test]
fn a_reader_beside_the_writer_learns_names_with_their_events() {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    append(&store, plain(PLACED));
    let reader = small(&fs).read_only().open(dir()).unwrap();
    fill(&store, 3);
    assert_eq!(reader.kind_name(PLACED), None);
    reader.refresh().unwrap();
    assert_named(&reader);
    assert_eq!(kinds(&reader.snapshot()), kinds(&store.snapshot()));
    append(&store, named(SHIPPED, "order.shipped"));
    reader.refresh().unwrap();
    assert_eq!(reader.kind("order.shipped").unwrap(), SHIPPED);
    assert_intact(&reader);
}

#[test]
fn backups_and_what_is_salvaged_have_the_names() {
    let fs = MemFs::new();
    let store = inline(&fs).open(dir()).unwrap();
    fill(&store, 5);
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let (to, restored) = (Path::new("/backup"), Path::new("/restored"));
    backup(&shared, &dir(), to, CopyMode::Copy, &mut go_on).unwrap();
    fill(&store, 1);
    backup(&shared, &dir(), to, CopyMode::Link, &mut go_on).unwrap();
    store.close().unwrap();
    restore(&shared, to, restored, Existing::Refuse, &mut go_on).unwrap();
    for place in ["/backup", "/restored"] {
        let store = small(&fs).read_only().open(place).unwrap();
        assert_named(&store);
        assert_intact(&store);
    }
    let path = &files(&fs, "segment-")[2];
    let mut bytes = read(&fs, path);
    bytes[400] ^= 1;
    write(&fs, path, &bytes);
    salvage_into(small(&fs), &dir(), Path::new("/salvaged"), &mut go_on).unwrap();
    let store = small(&fs).read_only().open("/salvaged").unwrap();
    assert_named(&store);
    assert_intact(&store);
}

/// The body of a record whose event names its kind so.
fn renamed(body: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let Ok(StoredRecord::Event(record)) = StoredRecord::decode(body) else {
        return None;
    };
    let tag = strandline_core::extension_tag::KIND_NAME;
    let extensions = strandline_core::Extensions::new([(tag, name)]).unwrap();
    let mut bytes = Vec::new();
    Record {
        extensions,
        ..record
    }
    .encode(&mut bytes);
    Some(bytes)
}

#[test]
fn a_name_that_contradicts_is_a_problem_and_the_first_one_counts() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    append(&store, named(PLACED, "order.placed"));
    append(&store, named(PAID, "order.paid"));
    append(&store, plain(PLACED));
    append(&store, plain(SHIPPED));
    append(&store, plain(SHIPPED));
    store.close().unwrap();
    forge(&fs, &mut |_, sequence, body| match sequence.get() {
        2 => renamed(body, b"order.sent"),
        3 => renamed(body, b"order.paid"),
        4 => renamed(body, b"\xFF"),
        _ => None,
    });
    for options in [options(&fs).read_only(), options(&fs)] {
        let store = options.open(dir()).unwrap();
        let now = store.snapshot();
        assert_eq!(now.kind_name(PLACED).as_deref(), Some("order.placed"));
        assert_eq!(now.kind_named("order.paid"), Some(PAID));
        assert_eq!(now.kind_name(SHIPPED), None);
        assert_eq!(now.kind_named("order.sent"), None);
        let notices = &store.open_report().notices;
        assert!(
            notices
                .iter()
                .any(|notice| notice.contains(r#"as it is named "order.placed""#))
        );
        assert!(
            notices
                .iter()
                .any(|notice| notice.contains("is the name of kind 0x1002"))
        );
        let report = store.verify().unwrap();
        let of = |sequence| {
            let mut problems = report.problems.iter();
            problems.any(|problem| problem.sequence == Some(Sequence::new(sequence)))
        };
        assert!(of(2) && of(3) && of(4), "{:?}", report.problems);
        if store.check_writable().is_ok() {
            let refused = store.append(&at("o", "s"), named(SHIPPED, "order.paid"));
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::KindConflict);
            append(&store, plain(SHIPPED));
        }
    }
}

#[test]
fn the_place_of_a_removed_event_may_contradict_too() {
    let fs = MemFs::new();
    let store = options(&fs).open(dir()).unwrap();
    append(&store, named(CREATED, "a"));
    append(&store, named(CHANGED, "b"));
    append(&store, event("last"));
    store.close().unwrap();
    forge(&fs, &mut |_, sequence, body| match sequence.get() {
        1 => stub(&renamed(body, b"a")?),
        _ => None,
    });
    let store = options(&fs).open(dir()).unwrap();
    assert_eq!(store.kind_name(CREATED).as_deref(), Some("a"));
    assert_eq!(store.kind_name(CHANGED), None);
    let report = store.verify().unwrap();
    let mut messages = report.problems.iter().map(|problem| &problem.message);
    assert!(messages.any(|message| message.contains(r#"kind 0x1002 cannot be named "a""#)));
}
