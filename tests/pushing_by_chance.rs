//! Many different subscriptions, of which each is woken for its own events alone: what each is given is its query.

use crate::compact::small;
use crate::harness::{KINDS, at, bounded, cases, dir, open};
use crate::region::{Call, calls, numbered, region};
use proptest::prelude::*;
use strandline::fs::MemFs;
use strandline::{Batch, Delivery, Event, Pushed, Query, Region, Start, Store, Subscription};

/// Calls, and whether by the name of a kind beside them.
type Part = (Vec<Call>, bool);

fn query(parts: &[Part]) -> Query {
    let of = |(calls, named): &Part| match named {
        true => region(calls).kind_named("created"),
        false => region(calls),
    };
    parts.iter().map(of).collect()
}

/// The sequences of all that was pushed, of which nothing was left out, up to the end.
fn pushed(subscription: &Subscription) -> Vec<u64> {
    let pushed = subscription.iter().map_while(Result::ok);
    pushed
        .flat_map(|pushed| {
            match pushed {
                Pushed::Events(events) => events.to_shared(),
                Pushed::Lagged(lagged) => panic!("{lagged:?}"),
            }
            .iter()
            .map(|event| event.sequence.get())
            .collect::<Vec<_>>()
        })
        .collect()
}

fn append(store: &Store, numbers: std::ops::Range<u64>) {
    let mut batch = Batch::new();
    for number in numbers {
        let (coordinate, event) = numbered(number, KINDS[number as usize % 3], 8);
        batch = batch.push(&coordinate, event);
    }
    store.append_batch(batch).unwrap();
}

proptest! {
    #![proptest_config(cases(60))]

    /// Whether a burst is looked at row by row, for those who name an entity only, or asked for by each.
    #[test]
    fn each_of_many_is_given_what_its_query_takes(
        queries in prop::collection::vec(prop::collection::vec((calls(), prop::bool::weighted(0.1)), 1..3), 5..24),
        bursts in prop::collection::vec(prop_oneof![6 => 1..4_u64, 2 => 4..90_u64, 1 => 90..700_u64], 1..20),
        durable in any::<bool>(),
    ) {
        let options = small(&MemFs::new()).segment_bytes_max(512 << 10);
        let store = options.no_background_sync().open(dir()).unwrap();
        store.name_kind(KINDS[0], "created").unwrap();
        let delivery = match durable {
            true => Delivery::Durable,
            false => Delivery::Visible,
        };
        let subscribe = |query: Query| {
            let cursor = store.follow(query, Start::Now).unwrap().at(delivery);
            cursor.subscribe(1 << 10).unwrap()
        };
        let subscriptions: Vec<_> = queries.iter().map(|parts| subscribe(query(parts))).collect();
        // It says when the hub has come past a burst.
        let probe = subscribe(Query::from(Region::all()));
        let mut next = 0;
        for burst in bursts {
            append(&store, next..next + burst);
            next += burst;
            if durable {
                store.sync().unwrap();
            }
            let mut until = 0;
            while until < next {
                if let Pushed::Events(events) = probe.recv().unwrap() {
                    until = events.until().get();
                }
            }
        }
        let now = store.snapshot();
        store.close().unwrap();
        for (parts, subscription) in queries.iter().zip(&subscriptions) {
            let expected: Vec<_> = now.rows(query(parts)).map(|row| row.sequence().get()).collect();
            prop_assert_eq!(pushed(subscription), expected, "{:?}", parts);
        }
    }
}

/// A query by a name that nobody has yet takes the kind that is given it later.
#[test]
fn a_kind_that_is_named_later_is_pushed_from_then_on() {
    bounded(|| {
        let store = open(&MemFs::new());
        let _others: Vec<_> = (0..9)
            .map(|number| {
                let region = Region::all().entity(format!("other:{number}"));
                store.subscribe(region, Start::Now, 8).unwrap()
            })
            .collect();
        let named = ["e:1", "e:2"].map(|entity| {
            let region = Region::all().entity(entity).kind_named("late");
            store.subscribe(region, Start::Now, 8).unwrap()
        });
        let all = store.subscribe(Region::all(), Start::Now, 8).unwrap();
        let append = |entity: &str| {
            let event = Event::bytes(KINDS[0], *b"x");
            let sequence = store.append(&at(entity, "s"), event).unwrap().sequence;
            all.recv().unwrap();
            sequence
        };
        append("e:1");
        store.name_kind(KINDS[0], "late").unwrap();
        let expected = ["e:1", "e:2"].map(|entity| vec![append(entity).get()]);
        store.close().unwrap();
        assert_eq!(named.map(|subscription| pushed(&subscription)), expected);
    });
}
