//! Redactions of queries: what is chosen, what would be, what the log records, and what is refused.

use crate::compact::{assert_intact, filled, run_redact};
use crate::harness::{CHANGED, CREATED, at, dir, event};
use std::ops::ControlFlow;
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, RedactionPlan, redact, removals};
use strandline::{ErrorKind, Event, Query, Region, Store};

fn tagged(fs: &MemFs) -> Store {
    let store = filled(fs, 120);
    for (number, tag) in ["vip", "vip", "other"].into_iter().enumerate() {
        let coordinate = at(&format!("user:{number}"), "eu");
        let kinds = [CREATED, CHANGED];
        store
            .append(
                &coordinate,
                Event::bytes(kinds[number % 2], b"secret").tagged(tag),
            )
            .unwrap();
    }
    store
}

fn go_on(_: strandline::maintenance::Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn a_query_is_redacted_as_its_plan_says_and_as_the_log_records() {
    let fs = MemFs::new();
    let store = tagged(&fs);
    let query = Query::from(Region::all().tag("vip").scope("eu"));
    let chosen = Redaction::new()
        .query(query.or(Region::all().entity("entity:1").sequence(..10)))
        // Some of them twice.
        .entity("user:0")
        .all_or_nothing();
    let plan = RedactionPlan::of(&store, &chosen).unwrap();
    assert_eq!((plan.events, plan.already, plan.entities), (4, 0, 3));
    assert!(plan.missing.is_empty());
    assert_eq!(plan.first_ids.len(), 4);
    let rule =
        "events of scope eu and tag vip, or entity entity:1 and sequence to 9, entity user:0";
    assert_eq!(plan.rule, rule);
    let first = store.snapshot().stream("entity:1").next().unwrap().unwrap();
    assert_eq!(
        plan.wall_ms.as_ref().map(|times| *times.start()),
        Some(first.hlc.wall_ms())
    );
    let done = run_redact(&store, &chosen);
    assert_eq!((done.events, done.segments), (plan.events, plan.segments));
    let record = done.record.unwrap();
    assert_eq!(
        (record.rule.as_str(), record.events, record.is_done),
        (rule, 4, true)
    );
    assert_eq!(removals(&store, &mut go_on).unwrap(), [record]);
    let is_redacted = |entity: &str| {
        store
            .snapshot()
            .latest(entity)
            .unwrap()
            .unwrap()
            .is_redacted()
    };
    assert!(is_redacted("user:0") && is_redacted("user:1") && !is_redacted("user:2"));
    assert_intact(&store);
    let again = RedactionPlan::of(&store, &chosen).unwrap();
    assert_eq!((again.events, again.already, again.wall_ms), (0, 4, None));
    assert_eq!(run_redact(&store, &chosen).record, None);
}

#[test]
fn nothing_is_redacted_if_one_is_nobody_and_all_are_asked_for() {
    let fs = MemFs::new();
    let store = tagged(&fs);
    let nobody = Redaction::new()
        .query(Region::all().tag("vip"))
        .query(Query::any_of([
            Region::all().tag("nobody's"),
            Region::all().tag("vip"),
        ]))
        .all_or_nothing();
    let plan = RedactionPlan::of(&store, &nobody).unwrap();
    assert_eq!(
        (plan.events, plan.missing.queries),
        (0, vec!["tag nobody's".to_owned()])
    );
    let done = run_redact(&store, &nobody);
    assert_eq!((done.events, done.missing.queries.len()), (0, 1));
    let nobody = Redaction::new()
        .entity("user:0")
        .event(strandline::EventId::from_u128(1));
    let done = run_redact(&store, &nobody.clone().all_or_nothing());
    assert_eq!((done.events, done.missing.events.len()), (0, 1));
    assert!(
        !store
            .snapshot()
            .latest("user:0")
            .unwrap()
            .unwrap()
            .is_redacted()
    );
    assert!(removals(&store, &mut go_on).unwrap().is_empty());
    // Others are, unless that is said.
    assert_eq!(run_redact(&store, &nobody).events, 1);
}

#[test]
fn queries_that_do_not_say_which_events_are_refused() {
    let fs = MemFs::new();
    let store = tagged(&fs);
    store.append(&at("e", "s"), event("x")).unwrap();
    let long = |letters: usize| Region::all().tag("x".repeat(letters));
    for (query, said) in [
        (Query::from(Region::all()), "every event"),
        (Region::all().entity_prefix("").into(), "every event"),
        (
            Query::from(Region::all().tag("vip")).or(Region::all()),
            "every event",
        ),
        (Query::none(), "no region"),
        (Query::from(Region::all().tag("vip")).limit(1), "a limit"),
        (long(4090).into(), "bytes as text"),
    ] {
        let chosen = Redaction::new().query(query);
        let error = redact(&store, &chosen, &mut go_on).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(said), "{error}");
        let error = RedactionPlan::of(&store, &chosen).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    // One that just fits is recorded whole, before what is cut.
    let letters = 4088 - 2 - "events of tag ".len() - "events of tag vip, ".len();
    let fits = Redaction::new()
        .query(long(letters))
        .query(Region::all().tag("vip"));
    let fits = (0..50).fold(fits, |fits, number| fits.entity(format!("user:{number}")));
    let done = run_redact(&store, &fits);
    let rule = done.record.unwrap().rule;
    assert!(
        rule.contains("events of tag vip") && rule.ends_with('…'),
        "{}",
        rule.len()
    );
    drop(store);
    let store = crate::compact::small(&fs).open(dir()).unwrap();
    assert_intact(&store);
}
