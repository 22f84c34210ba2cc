//! Cursors: every event of a query once and in order, from what is there to what comes, and from a saved position on.
//!
//! Some are named after what readers of other stores met: an event that becomes visible after a later one, and is
//! passed over. Here what is visible is everything below a watermark.

use crate::compact::{run, run_redact, small};
use crate::harness::{
    CHANGED, CREATED, HeldFs, KINDS, at, bounded, contents, dir, event, fill, open, written,
};
use crate::hostile_callers::held;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, Retention};
use strandline::{
    AppendOptions, Batch, Cursor, Delivery, Durability, ErrorKind, Event, ExpectedVersion,
    PositionMismatch, Query, Region, Sequence, Start, Store,
};

const LONG: Duration = Duration::from_secs(3600);

/// What is there now, as sequences.
pub(crate) fn there(cursor: &mut Cursor) -> Vec<u64> {
    let mut seen = Vec::new();
    while let Some(event) = cursor.try_next().unwrap() {
        seen.push(event.sequence.get());
    }
    seen
}

pub(crate) fn all(store: &Store, start: impl Into<Start>) -> Cursor {
    store.follow(Region::all(), start).unwrap()
}

fn durability(durability: Durability) -> AppendOptions<'static> {
    AppendOptions::new().durability(durability)
}

/// Marten #4952: a page ended at the highest id that was given, and passed over an event that was not visible yet.
#[test]
fn a_page_ends_before_an_event_that_is_written_and_not_visible() {
    bounded(|| {
        let fs = HeldFs::default();
        let store = Arc::new(held(&fs));
        fill(&store, 3);
        fs.hold();
        let ticket = store.submit(&at("slow", "s"), event("late")).unwrap();
        assert_eq!(store.stats().unwrap().written, Sequence::new(4));
        let mut cursor = all(&store, Start::Beginning);
        assert_eq!(there(&mut cursor), [0, 1, 2]);
        assert_eq!(cursor.sequence(), Sequence::new(3));
        let saved = cursor.position().unwrap();
        fs.release();
        ticket.wait().unwrap();
        assert_eq!(there(&mut cursor), [3]);
        assert_eq!(there(&mut all(&store, saved)), [3]);
    });
}

/// Emmett #336: a processor lost messages under concurrent writers. dcb-event-store #89: so did a subscription with
/// a filter.
#[test]
fn nothing_is_lost_or_repeated_under_concurrent_writers() {
    const EACH: usize = 60;
    bounded(|| {
        let fs = MemFs::new();
        let store = Arc::new(small(&fs).open(dir()).unwrap());
        let writers: Vec<_> = (0..4_usize)
            .map(|writer| {
                let store = store.clone();
                thread::spawn(move || {
                    let own = at(&format!("writer:{writer}"), "s");
                    for number in 0..EACH {
                        let level = match number % 3 {
                            0 => Durability::Synced,
                            _ => Durability::Written,
                        };
                        let kind = KINDS[number % 3];
                        let one = || Event::bytes(kind, vec![b'x'; 300]);
                        let batch =
                            (0..=writer).fold(Batch::new(), |batch, _| batch.push(&own, one()));
                        store.append_batch_with(batch, durability(level)).unwrap();
                    }
                })
            })
            .collect();
        let total: usize = (1..=4).map(|batch| batch * EACH).sum();
        let queries = [
            Query::from(Region::all()),
            Query::any_of([
                Region::all().entity("writer:1"),
                Region::all().kinds([CHANGED]),
            ]),
        ];
        let followers: Vec<_> = queries
            .iter()
            .flat_map(|query| [(query, Delivery::Visible), (query, Delivery::Durable)])
            .map(|(query, delivery)| {
                let mut cursor = store.follow(query, Start::Beginning).unwrap().at(delivery);
                let end = Sequence::new(total as u64);
                thread::spawn(move || {
                    let mut seen = Vec::new();
                    while cursor.sequence() < end {
                        let next = cursor.next_timeout(Duration::from_millis(5)).unwrap();
                        seen.extend(next.map(|event| event.sequence.get()));
                    }
                    seen
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        store.sync().unwrap();
        let events = contents(&store.snapshot());
        for (number, follower) in followers.into_iter().enumerate() {
            let wanted = events
                .iter()
                .filter(|event| queries[number / 2].matches(event.header()));
            let wanted: Vec<_> = wanted.map(|event| event.sequence.get()).collect();
            assert_eq!(follower.join().unwrap(), wanted);
        }
    });
}

/// Marten 9.38: a gap in the ids that never closes stalled the daemon. AxonFramework #2958: so did one in a token.
#[test]
fn what_was_refused_or_removed_leaves_no_gap_that_is_waited_for() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    fill(&store, 400);
    let refused = event("x").expecting(ExpectedVersion::NoStream);
    store
        .append(&at("entity:1", "scope/1"), refused)
        .unwrap_err();
    run(&store, &Retention::new().keep_newest(3));
    fill(&store, 5);
    let rest: Vec<_> = contents(&store.snapshot())
        .iter()
        .map(|event| event.sequence.get())
        .collect();
    let mut cursor = all(&store, Start::Beginning);
    assert_eq!(there(&mut cursor), rest);
    assert_eq!(cursor.sequence(), Sequence::new(405));
}

/// A cursor in the middle of what a compaction removes goes on after it, and holds nothing of it back.
#[test]
fn what_is_removed_before_a_cursor_came_to_it_is_not_given() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    fill(&store, 300);
    let mut cursor = all(&store, Start::Beginning);
    let first: Vec<_> = (0..100)
        .map(|_| cursor.next().unwrap().sequence.get())
        .collect();
    assert!(first.iter().copied().eq(0..100));
    let saved = cursor.position().unwrap();
    run(&store, &Retention::new().keep_newest(1));
    let rest: Vec<_> = contents(&store.snapshot())
        .iter()
        .map(|event| event.sequence.get())
        .filter(|sequence| *sequence >= 100)
        .collect();
    assert_eq!(there(&mut all(&store, saved)), rest);
    let seen = there(&mut cursor);
    assert!(seen.ends_with(&rest) && seen.is_sorted() && seen[0] >= 100);
}

#[test]
fn an_event_that_is_redacted_is_given_without_its_payload() {
    let fs = MemFs::new();
    let store = small(&fs).open(dir()).unwrap();
    let secret = store.append(&at("a", "s"), event("secret")).unwrap();
    let mut cursor = all(&store, Start::Beginning);
    run_redact(&store, &Redaction::new().event(secret.id));
    let given = cursor.next().unwrap();
    assert_eq!(given.id, secret.id);
    assert_eq!(given.payload().unwrap_err().kind(), ErrorKind::Redacted);
}

/// Each way of starting begins where it says, and what cannot be followed is refused.
#[test]
fn a_cursor_begins_where_it_is_told_to() {
    let store = open(&MemFs::new());
    fill(&store, 4);
    assert_eq!(there(&mut all(&store, Start::Beginning)), [0, 1, 2, 3]);
    assert_eq!(there(&mut all(&store, None)), [0, 1, 2, 3]);
    assert_eq!(
        there(&mut all(&store, Start::After(Sequence::new(1)))),
        [2, 3]
    );
    let now = store.snapshot();
    let saved = now.position(Sequence::new(3)).unwrap();
    assert_eq!(there(&mut all(&store, saved)), [3]);
    let mut news = all(&store, Start::Now);
    assert!(there(&mut news).is_empty());
    fill(&store, 1);
    assert_eq!(there(&mut news), [4]);
    let refused = [
        store.follow(Region::all(), Start::After(Sequence::new(5))),
        store.follow(Query::from(Region::all()).limit(3), Start::Now),
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

/// The position is after what was given, and not after what was read ahead; and it moves over what is not wanted.
#[test]
fn a_position_is_after_what_was_given_and_what_is_not_wanted() {
    let store = open(&MemFs::new());
    fill(&store, 100);
    let kind = Region::all().kind(CREATED);
    let mut cursor = store.follow(&kind, Start::Beginning).unwrap();
    // Every third is wanted.
    for given in [0, 3, 6] {
        assert_eq!(cursor.next().unwrap().sequence.get(), given);
        assert_eq!(cursor.sequence().get(), given + 3);
        let saved = cursor.position().unwrap();
        let mut resumed = store.follow(&kind, saved).unwrap();
        assert_eq!(resumed.next().unwrap().sequence.get(), given + 3);
    }
    let nothing = Region::all().entity("nobody");
    let mut cursor = store.follow(&nothing, Start::Beginning).unwrap();
    assert!(there(&mut cursor).is_empty());
    assert_eq!(cursor.position().unwrap().sequence(), Sequence::new(100));
    fill(&store, 7);
    assert_eq!(cursor.next_timeout(Duration::ZERO).unwrap(), None);
    assert_eq!(cursor.position().unwrap().sequence(), Sequence::new(107));
}

#[test]
fn batches_and_headers_are_those_of_the_single_events() {
    let store = open(&MemFs::new());
    fill(&store, 700);
    let query = Region::all().kinds([CREATED, CHANGED]);
    let wanted = there(&mut store.follow(&query, Start::Beginning).unwrap());
    let follow = || store.follow(&query, Start::Beginning).unwrap();
    for max in [1, 2, 7, 300, 5000] {
        let (mut owned, mut borrowed, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        let mut cursor = follow();
        loop {
            let batch = cursor.try_batch(max).unwrap();
            assert!(batch.len() <= max);
            if batch.is_empty() {
                break;
            }
            owned.extend(batch.iter().map(|event| event.sequence.get()));
        }
        let mut cursor = follow();
        while cursor
            .try_batch_with(max, |event| borrowed.push(event.sequence().get()))
            .unwrap()
            > 0
        {}
        let mut cursor = follow();
        while cursor
            .try_rows_with(max, |row| rows.push(row.sequence().get()))
            .unwrap()
            > 0
        {}
        for seen in [owned, borrowed, rows] {
            assert_eq!(seen, wanted, "{max}");
        }
    }
    // What was read ahead is not left out, in whatever way the rest is asked for.
    let mut cursor = follow();
    let mut seen = vec![cursor.next().unwrap().sequence.get()];
    cursor
        .try_rows_with(1, |row| seen.push(row.sequence().get()))
        .unwrap();
    seen.extend(
        cursor
            .try_batch(2)
            .unwrap()
            .iter()
            .map(|event| event.sequence.get()),
    );
    cursor
        .try_batch_with(2, |event| seen.push(event.sequence().get()))
        .unwrap();
    seen.extend(there(&mut cursor));
    assert_eq!(seen, wanted);
    assert!(cursor.next_batch(0, LONG).unwrap().is_empty());
    assert_eq!(cursor.try_batch_with(0, |_| panic!("none")).unwrap(), 0);
    assert!(cursor.next_batch(9, Duration::ZERO).unwrap().is_empty());
}

#[test]
fn what_is_durable_is_given_once_it_is() {
    let fs = MemFs::new();
    let store = written(&fs).open(dir()).unwrap();
    fill(&store, 2);
    let mut durable = all(&store, Start::Beginning).at(Delivery::Durable);
    assert!(there(&mut durable).is_empty());
    assert_eq!(there(&mut all(&store, Start::Beginning)), [0, 1]);
    // Seen by another cursor, it is not seen by this one.
    assert_eq!(durable.position().unwrap().sequence(), Sequence::ZERO);
    store.sync().unwrap();
    assert_eq!(there(&mut durable), [0, 1]);
}

#[test]
fn a_cursor_that_waits_is_given_what_is_appended() {
    bounded(|| {
        let store = Arc::new(open(&MemFs::new()));
        let (given, gets) = channel();
        let mut cursor = all(&store, Start::Beginning);
        let follower = thread::spawn(move || {
            for _ in 0..20 {
                given.send(cursor.next().unwrap().sequence.get()).unwrap();
            }
        });
        for number in 0..20 {
            fill(&store, 1);
            assert_eq!(gets.recv().unwrap(), number);
        }
        follower.join().unwrap();
    });
}

#[test]
fn a_cursor_of_a_read_only_store_is_given_what_another_process_appends() {
    bounded(|| {
        let fs = MemFs::new();
        let store = small(&fs).open(dir()).unwrap();
        fill(&store, 5);
        let reader = small(&fs).read_only().open(dir()).unwrap();
        let mut cursor = all(&reader, Start::Beginning);
        assert_eq!(there(&mut cursor), [0, 1, 2, 3, 4]);
        fill(&store, 2);
        // Without a wait it looks for itself.
        assert_eq!(there(&mut cursor), [5, 6]);
        let (given, gets) = channel();
        let waits = thread::spawn(move || {
            loop {
                match cursor.next() {
                    Ok(event) => given.send(event.sequence.get()).unwrap(),
                    Err(error) => return error.kind(),
                }
            }
        });
        for number in 7..200 {
            fill(&store, 1);
            assert_eq!(gets.recv().unwrap(), number);
        }
        reader.close().unwrap();
        assert_eq!(waits.join().unwrap(), ErrorKind::Closed);
        // A writer's position is taken by a reader, and the other way round.
        let reader = small(&fs).read_only().open(dir()).unwrap();
        let mut cursor = all(&store, Start::Beginning);
        assert_eq!(there(&mut cursor).len(), 200);
        fill(&store, 1);
        let mut resumed = all(&reader, cursor.position().unwrap());
        assert_eq!(there(&mut resumed), [200]);
        assert!(there(&mut all(&store, resumed.position().unwrap())).is_empty());
    });
}

/// Another store, and one that lost its end, are told before anything is read.
#[test]
fn a_position_that_does_not_hold_is_refused_with_one_that_does() {
    let fs = MemFs::new();
    let store = written(&fs).open(dir()).unwrap();
    fill(&store, 40);
    store.sync().unwrap();
    let cut = crate::compact::copy(&fs);
    fill(&store, 3);
    let mut cursor = all(&store, Start::Beginning);
    assert_eq!(there(&mut cursor).len(), 43);
    let saved = cursor.position().unwrap();
    let store = written(&cut).open(dir()).unwrap();
    fill(&store, 5);
    let error = store.follow(Region::all(), saved).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForeignPosition, "{error}");
    let refused = error.refused_position().unwrap();
    assert_eq!(refused.mismatch, PositionMismatch::LostEnd);
    let rewind = refused.rewind.unwrap();
    let seen = there(&mut all(&store, rewind));
    assert_eq!(seen, (rewind.sequence().get()..45).collect::<Vec<_>>());
    assert!(rewind.sequence().get() <= 40 && rewind.sequence().get() >= 16);
}
