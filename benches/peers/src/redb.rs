//! redb: five B-trees in one file, all written in one transaction.

use crate::numbering::{Clocks, Ids, wall_ms};
use crate::record;
use parking_lot::{Mutex, RwLock};
use redb::backends::FileBackend;
use redb::{
    BackendError, Builder, Database, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    StorageBackend, TableDefinition, WriteTransaction,
};
use std::fs::OpenOptions;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use strandline_benches::engine::{
    Ability, Durability, Engine, EngineEntry, Failure, Filter, NewEvent,
};

/// redb 4.
pub const ENTRY: EngineEntry = EngineEntry {
    name: "redb",
    abilities: &[
        Ability::Written,
        Ability::Synced,
        Ability::ById,
        Ability::Stream,
        Ability::Scan,
        Ability::Kind,
        Ability::Scope,
        Ability::Prefix,
        Ability::Verify,
        Ability::Mixed,
        Ability::CallersIds,
    ],
    notes: "Tables for events, entity and clock, id, kind and scope. Every commit is \
            Durability::Immediate, because Durability::None is lost with a killed process. Written \
            has no setting of its own in redb: it is the same commit over a storage backend whose \
            sync does nothing, and so writes as much as it needs to survive a kill. Verify is \
            check_integrity: the checksums of all pages. No hash chains.",
    open,
};

/// Encoded events by position.
const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
/// Positions by entity and clock.
const STREAMS: TableDefinition<'_, (&str, u64), u64> = TableDefinition::new("streams");
/// Positions by id.
const IDS: TableDefinition<'_, u128, u64> = TableDefinition::new("ids");
/// Kinds with positions.
const KINDS: TableDefinition<'_, (u16, u64), ()> = TableDefinition::new("kinds");
/// Scopes with positions.
const SCOPES: TableDefinition<'_, (&str, u64), ()> = TableDefinition::new("scopes");

struct Redb {
    database: RwLock<Database>,
    ids: Ids,
    writer: Mutex<Writer>,
    /// Whether a sync reaches the disk.
    does_sync: Arc<AtomicBool>,
}

#[derive(Default)]
struct Writer {
    clocks: Clocks,
    record: Vec<u8>,
}

/// A file that is synced or not as the append asks for.
#[derive(Debug)]
struct Backend {
    file: FileBackend,
    does_sync: Arc<AtomicBool>,
}

type Edge = Bound<u64>;

impl StorageBackend for Backend {
    fn sync_data(&self) -> io::Result<()> {
        if self.does_sync.load(Ordering::Relaxed) {
            self.file.sync_data()?;
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Edge, end: Edge) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Edge, end: Edge) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Edge, end: Edge) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Edge, end: Edge) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Edge, end: Edge) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Edge, end: Edge) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

fn open(directory: &Path) -> Result<Box<dyn Engine>, Failure> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join("events.redb"))?;
    let does_sync = Arc::new(AtomicBool::new(true));
    let database = Builder::new().create_with_backend(Backend {
        file: FileBackend::new(file)?,
        does_sync: Arc::clone(&does_sync),
    })?;
    // Readers find the tables even if nothing was ever written.
    let transaction = database.begin_write()?;
    transaction.open_table(EVENTS)?;
    transaction.open_table(STREAMS)?;
    transaction.open_table(IDS)?;
    transaction.open_table(KINDS)?;
    transaction.open_table(SCOPES)?;
    transaction.commit()?;
    Ok(Box::new(Redb {
        database: RwLock::new(database),
        ids: Ids::new(),
        writer: Mutex::default(),
        does_sync,
    }))
}

impl Writer {
    fn insert(
        &mut self,
        transaction: &WriteTransaction,
        ids: &Ids,
        given: &[u128],
        events: &[NewEvent<'_>],
    ) -> Result<(), Failure> {
        let mut by_position = transaction.open_table(EVENTS)?;
        let mut streams = transaction.open_table(STREAMS)?;
        let mut by_id = transaction.open_table(IDS)?;
        let mut kinds = transaction.open_table(KINDS)?;
        let mut scopes = transaction.open_table(SCOPES)?;
        let first = match by_position.last()? {
            Some((last, _)) => last.value() + 1,
            None => 0,
        };
        for ((position, event), at) in (first..).zip(events).zip(0..) {
            let clock = self.clocks.next(event, || {
                let mut stream = streams.range((event.entity, 0)..=(event.entity, u64::MAX))?;
                Ok(match stream.next_back().transpose()? {
                    Some((last, _)) => last.value().1 + 1,
                    None => 0,
                })
            })?;
            let now = wall_ms();
            let id = ids.given_or_next(given.get(at), now);
            record::encode(id, now, clock, event, &mut self.record)?;
            by_position.insert(position, self.record.as_slice())?;
            streams.insert((event.entity, clock), position)?;
            by_id.insert(id, position)?;
            kinds.insert((event.kind, position), ())?;
            scopes.insert((event.scope, position), ())?;
        }
        Ok(())
    }
}

impl Redb {
    fn commit(
        &self,
        writer: &mut Writer,
        given: &[u128],
        events: &[NewEvent<'_>],
    ) -> Result<(), Failure> {
        let transaction = self.database.read().begin_write()?;
        writer.insert(&transaction, &self.ids, given, events)?;
        Ok(transaction.commit()?)
    }
}

impl Engine for Redb {
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
        let does_sync = durability == Durability::Synced;
        self.does_sync.store(does_sync, Ordering::Relaxed);
        let result = self.commit(&mut writer, given, events);
        if result.is_err() {
            writer.clocks.clear();
        }
        result
    }

    fn ids(&self) -> Result<Vec<u128>, Failure> {
        let transaction = self.database.read().begin_read()?;
        let by_id = transaction.open_table(IDS)?;
        by_id.iter()?.map(|row| Ok(row?.0.value())).collect()
    }

    fn get(&self, id: u128, payload: &mut Vec<u8>) -> Result<(), Failure> {
        let transaction = self.database.read().begin_read()?;
        let by_id = transaction.open_table(IDS)?;
        let position = by_id.get(id)?.ok_or("no event has this id")?.value();
        let by_position = transaction.open_table(EVENTS)?;
        let event = by_position.get(position)?.ok_or("an event is missing")?;
        payload.extend_from_slice(record::payload(event.value())?);
        Ok(())
    }

    fn stream(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let transaction = self.database.read().begin_read()?;
        let streams = transaction.open_table(STREAMS)?;
        let by_position = transaction.open_table(EVENTS)?;
        for row in streams.range((entity, 0)..=(entity, u64::MAX))? {
            let (_, position) = row?;
            let event = by_position
                .get(position.value())?
                .ok_or("an event is missing")?;
            visit(record::payload(event.value())?);
        }
        Ok(())
    }

    fn latest(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let transaction = self.database.read().begin_read()?;
        let streams = transaction.open_table(STREAMS)?;
        let by_position = transaction.open_table(EVENTS)?;
        let mut stream = streams.range((entity, 0)..=(entity, u64::MAX))?;
        if let Some((_, position)) = stream.next_back().transpose()? {
            let event = by_position
                .get(position.value())?
                .ok_or("an event is missing")?;
            visit(record::payload(event.value())?);
        }
        Ok(())
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let transaction = self.database.read().begin_read()?;
        for row in transaction.open_table(EVENTS)?.iter()? {
            visit(record::payload(row?.1.value())?);
        }
        Ok(())
    }

    fn query(&self, filter: Filter<'_>, visit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        let transaction = self.database.read().begin_read()?;
        match filter {
            Filter::Kind(kind) => {
                let kinds = transaction.open_table(KINDS)?;
                for row in kinds.range((kind, 0)..=(kind, u64::MAX))? {
                    visit(row?.0.value().1);
                }
            }
            Filter::Scope(scope) => {
                let scopes = transaction.open_table(SCOPES)?;
                for row in scopes.range((scope, 0)..=(scope, u64::MAX))? {
                    visit(row?.0.value().1);
                }
            }
            Filter::Prefix(prefix) => {
                let streams = transaction.open_table(STREAMS)?;
                let mut positions = Vec::new();
                for row in streams.range((prefix, 0)..)? {
                    let (key, position) = row?;
                    if !key.value().0.starts_with(prefix) {
                        break;
                    }
                    positions.push(position.value());
                }
                positions.sort_unstable();
                positions.into_iter().for_each(visit);
            }
        }
        Ok(())
    }

    fn verify(&self) -> Result<u64, Failure> {
        let mut database = self.database.write();
        if !database.check_integrity()? {
            return Err("the file was damaged, and was repaired".into());
        }
        let transaction = database.begin_read()?;
        Ok(transaction.open_table(EVENTS)?.len()?)
    }

    fn close(self: Box<Self>) -> Result<(), Failure> {
        self.does_sync.store(true, Ordering::Relaxed);
        Ok(self.database.into_inner().close()?)
    }
}
