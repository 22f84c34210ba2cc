//! A read model in SQLite, which is asked in SQL, kept up with the events, and goes on where it was:
//! `cargo run -p strandline-examples --example read_model_sqlite`.
//!
//! What is made of some events and the position after them are committed in one transaction of SQLite. So each
//! event is counted once, however often the process is killed: what is not committed comes again. A transaction
//! that a power cut takes back takes its position with it, so SQLite need not sync each one. What is read is
//! durable in the store; else a power cut could take an event that is counted.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;
use strandline::{
    Coordinate, Cursor, Delivery, ErrorKind, Event, EventPayload, Region, SavedPosition, Start,
    Store, StoredEvent,
};

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "order-placed")]
pub(crate) struct OrderPlaced {
    pub(crate) product: String,
    pub(crate) pieces: u32,
}

pub(crate) type Failure = Box<dyn std::error::Error>;

/// The position has a name, for other read models in the same file.
const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS ordered (product TEXT PRIMARY KEY, pieces INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS positions (name TEXT PRIMARY KEY, position TEXT NOT NULL);
";
const NAME: &str = "ordered";

/// How many pieces of each product were ordered.
pub(crate) struct ReadModel {
    database: Connection,
    cursor: Cursor,
    /// The position in the database, as this process knows it.
    saved: Option<SavedPosition>,
}

impl ReadModel {
    /// Goes on where it was. If that is no place in the store, as after a restore, it begins anew.
    pub(crate) fn open(store: &Store, file: &Path) -> Result<Self, Failure> {
        let mut database = Connection::open(file)?;
        database.execute_batch(SCHEMA)?;
        let mut saved = saved_position(&database)?;
        let placed = Region::all().kind(OrderPlaced::KIND);
        let cursor = match store.follow(&placed, saved) {
            Err(error) if error.kind() == ErrorKind::ForeignPosition => {
                println!("begins anew: {error}");
                let transaction = database.transaction()?;
                transaction.execute("DELETE FROM ordered", [])?;
                transaction.execute("DELETE FROM positions WHERE name = ?1", [NAME])?;
                transaction.commit()?;
                saved = None;
                store.follow(&placed, Start::Beginning)?
            }
            cursor => cursor?,
        };
        let cursor = cursor.at(Delivery::Durable);
        Ok(Self {
            database,
            cursor,
            saved,
        })
    }

    /// Counts the next events, `most` at most, once there are some; gives how many, 0 if none came for a while.
    pub(crate) fn step(&mut self, most: usize, patience: Duration) -> Result<usize, Failure> {
        let events = self.cursor.next_batch(most, patience)?;
        let position = self.cursor.position()?;
        // It moves over events of others too.
        if self.saved == Some(position) {
            return Ok(0);
        }
        let immediate = TransactionBehavior::Immediate;
        let transaction = self.database.transaction_with_behavior(immediate)?;
        // What two processes count at once would be counted twice.
        if saved_position(&transaction)? != self.saved {
            return Err("another process has gone on with this read model".into());
        }
        for event in &events {
            count(&transaction, event)?;
        }
        let save = "INSERT OR REPLACE INTO positions (name, position) VALUES (?1, ?2)";
        transaction.execute(save, (NAME, position.to_string()))?;
        transaction.commit()?;
        self.saved = Some(position);
        Ok(events.len())
    }

    pub(crate) fn pieces(&self, product: &str) -> Result<u32, Failure> {
        let select = "SELECT pieces FROM ordered WHERE product = ?1";
        let pieces = self.database.query_row(select, [product], |row| row.get(0));
        Ok(pieces.optional()?.unwrap_or_default())
    }
}

fn saved_position(database: &Connection) -> Result<Option<SavedPosition>, Failure> {
    let select = "SELECT position FROM positions WHERE name = ?1";
    let saved: Option<String> = database
        .query_row(select, [NAME], |row| row.get(0))
        .optional()?;
    Ok(saved.map(|saved| saved.parse()).transpose()?)
}

fn count(transaction: &Transaction<'_>, event: &StoredEvent) -> Result<(), Failure> {
    if event.is_redacted() {
        return Ok(());
    }
    let placed: OrderPlaced = event.decode()?;
    let add = "INSERT INTO ordered (product, pieces) VALUES (?1, ?2)
               ON CONFLICT (product) DO UPDATE SET pieces = pieces + excluded.pieces";
    transaction.execute(add, (placed.product, placed.pieces))?;
    Ok(())
}

pub(crate) fn order(store: &Store, number: u32, product: &str, pieces: u32) -> Result<(), Failure> {
    let order = Coordinate::new(format!("order:{number}"), "shop")?;
    let product = product.to_owned();
    store.append(&order, Event::typed(&OrderPlaced { product, pieces })?)?;
    Ok(())
}

fn main() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("shop.sqlite");
    let store = Store::open(dir.path().join("shop.strand"))?;
    for number in 0..100 {
        order(&store, number, "tea", 2)?;
    }
    let mut ordered = ReadModel::open(&store, &file)?;
    let counted = ordered.step(60, Duration::ZERO)?;
    println!(
        "{counted} orders counted: {} of tea",
        ordered.pieces("tea")?
    );

    // Another process, later: it goes on, and counts nothing twice.
    drop(ordered);
    let mut ordered = ReadModel::open(&store, &file)?;
    order(&store, 100, "coffee", 5)?;
    while ordered.step(60, Duration::ZERO)? > 0 {}
    println!(
        "{} of tea, {} of coffee",
        ordered.pieces("tea")?,
        ordered.pieces("coffee")?
    );
    assert_eq!(
        (ordered.pieces("tea")?, ordered.pieces("coffee")?),
        (200, 5)
    );
    store.close()?;
    Ok(())
}
