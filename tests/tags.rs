//! Tags: what may be one, and that they are found, kept, hashed and verified.

use crate::harness::{CHANGED, CREATED, at, contents, event, open, options, remove, written};
use strandline::fs::MemFs;
use strandline::{
    AppendCondition, AppendOptions, Batch, Difference, ErrorKind, Event, EventId, Region, Sequence,
    Store, TAG_BYTES_MAX, TAGS_MAX,
};

fn found(store: &Store, region: &Region) -> Vec<u64> {
    let now = store.snapshot();
    let rows = now.rows(region);
    rows.map(|row| row.sequence().get()).collect()
}

/// Checks what a store of 12 events finds, of which event *n* has the tags `even` or `odd`, `n` and,
/// if it can be divided by three, `three`.
fn check(store: &Store) {
    let all = Region::all;
    let expect = |region: Region, sequences: &[u64]| {
        assert_eq!(found(store, &region), sequences, "{region:?}");
        let mut backward: Vec<_> = store
            .snapshot()
            .query(&region)
            .rev()
            .map(|event| event.unwrap().sequence.get())
            .collect();
        backward.reverse();
        assert_eq!(backward, sequences, "backward, {region:?}");
    };
    expect(all().tag("even"), &[0, 2, 4, 6, 8, 10]);
    expect(all().tag("odd").tag("three"), &[3, 9]);
    expect(all().tag("odd").tag("even"), &[]);
    expect(all().tag("n:7"), &[7]);
    expect(all().tag("n:12"), &[]);
    expect(
        all().any_tag(["three", "n:9", "n:1", "none"]),
        &[0, 1, 3, 6, 9],
    );
    expect(all().any_tag(["none"]), &[]);
    expect(all().tag("odd").any_tag(["three", "n:1"]), &[1, 3, 9]);
    expect(all().tag("even").entity("entity:1"), &[4, 10]);
    expect(all().tag("even").kind(CHANGED), &[4, 10]);
    expect(all().tag("three").sequence(4..), &[6, 9]);
    let names: Vec<_> = store.snapshot().tags("").collect();
    let count = |name: &str| {
        names
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, count)| *count)
    };
    assert_eq!(names.len(), 12 + 3);
    assert_eq!(
        (count("even"), count("three"), count("n:0")),
        (Some(6), Some(4), Some(1))
    );
    for event in contents(&store.snapshot()) {
        let number = event.sequence.get();
        let parity = if number % 2 == 0 { "even" } else { "odd" };
        let mut expected = vec![format!("n:{number}"), parity.to_owned()];
        expected.extend((number % 3 == 0).then(|| "three".to_owned()));
        assert!(event.tags().eq(expected.iter().map(String::as_str)));
    }
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
}

#[test]
fn tags_are_found_wherever_the_index_has_them() {
    let fs = MemFs::new();
    let open = || {
        let small = written(&fs).segment_bytes_max(64 << 10);
        small.open("/store").unwrap()
    };
    let store = open();
    for number in 0..12 {
        let kind = if number % 3 == 1 { CHANGED } else { CREATED };
        let parity = if number % 2 == 0 { "even" } else { "odd" };
        let event = Event::bytes(kind, vec![0; 15 << 10]);
        let mut event = event
            .tagged(format!("n:{number}"))
            .tagged(parity)
            .tagged(parity);
        if number % 3 == 0 {
            event = event.tagged("three");
        }
        let coordinate = at(&format!("entity:{}", number % 3), "s");
        store.append(&coordinate, event).unwrap();
    }
    assert!(
        store.stats().unwrap().segments > 2,
        "the index has several parts"
    );
    check(&store);
    drop(store);
    check(&open());
    let store = open();
    store.close().unwrap();
    check(&open());
    remove(&fs, "checkpoint");
    check(&open());
}

#[test]
fn what_is_no_tag_is_refused_and_leaves_nothing() {
    let store = options(&MemFs::new()).open("/store").unwrap();
    let a = at("a", "s");
    let many = (0..=TAGS_MAX).fold(event("x"), |event, tag| event.tagged(tag.to_string()));
    let long = event("x").tagged("x".repeat(TAG_BYTES_MAX + 1));
    for (event, limit) in [(many, "limit is 16"), (long, "limit is 128")] {
        let error = store.append(&a, event).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains(limit), "{error}");
    }
    let empty = event("x").tagged("");
    let batch = Batch::new().push(&a, event("x")).push(&a, empty);
    let error = store.append_batch(batch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    // The rule that it told was that of entities and scopes.
    assert!(
        error.to_string().contains("a tag has 1 to 128 bytes"),
        "{error}"
    );
    assert!(store.snapshot().is_empty());
    let most = (0..TAGS_MAX).fold(event("x"), |event, tag| {
        event.tagged(format!("{tag:0>TAG_BYTES_MAX$}"))
    });
    let receipt = store.append(&a, most.with_version(9)).unwrap();
    let stored = store.snapshot().get(receipt.id).unwrap().unwrap();
    assert_eq!((stored.tags().count(), stored.version()), (TAGS_MAX, 9));
    store.snapshot().verify_receipt(&receipt).unwrap();
}

/// They came back sorted, and a consumer that reads the first tag as its key got another one.
#[test]
fn tags_come_back_as_they_were_written() {
    let fs = MemFs::new();
    let store = options(&fs).open("/store").unwrap();
    let given = ["originator:7", "originator-7-version:1", "a", "Z"];
    let again = given.into_iter().chain(["a", "originator:7"]);
    let event = again.fold(event("x"), Event::tagged);
    let receipt = store.append(&at("a", "s"), event).unwrap();
    let check = |store: &Store| {
        let now = store.snapshot();
        assert!(now.get(receipt.id).unwrap().unwrap().tags().eq(given));
        now.verify_receipt(&receipt).unwrap();
        let mut sorted = given;
        sorted.sort_unstable();
        let counted = sorted.map(|tag| (tag.to_owned(), 1));
        assert!(
            now.tags("")
                .map(|(tag, count)| (tag.to_string(), count))
                .eq(counted)
        );
    };
    check(&store);
    store.close().unwrap();
    let store = options(&fs).open("/store").unwrap();
    check(&store);
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_repeat_has_the_same_tags_in_any_order() {
    let store = options(&MemFs::new()).open("/store").unwrap();
    let a = at("a", "s");
    let event = || event("x").with_id(EventId::from_u128(1));
    store.append(&a, event().tagged("1").tagged("2")).unwrap();
    let again = store.append(&a, event().tagged("2").tagged("1")).unwrap();
    assert!(again.repeated);
    let error = store.append(&a, event().tagged("1")).unwrap_err();
    assert_eq!(
        error.id_conflict().unwrap().difference,
        Difference::Extensions
    );
}

/// An empty list was taken for no filter, where any of nothing is nothing: a caller's list that happened
/// to be empty selected every event, and an append on condition of it could never be done.
#[test]
fn any_of_no_tags_is_nothing() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    for tag in ["t:1", "t:2"] {
        store.append(&a, event("x").tagged(tag)).unwrap();
    }
    let none = || Region::all().any_tag(Vec::<String>::new());
    for (region, expected) in [
        (none(), 0),
        (none().tag("t:1"), 0),
        (Region::all().tag("t:1").any_tag(["t:1"]), 1),
        (Region::all().tag("t:1").any_tag(["t:2"]), 0),
        (
            Region::all().any_tag(["t:1"]).any_tag(Vec::<String>::new()),
            0,
        ),
        (none().any_tag(["t:1"]), 1),
        (none().entity("a"), 0),
        (none().kind(CREATED).scope("s"), 0),
    ] {
        let now = store.snapshot();
        assert_eq!(now.query(&region).count(), expected, "{region:?}");
        assert_eq!(now.rows(&region).rev().count(), expected, "{region:?}");
        let matching = now.query(Region::all()).map(Result::unwrap);
        let matching = matching.filter(|event| region.matches(event.header()));
        assert_eq!(matching.count(), expected, "{region:?}");
        let condition = AppendCondition::since(Sequence::ZERO).none_in(region.clone());
        let options = AppendOptions::new().condition(&condition);
        let done = store.append_with(&at("b", "t"), event("y"), options);
        assert_eq!(done.is_ok(), expected == 0, "{region:?}");
    }
}
