//! Projections on their threads.

use super::{COUNTED, LONG, OTHER, Tally, WRONG, append, live, memory, options, saved};
use crate::ErrorKind;
use crate::handle::Live;
use crate::projection::{ApplyError, EntityProjection, Projection, project, project_entities};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use strandline::{EventRef, Query, Region, Sequence, Store};
use strandline_core::sync::Mutex;

fn shop() -> (Arc<Store>, Live) {
    let store = Arc::new(options(&memory()).open("/shop.strand").unwrap());
    let live = live(&store);
    (store, live)
}

#[test]
fn ones_own_writes_are_read() {
    let (store, live) = shop();
    let sums = live.projection("sums", Tally::<1>).start().unwrap();
    for number in 1..=20 {
        let receipt = append(&store, 1, COUNTED, number);
        assert!(sums.wait_until(&receipt, LONG).unwrap());
        let read = sums.read(|sums| sums["e:1"]).unwrap();
        assert_eq!(read, (number, number * (number + 1) / 2));
        // One that is not of the query counts once it was passed over.
        assert!(sums.wait_until(&append(&store, 1, OTHER, 0), LONG).unwrap());
    }
    let mut never = append(&store, 1, COUNTED, 1);
    never.sequence = Sequence::new(1_000_000);
    assert!(!sums.wait_until(&never, Duration::from_millis(1)).unwrap());
    sums.stop().unwrap();
    assert_eq!(saved::<1>(&live).unwrap().1, store.snapshot().visible());
}

#[test]
fn one_process_runs_it() {
    let (_store, live) = shop();
    let sums = live.projection("sums", Tally::<1>).start().unwrap();
    let again = live.projection("sums", Tally::<1>).start();
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Held);
    drop(sums);
    live.projection("sums", Tally::<1>)
        .start()
        .unwrap()
        .stop()
        .unwrap();
    let other = live
        .entity_projection("sums", Tally::<1>)
        .partitions(2)
        .start();
    assert_eq!(other.unwrap_err().kind(), ErrorKind::OtherConsumer);
}

fn append_ten(store: &Store, number: u64) {
    for entity in 0..10 {
        append(store, entity, COUNTED, number);
    }
}

#[test]
fn entities_are_projected_in_parallel_and_each_in_order() {
    /// Fails unless its numbers ascend by one.
    struct InOrder;
    impl EntityProjection for InOrder {
        const VERSION: u32 = 1;
        type State = u64;

        fn query(&self) -> Query {
            Region::all().kind(COUNTED).into()
        }

        fn apply(&self, last: &mut u64, event: &EventRef<'_>) -> Result<(), ApplyError> {
            let (number, _): (u64, String) = event.payload_json()?;
            if number != *last + 1 {
                return Err(format!("{number} after {last}").into());
            }
            *last = number;
            Ok(())
        }
    }
    let (store, live) = shop();
    for number in 1..=40 {
        append_ten(&store, number);
    }
    let (told, progress) = mpsc::channel();
    let told = Mutex::new(told);
    let running = live.entity_projection("order", InOrder).partitions(3);
    let running = running.on_progress(move |progress| told.lock().send(*progress).unwrap());
    let running = running.start().unwrap();
    append_ten(&store, 41);
    assert!(running.wait_caught_up(LONG).unwrap());
    let mut all = HashMap::new();
    running
        .read_all(|entity, last| {
            all.insert(entity.to_owned(), *last);
        })
        .unwrap();
    assert_eq!(all.len(), 10);
    assert!(all.values().all(|last| *last == 41), "{all:?}");
    assert_eq!(running.read("e:3", |last| last.copied()).unwrap(), Some(41));
    assert_eq!(running.read("e:99", |last| last.copied()).unwrap(), None);
    assert_eq!(all, project_entities(&store.snapshot(), &InOrder).unwrap());
    running.stop().unwrap();
    let of_one = live
        .projected_entity::<InOrder>("order", "e:7")
        .unwrap()
        .unwrap();
    assert_eq!(of_one.state, 41);
    assert_eq!(of_one.position.sequence(), store.snapshot().visible());
    // Every partition has told that it caught up.
    let mut last = [Sequence::ZERO; 3];
    progress
        .iter()
        .for_each(|told| last[told.partition as usize] = told.sequence);
    assert!(
        last.iter().all(|sequence| *sequence > Sequence::ZERO),
        "{last:?}"
    );
}

#[test]
fn a_projection_that_has_stopped_says_so_at_once() {
    let (store, live) = shop();
    append(&store, 1, COUNTED, 7);
    let sums = live.projection("sums", Tally::<1>).start().unwrap();
    assert!(sums.wait_caught_up(LONG).unwrap());
    let wrong = append(&store, 1, WRONG, 8);
    let waited = sums.wait_until(&wrong, LONG);
    assert_eq!(waited.unwrap_err().kind(), ErrorKind::Faulted);
    assert_eq!(sums.read(|_| ()).unwrap_err().kind(), ErrorKind::Faulted);
    let stopped = sums.stop().unwrap_err();
    assert!(stopped.to_string().contains("it is wrong"), "{stopped}");
}

#[test]
fn a_panic_stops_the_projection_alone() {
    struct Panics;
    impl Projection for Panics {
        const VERSION: u32 = 1;
        type State = ();

        fn query(&self) -> Query {
            Region::all().into()
        }

        fn apply(&self, (): &mut (), _: &EventRef<'_>) -> Result<(), ApplyError> {
            panic!("as it does")
        }
    }
    let (store, live) = shop();
    let running = live.projection("panics", Panics).start().unwrap();
    let receipt = append(&store, 1, COUNTED, 1);
    let error = running.wait_until(&receipt, LONG).unwrap_err();
    assert!(error.to_string().contains("as it does"), "{error}");
    append(&store, 1, COUNTED, 1);
}

/// A projection that waits in an event until it may go on.
struct Held<const N: u32>(Mutex<mpsc::Receiver<()>>);

impl<const N: u32> Projection for Held<N> {
    const VERSION: u32 = N;
    type State = super::Sums;

    fn query(&self) -> Query {
        Projection::query(&Tally::<N>)
    }

    fn apply(&self, sums: &mut super::Sums, event: &EventRef<'_>) -> Result<(), ApplyError> {
        self.0.lock().recv()?;
        Projection::apply(&Tally::<N>, sums, event)
    }
}

#[test]
fn a_new_version_is_made_beside_the_old_one_and_takes_its_place_at_once() {
    let (store, live) = shop();
    for number in 1..=10 {
        append(&store, number % 2, COUNTED, number);
    }
    let old = live.projection("sums", Tally::<1>).start().unwrap();
    assert!(old.wait_caught_up(LONG).unwrap());

    let (go_on, held) = mpsc::channel();
    let new = live
        .projection("sums", Held::<2>(Mutex::new(held)))
        .start()
        .unwrap();
    // Until the new one has caught up the old one goes on, and the new one is not to be read.
    let receipt = append(&store, 1, COUNTED, 11);
    assert!(old.wait_until(&receipt, LONG).unwrap());
    assert_eq!(old.read(|sums| sums["e:1"].0).unwrap(), 6);
    assert_eq!(
        new.wait_until(&receipt, LONG).unwrap_err().kind(),
        ErrorKind::Rebuilding
    );
    let of_new = live.projected::<Held<2>>("sums");
    assert_eq!(of_new.unwrap_err().kind(), ErrorKind::Rebuilding);

    (0..11).for_each(|_| go_on.send(()).unwrap());
    assert!(new.wait_caught_up(LONG).unwrap());
    let sums = new.read(Clone::clone).unwrap();
    assert_eq!(sums, project(&store.snapshot(), &Tally::<1>).unwrap());
    let of_old = live.projected::<Tally<1>>("sums");
    assert_eq!(of_old.unwrap_err().kind(), ErrorKind::OtherConsumer);
    assert_eq!(
        live.projected::<Held<2>>("sums").unwrap().unwrap().state,
        sums
    );

    // The old one stops by itself, and nothing is left of it.
    while old.read(|_| ()).is_ok() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let stopped = old.stop().unwrap_err();
    assert!(stopped.to_string().contains("version 2"), "{stopped}");
    let again = live.projection("sums", Tally::<1>).start();
    assert_eq!(again.unwrap_err().kind(), ErrorKind::OtherConsumer);
    new.stop().unwrap();
    live.projection("sums", Tally::<2>)
        .start()
        .unwrap()
        .stop()
        .unwrap();
    assert_eq!(live.consumer("sums").unwrap().versions().unwrap(), [2]);
}
