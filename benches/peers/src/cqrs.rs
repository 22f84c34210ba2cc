//! Aggregates of cqrs-es in SQLite: its framework on a repository of our own.
//!
//! `sqlite-es`, the repository that there is, links another SQLite than rusqlite does, and a program has one. It also
//! hands each statement to a thread. The tables are as it has them.

use parking_lot::Mutex;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{
    PersistedEventRepository, PersistedEventStore, PersistenceError, ReplayStream, SerializedEvent,
    SerializedSnapshot,
};
use cqrs_es::{Aggregate, CqrsFramework, DomainEvent};
use futures_executor::block_on;
use serde_json::Value;
use strandline_benches::account::{Account, Moved, Overdrawn};
use strandline_benches::engine::{Accounts, Durability, Failure};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS events (
        aggregate_type TEXT NOT NULL,
        aggregate_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        event_type TEXT NOT NULL,
        event_version TEXT NOT NULL,
        payload TEXT NOT NULL,
        metadata TEXT NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    ) STRICT;
";

/// Memory for pages, as much as other stores have, and how much of the file may be mapped.
const PRAGMAS: &str = "PRAGMA cache_size = -1048576; PRAGMA mmap_size = 2147418112;";

const SELECT: &str = "
    SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata
    FROM events
    WHERE aggregate_type = ?1 AND aggregate_id = ?2 AND sequence > ?3
    ORDER BY sequence";

const INSERT: &str = "
    INSERT INTO events
        (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// An event as the framework wants one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct AccountEvent(Moved);

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        "moved".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

/// An account as the framework wants one.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
struct AccountAggregate(Account);

impl Aggregate for AccountAggregate {
    const TYPE: &'static str = "account";
    type Command = i64;
    type Event = AccountEvent;
    type Error = Overdrawn;
    type Services = ();

    async fn handle(
        &mut self,
        cents: i64,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Overdrawn> {
        let moved = self.0.decide(cents)?;
        sink.write(AccountEvent(moved), self).await;
        Ok(())
    }

    fn apply(&mut self, event: AccountEvent) {
        self.0.evolve(&event.0);
    }
}

/// The one connection, which reads and writes.
struct Database {
    connection: Connection,
    durability: Durability,
}

impl Database {
    fn promise(&mut self, durability: Durability) -> rusqlite::Result<()> {
        if self.durability != durability {
            let synchronous = match durability {
                Durability::Written => "NORMAL",
                Durability::Synced => "FULL",
            };
            let connection = &self.connection;
            connection.pragma_update(None, "synchronous", synchronous)?;
            self.durability = durability;
        }
        Ok(())
    }

    fn select(&self, kind: &str, id: &str, after: usize) -> Result<Vec<SerializedEvent>, Failure> {
        let mut select = self.connection.prepare_cached(SELECT)?;
        let mut rows = select.query(params![kind, id, after])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(SerializedEvent {
                aggregate_type: row.get(0)?,
                aggregate_id: row.get(1)?,
                sequence: row.get(2)?,
                event_type: row.get(3)?,
                event_version: row.get(4)?,
                payload: serde_json::from_str(row.get_ref(5)?.as_str()?)?,
                metadata: serde_json::from_str(row.get_ref(6)?.as_str()?)?,
            });
        }
        Ok(events)
    }

    fn insert(&mut self, events: &[SerializedEvent]) -> Result<(), Failure> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for event in events {
                insert.execute(params![
                    event.aggregate_type,
                    event.aggregate_id,
                    event.sequence,
                    event.event_type,
                    event.event_version,
                    serde_json::to_string(&event.payload)?,
                    serde_json::to_string(&event.metadata)?,
                ])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

fn failure(error: Failure) -> PersistenceError {
    match error.downcast_ref::<rusqlite::Error>() {
        Some(known)
            if known.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
        {
            PersistenceError::OptimisticLockError
        }
        _ => PersistenceError::UnknownError(error),
    }
}

/// What the framework keeps events with.
#[derive(Clone)]
struct Repository(Arc<Mutex<Database>>);

impl PersistedEventRepository for Repository {
    async fn get_events<A: Aggregate>(
        &self,
        id: &str,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.get_last_events::<A>(id, 0).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        id: &str,
        after: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.0.lock().select(A::TYPE, id, after).map_err(failure)
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        _id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        Ok(None)
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        _snapshot: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        self.0.lock().insert(events).map_err(failure)
    }

    async fn stream_events<A: Aggregate>(
        &self,
        _id: &str,
    ) -> Result<ReplayStream, PersistenceError> {
        Err(PersistenceError::UnknownError("nothing is replayed".into()))
    }

    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        Err(PersistenceError::UnknownError("nothing is replayed".into()))
    }
}

/// The accounts in a file.
pub(crate) struct Cqrs {
    repository: Repository,
    framework: CqrsFramework<AccountAggregate, PersistedEventStore<Repository, AccountAggregate>>,
}

impl Cqrs {
    /// Opens the file, or makes it. `writer_pragmas` set up its log.
    pub(crate) fn open(path: &Path, writer_pragmas: &str) -> Result<Self, Failure> {
        let connection = Connection::open(path)?;
        connection.execute_batch(writer_pragmas)?;
        connection.execute_batch(PRAGMAS)?;
        connection.execute_batch(SCHEMA)?;
        let repository = Repository(Arc::new(Mutex::new(Database {
            connection,
            durability: Durability::Written,
        })));
        let store = PersistedEventStore::new_event_store(repository.clone());
        Ok(Self {
            repository,
            framework: CqrsFramework::new(store, Vec::new(), ()),
        })
    }

    fn events(&self, account: u64) -> Result<Vec<SerializedEvent>, Failure> {
        let database = self.repository.0.lock();
        database.select(AccountAggregate::TYPE, &account.to_string(), 0)
    }
}

impl Accounts for Cqrs {
    fn append(&self, accounts: Range<u64>, durability: Durability) -> Result<(), Failure> {
        let payload = serde_json::to_value(Moved::new(1))?;
        let mut database = self.repository.0.lock();
        database.promise(durability)?;
        let transaction = database.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO events
                 SELECT ?1, ?2, coalesce(max(sequence), 0) + 1, 'moved', '1.0', ?3, '{}'
                 FROM events WHERE aggregate_type = ?1 AND aggregate_id = ?2",
            )?;
            for account in accounts {
                insert.execute(params![
                    AccountAggregate::TYPE,
                    account.to_string(),
                    payload.to_string(),
                ])?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn execute(&self, account: u64, cents: i64, durability: Durability) -> Result<(), Failure> {
        self.repository.0.lock().promise(durability)?;
        block_on(self.framework.execute(&account.to_string(), cents))?;
        Ok(())
    }

    fn load(&self, account: u64) -> Result<Account, Failure> {
        let mut state = Account::default();
        for event in self.events(account)? {
            state.evolve(&serde_json::from_value(event.payload)?);
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_there_is_a_conflict() {
        let directory = tempfile::tempdir().unwrap();
        let cqrs = Cqrs::open(&directory.path().join("accounts"), "").unwrap();
        cqrs.execute(1, 1, Durability::Written).unwrap();
        let events = cqrs.events(1).unwrap();
        let again = block_on(cqrs.repository.persist::<AccountAggregate>(&events, None));
        assert!(matches!(again, Err(PersistenceError::OptimisticLockError)));
        assert_eq!(cqrs.events(1).unwrap().len(), 1);
    }
}
