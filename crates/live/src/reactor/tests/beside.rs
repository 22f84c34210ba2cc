//! What happens to a store beside a reactor, and what handlers do to it: redactions and compactions of what is parked,
//! workers that take over in a store that is opened to read only, handlers that append or do not return.

use super::super::kept::Kept;
use super::super::worker::Worker;
use super::{
    Handler, KIND, Shared, append, ask, handler, live, memory, number, options, run, settings,
    shop, state, worker,
};
use crate::consumer::{Claimant, Claimed};
use crate::handle::{LEASE, VERSION};
use crate::{
    Condition, ConsumerInfo, ConsumerKind, Context, ErrorKind, Failure, KEY_BYTES_MAX, PartitionBy,
    REASON_BYTES_MAX, Request,
};
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline::{Coordinate, Event, Store, StoredEvent};
use strandline_core::sync::Mutex;
use strandline_core::{Clock, ManualClock};

fn replay(worker: &mut Worker, live: &crate::Live) {
    ask(live, &Request::Replay { key: None });
    worker.answer().unwrap();
    run(worker);
}

/// Of an event that was redacted while it was parked a replay has the header: the handler says what that is worth.
#[test]
fn an_event_that_is_redacted_while_it_is_parked_is_replayed_without_its_payload() {
    let (_clock, store, live, _) = shop();
    let seen: Arc<Mutex<Vec<Option<usize>>>> = Arc::default();
    let is_wrong = Arc::new(Mutex::new(true));
    let handler: Arc<Handler> = Arc::new({
        let (seen, is_wrong) = (seen.clone(), is_wrong.clone());
        move |event: &StoredEvent, _: &Context<'_>| {
            if *is_wrong.lock() {
                return Err(Failure::park("wrong"));
            }
            seen.lock().push(event.payload_json().ok());
            Ok(())
        }
    });
    let first = append(&store, 0, 0);
    append(&store, 0, 1);
    let mut worker = worker(&live, settings(1), &handler).unwrap();
    run(&mut worker);
    let chosen = Redaction::new().event(first.id);
    redact(&store, &chosen, &mut |_| ControlFlow::Continue(())).unwrap();
    *is_wrong.lock() = false;
    replay(&mut worker, &live);
    assert_eq!(*seen.lock(), [None, Some(1)]);
    worker.save().unwrap();
    assert!(state(&live).parked.is_empty());
}

/// What a compaction removes of a parked entity is handled by nobody, and what is left of it in its order.
#[test]
fn what_is_compacted_while_it_is_parked_is_left_out_of_a_replay() {
    for retention in [
        Retention::new().keep_newest(2),
        Retention::new().drop_entity("e:0"),
    ] {
        let (_clock, store, live, seen) = shop();
        seen.lock().wrong.insert(0);
        for number in 0..5 {
            append(&store, 0, number);
        }
        append(&store, 1, 5);
        let mut first = worker(&live, settings(1), &handler(&seen)).unwrap();
        run(&mut first);
        first.save().unwrap();
        let compacted = compact(&store, &retention, &mut |_| ControlFlow::Continue(()));
        compacted.unwrap();
        let left = store.snapshot().stream("e:0").count();
        seen.lock().wrong.clear();
        replay(&mut first, &live);
        append(&store, 0, 6);
        run(&mut first);
        let expected: Vec<_> = [5].into_iter().chain(5 - left..5).chain([6]).collect();
        assert_eq!(seen.lock().handled, expected);
        first.save().unwrap();
        assert!(state(&live).parked.is_empty());
    }
}

/// An event without a correlation is one of its own, with all that are correlated with it.
#[test]
fn by_correlation_an_event_without_one_is_parked_with_those_that_are_of_it() {
    let (_clock, store, live, seen) = shop();
    seen.lock().wrong.insert(0);
    let by = PartitionBy::Correlation;
    let by_correlation = || crate::reactor::settings::Settings { by, ..settings(1) };
    let root = append(&store, 0, 0);
    append(&store, 0, 1);
    for number in 2..4 {
        let event = Event::json(KIND, &number).unwrap().correlated_with(root.id);
        let at = Coordinate::new(format!("e:{number}"), "s").unwrap();
        store.append(&at, event).unwrap();
    }
    let mut first = worker(&live, by_correlation(), &handler(&seen)).unwrap();
    run(&mut first);
    assert_eq!(seen.lock().handled, [1]);
    first.save().unwrap();
    let saved = state(&live);
    assert_eq!(saved.parked.len(), 1);
    assert_eq!(saved.parked[0].key, root.id.to_string());
    assert_eq!(saved.parked[0].count, 3);
    seen.lock().wrong.clear();
    replay(&mut first, &live);
    assert_eq!(seen.lock().handled, [1, 0, 2, 3]);
}

/// By entity and by correlation, each event is of one partition, and of the one that its key is in.
#[test]
fn rows_are_in_the_partitions_of_their_events() {
    let (_clock, store, _live, _) = shop();
    let root = append(&store, 0, 0);
    for number in 1..50 {
        let event = Event::json(KIND, &number).unwrap();
        let event = match number % 3 {
            0 => event.correlated_with(root.id),
            _ => event,
        };
        let at = Coordinate::new(format!("e:{}", number % 7), "s").unwrap();
        store.append(&at, event).unwrap();
    }
    let now = store.snapshot();
    for by in [PartitionBy::Entity, PartitionBy::Correlation] {
        for row in now.rows(strandline::Region::all()) {
            let event = now.get(row.id()).unwrap().unwrap();
            let of_event = crate::partition_of(&by.key(&event), 5);
            for partition in 0..5 {
                assert_eq!(by.is_in(row, partition, 5), partition == of_event);
            }
        }
    }
}

#[test]
fn a_handler_may_append_to_the_store_that_it_reads() {
    let (_clock, store, live, seen) = shop();
    let handler: Arc<Handler> = Arc::new({
        let (store, seen) = (store.clone(), seen.clone());
        move |event: &StoredEvent, _: &Context<'_>| {
            let number = number(event);
            if number < 5 {
                append(&store, number + 1, number + 1);
            }
            seen.lock().handled.push(number);
            Ok(())
        }
    });
    append(&store, 0, 0);
    let mut worker = worker(&live, settings(1), &handler).unwrap();
    run(&mut worker);
    assert_eq!(seen.lock().handled, [0, 1, 2, 3, 4, 5]);
}

/// Who waits for a partition in a store that is opened to read only has seen less of it than who held it until now: it
/// took the position for one of a log that has lost its end.
#[test]
fn who_takes_over_in_another_process_looks_at_the_store_anew() {
    let fs = memory();
    let clock = Arc::new(ManualClock::new(1_000));
    let store = super::open(&fs, &clock);
    append(&store, 0, 0);
    let reading = || {
        Arc::new(
            options(&fs)
                .clock(clock.clone())
                .read_only()
                .open("/shop.strand")
                .unwrap(),
        )
    };
    let seen = Shared::default();
    let here = live(&reading());
    let standby: Arc<Store> = reading();
    let other = live(&standby);
    let mut first = worker(&here, settings(1), &handler(&seen)).unwrap();
    // That an event is durable is read in the commit behind it.
    append(&store, 0, 1);
    append(&store, 0, 2);
    run(&mut first);
    first.save().unwrap();
    assert_eq!(seen.lock().handled, [0, 1]);
    assert!(state(&here).sequence() > standby.snapshot().visible());
    drop(first);
    let mut next = worker(&other, settings(1), &handler(&seen)).unwrap();
    // The same where somebody asks for a place that he has not seen yet.
    let unseen = live(&reading());
    append(&store, 0, 3);
    append(&store, 0, 4);
    run(&mut next);
    next.save().unwrap();
    assert_eq!(seen.lock().handled, [0, 1, 2, 3]);
    let to = state(&here).position;
    unseen.reset("mailer", to).unwrap();
}

/// A handler that does not return saves nothing, and its lease is renewed: who asks for the status is told.
#[test]
fn a_handler_that_does_not_return_is_noted_with_its_event_and_since_when() {
    let (clock, store, live, _) = shop();
    append(&store, 0, 0);
    let second = append(&store, 1, 1);
    let info = ConsumerInfo::new("mailer", ConsumerKind::Reactor, 1).unwrap();
    let consumer = live.consumer_as(&info, VERSION).unwrap();
    let partition = consumer.partition(VERSION, 0).unwrap();
    let Claimed::Taken(lease, state) = Claimant::new(partition, LEASE).try_claim().unwrap() else {
        panic!("it is held");
    };
    let kept = Arc::new(Kept::new(lease, live.clock(), LEASE));
    let handler: Arc<Handler> = Arc::new({
        let (kept, clock, live) = (kept.clone(), clock.clone(), live.clone());
        move |event: &StoredEvent, _: &Context<'_>| {
            if number(event) != 1 {
                return Ok(());
            }
            let began = clock.now_ms();
            // As the thread that renews leases does, now and then.
            for (after, is_told) in [(59_000, false), (60_000, true), (90_000, true)] {
                clock.set(began + after);
                kept.beat().unwrap();
                kept.note_hanging().unwrap();
                let status = live.status("mailer").unwrap();
                let told = status.last_error.map(|error| (error.sequence, error.at_ms));
                let expected = is_told.then_some((Some(event.sequence), began));
                assert_eq!(told, expected, "after {after} ms");
                if is_told {
                    assert_eq!(status.condition, Condition::Stalled);
                    assert_eq!(status.sequence, event.sequence);
                }
            }
            Ok(())
        }
    });
    let opened = Worker::open(
        &live,
        &Arc::new(settings(1)),
        &handler,
        (kept.clone(), 0),
        *state,
    );
    let mut worker = opened.unwrap();
    run(&mut worker);
    // It has returned.
    kept.note_hanging().unwrap();
    worker.save().unwrap();
    let status = live.status("mailer").unwrap();
    assert_eq!(status.condition, Condition::CaughtUp);
    assert_eq!(status.last_error, None);
    assert_eq!(status.sequence.get(), second.sequence.get() + 1);
}

#[test]
fn a_key_that_no_event_has_is_refused_and_a_reason_is_cut() {
    let (_clock, store, live, seen) = shop();
    append(&store, 0, 0);
    drop(worker(&live, settings(1), &handler(&seen)).unwrap());
    let long = "k".repeat(64 << 10);
    let error = live.park("mailer", &long, "").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let mut asked = live.park("mailer", &long[..KEY_BYTES_MAX], &long).unwrap();
    assert!(asked.is_done().unwrap());
    let parked = &state(&live).parked[0];
    assert_eq!(
        (parked.key.len(), parked.reason.len()),
        (KEY_BYTES_MAX, REASON_BYTES_MAX)
    );
}
