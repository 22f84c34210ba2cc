//! What the tests decide on: accounts, in a store in memory.

use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::{
    Coordinate, Durability, Error, EventEnum, EventPayload, Query, Region, Registry, Store,
    StoreOptions,
};
use strandline_aggregate::{Aggregate, Decision, Decisions, Gone, Repository};
use strandline_core::ManualClock;

/// As the first release wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "deposited")]
pub(crate) struct DepositedV1 {
    pub(crate) euros: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "deposited", version = 2)]
pub(crate) struct Deposited {
    pub(crate) cents: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x002), name = "withdrawn")]
pub(crate) struct Withdrawn {
    pub(crate) cents: u64,
}

#[derive(Debug, Clone, PartialEq, EventEnum)]
pub(crate) enum AccountEvent {
    Deposited(Deposited),
    Withdrawn(Withdrawn),
}

#[derive(Debug, Clone, Serialize)]
pub(crate) enum Command {
    Deposit(u64),
    Withdraw(u64),
    /// Withdraws the fee too, as an event of its own.
    WithdrawWithFee(u64, u64),
    /// Withdraws what is over a limit, if anything is.
    Skim(u64),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TooLittle {
    pub(crate) cents: u64,
}

#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) cents: u64,
    /// Events that were applied.
    pub(crate) events: u64,
    /// What was gone.
    pub(crate) gone: Vec<String>,
}

pub(crate) fn deposited(cents: u64) -> AccountEvent {
    Deposited { cents }.into()
}

pub(crate) fn withdrawn(cents: u64) -> AccountEvent {
    Withdrawn { cents }.into()
}

impl Clone for Account {
    fn clone(&self) -> Self {
        COPIED.set(COPIED.get() + 1);
        Self {
            gone: self.gone.clone(),
            ..*self
        }
    }
}

impl Aggregate for Account {
    const NAME: &'static str = "account";
    type Event = AccountEvent;
    type Command = Command;
    type Error = TooLittle;

    fn decide(&self, command: &Command) -> Result<Vec<AccountEvent>, TooLittle> {
        let has = |cents| match cents <= self.cents {
            true => Ok(()),
            false => Err(TooLittle { cents: self.cents }),
        };
        match *command {
            Command::Deposit(cents) => Ok(vec![deposited(cents)]),
            Command::Withdraw(cents) => has(cents).map(|()| vec![withdrawn(cents)]),
            Command::WithdrawWithFee(cents, fee) => {
                has(cents + fee).map(|()| vec![withdrawn(cents), withdrawn(fee)])
            }
            Command::Skim(limit) => {
                let over = self.cents.saturating_sub(limit);
                Ok(if over > 0 {
                    vec![withdrawn(over)]
                } else {
                    vec![]
                })
            }
        }
    }

    fn evolve(&mut self, event: &AccountEvent) {
        EVOLVED.set(EVOLVED.get() + 1);
        self.events += 1;
        match event {
            AccountEvent::Deposited(deposited) => self.cents += deposited.cents,
            AccountEvent::Withdrawn(withdrawn) => self.cents -= withdrawn.cents,
        }
    }

    fn registry() -> Result<Registry<AccountEvent>, Error> {
        AccountEvent::registry()?.upcast(|DepositedV1 { euros }| Deposited { cents: euros * 100 })
    }

    fn evolve_without(&mut self, gone: &Gone) -> bool {
        self.gone.push(gone.to_string());
        true
    }
}

/// An account that is not loaded where something of it is gone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Strict(pub(crate) Account);

impl Aggregate for Strict {
    const NAME: &'static str = Account::NAME;
    type Event = AccountEvent;
    type Command = Command;
    type Error = TooLittle;

    fn decide(&self, command: &Command) -> Result<Vec<AccountEvent>, TooLittle> {
        self.0.decide(command)
    }

    fn evolve(&mut self, event: &AccountEvent) {
        self.0.evolve(event);
    }
}

/// Moves money from an account to another, if there is enough in the one.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Transfer {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) cents: u64,
}

impl Transfer {
    pub(crate) fn places(&self) -> (Coordinate, Coordinate) {
        (at(self.from), at(self.to))
    }
}

impl Decision for Transfer {
    type Event = AccountEvent;
    type State = Account;
    type Error = TooLittle;

    fn query(&self) -> Query {
        Region::all().entity(self.places().0.entity()).into()
    }

    fn evolve(&self, account: &mut Account, coordinate: &Coordinate, event: &AccountEvent) {
        assert_eq!(
            coordinate,
            &self.places().0,
            "no other event is in the query"
        );
        account.evolve(event);
    }

    fn decide(&self, account: &Account) -> Result<Vec<(Coordinate, AccountEvent)>, TooLittle> {
        let (from, to) = self.places();
        account.decide(&Command::Withdraw(self.cents))?;
        Ok(vec![
            (from, withdrawn(self.cents)),
            (to, deposited(self.cents)),
        ])
    }
}

pub(crate) fn decisions(store: &Arc<Store>) -> Decisions<AccountEvent> {
    Decisions::with_registry(store, Account::registry().unwrap()).unwrap()
}

pub(crate) fn at(id: &str) -> Coordinate {
    Account::coordinate(id).unwrap()
}

thread_local! {
    /// How many events this thread has applied to accounts.
    static EVOLVED: Cell<u64> = const { Cell::new(0) };
    /// How many accounts it has copied.
    static COPIED: Cell<u64> = const { Cell::new(0) };
}

/// How many events a call applies to accounts.
pub(crate) fn evolved<T>(call: impl FnOnce() -> T) -> (u64, T) {
    let before = EVOLVED.get();
    let given = call();
    (EVOLVED.get() - before, given)
}

/// How many accounts this thread has copied until now.
pub(crate) fn copied() -> u64 {
    COPIED.get()
}

/// When the stores of tests begin.
pub(crate) const BEGIN_MS: u64 = 1_000_000;

/// A store in memory, and its clock, which stands still.
pub(crate) fn store_in(fs: &MemFs) -> (Arc<Store>, Arc<ManualClock>) {
    store_at(Arc::new(fs.clone()), "/bank.strand")
}

/// A store in a directory, and its clock, which stands still.
pub(crate) fn store_at(fs: Arc<dyn Fs>, dir: &str) -> (Arc<Store>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(BEGIN_MS));
    let options = StoreOptions::new()
        .fs(fs)
        .clock(clock.clone())
        .random_seed(7)
        .durability(Durability::Written)
        .segment_bytes_max(64 << 10)
        .payload_bytes_max(4 << 10);
    (Arc::new(options.open(dir).unwrap()), clock)
}

pub(crate) fn store() -> Arc<Store> {
    store_in(&MemFs::new()).0
}

pub(crate) fn accounts(store: &Arc<Store>) -> Repository<Account> {
    Repository::new(store).unwrap()
}

/// How many events an account has.
pub(crate) fn count(store: &Store, id: &str) -> usize {
    store.snapshot().stream(at(id).entity()).count()
}
