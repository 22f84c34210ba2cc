//! An aggregate whose events and saved states are sealed, and what is left of it once its key is forgotten:
//! `cargo run -p strandline-aggregate --features seal --example forgotten_customer`.

use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use strandline::{EventEnum, EventPayload, Store};
use strandline_aggregate::{Aggregate, Gone, Repository, Snapshots};
use strandline_seal::{FileKeys, KeyStore, Opener, Per, Sealer, Subject, WrappingKey};

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "moved")]
struct Moved {
    street: String,
}

#[derive(EventEnum)]
enum CustomerEvent {
    Moved(Moved),
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Customer {
    street: Option<String>,
    moves: u32,
}

impl Aggregate for Customer {
    const NAME: &'static str = "customer";
    type Event = CustomerEvent;
    type Command = str;
    type Error = Infallible;

    fn decide(&self, street: &str) -> Result<Vec<CustomerEvent>, Infallible> {
        let street = street.to_owned();
        Ok(vec![Moved { street }.into()])
    }

    fn evolve(&mut self, CustomerEvent::Moved(moved): &CustomerEvent) {
        self.street = Some(moved.street.clone());
        self.moves += 1;
    }

    /// That somebody moved is known, and not whereto.
    fn evolve_without(&mut self, gone: &Gone) -> bool {
        println!("  {gone}");
        self.street = None;
        self.moves += 1;
        matches!(gone, Gone::Forgotten { .. })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let store = Arc::new(Store::open(dir.path().join("shop.strand"))?);
    // Two files that belong in two places.
    let keys = FileKeys::create(dir.path().join("shop.keys"), WrappingKey::random()?)?;
    let keys = Arc::new(keys);
    let sealer = Arc::new(Sealer::new(keys.clone(), Per::Entity)?);
    let customers = Repository::<Customer>::new(&store)?
        .sealed(sealer, Opener::new(keys.clone()))
        .with_cache(100)
        .with_snapshots(Snapshots::of_version(1).every(1));

    for street in ["Elm Street", "Oak Street"] {
        customers.execute("7", street)?;
    }
    let before = customers.load("7")?.state;
    println!(
        "before: {before:?}, saved {} times",
        customers.snapshot_counts().saved
    );
    assert_eq!(
        (before.street.as_deref(), before.moves),
        (Some("Oak Street"), 2)
    );

    // Events, saved states and the one in memory go with it.
    keys.forget(Subject::Entity("customer:7"))?;
    println!("forgotten:");
    let after = customers.load("7")?.state;
    println!("after: {after:?}");
    assert_eq!((after.street.as_deref(), after.moves), (None, 2));
    assert!(store.verify()?.is_intact());
    Ok(())
}
