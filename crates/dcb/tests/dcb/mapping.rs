//! What an event has comes back, or is refused before anything is written.

use crate::{
    DIR, all, assert_invalid, event, fresh, item, killed, none_of, open, options, query, tracking,
};
use std::io;
use std::ops::ControlFlow;
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, redact};
use strandline::{Coordinate, EventId, PayloadEncoding, Region};
use strandline_dcb::{DcbStore, ENVELOPE, Places, REDACTED};
use umadb_dcb::{DcbError, DcbEvent, DcbEventStoreSync, DcbQuery};
use uuid::Uuid;

fn assert_same(found: &DcbEvent, given: &DcbEvent) {
    assert_eq!(found.event_type, given.event_type);
    assert_eq!(found.tags, given.tags);
    assert_eq!(found.data, given.data);
    assert_eq!(found.uuid, given.uuid);
    assert_eq!(found.metadata, given.metadata);
}

/// Events that have all that one can have.
fn events() -> Vec<DcbEvent> {
    let uuid = Uuid::from_u128(0x1f0e_88d1_4d3f_4c0b_9b63_0d9b_7a6d_51aa);
    let metadata = [
        ("user", "ada"),
        ("", ""),
        ("a\nb", "grace"),
        ("text", "a\nb\0"),
    ];
    let sixteen: Vec<_> = (0..16)
        .map(|at| format!("{at}{}", "x".repeat(126)))
        .collect();
    vec![
        event("Plain", &[]),
        // The tags of `originator:ID` and `originator-ID-version:N` change places if they are sorted.
        event("Tagged", &["originator:7", "originator-7-version:3", "a"]).data(*b"\0\xFF{"),
        event("With uuid", &["a"]).uuid(uuid),
        event("With nil uuid", &[]).uuid(Uuid::from_u128(0)),
        event("With metadata", &["a"])
            .metadata(metadata)
            .data(*b"data"),
        event("With both", &[])
            .metadata([("k", "v")])
            .uuid(Uuid::from_u128(7)),
        DcbEvent::default().event_type("Most tags").tags(sixteen),
        event(&"€".repeat(85), &[]).data(vec![7; 1 << 20]),
    ]
}

#[test]
fn everything_comes_back_and_after_a_close_or_a_kill() {
    let fs = MemFs::new();
    let store = open(&fs);
    let given = events();
    for one in &given {
        store.append(vec![one.clone()], None, None).unwrap();
    }
    let check = |store: &DcbStore| {
        let found = all(store);
        assert_eq!(found.len(), given.len());
        for (found, given) in found.iter().zip(&given) {
            assert_same(&found.event, given);
            assert_eq!(found.tracking_info, None);
        }
    };
    check(&store);
    let left = killed(&fs);
    let verified = store.store().verify().unwrap();
    assert!(verified.problems.is_empty(), "{verified:?}");
    drop(store);
    check(&open(&fs));
    check(&open(&left));
    // All in one append too.
    let store = fresh();
    assert_eq!(store.append(given.clone(), None, None).unwrap(), 8);
    check(&store);
}

#[test]
fn every_event_says_the_position_that_it_was_appended_with() {
    let fs = MemFs::new();
    let store = open(&fs);
    store.append(vec![event("A", &[])], None, None).unwrap();
    let three = vec![
        event("B", &["b"]),
        event("C", &[]).uuid(Uuid::from_u128(3)),
        event("D", &[]).metadata([("k", "v")]),
    ];
    let source = "a source: of 1";
    store
        .append(three, None, tracking(source, u64::MAX))
        .unwrap();
    drop(store);
    let store = open(&fs);
    assert_eq!(store.get_tracking_info(source).unwrap(), Some(u64::MAX));
    let found = all(&store);
    assert_eq!(found[0].tracking_info, None);
    for one in &found[1..] {
        assert_eq!(one.tracking_info, tracking(source, u64::MAX));
    }
    assert_eq!(found[2].event.uuid, Some(Uuid::from_u128(3)));
}

#[test]
fn what_is_over_a_limit_is_refused_and_nothing_is_written() {
    let store = fresh();
    let long = |length| "x".repeat(length);
    let seventeen: Vec<_> = (0..17).map(|tag| tag.to_string()).collect();
    for (refused, why) in [
        (event("", &[]), "an empty type"),
        (event(&long(256), &[]), "a long type"),
        (event("a\tb", &[]), "a control character in a type"),
        (event("strandline.kind.0x1002", &[]), "the number of a kind"),
        (event("A", &[]).tags(seventeen), "17 tags"),
        (event("A", &["a", &long(129)]), "a long tag"),
        (event("A", &["", "a"]), "an empty tag"),
        (event("A", &["a\u{7f}"]), "a control character in a tag"),
        (
            event("A", &[]).metadata([("k", "v"), ("l", "v"), ("k", "v")]),
            "a key twice",
        ),
        (event("A", &[]).data(vec![0; (16 << 20) + 1]), "long data"),
        (
            event("A", &[]).metadata([("k", long(16 << 20))]),
            "long metadata",
        ),
    ] {
        let alone = store.append(vec![refused.clone()], None, None);
        assert_invalid(&store, &alone, why);
        let last = store.append(vec![event("Good", &["a"]), refused], None, None);
        assert_invalid(&store, &last, why);
    }
    for source in [String::new(), long(256), "a\nb".to_owned()] {
        let refused = store.append(vec![event("A", &[])], None, tracking(&source, 1));
        assert_invalid(&store, &refused, "the name of a source");
    }
    let items = |count| DcbQuery::with_items((0..count).map(|_| item(&["B"], &[])));
    let refused = store.append(vec![event("A", &[])], none_of(items(1_001), None), None);
    assert_invalid(&store, &refused, "a condition of 1,001 items");
    let twice = event("A", &[]).uuid(Uuid::from_u128(1));
    let refused = store.append(vec![twice.clone(), twice], None, None);
    assert_invalid(&store, &refused, "an uuid twice");
    let many = (0..65_536).map(|_| event("A", &[])).collect();
    assert_invalid(&store, &store.append(many, None, None), "65,536 events");

    // None of it was in the way of what is right.
    let right = event(&long(255), &[&long(128)]);
    let position = store.append(vec![right], none_of(items(1_000), None), None);
    assert_eq!(position.unwrap(), 1);
    assert_eq!(store.store().snapshot().kinds().len(), 1);
}

#[test]
fn a_tag_that_is_given_twice_is_kept_once() {
    let store = fresh();
    let position = store.append(vec![event("A", &["b", "a", "b"])], None, None);
    assert_eq!(position.unwrap(), 1);
    assert_eq!(all(&store)[0].event.tags, ["b", "a"]);
}

#[test]
fn the_first_tag_may_be_the_entity() {
    let school = Coordinate::new("untagged", "school").unwrap();
    let fs = MemFs::new();
    let store = open(&fs).places(Places::FirstTag(school.clone()));
    for tags in [&["course:1", "student:7"][..], &[], &["student:7"]] {
        store.append(vec![event("A", tags)], None, None).unwrap();
    }
    let now = store.store().snapshot();
    let positions = |entity: &str| {
        let events = now.stream(entity).map(|event| event.unwrap());
        let found: Vec<_> = events
            .map(|event| (event.sequence.get() + 1, event.clock))
            .collect();
        found
    };
    assert_eq!(positions("course:1"), [(1, 0)]);
    assert_eq!(positions("student:7"), [(3, 0)]);
    assert_eq!(positions("untagged"), [(2, 0)]);
    assert_eq!(now.query(Region::all().scope("school")).count(), 3);

    let one = store.clone().places(Places::One(school));
    one.append(vec![event("A", &["course:1"])], None, None)
        .unwrap();
    store
        .clone()
        .places(Places::Dcb)
        .append(vec![event("A", &["course:1"])], None, None)
        .unwrap();
    let now = store.store().snapshot();
    assert_eq!(now.stream("untagged").count(), 2);
    assert_eq!(now.stream("dcb").count(), 1);
    assert_eq!(all(&store).len(), 5, "reads ask for all");
}

#[test]
fn tools_are_told_what_the_data_is() {
    let store = fresh().encoding(PayloadEncoding::JSON);
    let json = event("A", &[]).data(*b"{\"seats\":3}");
    let with_metadata = json.clone().metadata([("k", "v")]);
    store.append(vec![json, with_metadata], None, None).unwrap();
    let encodings: Vec<_> = store
        .store()
        .snapshot()
        .query(Region::all())
        .map(|event| event.unwrap().encoding)
        .collect();
    assert_eq!(encodings, [PayloadEncoding::JSON, ENVELOPE]);
    assert_eq!(all(&store)[1].event.data, b"{\"seats\":3}");
}

#[test]
fn a_redacted_event_has_neither_data_nor_metadata_and_says_so() {
    let store = fresh();
    let uuid = Uuid::from_u128(5);
    let given = event("A", &["a"]).data(*b"ada").uuid(uuid);
    let given = given.metadata([("address", "somewhere")]);
    store
        .append(vec![given, event("B", &[])], None, None)
        .unwrap();
    let chosen = Redaction::new().event(EventId::from_u128(5));
    let mut go_on = |_| ControlFlow::Continue(());
    redact(store.store(), &chosen, &mut go_on).unwrap();
    let found = all(&store);
    let redacted = &found[0].event;
    assert_eq!(redacted.event_type, "A");
    assert_eq!(redacted.tags, ["a"]);
    assert_eq!(redacted.uuid, Some(uuid));
    assert!(redacted.data.is_empty());
    assert_eq!(
        redacted.metadata,
        [(REDACTED.to_owned(), "true".to_owned())]
    );
    assert!(found[1].event.metadata.is_empty());
}

#[test]
fn a_store_that_is_read_only_is_read() {
    let fs = MemFs::new();
    let store = open(&fs);
    store.append(vec![event("A", &[])], None, None).unwrap();
    let reader = DcbStore::new(options(&fs).read_only().open(DIR).unwrap());
    assert_eq!(all(&reader).len(), 1);
    assert_eq!(reader.head().unwrap(), Some(1));
    for event_type in ["A", "B"] {
        let refused = reader.append(vec![event(event_type, &[])], None, None);
        assert!(matches!(
            refused,
            Err(DcbError::Io(error)) if error.kind() == io::ErrorKind::PermissionDenied
        ));
    }
    let of_both = query([item(&["A", "B"], &[])]);
    let found = reader.read_with_head(Some(of_both), None, true, None);
    assert_eq!(found.unwrap().0.len(), 1);
}

#[test]
fn an_event_that_is_refused_takes_no_type() {
    let store = fresh();
    for number in 0..5_000 {
        let refused = event(&format!("Type {number}"), &[""]);
        let refused = store.append(vec![refused], None, None);
        assert!(matches!(refused, Err(DcbError::InvalidArgument(_))));
    }
    store.append(vec![event("A", &[])], None, None).unwrap();
}

#[test]
fn a_type_too_many_is_refused_and_the_others_go_on() {
    let store = fresh();
    let types = (0..4_096).map(|number| event(&format!("Type {number}"), &[]));
    store.append(types.collect(), None, None).unwrap();
    let refused = store.append(vec![event("One more", &[])], None, None);
    assert!(
        matches!(refused, Err(DcbError::InvalidArgument(_))),
        "{refused:?}"
    );
    let known = store.append(vec![event("Type 4095", &[])], None, None);
    assert_eq!(known.unwrap(), 4_097);
}
