//! Compactions and redactions of nobody, and rules that would remove everything by a slip.

use crate::compact::{assert_intact, filled, run, run_redact, sequences, small};
use crate::harness::{at, dir, event};
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::maintenance::{CompactionPlan, Missing, Redaction, Retention, compact, removals};
use strandline::{Clock, ErrorKind, EventId, ManualClock, Store};

fn check(missing: &Missing, events: &[EventId], entities: &[&str], prefixes: &[&str]) {
    assert_eq!(missing.events, events);
    assert_eq!(missing.entities, entities);
    assert_eq!(missing.prefixes, prefixes);
    let is_empty = events.is_empty() && entities.is_empty() && prefixes.is_empty();
    assert_eq!(missing.is_empty(), is_empty);
}

/// Nobody was told that a name was nobody's: a redaction of a misspelled name ended well, and the payloads
/// were there still.
#[test]
fn a_redaction_tells_who_is_nobody_and_does_the_rest() {
    let fs = MemFs::new();
    let store = filled(&fs, 50);
    // The same letter in two forms.
    store.append(&at("é", "s"), event("x")).unwrap();
    let unknown = EventId::from_u128(5);
    let chosen = Redaction::new()
        .entity("e\u{301}")
        .entity("entity:1")
        .entities("user:")
        .entities("entity:2")
        .event(unknown);
    let done = run_redact(&store, &chosen);
    assert_eq!(done.events, 20);
    check(&done.missing, &[unknown], &["e\u{301}"], &["user:"]);
    // What was redacted before is somebody's, and counts once however often it is named.
    let again = run_redact(
        &store,
        &Redaction::new().entity("entity:1").entities("entity:1"),
    );
    assert_eq!((again.events, again.already), (0, 10));
    check(&again.missing, &[], &[], &[]);
    // What a compaction took is nobody's.
    run(&store, &Retention::new().drop_entity("entity:3"));
    let gone = Redaction::new()
        .entity("entity:3")
        .entities("entity:3")
        .entity("");
    let done = run_redact(&store, &gone);
    assert_eq!(done.events, 0);
    check(&done.missing, &[], &["entity:3", ""], &["entity:3"]);
    assert_intact(&store);
}

#[test]
fn a_compaction_and_its_plan_tell_who_is_nobody_and_do_the_rest() {
    let fs = MemFs::new();
    let store = filled(&fs, 50);
    let rules = Retention::new()
        .keep_newest(3)
        .within("nobody:")
        .drop_entity("entity:1")
        .drop_entity("entity:9")
        .drop_entities("user:")
        .drop_entities("entity:2");
    let plan = CompactionPlan::of(&store, &rules).unwrap();
    let done = run(&store, &rules);
    assert_eq!((plan.events, done.events), (20, 20));
    for missing in [&plan.missing, &done.missing] {
        check(missing, &[], &["entity:9"], &["user:", "nobody:"]);
    }
    // Twice is nobody.
    let done = run(&store, &rules);
    assert_eq!(done.events, 0);
    check(
        &done.missing,
        &[],
        &["entity:1", "entity:9"],
        &["user:", "entity:2", "nobody:"],
    );
    // Whom the rules leave as they are is somebody.
    let done = run(&store, &Retention::new().keep_newest(10).within("entity:3"));
    assert_eq!(done.events, 0);
    check(&done.missing, &[], &[], &[]);
    assert_intact(&store);
}

fn check_refused(store: &Store, rules: &Retention, said: &str) {
    let planned = CompactionPlan::of(store, rules).map(drop);
    let done = compact(store, rules, &mut |_| ControlFlow::Continue(())).map(drop);
    for refused in [planned, done] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// A count that was not set, a prefix that was empty or a time in the wrong unit removed every event.
#[test]
fn rules_that_would_remove_everything_by_a_slip_are_refused() {
    let fs = MemFs::new();
    let clock = Arc::new(ManualClock::new(1_700_000_000_000));
    let store = small(&fs).clock(clock.clone()).open(dir()).unwrap();
    for _ in 0..10 {
        store.append(&at("a", "s"), event("x")).unwrap();
    }
    let newest = store.snapshot().latest("a").unwrap().unwrap().hlc.wall_ms();
    let micros = newest * 1_000;
    for (rules, said) in [
        (Retention::new().keep_newest(0), "name the entities to drop"),
        (Retention::new().keep_newest(0).within("a"), "newest 0"),
        (Retention::new().keep_newest(0).keep_since(0), "newest 0"),
        (
            Retention::new().keep_newest(1).within(""),
            "leave the prefix out",
        ),
        (Retention::new().keep_since(newest + 1), "in the future"),
        (Retention::new().keep_since(micros), "milliseconds"),
        (Retention::new().keep_since(u64::MAX), "in the future"),
        (
            Retention::new().keep_since(u64::MAX).keep_newest(2),
            "in the future",
        ),
        (
            Retention::new().keep_since(u64::MAX).drop_entity("b"),
            "in the future",
        ),
    ] {
        check_refused(&store, &rules, said);
    }
    assert_eq!(sequences(&store, "a").len(), 10);
    assert_eq!(
        removals(&store, &mut |_| ControlFlow::Continue(())).unwrap(),
        []
    );
    // Of a clock that went back the events are what is to come; they are kept by their own times.
    clock.set(1_600_000_000_000);
    assert!(clock.now_ms() < newest);
    assert_eq!(run(&store, &Retention::new().keep_since(newest)).events, 0);
    check_refused(
        &store,
        &Retention::new().keep_since(newest + 1),
        "in the future",
    );
    // Days later, what is older than a day goes, all of it.
    clock.set(newest + 3 * 86_400_000);
    let done = run(
        &store,
        &Retention::new().keep_since(newest + 2 * 86_400_000),
    );
    assert_eq!(done.events, 10);
    // Nothing is there, and it is no slip to ask again.
    assert_eq!(
        run(&store, &Retention::new().keep_since(newest + 1)).events,
        0
    );
    assert_intact(&store);
}
