//! A read model that is made of events, kept beside them, and goes on where it was:
//! `cargo run -p strandline-examples --example projection`.
//!
//! State and position are saved together, in one file that is replaced as a whole, so each event is counted
//! once, however often the process ends or the power is cut. A position that is not of the store any more, as after a restore, is
//! refused; then the read model is made anew.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strandline::fs::{OsFs, read_file, replace_file};
use strandline::{
    Coordinate, Cursor, Delivery, ErrorKind, Event, EventPayload, Region, SavedPosition, Start,
    Store, StoredEvent,
};

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "order-placed")]
struct OrderPlaced {
    product: String,
    pieces: u64,
}

type Failure = Box<dyn std::error::Error>;

/// More is no state of this program.
const STATE_BYTES_MAX: u64 = 64 << 20;

/// How many pieces of each product were ordered.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ordered {
    pieces: BTreeMap<String, u64>,
    /// Up to where they are counted.
    position: Option<SavedPosition>,
}

struct Projection {
    file: PathBuf,
    ordered: Ordered,
    cursor: Cursor,
}

impl Projection {
    /// Goes on where it was, or begins anew if that is no place in the store.
    fn open(store: &Store, file: &Path) -> Result<Self, Failure> {
        let mut ordered = match read_file(&OsFs, file, STATE_BYTES_MAX) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ordered::default(),
            Err(error) => return Err(error.into()),
        };
        let placed = Region::all().kind(OrderPlaced::KIND);
        let cursor = match store.follow(&placed, ordered.position) {
            Err(error) if error.kind() == ErrorKind::ForeignPosition => {
                println!("begins anew: {error}");
                ordered = Ordered::default();
                store.follow(&placed, Start::Beginning)?
            }
            cursor => cursor?,
        };
        Ok(Self {
            file: file.to_owned(),
            ordered,
            // What is counted may not be lost by a power cut.
            cursor: cursor.at(Delivery::Durable),
        })
    }

    fn count(&mut self, event: &StoredEvent) -> Result<(), Failure> {
        let placed: OrderPlaced = event.decode()?;
        *self.ordered.pieces.entry(placed.product).or_default() += placed.pieces;
        Ok(())
    }

    /// Counts what there is, and what comes until nothing does for a while.
    fn run(&mut self, patience: Duration) -> Result<usize, Failure> {
        let mut counted = 0;
        loop {
            let batch = self.cursor.next_batch(1000, patience)?;
            if batch.is_empty() {
                return Ok(counted);
            }
            for event in &batch {
                self.count(event)?;
            }
            counted += batch.len();
            self.save()?;
        }
    }

    /// State and position in one step: the next process finds both of them, or neither.
    fn save(&mut self) -> Result<(), Failure> {
        self.ordered.position = Some(self.cursor.position()?);
        let bytes = serde_json::to_vec(&self.ordered)?;
        Ok(replace_file(&OsFs, &self.file, &bytes)?)
    }
}

fn order(store: &Store, number: u32, product: &str, pieces: u64) -> Result<(), Failure> {
    let order = Coordinate::new(format!("order:{number}"), "shop")?;
    let product = product.to_owned();
    store.append(&order, Event::typed(&OrderPlaced { product, pieces })?)?;
    Ok(())
}

fn main() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let (shop, file) = (
        dir.path().join("shop.strand"),
        dir.path().join("ordered.json"),
    );
    let patience = Duration::from_millis(50);
    let store = Store::open(&shop)?;
    for number in 0..100 {
        order(&store, number, "tea", 2)?;
    }

    // It catches up, and counts what is ordered meanwhile, on a thread of its own.
    let mut projection = Projection::open(&store, &file)?;
    let counted = std::thread::scope(|scope| {
        let counts = scope.spawn(|| projection.run(patience).map_err(|error| error.to_string()));
        order(&store, 100, "coffee", 5).map_err(|error| error.to_string())?;
        counts.join().map_err(|_| "it panicked".to_owned())?
    })?;
    println!("{counted} orders counted: {:?}", projection.ordered.pieces);
    store.close()?;

    // Another process, later: it goes on, and counts nothing twice.
    let store = Store::open(&shop)?;
    order(&store, 101, "tea", 1)?;
    let mut projection = Projection::open(&store, &file)?;
    let counted = projection.run(Duration::ZERO)?;
    println!("{counted} more: {:?}", projection.ordered.pieces);
    assert_eq!(projection.ordered.pieces.get("tea"), Some(&201));
    assert_eq!(projection.ordered.pieces.get("coffee"), Some(&5));
    store.close()?;
    Ok(())
}
