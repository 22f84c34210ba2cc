//! Accounts in Strandline: through a repository of its own crate for aggregates.

use crate::account::{Account, Moved, Overdrawn};
use crate::engine::{Accounts, Durability, Failure};
use std::ops::Range;
use std::sync::Arc;
use strandline::{
    AppendOptions, Batch, Error, Event, EventEnum, EventKind, EventPayload, Json, Registry, Store,
};
use strandline_aggregate::{Aggregate, ExecuteOptions, Repository};

impl EventPayload for Moved {
    type Codec = Json;
    const KIND: EventKind = EventKind::new(0x1, 0x001);
    const NAME: &'static str = "moved";
}

impl EventEnum for Moved {
    fn registry() -> Result<Registry<Self>, Error> {
        Registry::new().register::<Self>()
    }

    fn to_event(&self) -> Result<Event, Error> {
        Event::typed(self)
    }
}

impl Aggregate for Account {
    const NAME: &'static str = "account";
    type Event = Moved;
    type Command = i64;
    type Error = Overdrawn;

    fn decide(&self, cents: &i64) -> Result<Vec<Moved>, Overdrawn> {
        Ok(vec![Self::decide(self, *cents)?])
    }

    fn evolve(&mut self, event: &Moved) {
        Self::evolve(self, event);
    }
}

/// The accounts of a store.
pub(super) struct Repositories {
    store: Arc<Store>,
    accounts: Repository<Account>,
    /// What waits until the store has nothing left to do.
    settle: fn(&Store) -> Result<(), Failure>,
}

impl Repositories {
    /// The accounts of a store, of which so many states are kept in memory.
    pub(super) fn new(
        store: &Arc<Store>,
        states_max: usize,
        settle: fn(&Store) -> Result<(), Failure>,
    ) -> Result<Self, Error> {
        let accounts = Repository::new(store)?;
        Ok(Self {
            store: store.clone(),
            accounts: match states_max {
                0 => accounts,
                max => accounts.with_cache(max),
            },
            settle,
        })
    }
}

const fn promise(durability: Durability) -> strandline::Durability {
    match durability {
        Durability::Written => strandline::Durability::Written,
        Durability::Synced => strandline::Durability::Synced,
    }
}

impl Accounts for Repositories {
    fn append(&self, accounts: Range<u64>, durability: Durability) -> Result<(), Failure> {
        let mut batch = Batch::new();
        for account in accounts {
            let coordinate = <Account as Aggregate>::coordinate(&account.to_string())?;
            batch.add(&coordinate, Moved::new(1).to_event()?);
        }
        let options = AppendOptions::new().durability(promise(durability));
        self.store.append_batch_with(batch, options)?;
        Ok(())
    }

    fn execute(&self, account: u64, cents: i64, durability: Durability) -> Result<(), Failure> {
        let options = ExecuteOptions::new().durability(promise(durability));
        let id = account.to_string();
        self.accounts.execute_with(&id, &cents, &options)?;
        Ok(())
    }

    fn load(&self, account: u64) -> Result<Account, Failure> {
        Ok(*self.accounts.load(&account.to_string())?.state)
    }

    fn settle(&self) -> Result<(), Failure> {
        (self.settle)(&self.store)
    }
}
