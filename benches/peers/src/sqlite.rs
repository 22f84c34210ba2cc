//! SQLite through rusqlite: one table of events, one writing connection, a pool of readers.

use crate::cqrs::Cqrs;
use crate::numbering::{Clocks, Ids, wall_ms};
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::time::Duration;
use strandline_benches::engine::{
    Ability, Accounts, Durability, Engine, EngineEntry, Failure, Filter, Follower, NewEvent,
};

/// SQLite with a write-ahead log.
pub const ENTRY: EngineEntry = EngineEntry {
    name: "sqlite",
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
        Ability::Follow,
        Ability::Execute,
    ],
    notes: "WAL with a checkpoint every 64 MiB, statements cached, pages mapped. Written is \
            synchronous=NORMAL: every commit writes its pages to the log, only a checkpoint syncs. \
            Synced is synchronous=FULL: one fsync of the log a commit. Verify is integrity_check: \
            pages and indexes, but SQLite keeps no checksums of contents. No hash chains. Who follows \
            polls each millisecond. Accounts are aggregates of cqrs-es 0.5 in a file of their own, a \
            transaction a command, without its snapshots.",
    open,
};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS events (
        position INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        entity TEXT NOT NULL,
        clock INTEGER NOT NULL,
        scope TEXT NOT NULL,
        kind INTEGER NOT NULL,
        wall_ms INTEGER NOT NULL,
        payload BLOB NOT NULL,
        UNIQUE (entity, clock)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS events_kind ON events (kind);
    CREATE INDEX IF NOT EXISTS events_scope ON events (scope);
";

/// Memory for pages of one connection, and how much of the file may be mapped.
const PRAGMAS: &str = "PRAGMA cache_size = -65536; PRAGMA mmap_size = 2147418112;";

/// The file of the events in the directory of a store.
pub(crate) const FILE: &str = "events.sqlite";

/// The log is checkpointed after 64 MiB rather than 4: each checkpoint syncs twice and writes every
/// page that changed, and keys spread over five trees change nearly all of them.
const WRITER_PRAGMAS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 16384;
";

/// For a database whose log another program checkpoints, as Litestream asks for where much is written.
const CHECKPOINTED_ELSEWHERE: &str = "PRAGMA wal_autocheckpoint = 0;";

struct Sqlite {
    path: PathBuf,
    ids: Ids,
    writer: Mutex<Writer>,
    /// Readers that nobody uses just now.
    readers: Mutex<Vec<Connection>>,
}

struct Writer {
    connection: Connection,
    behavior: TransactionBehavior,
    durability: Durability,
    clocks: Clocks,
}

fn open(directory: &Path) -> Result<Box<dyn Engine>, Failure> {
    open_with(directory, "", TransactionBehavior::Deferred)
}

/// The same, with the checkpoints left to another program.
pub(crate) fn open_checkpointed_elsewhere(directory: &Path) -> Result<Box<dyn Engine>, Failure> {
    // The other program writes too. A transaction that reads first could not be begun anew by waiting.
    open_with(
        directory,
        CHECKPOINTED_ELSEWHERE,
        TransactionBehavior::Immediate,
    )
}

fn open_with(
    directory: &Path,
    more_pragmas: &str,
    behavior: TransactionBehavior,
) -> Result<Box<dyn Engine>, Failure> {
    let path = directory.join(FILE);
    let connection = Connection::open(&path)?;
    connection.execute_batch(WRITER_PRAGMAS)?;
    connection.execute_batch(more_pragmas)?;
    connection.execute_batch(PRAGMAS)?;
    connection.execute_batch(SCHEMA)?;
    Ok(Box::new(Sqlite {
        path,
        ids: Ids::new(),
        writer: Mutex::new(Writer {
            connection,
            behavior,
            durability: Durability::Written,
            clocks: Clocks::default(),
        }),
        readers: Mutex::new(Vec::new()),
    }))
}

impl Writer {
    fn promise(&mut self, durability: Durability) -> Result<(), Failure> {
        if self.durability != durability {
            let synchronous = match durability {
                Durability::Written => "NORMAL",
                Durability::Synced => "FULL",
            };
            self.connection
                .pragma_update(None, "synchronous", synchronous)?;
            self.durability = durability;
        }
        Ok(())
    }

    fn append(
        &mut self,
        ids: &Ids,
        given: &[u128],
        events: &[NewEvent<'_>],
    ) -> Result<(), Failure> {
        let transaction = self.connection.transaction_with_behavior(self.behavior)?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO events (id, entity, clock, scope, kind, wall_ms, payload)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            for (at, event) in events.iter().enumerate() {
                let clock = self.clocks.next(event, || {
                    let mut count = transaction.prepare_cached(
                        "SELECT coalesce(max(clock) + 1, 0) FROM events WHERE entity = ?1",
                    )?;
                    Ok(count.query_row([event.entity], |row| row.get(0))?)
                })?;
                let now = wall_ms();
                insert.execute(params![
                    ids.given_or_next(given.get(at), now).to_be_bytes(),
                    event.entity,
                    clock,
                    event.scope,
                    event.kind,
                    now,
                    event.payload,
                ])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Sqlite {
    /// Lends a reading connection.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let idle = self.readers.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(&self.path, flags)?;
                connection.execute_batch(PRAGMAS)?;
                connection
            }
        };
        let result = work(&connection);
        self.readers.lock().push(connection);
        result
    }
}

impl Engine for Sqlite {
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
        writer.promise(durability)?;
        let result = writer.append(&self.ids, given, events);
        if result.is_err() {
            writer.clocks.clear();
        }
        result
    }

    fn ids(&self) -> Result<Vec<u128>, Failure> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT id FROM events")?;
            let ids = select.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
            ids.map(|id| Ok(u128::from_be_bytes(id?))).collect()
        })
    }

    fn get(&self, id: u128, payload: &mut Vec<u8>) -> Result<(), Failure> {
        self.read(|connection| {
            let mut select =
                connection.prepare_cached("SELECT payload FROM events WHERE id = ?1")?;
            Ok(select.query_row([id.to_be_bytes()], |row| {
                payload.extend_from_slice(row.get_ref(0)?.as_blob()?);
                Ok(())
            })?)
        })
    }

    fn stream(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        self.read(|connection| {
            let mut select = connection
                .prepare_cached("SELECT payload FROM events WHERE entity = ?1 ORDER BY clock")?;
            let mut rows = select.query([entity])?;
            while let Some(row) = rows.next()? {
                visit(row.get_ref(0)?.as_blob()?);
            }
            Ok(())
        })
    }

    fn latest(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT payload FROM events WHERE entity = ?1 ORDER BY clock DESC LIMIT 1",
            )?;
            let mut rows = select.query([entity])?;
            if let Some(row) = rows.next()? {
                visit(row.get_ref(0)?.as_blob()?);
            }
            Ok(())
        })
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        self.read(|connection| {
            let mut select =
                connection.prepare_cached("SELECT payload FROM events ORDER BY position")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                visit(row.get_ref(0)?.as_blob()?);
            }
            Ok(())
        })
    }

    fn query(&self, filter: Filter<'_>, visit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        // The indexes end with the position, so none of these reads the table.
        self.read(|connection| {
            let mut select = connection.prepare_cached(match filter {
                Filter::Kind(_) => "SELECT position FROM events WHERE kind = ?1 ORDER BY position",
                Filter::Scope(_) => {
                    "SELECT position FROM events WHERE scope = ?1 ORDER BY position"
                }
                Filter::Prefix(_) => {
                    "SELECT position FROM events WHERE entity >= ?1 AND entity < ?2
                     ORDER BY position"
                }
            })?;
            let mut rows = match filter {
                Filter::Kind(kind) => select.query([kind])?,
                Filter::Scope(scope) => select.query([scope])?,
                // No name of an entity has the last character of Unicode.
                Filter::Prefix(prefix) => select.query([prefix, &format!("{prefix}\u{10FFFF}")])?,
            };
            while let Some(row) = rows.next()? {
                visit(row.get(0)?);
            }
            Ok(())
        })
    }

    fn verify(&self) -> Result<u64, Failure> {
        self.read(|connection| {
            let found: String =
                connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            if found != "ok" {
                return Err(found.into());
            }
            Ok(connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?)
        })
    }

    fn follow(&self) -> Result<Box<dyn Follower + '_>, Failure> {
        Ok(Box::new(Poll {
            sqlite: self,
            after: 0,
        }))
    }

    fn accounts(&self, _states_max: usize) -> Result<Box<dyn Accounts + '_>, Failure> {
        Ok(Box::new(Cqrs::open(
            &self.path.with_file_name("accounts.sqlite"),
            WRITER_PRAGMAS,
        )?))
    }

    fn close(self: Box<Self>) -> Result<(), Failure> {
        for reader in self.readers.into_inner() {
            reader.close().map_err(|(_, error)| error)?;
        }
        let writer = self.writer.into_inner();
        Ok(writer.connection.close().map_err(|(_, error)| error)?)
    }
}

/// How long a follower waits before it asks again: there is nothing in SQLite that would tell it.
const POLL: Duration = Duration::from_millis(1);

/// A follower that asks again and again.
struct Poll<'a> {
    sqlite: &'a Sqlite,
    /// The position of the last event that was given; they begin with 1.
    after: i64,
}

impl Follower for Poll<'_> {
    fn next(&mut self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let before = self.after;
        loop {
            self.after = self.sqlite.read(|connection| {
                let mut last = before;
                let mut select = connection.prepare_cached(
                    "SELECT position, payload FROM events WHERE position > ?1 ORDER BY position",
                )?;
                let mut rows = select.query([before])?;
                while let Some(row) = rows.next()? {
                    last = row.get(0)?;
                    visit(row.get_ref(1)?.as_blob()?);
                }
                Ok(last)
            })?;
            if self.after > before {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
    }
}
