//! The index against its specification, rule by rule: entry, index, region query, replay. The rules
//! of the gate are beside the gate.

#![cfg(not(strandline_loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod block;
mod entry;
#[path = "../common/forge.rs"]
mod forge;
mod index;
mod merge;
mod query;
mod rebuilt;
mod replay;

use std::ops::Range;
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, EventKind, Hash, Region, Sequence};
use strandline_index::{
    Block, CacheShare, Head, IndexLayout, IndexReader, IndexWriter, Row, channel, channel_within,
};

const KIND: EventKind = EventKind::new(1, 1);
const ALL: Range<Sequence> = Sequence::ZERO..Sequence::new(u64::MAX);

fn id(number: u64) -> EventId {
    EventId::from_u128(u128::from(number) + 1)
}

fn sequence(number: u64) -> Sequence {
    Sequence::new(number)
}

fn coordinate(entity: &str, scope: &str) -> Coordinate {
    Coordinate::new(entity, scope).unwrap()
}

/// A row of an entity whose clock follows the entity's head, id and position the sequence.
fn row(writer: &mut IndexWriter, number: u64, entity: &str, scope: &str) -> Row {
    let coordinate = writer.intern(&coordinate(entity, scope)).unwrap();
    let head = head(writer, entity);
    Row {
        sequence: sequence(number),
        id: id(number),
        coordinate,
        kind: KIND,
        wall_ms: number,
        clock: head.map_or(0, |head| head.clock + 1),
        position: number,
        correlation: id(number),
        causation: None,
        hash: None,
    }
}

/// The newest event of an entity, sealed or not, published or not.
fn head(writer: &IndexWriter, entity: &str) -> Option<Head> {
    let live = writer.lookup_entity(entity);
    let live = live.and_then(|entity| writer.head(entity));
    live.or_else(|| writer.sealed_head(entity))
}

/// Reserves and inserts, and does not publish.
fn insert(writer: &mut IndexWriter, entity: &str, scope: &str) -> Row {
    insert_with(writer, entity, scope, None)
}

/// Inserts a row with a hash, and does not publish.
fn insert_hashed(writer: &mut IndexWriter, entity: &str, scope: &str, hash: &[u8]) -> Row {
    insert_with(writer, entity, scope, Some(Hash::of(hash)))
}

fn insert_with(writer: &mut IndexWriter, entity: &str, scope: &str, hash: Option<Hash>) -> Row {
    let number = writer.reserve(1).unwrap().get();
    let row = Row {
        hash,
        ..row(writer, number, entity, scope)
    };
    writer.insert(&row).unwrap();
    row
}

/// A block of the visible rows with these sequences.
fn block(reader: &IndexReader, sequences: Range<Sequence>) -> Arc<Block> {
    let bytes = reader.snapshot().export(sequences).unwrap();
    Arc::new(Block::from_vec(bytes).unwrap())
}

fn publish(writer: &IndexWriter) {
    writer.publish(writer.gate().allocated());
}

/// An index with one visible event of each (entity, scope).
fn index(events: &[(&str, &str)]) -> (IndexWriter, IndexReader) {
    let (mut writer, reader) = channel();
    for (entity, scope) in events {
        insert(&mut writer, entity, scope);
    }
    publish(&writer);
    (writer, reader)
}

fn found(reader: &IndexReader, region: &Region) -> Vec<u64> {
    let snapshot = reader.snapshot();
    let rows = snapshot.query(region);
    rows.map(|row| row.sequence().get()).collect()
}
