//! What a schedule gives next, case by case.

use super::super::backoff::Backoff;
use super::super::held::{Held, Waits};
use super::{Failed, Limits, Schedule, UNSETTLED_MAX, Unhandled};
use std::time::Duration;
use strandline_core::Sequence;

const SECOND: Duration = Duration::from_secs(1);

fn limits() -> Limits {
    Limits {
        tries_max: 2,
        backoff: Backoff {
            first: SECOND,
            max: SECOND,
            jitter: 0.0,
        },
        parked_max: 10,
    }
}

fn schedule() -> Schedule {
    Schedule::new(Sequence::ZERO, Vec::new(), limits()).unwrap()
}

fn failed(now: Duration) -> Failed {
    Failed {
        reason: "no".to_owned(),
        is_final: false,
        now,
        now_ms: 7,
        chance: 0,
    }
}

#[test]
fn others_go_on_while_an_entity_waits_for_its_retry() {
    let mut schedule = schedule();
    assert_eq!(schedule.take(Sequence::new(0), "a"), Some(0));
    let due = SECOND;
    assert_eq!(
        schedule.failed(failed(Duration::ZERO)),
        Some(Unhandled::Retried { due })
    );
    for sequence in 1..100 {
        assert_eq!(schedule.take(Sequence::new(sequence), "b"), Some(0));
        schedule.done();
    }
    assert_eq!(schedule.take(Sequence::new(100), "a"), None);
    assert_eq!(schedule.wanted(Duration::ZERO), None);
    assert_eq!(schedule.due(), Some(due));
    assert_eq!(schedule.settled(), Sequence::ZERO);

    let wanted = schedule.wanted(due).unwrap();
    assert_eq!(wanted.within, Sequence::ZERO..Sequence::new(101));
    assert_eq!(schedule.take_held(&wanted.key, Sequence::ZERO), Some(1));
    schedule.done();
    let wanted = schedule.wanted(due).unwrap();
    assert_eq!(schedule.take_held(&wanted.key, Sequence::new(100)), Some(0));
    schedule.done();
    assert_eq!(schedule.wanted(due), None);
    assert_eq!(schedule.settled(), Sequence::new(101));
    assert_eq!(schedule.take(Sequence::new(101), "a"), Some(0));
}

#[test]
fn nothing_is_saved_with_an_event_in_hand() {
    let mut schedule = schedule();
    schedule.take(Sequence::new(3), "a");
    assert_eq!(schedule.saved(), None);
    assert_eq!(schedule.settled(), Sequence::new(3));
    schedule.done();
    assert_eq!(schedule.saved(), Some(Vec::new()));
    assert_eq!(schedule.settled(), Sequence::new(4));
}

#[test]
fn nothing_more_is_taken_while_too_many_wait() {
    let mut schedule = schedule();
    for sequence in 0..UNSETTLED_MAX {
        assert!(schedule.takes_more());
        let sequence = u64::try_from(sequence).unwrap();
        schedule.take(Sequence::new(sequence), &format!("entity:{sequence}"));
        schedule.failed(failed(Duration::ZERO));
    }
    assert!(!schedule.takes_more());
    let wanted = schedule.wanted(SECOND).unwrap();
    schedule.take_held(&wanted.key, wanted.within.start);
    schedule.done();
    assert!(schedule.takes_more());
}

#[test]
fn one_more_parked_than_may_be_is_seen() {
    let mut schedule = schedule();
    for sequence in 0..11 {
        assert!(!schedule.is_full());
        schedule.take(Sequence::new(sequence), &format!("entity:{sequence}"));
        let failed = Failed {
            is_final: true,
            ..failed(Duration::ZERO)
        };
        assert_eq!(schedule.failed(failed), Some(Unhandled::Parked));
    }
    assert!(schedule.is_full());
    assert_eq!(schedule.replay(None), 11);
    assert!(!schedule.is_full());
    assert_eq!(schedule.settled(), Sequence::new(11), "they were parked");
}

#[test]
fn turns_and_retries_do_not_hold_each_other_up() {
    let mut schedule = schedule();
    schedule.park("parked", "asked".to_owned(), 0);
    schedule.take(Sequence::new(0), "parked");
    schedule.take(Sequence::new(1), "retried");
    schedule.failed(failed(Duration::ZERO));
    schedule.replay(Some("parked"));
    let keys: Vec<_> = (0..4)
        .filter_map(|_| schedule.wanted(SECOND))
        .map(|wanted| wanted.key.to_string())
        .collect();
    assert_eq!(keys, ["retried", "parked", "retried", "parked"]);
}

#[test]
fn entities_that_are_replayed_take_turns() {
    let mut schedule = schedule();
    for key in ["a", "b"] {
        schedule.park(key, "asked".to_owned(), 0);
    }
    for sequence in 0..200 {
        let key = if sequence < 100 { "a" } else { "b" };
        schedule.take(Sequence::new(sequence), key);
    }
    schedule.replay(None);
    let mut changes = 0;
    let mut last = None;
    let mut next = [0, 100];
    while let Some(wanted) = schedule.wanted(Duration::ZERO) {
        changes += u32::from(last.as_ref().is_some_and(|last| *last != wanted.key));
        let place = &mut next[usize::from(&*wanted.key == "b")];
        schedule.take_held(&wanted.key, Sequence::new(*place));
        *place += 1;
        schedule.done();
        last = Some(wanted.key);
    }
    assert_eq!(next, [100, 200]);
    assert_eq!(changes, 7, "each has four turns");
}

#[test]
fn what_was_skipped_was_the_event_that_failed() {
    let mut schedule = schedule();
    schedule.park("a", "asked".to_owned(), 0);
    schedule.take(Sequence::new(5), "a");
    assert!(!schedule.skip("a"), "none failed");
    assert!(!schedule.skip("b"), "it is not parked");
    schedule.replay(Some("a"));
    let wanted = schedule.wanted(Duration::ZERO).unwrap();
    schedule.take_held(&wanted.key, Sequence::new(5));
    let is_final = true;
    schedule.failed(Failed {
        is_final,
        ..failed(Duration::ZERO)
    });
    assert!(schedule.skip("a"));
    let wanted = schedule.wanted(Duration::ZERO).unwrap();
    assert_eq!(wanted.within, Sequence::new(6)..Sequence::new(6));
}

#[test]
fn a_state_that_cannot_have_been_saved_is_refused() {
    let held = |key: &str, from| Held {
        key: key.to_owned(),
        from,
        count: 1,
        tries: 1,
        waits: Waits::Retry,
        reason: String::new(),
        at_ms: 0,
        is_replayed: false,
    };
    let front = Sequence::new(10);
    let new = |held| Schedule::new(front, held, limits());
    assert!(new(vec![held("a", 9), held("b", 10)]).is_some());
    assert!(new(vec![held("a", 11)]).is_none(), "past the front");
    assert!(new(vec![held("a", 1), held("a", 2)]).is_none(), "twice");
}

#[test]
fn what_waits_for_a_retry_is_due_at_once_after_a_restart_and_keeps_its_tries() {
    let mut before = schedule();
    before.take(Sequence::new(4), "a");
    before.failed(failed(Duration::ZERO));
    let mut schedule = Schedule::new(before.front(), before.saved().unwrap(), limits()).unwrap();
    let wanted = schedule.wanted(Duration::ZERO).unwrap();
    assert_eq!(schedule.take_held(&wanted.key, Sequence::new(4)), Some(1));
    assert_eq!(
        schedule.failed(failed(Duration::ZERO)),
        Some(Unhandled::Parked)
    );
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let mut schedule = schedule();
    schedule.park("a", "ü".repeat(1000), 3);
    let parked = schedule.parked();
    assert_eq!(parked[0].reason, "ü".repeat(512));
    assert_eq!(parked[0].at_ms, 3);
    schedule.park("b", format!("x{}", "ü".repeat(1000)), 3);
    assert_eq!(schedule.parked()[1].reason.len(), 1023);
}

#[test]
fn after_a_reset_only_what_is_parked_before_is_held() {
    let mut schedule = schedule();
    for (sequence, key, is_final) in [(1, "a", true), (2, "b", false), (5, "c", true)] {
        schedule.take(Sequence::new(sequence), key);
        schedule.failed(Failed {
            is_final,
            ..failed(Duration::ZERO)
        });
    }
    schedule.reset(Sequence::new(4));
    let held = schedule.saved().unwrap();
    assert_eq!(
        held.iter().map(|held| &*held.key).collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(schedule.parked_count(), 1);
    assert_eq!(schedule.take(Sequence::new(5), "c"), Some(0));
    schedule.done();
    assert_eq!(schedule.take(Sequence::new(6), "a"), None);
}

/// Else those past the first that were counted would be passed over once these were handled.
#[test]
fn after_a_reset_further_on_all_of_what_is_parked_is_replayed() {
    let mut schedule = schedule();
    schedule.take(Sequence::new(1), "a");
    let is_final = true;
    schedule.failed(Failed {
        is_final,
        ..failed(Duration::ZERO)
    });
    schedule.reset(Sequence::new(9));
    schedule.replay(None);
    for sequence in [1, 5] {
        let wanted = schedule.wanted(Duration::ZERO).unwrap();
        assert_eq!(wanted.within.end, Sequence::new(9));
        schedule.take_held(&wanted.key, Sequence::new(sequence));
        schedule.done();
    }
    let wanted = schedule.wanted(Duration::ZERO).unwrap();
    schedule.caught_up(&wanted.key);
    assert_eq!(schedule.saved(), Some(Vec::new()));
}
