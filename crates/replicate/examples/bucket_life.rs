//! A store that is shipped to a bucket, followed by a replica, and taken over by another machine. The bucket is a
//! directory, so that nothing else is needed: `cargo run -p strandline-replicate --example bucket_life`.

use std::time::Duration;
use strandline::{
    AppendOptions, Coordinate, Durability, ErrorKind, Event, EventKind, Region, Sequence, Store,
};
use strandline_replicate::{
    Bucket, BucketOptions, Replica, ReplicaOptions, ReplicateOptions, Replicator, TakeOverOptions,
    take_over,
};

const PAID: EventKind = EventKind::new(1, 1);
/// Only what stands still takes as long.
const LIMIT: Duration = Duration::from_secs(300);

type Failure = Box<dyn std::error::Error>;

fn pay(store: &Store, number: u64) -> Result<Sequence, strandline::Error> {
    let account = Coordinate::new("account:7", "eu")?;
    let event = Event::json(PAID, &number)?;
    // Returns once the event is in the bucket, and nobody had taken it over by then.
    let replicated = AppendOptions::new().durability(Durability::Replicated);
    Ok(store.append_with(&account, event, replicated)?.sequence)
}

fn main() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let url = format!("file://{}", dir.path().join("bucket").display());
    let open = || Bucket::open(&url, BucketOptions::new());
    let fast = Duration::from_millis(10);

    // The first machine: writes, and ships what it writes.
    let first = Store::open(dir.path().join("first.strand"))?;
    let shipping = ReplicateOptions::new().host("first");
    let replicator = Replicator::start(&first, open()?, shipping)?;
    let mut last = Sequence::ZERO;
    for number in 0..10 {
        last = pay(&first, number)?;
    }
    println!(
        "first: shipped to sequence {last}, term {:?}",
        replicator.status().term
    );

    // The second one: reads beside it.
    let options = ReplicaOptions::new().poll_interval(fast);
    let replica = Replica::open(open()?, dir.path().join("replica.strand"), options)?;
    if !replica.wait_past(last, LIMIT)? {
        return Err("the replica does not get on".into());
    }
    let events = replica.store().snapshot().query(Region::all()).count();
    println!("replica: {events} events");

    // The third one takes over. The first is not asked.
    let shipping = ReplicateOptions::new().host("third");
    let options = TakeOverOptions::new().replicate(shipping);
    let taken = take_over(&open()?, dir.path().join("third.strand"), options)?;
    println!(
        "third: took term {} from {}, everything before sequence {}",
        taken.term, taken.before.host, taken.end
    );
    last = pay(&taken.store, 10)?;

    // What the first one appends now is acknowledged to nobody.
    match pay(&first, 11) {
        Err(error) if matches!(error.kind(), ErrorKind::Unknown | ErrorKind::Fenced) => {
            println!("first: {error}");
        }
        other => return Err(format!("two writers: {other:?}").into()),
    }

    // The replica goes on with the one that has the bucket.
    if !replica.wait_past(last, LIMIT)? {
        return Err("the replica does not get on".into());
    }
    println!(
        "replica: in term {:?}",
        replica.status().term.map(|term| term.get())
    );
    taken.replicator.stop(LIMIT)?;
    Ok(())
}
