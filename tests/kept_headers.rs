//! Retentions that keep headers: conditions, queries and repeats go on to see events whose payloads are gone.

use crate::compact::{assert_intact, copy, run, run_redact, small};
use crate::harness::{CHANGED, CREATED, REMOVED, at, contents, dir};
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::maintenance::{
    CompactionPlan, Redaction, RemovalChange, Retention, compact, removals,
};
use strandline::{
    AppendCondition, AppendOptions, ErrorKind, Event, EventId, KindFilter, ManualClock, Region,
    Sequence, Store,
};

const DAY_MS: u64 = 86_400_000;

/// Claims a name for a user, if no event says that it is taken.
fn claim(store: &Store, user: &str, name: &str) -> Result<(), ErrorKind> {
    let taken = Region::all().tag(format!("name:{name}")).kind(CREATED);
    let condition = AppendCondition::since(Sequence::ZERO).none_in(taken);
    let event = Event::bytes(CREATED, format!("{user} is a person with an address"));
    let event = event.tagged(format!("name:{name}")).tagged("other");
    let options = AppendOptions::new().condition(&condition);
    let done = store.append_with(&at(user, "users"), event, options);
    done.map(drop).map_err(|error| error.kind())
}

/// A compaction let a condition forget what it removed: 30 days later the name of another user was free.
#[test]
fn a_unique_name_survives_a_retention_of_30_days() {
    for keep in [
        |rules: Retention| rules.keep_headers_of(CREATED),
        |rules: Retention| rules.keep_headers_tagged("name:"),
    ] {
        let fs = MemFs::new();
        let clock = Arc::new(ManualClock::new(400 * DAY_MS));
        let open = |fs: &MemFs| small(fs).clock(clock.clone()).open(dir()).unwrap();
        let store = open(&fs);
        claim(&store, "user:1", "ada").unwrap();
        for number in 0..300 {
            clock.set(400 * DAY_MS + (number + 1) * DAY_MS / 4);
            let event = Event::bytes(CHANGED, vec![0; 600]).tagged(format!("n:{number}"));
            store.append(&at("user:1", "users"), event).unwrap();
        }
        let before = store.snapshot();
        let rules = || Retention::new().keep_since(445 * DAY_MS);
        let plan = CompactionPlan::of(&store, &keep(rules())).unwrap();
        let done = run(&store, &keep(rules()));
        assert_eq!((done.events, done.headers), (179, 1));
        assert_eq!((plan.events, plan.headers), (179, 1));
        // Who looked before sees what there was.
        assert!(
            before
                .query(Region::all())
                .next()
                .unwrap()
                .unwrap()
                .payload()
                .is_ok()
        );
        let check = |store: &Store| {
            assert_eq!(
                claim(store, "user:2", "ada"),
                Err(ErrorKind::ConditionFailed)
            );
            let first = store
                .snapshot()
                .query(Region::all())
                .next()
                .unwrap()
                .unwrap();
            assert!(first.is_redacted() && first.tags().eq(["name:ada", "other"]));
            assert_eq!((first.sequence, first.clock), (Sequence::ZERO, 0));
            let tagged = Region::all().any_tag(["other"]);
            assert_eq!(store.snapshot().query(&tagged).count(), 1);
            assert_intact(store);
        };
        check(&store);
        // Nothing is left to do for the next one.
        let again = run(&store, &keep(rules()));
        assert_eq!((again.events, again.headers, again.segments), (0, 0, 0));
        let copied = copy(&fs);
        store.close().unwrap();
        for fs in [&fs, &copied] {
            check(&open(fs));
        }
        let store = open(&fs);
        claim(&store, "user:2", "grace").unwrap();
        // Without such a rule the name is free.
        assert_eq!(run(&store, &rules()).events, 1);
        claim(&store, "user:2", "ada").unwrap();
    }
}

#[test]
fn what_goes_and_what_loses_its_payload_is_recorded_each_by_itself() {
    let store = small(&MemFs::new()).open(dir()).unwrap();
    let a = at("a", "s");
    for number in 0..10_u8 {
        let kind = if number % 2 == 0 { CREATED } else { CHANGED };
        store
            .append(&a, Event::bytes(kind, vec![number; 100]))
            .unwrap();
    }
    let rules = Retention::new().keep_newest(2).keep_headers_of(CREATED);
    let done = run(&store, &rules);
    assert_eq!((done.events, done.headers), (4, 4));
    let recorded = removals(&store, &mut |_| ControlFlow::Continue(())).unwrap();
    let said: Vec<_> = recorded
        .iter()
        .map(|one| (one.change, one.events, one.rule.as_str(), one.is_done))
        .collect();
    let rule = format!("keep newest 2, keep headers of kind {CREATED}");
    assert_eq!(
        said,
        [
            (RemovalChange::Removed, 4, rule.as_str(), true),
            (RemovalChange::Redacted, 4, rule.as_str(), true)
        ]
    );
    let report = store.verify().unwrap();
    assert!(report.is_intact(), "{:?}", report.problems);
    assert_eq!((report.removed, report.redacted), (4, 4));
    let left: Vec<_> = contents(&store.snapshot())
        .iter()
        .map(|event| event.sequence.get())
        .collect();
    assert_eq!(left, [0, 2, 4, 6, 8, 9]);
}

#[test]
fn a_repeat_of_an_event_whose_header_was_kept_is_one() {
    let store = small(&MemFs::new()).open(dir()).unwrap();
    let a = at("a", "s");
    let event = || Event::bytes(CREATED, *b"once").with_id(EventId::from_u128(7));
    let first = store.append(&a, event()).unwrap();
    store.append(&a, Event::bytes(CREATED, *b"later")).unwrap();
    run(
        &store,
        &Retention::new().keep_newest(1).keep_headers_of(CREATED),
    );
    let again = store.append(&a, event()).unwrap();
    assert!(again.repeated);
    assert_eq!((again.sequence, again.hash), (first.sequence, first.hash));
}

/// What is dropped is meant to go as a whole.
#[test]
fn a_dropped_entity_leaves_no_header() {
    let store = small(&MemFs::new()).open(dir()).unwrap();
    for entity in ["a", "b"] {
        for _ in 0..2 {
            store
                .append(&at(entity, "s"), Event::bytes(CREATED, *b"x"))
                .unwrap();
        }
    }
    let rules = Retention::new()
        .keep_newest(1)
        .keep_headers_of(CREATED)
        .drop_entity("a");
    let done = run(&store, &rules);
    assert_eq!((done.events, done.headers), (2, 1));
    assert_eq!(store.snapshot().stream("a").count(), 0);
    assert_intact(&store);
}

/// A payload that a compaction took is in the files of older snapshots; a redaction takes it from them too.
#[test]
fn a_redaction_hides_from_older_snapshots_what_a_compaction_left_to_them() {
    let store = small(&MemFs::new()).open(dir()).unwrap();
    let a = at("a", "s");
    for _ in 0..2 {
        store
            .append(&a, Event::bytes(CREATED, *b"a secret of somebody"))
            .unwrap();
    }
    let before = store.snapshot();
    let shows = || {
        before
            .query(Region::all())
            .next()
            .unwrap()
            .unwrap()
            .payload()
            .is_ok()
    };
    run(
        &store,
        &Retention::new().keep_newest(1).keep_headers_of(CREATED),
    );
    assert!(shows());
    let redacted = run_redact(&store, &Redaction::new().entity("a"));
    assert_eq!((redacted.events, redacted.already), (1, 1));
    assert!(!shows());
    assert_intact(&store);
}

#[test]
fn headers_alone_are_no_rule() {
    let store = small(&MemFs::new()).open(dir()).unwrap();
    for rules in [
        Retention::new().keep_headers_of(CREATED),
        Retention::new().keep_headers_of_named("user.claimed"),
        Retention::new()
            .keep_headers_tagged("name:")
            .drop_entity("a"),
    ] {
        let refused = compact(&store, &rules, &mut |_| ControlFlow::Continue(()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

/// A program that compacted by its rules from the start had to wait for the first event of a kind whose headers
/// they keep, to know its number.
#[test]
fn a_kind_that_is_kept_by_name_may_come_later() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    let rules = || {
        let rules = Retention::new().keep_newest(1);
        let rules = rules.keep_headers_of_named("user.claimed");
        rules.keep_headers_tagged("name:")
    };
    let a = at("a", "s");
    let plain = || Event::bytes(CHANGED, *b"x");
    let append = |event| store.append(&a, event).unwrap();
    (0..3).for_each(|_| {
        append(plain());
    });
    let plan = CompactionPlan::of(&store, &rules()).unwrap();
    let done = run(&store, &rules());
    assert_eq!((done.events, done.headers), (2, 0));
    assert_eq!(plan.missing, done.missing);
    assert!(!done.missing.is_empty());
    assert_eq!(done.missing.kinds, ["user.claimed"]);
    assert_eq!(done.missing.tags, ["name:"]);
    // A name alone is no event.
    store.name_kind(CREATED, "user.claimed").unwrap();
    assert_eq!(run(&store, &rules()).missing.kinds, ["user.claimed"]);
    append(Event::bytes(CREATED, *b"ada"));
    append(plain().tagged("name:ada"));
    append(plain());
    let done = run(&store, &rules());
    assert_eq!((done.events, done.headers), (1, 2));
    assert!(done.missing.is_empty(), "{:?}", done.missing);
    let left: Vec<_> = contents(&store.snapshot())
        .iter()
        .map(|event| (event.kind, event.is_redacted()))
        .collect();
    let kept = [(CREATED, true), (CHANGED, true), (CHANGED, false)];
    assert_eq!(left, kept);
    let last = removals(&store, &mut |_| ControlFlow::Continue(())).unwrap();
    let said = "keep newest 1, keep headers of kind user.claimed, keep headers tagged name:…";
    assert_eq!(last.last().unwrap().rule, said);
    // By number it is said of a kind too, and by the name that it has.
    let other = Retention::new().keep_newest(9).keep_headers_of(REMOVED);
    let missing = run(&store, &other).missing;
    assert_eq!(missing.kinds, [REMOVED.to_string()]);
    store.name_kind(REMOVED, "user.gone").unwrap();
    assert_eq!(run(&store, &other).missing.kinds, ["user.gone"]);
    let category = Retention::new()
        .keep_newest(9)
        .keep_headers_of(KindFilter::Category(9));
    assert_eq!(run(&store, &category).missing.kinds, ["category 9"]);
    for none in ["", "a\n", &"x".repeat(256)] {
        let rules = Retention::new().keep_newest(1).keep_headers_of_named(none);
        let refused = compact(&store, &rules, &mut |_| ControlFlow::Continue(()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_intact(&store);
}
