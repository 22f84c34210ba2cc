//! UmaDB's storage engine in process: events with tags, appended through its writer thread.

use futures_executor::block_on;
use gag::Gag;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use strandline_benches::account::{Account, Moved};
use strandline_benches::engine::{
    Ability, Accounts, Durability, Engine, EngineEntry, Failure, Filter, Follower, NewEvent,
};
use tokio::sync::{mpsc, oneshot, watch};
use umadb_core::db::UmaDb;
use umadb_core::mvcc::{Mvcc, StorageOptions};
use umadb_core::writer_thread_blocking::writer_thread_blocking;
use umadb_core::writer_thread_request::WriterThreadRequest;
use umadb_dcb::{
    DcbAppendCondition, DcbEvent, DcbEventStoreSync, DcbQuery, DcbQueryItem, DcbSequencedEvent,
};
use uuid::Uuid;

use crate::numbering::{Ids, wall_ms};

/// umadb-core 0.7.
pub const ENTRY: EngineEntry = EngineEntry {
    name: "umadb",
    abilities: &[
        Ability::ConcurrentAppends,
        Ability::Synced,
        Ability::Stream,
        Ability::Scan,
        Ability::Kind,
        Ability::Scope,
        Ability::Mixed,
        Ability::Follow,
        Ability::Execute,
    ],
    notes: "Entity and scope are tags, kind is a tag and the type, because only tags are indexed. \
            Appends go through the writer thread of its server, which commits what waits together. \
            Every commit syncs twice, pages and then header, so there is no Written. A read gives \
            whole events, payload included, so queries do too. No lookup by id, no hash chains. Who \
            follows reads pages and waits for the head, as its server does for a client, without \
            the network. Accounts are tags, read with the head and appended to on condition that nothing \
            with the tag came after it.",
    open,
};

/// Most events that the writer thread commits together.
const COMMIT_EVENTS_MAX: usize = 2_000;
/// Appends that may wait for the writer thread.
const WAITING_MAX: usize = 10_000;
/// Memory for pages.
const CACHE_MB: usize = 1_024;
/// Events of one read of a scan.
const PAGE_EVENTS: u32 = 4_096;

struct Uma {
    database: UmaDb,
    ids: Ids,
    /// Where its writer thread tells the position of the last commit.
    head: watch::Receiver<Option<u64>>,
    requests: mpsc::Sender<WriterThreadRequest>,
    writer: Option<JoinHandle<()>>,
}

fn open(directory: &Path) -> Result<Box<dyn Engine>, Failure> {
    let options = StorageOptions::default()
        .db_path(directory)
        .page_cache_max_mb(CACHE_MB);
    Ok(Box::new(start(options)?))
}

/// A database and its writer thread.
fn start(options: StorageOptions) -> Result<Uma, Failure> {
    // It tells standard output how it was opened, where tables and JSON go.
    let quiet = Gag::stdout();
    let mvcc = Mvcc::new(false, options);
    drop(quiet);
    let mvcc = Arc::new(mvcc?);
    let (requests, waiting) = mpsc::channel(WAITING_MAX);
    let (told, head) = watch::channel(None);
    let writer = {
        let mvcc = Arc::clone(&mvcc);
        thread::Builder::new()
            .name("umadb-writer".to_owned())
            .spawn(move || writer_thread_blocking(mvcc, waiting, told, COMMIT_EVENTS_MAX))?
    };
    Ok(Uma {
        database: UmaDb::from_arc(mvcc),
        ids: Ids::new(),
        head,
        requests,
        writer: Some(writer),
    })
}

fn entity_tag(entity: &str) -> String {
    format!("entity:{entity}")
}

fn scope_tag(scope: &str) -> String {
    format!("scope:{scope}")
}

fn kind_tag(kind: u16) -> String {
    format!("kind:{kind}")
}

fn account_tag(account: u64) -> String {
    format!("account:{account}")
}

fn of_tag(tag: String) -> DcbQuery {
    DcbQuery::new().item(DcbQueryItem::new().tags([tag]))
}

/// Appends events through the writer thread, which commits what waits together.
fn append(
    requests: &mpsc::Sender<WriterThreadRequest>,
    events: Vec<DcbEvent>,
    condition: Option<DcbAppendCondition>,
) -> Result<(), Failure> {
    let (response_tx, response) = oneshot::channel();
    requests.blocking_send(WriterThreadRequest::Append {
        events,
        condition,
        tracking_info: None,
        response_tx,
        cancel: None,
    })?;
    response.blocking_recv()??;
    Ok(())
}

impl Uma {
    /// Events that have a tag, in commit order.
    fn tagged(&self, tag: String) -> Result<Vec<DcbSequencedEvent>, Failure> {
        Ok(self
            .database
            .read_with_head(Some(of_tag(tag)), None, false, None)?
            .0)
    }

    fn decisions(&self) -> Decisions<'_> {
        Decisions {
            database: &self.database,
            ids: &self.ids,
            requests: &self.requests,
        }
    }

    /// Stops the writer thread, which answers what waits first.
    fn stop(&mut self) -> Result<(), Failure> {
        if let Some(writer) = self.writer.take() {
            self.requests.blocking_send(WriterThreadRequest::Shutdown)?;
            writer.join().map_err(|_| "the writer thread panicked")?;
        }
        Ok(())
    }
}

impl Drop for Uma {
    fn drop(&mut self) {
        // Nothing is left to tell: every append had its answer.
        let _ = self.stop();
    }
}

impl Engine for Uma {
    fn append(&self, events: &[NewEvent<'_>], _durability: Durability) -> Result<(), Failure> {
        let events = events
            .iter()
            .map(|event| {
                let now = wall_ms();
                DcbEvent::default()
                    .event_type(kind_tag(event.kind))
                    .tags([
                        entity_tag(event.entity),
                        scope_tag(event.scope),
                        kind_tag(event.kind),
                    ])
                    .data(event.payload)
                    .uuid(Uuid::from_u128(self.ids.next(now)))
            })
            .collect();
        append(&self.requests, events, None)
    }

    fn ids(&self) -> Result<Vec<u128>, Failure> {
        Err("umadb finds no event by its id".into())
    }

    fn get(&self, _id: u128, _payload: &mut Vec<u8>) -> Result<(), Failure> {
        Err("umadb finds no event by its id".into())
    }

    fn stream(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        for found in self.tagged(entity_tag(entity))? {
            visit(&found.event.data);
        }
        Ok(())
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let mut start = None;
        loop {
            let (page, _) = self
                .database
                .read_with_head(None, start, false, Some(PAGE_EVENTS))?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            start = Some(last.position + 1);
            for found in page {
                visit(&found.event.data);
            }
        }
    }

    fn query(&self, filter: Filter<'_>, visit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        let tag = match filter {
            Filter::Kind(kind) => kind_tag(kind),
            Filter::Scope(scope) => scope_tag(scope),
            Filter::Prefix(_) => return Err("umadb has no query by prefix".into()),
        };
        for found in self.tagged(tag)? {
            visit(found.position);
        }
        Ok(())
    }

    fn verify(&self) -> Result<u64, Failure> {
        Err("umadb has no check of everything".into())
    }

    fn follow(&self) -> Result<Box<dyn Follower + '_>, Failure> {
        Ok(Box::new(Subscriber {
            database: &self.database,
            head: self.head.clone(),
            next: None,
        }))
    }

    fn accounts(&self, _states_max: usize) -> Result<Box<dyn Accounts + '_>, Failure> {
        Ok(Box::new(self.decisions()))
    }

    fn close(mut self: Box<Self>) -> Result<(), Failure> {
        self.stop()
    }
}

/// A follower that waits for the head.
struct Subscriber<'a> {
    database: &'a UmaDb,
    head: watch::Receiver<Option<u64>>,
    next: Option<u64>,
}

impl Follower for Subscriber<'_> {
    fn next(&mut self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        loop {
            // Before it reads: what comes meanwhile ends the wait.
            self.head.mark_unchanged();
            let (page, _) =
                self.database
                    .read_with_head(None, self.next, false, Some(PAGE_EVENTS))?;
            if let Some(last) = page.last() {
                self.next = Some(last.position + 1);
                for found in page {
                    visit(&found.event.data);
                }
                return Ok(());
            }
            block_on(self.head.changed())?;
        }
    }
}

/// Accounts, each of them the events with a tag.
struct Decisions<'a> {
    database: &'a UmaDb,
    ids: &'a Ids,
    requests: &'a mpsc::Sender<WriterThreadRequest>,
}

impl Decisions<'_> {
    fn event(&self, account: u64, moved: &Moved) -> Result<DcbEvent, Failure> {
        Ok(DcbEvent::default()
            .event_type("moved")
            .tags([account_tag(account)])
            .data(serde_json::to_vec(moved)?)
            .uuid(Uuid::from_u128(self.ids.next(wall_ms()))))
    }

    /// The state of an account, and the position of the last event of the store when it was read.
    fn read(&self, account: u64) -> Result<(Account, Option<u64>), Failure> {
        let query = of_tag(account_tag(account));
        let (events, head) = self
            .database
            .read_with_head(Some(query), None, false, None)?;
        let mut state = Account::default();
        for found in events {
            state.evolve(&serde_json::from_slice(&found.event.data)?);
        }
        Ok((state, head))
    }

    /// Appends to an account that has no event after `head`.
    fn append_after(&self, head: Option<u64>, account: u64, moved: &Moved) -> Result<(), Failure> {
        let condition = DcbAppendCondition::new(of_tag(account_tag(account))).after(head);
        let events = vec![self.event(account, moved)?];
        append(self.requests, events, Some(condition))
    }
}

impl Accounts for Decisions<'_> {
    fn append(&self, accounts: Range<u64>, _durability: Durability) -> Result<(), Failure> {
        let events = accounts
            .map(|account| self.event(account, &Moved::new(1)))
            .collect::<Result<_, _>>()?;
        append(self.requests, events, None)
    }

    fn execute(&self, account: u64, cents: i64, _durability: Durability) -> Result<(), Failure> {
        let (state, head) = self.read(account)?;
        self.append_after(head, account, &state.decide(cents)?)
    }

    fn load(&self, account: u64) -> Result<Account, Failure> {
        Ok(self.read(account)?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_went_on_meanwhile_is_not_appended_to() {
        let directory = tempfile::tempdir().unwrap();
        let options = StorageOptions::default().db_path(directory.path());
        let uma = start(options).unwrap();
        let accounts = uma.decisions();
        accounts.append(0..2, Durability::Synced).unwrap();
        let (_, head) = accounts.read(1).unwrap();
        accounts.execute(1, 1, Durability::Synced).unwrap();
        let moved = Moved::new(1);
        assert!(accounts.append_after(head, 1, &moved).is_err());
        accounts.append_after(head, 0, &moved).unwrap();
        let events = [0, 1].map(|account| accounts.load(account).unwrap().events);
        assert_eq!(events, [2, 2]);
    }
}
