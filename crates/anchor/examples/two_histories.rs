//! A store whose heads are kept, and what they say once somebody has put another in its place.
//!
//! `cargo run -p strandline-anchor --example two_histories`

use std::error::Error;
use std::sync::Arc;
use strandline::fs::OsFs;
use strandline::{Coordinate, Event, EventKind, Store};
use strandline_anchor::proof::{LogPolicy, SignerKey};
use strandline_anchor::{Anchors, FileSink, KeptHeads, check};

const PAID: EventKind = EventKind::new(1, 1);

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let order = Coordinate::new("order:1042", "eu/payments")?;
    let heads = dir.path().join("orders.heads");
    // Where a key is for more than an example, nobody can guess the 32 bytes of which it is made.
    let key = SignerKey::from_seed("example.org/orders".parse()?, [7; 32]);
    let policy = LogPolicy::new(key.verifier());
    let mut anchors = Anchors::new(key).sink(FileSink::new(Arc::new(OsFs), &heads));

    let store = Store::open(dir.path().join("orders.strand"))?;
    for cents in [100, 250, 4_200] {
        store.append(&order, Event::json(PAID, &cents)?)?;
        store.sync()?;
        let anchored = anchors.anchor(&store)?;
        println!("{}", anchored.checkpoint);
    }

    let other = Store::open(dir.path().join("other.strand"))?;
    for cents in [100, 250, 42] {
        other.append(&order, Event::json(PAID, &cents)?)?;
    }
    let kept = KeptHeads::read(&OsFs, &heads)?;
    for (name, store) in [("its own", &store), ("another", &other)] {
        let report = check(&store.snapshot(), &kept, &policy)?;
        println!(
            "{name}: {} of {} events anchored",
            report.anchored, report.log_size
        );
        for finding in &report.findings {
            println!("  {finding}");
        }
        assert_eq!(report.is_sound(), name == "its own");
    }
    if let Err(error) = anchors.anchor(&other) {
        println!("not signed: {error}");
    }
    Ok(())
}
