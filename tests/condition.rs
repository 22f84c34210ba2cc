//! Append conditions: what they exclude. The worked examples of the specification of dynamic consistency
//! boundaries are in `dcb`, and in `aggregate`.

use crate::harness::{CHANGED, CREATED, HeldFs, at, event, open, options, texts};
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::{
    AppendCondition, AppendOptions, Batch, Coordinate, ErrorClass, ErrorKind, Event, EventId,
    ExpectedVersion, Receipt, Region, Sequence, Store, StoreOptions,
};

pub(crate) fn append_if(
    store: &Store,
    coordinate: &Coordinate,
    event: Event,
    condition: &AppendCondition,
) -> Result<Receipt, strandline::Error> {
    let options = AppendOptions::new().condition(condition);
    store.append_with(coordinate, event, options)
}

/// Checks on which events a condition since sequence 2 fails: the place of the region, and the
/// sequence of the event.
fn check(regions: &[Region], expected: Option<(usize, u64)>) {
    let store = open(&MemFs::new());
    for (entity, scope, kind) in [
        ("a", "s", CREATED),
        ("b", "s", CREATED),
        ("a", "t", CHANGED),
        ("b", "t", CHANGED),
    ] {
        let event = Event::bytes(kind, *b"x");
        store.append(&at(entity, scope), event).unwrap();
    }
    let condition = AppendCondition::since(Sequence::new(2));
    let condition = regions.iter().fold(condition, |condition, region| {
        condition.none_in(region.clone())
    });
    let appended = append_if(&store, &at("c", "u"), event("y"), &condition);
    let Some((region, sequence)) = expected else {
        appended.unwrap();
        return;
    };
    let error = appended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed);
    assert_eq!(error.class(), ErrorClass::NotWritten);
    let conflict = error.condition_conflict().unwrap();
    assert_eq!(
        (conflict.region, conflict.sequence.get()),
        (region, sequence)
    );
    let stored = store.snapshot().get(conflict.id).unwrap().unwrap();
    assert_eq!(stored.sequence, conflict.sequence);
    assert_eq!(store.snapshot().len(), 4);
}

#[test]
fn a_condition_excludes_what_its_regions_take_since() {
    let all = Region::all;
    check(&[], None);
    check(&[all()], Some((0, 2)));
    check(&[all().scope("s")], None);
    check(&[all().scope("t")], Some((0, 2)));
    check(&[all().entity("b")], Some((0, 3)));
    check(&[all().entity_prefix("b")], Some((0, 3)));
    check(&[all().kind(CREATED)], None);
    check(&[all().kind(CHANGED).entity("b")], Some((0, 3)));
    check(&[all().tag("nothing has it")], None);
    check(&[all().entity("nobody")], None);
    check(&[all().sequence(..2)], None);
    check(&[all().sequence(3..)], Some((0, 3)));
    check(&[all().scope("s"), all().entity("b"), all()], Some((1, 3)));
}

#[test]
fn a_condition_holds_until_something_is_appended_and_since_0_is_for_ever() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let none_ever = AppendCondition::since(Sequence::ZERO).none_in(Region::all().entity("a"));
    append_if(&store, &a, event("1"), &none_ever).unwrap();
    let since = AppendCondition::since(store.snapshot().visible());
    let since = since.none_in(Region::all().entity("a"));
    append_if(&store, &at("b", "s"), event("2"), &since).unwrap();
    append_if(&store, &a, event("3"), &since).unwrap();
    let error = append_if(&store, &a, event("4"), &since).unwrap_err();
    assert_eq!(
        error.to_string(),
        "event 2 is in region 0 of the condition, which allows none from sequence 1 on; \
         nothing was written"
    );
    assert!(append_if(&store, &a, event("5"), &none_ever).is_err());
    assert_eq!(texts(&store), ["1", "2", "3"]);
}

#[test]
fn a_batch_has_one_condition_against_which_its_members_do_not_count() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let condition = AppendCondition::since(Sequence::ZERO).none_in(Region::all());
    let batch = || Batch::new().push(&a, event("1")).push(&a, event("2"));
    let options = AppendOptions::new().condition(&condition);
    store.append_batch_with(batch(), options).unwrap();
    let error = store.append_batch_with(batch(), options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed);
    assert_eq!(store.snapshot().len(), 2);
}

#[test]
fn ids_are_looked_at_before_a_condition_and_versions_beside_it() {
    let store = open(&MemFs::new());
    let a = at("a", "s");
    let condition = AppendCondition::since(Sequence::ZERO).none_in(Region::all());
    let first = || event("1").with_id(EventId::from_u128(1));
    let receipt = append_if(&store, &a, first(), &condition).unwrap();
    let again = append_if(&store, &a, first(), &condition).unwrap();
    assert!(again.repeated && again.sequence == receipt.sequence);
    let none = AppendCondition::since(Sequence::ZERO);
    let versioned = event("2").expecting(ExpectedVersion::NoStream);
    let error = append_if(&store, &a, versioned, &none).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongExpectedVersion);
}

#[test]
fn a_condition_sees_what_is_written_and_not_visible() {
    let fs = HeldFs::default();
    let options = StoreOptions::new().fs(Arc::new(fs.clone()));
    let store = options.open("/store").unwrap();
    let a = at("a", "s");
    fs.hold();
    let first = store.submit(&a, event("1")).unwrap();
    assert!(store.snapshot().is_empty());
    let condition = AppendCondition::since(Sequence::ZERO).none_in(Region::all().entity("a"));
    let options = AppendOptions::new().condition(&condition);
    let second = store.submit_with(&a, event("2"), options).unwrap();
    fs.release();
    let error = second.wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConditionFailed);
    assert_eq!(texts(&store), ["1"], "who reads again sees why");
    first.wait().unwrap();
}

#[test]
fn a_condition_reaches_back_across_a_reopen_and_rotations() {
    let fs = MemFs::new();
    let open = || {
        let small = options(&fs).segment_bytes_max(64 << 10);
        small.open("/store").unwrap()
    };
    let store = open();
    for number in 0..12 {
        let coordinate = at(&format!("entity:{number}"), "s");
        let large = Event::bytes(CREATED, vec![0; 20 << 10]);
        store.append(&coordinate, large).unwrap();
    }
    let check = |store: &Store| {
        for number in 0..12_u64 {
            let region = Region::all().entity(format!("entity:{number}"));
            let here = AppendCondition::since(Sequence::new(number)).none_in(region.clone());
            let error = append_if(store, &at("x", "s"), event("x"), &here).unwrap_err();
            let conflict = error.condition_conflict().unwrap();
            assert_eq!(conflict.sequence, Sequence::new(number));
            let after = AppendCondition::since(Sequence::new(number + 1)).none_in(region);
            append_if(store, &at("x", "s"), event("x"), &after).unwrap();
        }
    };
    check(&store);
    drop(store);
    let store = open();
    check(&store);
    store.close().unwrap();
    check(&open());
}
