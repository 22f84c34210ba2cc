//! A customer is forgotten, in a store and in a backup of it: `cargo run -p strandline-seal --example forget`.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::{CopyMode, backup};
use strandline::{Coordinate, Event, EventKind, Region, Store};
use strandline_seal::{FileKeys, KeyStore, Opener, Per, Sealer, Subject, WrappingKey};

const MOVED: EventKind = EventKind::new(0x1, 0x001);

type Failure = Box<dyn std::error::Error>;

/// Prints every event of a store, and whether all of it is as it was written. How many could not be read.
fn show(dir: &Path, opener: &Opener) -> Result<usize, Failure> {
    let store = Store::open(dir)?;
    let mut forgotten = 0;
    for event in store.snapshot().query(Region::all()) {
        let event = opener.open(event?)?;
        let street = match event.is_forgotten() {
            true => "(forgotten)".to_owned(),
            false => event.payload_json()?,
        };
        forgotten += usize::from(event.is_forgotten());
        println!("  {} moved to {street}", event.coordinate.entity());
    }
    println!("  verified: {}", store.verify()?.is_intact());
    Ok(forgotten)
}

fn main() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let (shop, copy) = (
        dir.path().join("shop.strand"),
        dir.path().join("copy.strand"),
    );
    // Two files that belong in two places, and neither beside a backup of the store.
    let wrapping = WrappingKey::random()?;
    let keys = Arc::new(FileKeys::create(dir.path().join("shop.keys"), wrapping)?);

    let store = Store::open(&shop)?;
    let sealer = Sealer::new(keys.clone(), Per::Entity)?;
    for (customer, street) in [("customer:7", "Elm Street"), ("customer:8", "Oak Street")] {
        let at = Coordinate::new(customer, "shop")?;
        store.append(&at, sealer.seal(&at, Event::json(MOVED, street)?)?)?;
    }
    store.close()?;
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    backup(&fs, &shop, &copy, CopyMode::Copy, &mut |_| {
        ControlFlow::Continue(())
    })?;

    let opener = Opener::new(keys.clone());
    println!("before:");
    assert_eq!(show(&shop, &opener)?, 0);
    keys.forget(Subject::Entity("customer:7"))?;
    // Copies of the file of keys from before are of no use once the wrapping key of before is destroyed.
    keys.rotate(WrappingKey::random()?)?;
    println!("after, in the store:");
    assert_eq!(show(&shop, &opener)?, 1);
    println!("after, in the backup that was made before:");
    assert_eq!(show(&copy, &opener)?, 1);
    Ok(())
}
