//! fjall: five LSM trees over one journal, all written in one batch.

use crate::numbering::{Clocks, Ids, wall_ms};
use crate::record;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, UserKey, UserValue};
use parking_lot::Mutex;
use std::path::Path;
use strandline_benches::engine::{
    Ability, Durability, Engine, EngineEntry, Failure, Filter, NewEvent,
};

/// fjall 3.
pub const ENTRY: EngineEntry = EngineEntry {
    name: "fjall",
    abilities: &[
        Ability::Written,
        Ability::Synced,
        Ability::ById,
        Ability::Stream,
        Ability::Scan,
        Ability::Kind,
        Ability::Scope,
        Ability::Prefix,
        Ability::Mixed,
        Ability::CallersIds,
    ],
    notes: "Keyspaces for events, entity and clock, id, kind and scope, 1 GiB of cache. One batch a \
            commit: Written with PersistMode::Buffer, one write of the journal; Synced with \
            PersistMode::SyncData, one fdatasync of the journal under its lock. No check of \
            everything stored, no hash chains.",
    open,
};

/// Memory for blocks: the data set fits, as the documentation recommends.
const CACHE_BYTES: u64 = 1 << 30;
/// Ends a name in a key, so that no name's keys lie among another's.
const NAME_END: u8 = 0;

struct Fjall {
    database: Database,
    /// Encoded events by position.
    events: Keyspace,
    /// Positions by entity and clock.
    streams: Keyspace,
    /// Positions by id.
    by_id: Keyspace,
    /// Kinds with positions.
    kinds: Keyspace,
    /// Scopes with positions.
    scopes: Keyspace,
    ids: Ids,
    writer: Mutex<Writer>,
}

struct Writer {
    position: u64,
    clocks: Clocks,
    record: Vec<u8>,
}

fn open(directory: &Path) -> Result<Box<dyn Engine>, Failure> {
    let database = Database::builder(directory.join("events.fjall"))
        .cache_size(CACHE_BYTES)
        .open()?;
    let options = || KeyspaceCreateOptions::default().expect_point_read_hits(true);
    let events = database.keyspace("events", options)?;
    let position = match events.last_key_value() {
        Some(last) => number(&last.key()?)? + 1,
        None => 0,
    };
    Ok(Box::new(Fjall {
        events,
        streams: database.keyspace("streams", options)?,
        by_id: database.keyspace("ids", options)?,
        kinds: database.keyspace("kinds", options)?,
        scopes: database.keyspace("scopes", options)?,
        database,
        ids: Ids::new(),
        writer: Mutex::new(Writer {
            position,
            clocks: Clocks::default(),
            record: Vec::new(),
        }),
    }))
}

/// The number at the end of a key or value.
fn number(bytes: &[u8]) -> Result<u64, Failure> {
    let last = bytes.last_chunk().ok_or("a number is too short")?;
    Ok(u64::from_be_bytes(*last))
}

/// A key that starts with a name and ends with a number.
fn named(name: &str, number: u64) -> UserKey {
    let mut key = Vec::with_capacity(name.len() + 9);
    key.extend_from_slice(name.as_bytes());
    key.push(NAME_END);
    key.extend_from_slice(&number.to_be_bytes());
    key.into()
}

/// What all keys of a name start with.
fn keys_of(name: &str) -> Vec<u8> {
    [name.as_bytes(), &[NAME_END]].concat()
}

impl Fjall {
    fn commit(
        &self,
        writer: &mut Writer,
        given: &[u128],
        events: &[NewEvent<'_>],
        durability: Durability,
    ) -> Result<(), Failure> {
        let mode = match durability {
            Durability::Written => PersistMode::Buffer,
            Durability::Synced => PersistMode::SyncData,
        };
        let mut batch = self.database.batch().durability(Some(mode));
        let mut position = writer.position;
        for (at, event) in events.iter().enumerate() {
            let clock = writer.clocks.next(event, || {
                match self.streams.prefix(keys_of(event.entity)).next_back() {
                    Some(last) => Ok(number(&last.key()?)? + 1),
                    None => Ok(0),
                }
            })?;
            let now = wall_ms();
            let id = self.ids.given_or_next(given.get(at), now);
            record::encode(id, now, clock, event, &mut writer.record)?;
            let place = position.to_be_bytes();
            let kind = [&event.kind.to_be_bytes()[..], &place].concat();
            batch.insert(&self.events, place, writer.record.as_slice());
            batch.insert(&self.streams, named(event.entity, clock), place);
            batch.insert(&self.by_id, id.to_be_bytes(), place);
            batch.insert(&self.kinds, kind, UserValue::empty());
            batch.insert(
                &self.scopes,
                named(event.scope, position),
                UserValue::empty(),
            );
            position += 1;
        }
        batch.commit()?;
        writer.position = position;
        Ok(())
    }

    fn event(&self, position: &[u8]) -> Result<UserValue, Failure> {
        Ok(self.events.get(position)?.ok_or("an event is missing")?)
    }
}

impl Engine for Fjall {
    fn append(&self, events: &[NewEvent<'_>], durability: Durability) -> Result<(), Failure> {
        self.append_with_ids(events, &[], durability)
    }

    fn append_with_ids(
        &self,
        events: &[NewEvent<'_>],
        given: &[u128],
        durability: Durability,
    ) -> Result<(), Failure> {
        let mut writer = self.writer.lock();
        let result = self.commit(&mut writer, given, events, durability);
        if result.is_err() {
            writer.clocks.clear();
        }
        result
    }

    fn ids(&self) -> Result<Vec<u128>, Failure> {
        let keys = self.by_id.iter().map(|row| row.key());
        keys.map(|key| {
            let bytes = *key?.last_chunk().ok_or("an id is too short")?;
            Ok(u128::from_be_bytes(bytes))
        })
        .collect()
    }

    fn get(&self, id: u128, payload: &mut Vec<u8>) -> Result<(), Failure> {
        let position = self.by_id.get(id.to_be_bytes())?;
        let event = self.event(&position.ok_or("no event has this id")?)?;
        payload.extend_from_slice(record::payload(&event)?);
        Ok(())
    }

    fn stream(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        for row in self.streams.prefix(keys_of(entity)) {
            visit(record::payload(&self.event(&row.value()?)?)?);
        }
        Ok(())
    }

    fn latest(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        if let Some(last) = self.streams.prefix(keys_of(entity)).next_back() {
            visit(record::payload(&self.event(&last.value()?)?)?);
        }
        Ok(())
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        for row in self.events.iter() {
            visit(record::payload(&row.value()?)?);
        }
        Ok(())
    }

    fn query(&self, filter: Filter<'_>, visit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        match filter {
            Filter::Kind(kind) => {
                for row in self.kinds.prefix(kind.to_be_bytes()) {
                    visit(number(&row.key()?)?);
                }
            }
            Filter::Scope(scope) => {
                for row in self.scopes.prefix(keys_of(scope)) {
                    visit(number(&row.key()?)?);
                }
            }
            Filter::Prefix(prefix) => {
                let rows = self.streams.prefix(prefix);
                let mut positions = rows
                    .map(|row| number(&row.value()?))
                    .collect::<Result<Vec<_>, _>>()?;
                positions.sort_unstable();
                positions.into_iter().for_each(visit);
            }
        }
        Ok(())
    }

    fn verify(&self) -> Result<u64, Failure> {
        Err("fjall has no check of everything".into())
    }

    fn close(self: Box<Self>) -> Result<(), Failure> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }
}
