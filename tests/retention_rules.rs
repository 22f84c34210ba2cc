//! Several rules of a compaction: which one decides, and what is said of each.

use crate::compact::{assert_intact, run, small};
use crate::harness::{CREATED, at, dir};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::MemFs;
use strandline::maintenance::{CompactionPlan, Retention, RetentionRule, removals, unwatched};
use strandline::{Clock, ErrorKind, Event, EventKind, ManualClock, Query, Region, Store};

const NOTED: EventKind = EventKind::new(1, 7);
const DAY_MS: u64 = 86_400_000;

/// Ten days of an event of each of three entities a day, of two kinds in turn; the third day is tagged.
fn ten_days(fs: &MemFs, clock: &Arc<ManualClock>) -> Store {
    let store = small(fs).clock(clock.clone()).open(dir()).unwrap();
    for day in 0..10 {
        for (entity, scope) in [("meter:1", "grid"), ("meter:2", "grid"), ("user:1", "web")] {
            let kind = if day % 2 == 0 { CREATED } else { NOTED };
            let event = Event::bytes(kind, format!("{day}"));
            let event = if day == 2 {
                event.tagged("held")
            } else {
                event
            };
            store.append(&at(entity, scope), event).unwrap();
        }
        pass(clock, DAY_MS);
    }
    store
}

fn days(store: &Store, entity: &str) -> Vec<String> {
    let now = store.snapshot();
    let text = |event: strandline::StoredEvent| match event.payload() {
        Ok(payload) => String::from_utf8(payload.to_vec()).unwrap(),
        Err(_) => "gone".to_owned(),
    };
    now.stream(entity)
        .map(|event| text(event.unwrap()))
        .collect()
}

fn pass(clock: &ManualClock, ms: u64) {
    clock.set(clock.now_ms() + ms);
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(1_000 * DAY_MS))
}

#[test]
fn the_first_rule_that_an_event_is_of_decides() {
    let (fs, clock) = (MemFs::new(), clock());
    let store = ten_days(&fs, &clock);
    let days_of = |days: u64| Duration::from_millis(days * DAY_MS);
    let rules = Retention::new()
        .rule(RetentionRule::of(Region::all().tag("held")).named("held"))
        .rule(RetentionRule::of(Region::all().entity("meter:1")).keep_for(days_of(3)))
        .rule(RetentionRule::of(Region::all().scope("grid").kind(CREATED)).keep_newest(2))
        .rule(
            RetentionRule::of(Region::all().entity_prefix("meter:"))
                .keep_none()
                .named("rest"),
        );
    let plan = CompactionPlan::of(&store, &rules).unwrap();
    let effects: Vec<_> = plan
        .rules
        .iter()
        .map(|rule| (&*rule.name, rule.matching, rule.decided, rule.events))
        .collect();
    assert_eq!(
        effects,
        [
            ("held", 3, 3, 0),
            ("rule 2", 10, 9, 6),
            ("rule 3", 10, 4, 2),
            ("rest", 20, 5, 5)
        ]
    );
    assert_eq!((plan.events, plan.kept), (13, 17));
    let done = run(&store, &rules);
    assert_eq!((done.events, &done.rules), (13, &plan.rules));
    assert_eq!(days(&store, "meter:1"), ["2", "7", "8", "9"]);
    assert_eq!(days(&store, "meter:2"), ["2", "6", "8"]);
    // An event that no rule is of stays.
    assert_eq!(days(&store, "user:1").len(), 10);
    let recorded = removals(&store, &mut unwatched).unwrap();
    assert_eq!(
        recorded[0].rule,
        "rule 2: keep for 3d of entity meter:1, rule 3: keep newest 2 of scope grid and kind 0x1001, \
         rest: keep none of entities meter:…"
    );
    assert_eq!(run(&store, &rules).events, 0);
    assert_intact(&store);
}

#[test]
fn headers_stay_by_a_rule_and_what_is_dropped_goes_before_all_rules() {
    let (fs, clock) = (MemFs::new(), clock());
    let store = ten_days(&fs, &clock);
    let both = Query::from(Region::all().entity("meter:2")).or(Region::all().entity("user:1"));
    let rules = Retention::new()
        .drop_entity("meter:1")
        .rule(
            RetentionRule::of(Region::all().entity_prefix("meter:"))
                .keep_newest(9)
                .keep_headers(),
        )
        .rule(RetentionRule::of(both).keep_newest(8))
        .keep_newest(1);
    let done = run(&store, &rules);
    assert_eq!((done.events, done.headers), (10 + 2, 1));
    let of = |index: usize| {
        (
            done.rules[index].decided,
            done.rules[index].events,
            done.rules[index].headers,
        )
    };
    assert_eq!((of(0), of(1)), ((10, 0, 1), (10, 2, 0)));
    assert_eq!(days(&store, "meter:1").len(), 0);
    assert_eq!(days(&store, "meter:2")[..2], ["gone", "1"]);
    assert_eq!(days(&store, "user:1").len(), 8);
    // What has lost its payload loses no more.
    assert_eq!(run(&store, &rules).headers, 0);
    assert_intact(&store);
}

#[test]
fn ages_are_counted_from_now_whenever_it_is_compacted() {
    let (fs, clock) = (MemFs::new(), clock());
    let store = ten_days(&fs, &clock);
    let rules = Retention::new()
        .keep_for(Duration::from_millis(5 * DAY_MS))
        .within("meter:");
    // As old as that is not older.
    assert_eq!(run(&store, &rules).events, 2 * 5);
    assert_eq!(run(&store, &rules).events, 0);
    pass(&clock, 1);
    assert_eq!(run(&store, &rules).events, 2);
    pass(&clock, 2 * DAY_MS);
    assert_eq!(run(&store, &rules).events, 2 * 2);
    assert_eq!(days(&store, "meter:1"), ["8", "9"]);
}

/// A rule that protects nobody, for its name was misspelt, left its events to the next one, and nothing said so.
#[test]
fn rules_that_protect_nobody_are_told() {
    let (fs, clock) = (MemFs::new(), clock());
    let store = ten_days(&fs, &clock);
    let rules = Retention::new()
        .rule(RetentionRule::of(Region::all().kind_named("held.up")).keep_newest(1))
        .rule(RetentionRule::of(Region::all().tag("hold")).named("held"))
        .rule(RetentionRule::of(Region::all()).keep_newest(5));
    let plan = CompactionPlan::of(&store, &rules).unwrap();
    assert_eq!(
        (plan.missing.kinds, plan.missing.rules),
        (vec!["held.up".into()], vec!["held".into()])
    );
    assert_eq!((plan.rules[0].matching, plan.rules[2].decided), (0, 30));
}

#[test]
fn rules_that_would_remove_everything_by_a_slip_are_refused() {
    let (fs, clock) = (MemFs::new(), clock());
    let store = ten_days(&fs, &clock);
    let all = || RetentionRule::of(Region::all());
    let grid = || RetentionRule::of(Region::all().scope("grid"));
    for (rule, said) in [
        (all(), "every rule keeps all of its events"),
        (all().keep_none(), "of every event and keeps none"),
        (
            RetentionRule::of(Region::all().entity_prefix("")).keep_none(),
            "of every event",
        ),
        (grid().keep_newest(0), "the newest 0 events"),
        (grid().keep_for(Duration::ZERO), "less than a millisecond"),
        (RetentionRule::of(Query::none()).keep_none(), "of no region"),
        (
            RetentionRule::of(Query::from(Region::all()).limit(3)).keep_newest(1),
            "with a limit",
        ),
        (grid().keep_headers(), "by it none goes"),
    ] {
        let rules = Retention::new().rule(rule);
        let error = store.compact(&rules).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(said), "{error}");
    }
    assert_eq!(store.snapshot().len(), 30);
}
