//! Accounts of a bank with `cqrs-es` on a Strandline store: commands, views, a conflict, snapshots, a reopening, a replay.
//!
//! `cargo run -p strandline-cqrs-es --example cqrs_bank_account`

use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{GenericQuery, PersistedEventRepository, QueryReplay};
use cqrs_es::{Aggregate, AggregateError, DomainEvent, EventEnvelope, Query, View};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use strandline::{Durability, Region, Store};
use strandline_cqrs_es::{
    StrandlineEventRepository, StrandlineViewRepository, strandline_snapshot_cqrs,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum AccountEvent {
    Opened { owner: String },
    Deposited { cents: u64 },
    Withdrawn { cents: u64, machine: String },
    CheckWritten { number: u32, cents: u64 },
}

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Opened { .. } => "AccountOpened",
            Self::Deposited { .. } => "MoneyDeposited",
            Self::Withdrawn { .. } => "CashWithdrawn",
            Self::CheckWritten { .. } => "CheckWritten",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

enum AccountCommand {
    Open { owner: String },
    Deposit { cents: u64 },
    Withdraw { cents: u64, machine: String },
    WriteCheck { number: u32, cents: u64 },
}

#[derive(Debug, thiserror::Error)]
enum AccountError {
    #[error("there is no such account")]
    NotOpen,
    #[error("the account is open already")]
    Open,
    #[error("{wanted} cents are not there, {balance} are")]
    NotEnough { wanted: u64, balance: u64 },
    #[error("the machine {0} is out of order")]
    Machine(String),
}

/// What commands ask outside.
struct Machines;

impl Machines {
    fn works(&self, machine: &str) -> bool {
        machine != "ATM-13"
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Account {
    is_open: bool,
    cents: u64,
}

impl Account {
    fn spend(&self, cents: u64) -> Result<(), AccountError> {
        match self.cents < cents {
            true => Err(AccountError::NotEnough {
                wanted: cents,
                balance: self.cents,
            }),
            false => Ok(()),
        }
    }
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = AccountCommand;
    type Event = AccountEvent;
    type Error = AccountError;
    type Services = Machines;

    async fn handle(
        &mut self,
        command: AccountCommand,
        machines: &Machines,
        sink: &EventSink<Self>,
    ) -> Result<(), AccountError> {
        let event = match command {
            AccountCommand::Open { .. } if self.is_open => return Err(AccountError::Open),
            AccountCommand::Open { owner } => AccountEvent::Opened { owner },
            _ if !self.is_open => return Err(AccountError::NotOpen),
            AccountCommand::Deposit { cents } => AccountEvent::Deposited { cents },
            AccountCommand::Withdraw { cents, machine } => {
                self.spend(cents)?;
                if !machines.works(&machine) {
                    return Err(AccountError::Machine(machine));
                }
                AccountEvent::Withdrawn { cents, machine }
            }
            AccountCommand::WriteCheck { number, cents } => {
                self.spend(cents)?;
                AccountEvent::CheckWritten { number, cents }
            }
        };
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: AccountEvent) {
        match event {
            AccountEvent::Opened { .. } => self.is_open = true,
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Withdrawn { cents, .. } | AccountEvent::CheckWritten { cents, .. } => {
                self.cents -= cents;
            }
        }
    }
}

/// What the owner of an account sees.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Statement {
    owner: String,
    cents: u64,
    checks: Vec<u32>,
}

impl View<Account> for Statement {
    fn update(&mut self, event: &EventEnvelope<Account>) {
        match &event.payload {
            AccountEvent::Opened { owner } => self.owner.clone_from(owner),
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Withdrawn { cents, .. } => self.cents -= cents,
            AccountEvent::CheckWritten { number, cents } => {
                self.cents -= cents;
                self.checks.push(*number);
            }
        }
    }
}

type Statements = StrandlineViewRepository<Statement, Account>;
type Failure = Box<dyn std::error::Error>;

/// A query that keeps a statement for each account, and says what goes wrong.
fn statements(views: &Arc<Statements>) -> GenericQuery<Statements, Statement, Account> {
    let mut query = GenericQuery::new(views.clone());
    query.use_error_handler(Box::new(|error| eprintln!("a statement is wrong: {error}")));
    query
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("bank.strand");
    work(&path).await?;
    again(&path).await
}

/// A day at the bank.
async fn work(path: &Path) -> Result<(), Failure> {
    let store = Arc::new(Store::open(path)?);
    let views = Arc::new(Statements::open(&store, "statements")?);
    let queries: Vec<Box<dyn Query<Account>>> = vec![Box::new(statements(&views))];
    // The account is kept after each third event, so that a long history is not read for each command.
    let cqrs = strandline_snapshot_cqrs(&store, queries, 3, Machines);

    let id = "ACCT-7";
    let owner = "Ada".to_owned();
    cqrs.execute(id, AccountCommand::Open { owner }).await?;
    let teller = HashMap::from([("teller".to_owned(), "T-4".to_owned())]);
    let deposit = AccountCommand::Deposit { cents: 50_000 };
    cqrs.execute_with_metadata(id, deposit, teller).await?;
    let machine = "ATM-1".to_owned();
    let withdraw = AccountCommand::Withdraw {
        cents: 20_000,
        machine,
    };
    cqrs.execute(id, withdraw).await?;

    // What the account refuses leaves no event.
    for command in [
        AccountCommand::Withdraw {
            cents: 90_000,
            machine: "ATM-1".to_owned(),
        },
        AccountCommand::Withdraw {
            cents: 100,
            machine: "ATM-13".to_owned(),
        },
    ] {
        match cqrs.execute(id, command).await {
            Err(AggregateError::UserError(error)) => println!("refused: {error}"),
            other => return Err(format!("it was not refused: {other:?}").into()),
        }
    }

    // Of two who decide on the same state, one has to decide again.
    let checks = |number| AccountCommand::WriteCheck {
        number,
        cents: 1_000,
    };
    let (one, other) = tokio::join!(cqrs.execute(id, checks(1)), cqrs.execute(id, checks(2)));
    println!("two checks at once: {one:?}, {other:?}");
    for (outcome, number) in [(one, 1), (other, 2)] {
        if matches!(outcome, Err(AggregateError::AggregateConflict)) {
            cqrs.execute(id, checks(number)).await?;
        }
    }
    println!("{:?}", statements(&views).load(id).await);

    // Everything else that reads the store reads these events too.
    for event in store.snapshot().query(Region::all().scope(Account::TYPE)) {
        let event = event?;
        let kind = store.kind_name(event.kind).unwrap_or_default();
        let payload = String::from_utf8_lossy(event.payload()?).into_owned();
        println!(
            "{} {} {kind} {payload}",
            event.sequence,
            event.coordinate.entity()
        );
    }
    Ok(())
}

/// The next day: all is there, and the statements can be made anew of the events.
async fn again(path: &Path) -> Result<(), Failure> {
    let store = Arc::new(Store::open(path)?);
    let repository = StrandlineEventRepository::new(&store);
    let snapshot = repository.get_snapshot::<Account>("ACCT-7").await?;
    println!("after a reopening: {snapshot:?}");

    let views = Statements::open(&store, "statements")?.durability(Durability::Written);
    let views = Arc::new(views);
    let before = statements(&views).load("ACCT-7").await;
    views.clear().await?;
    let mut replay = QueryReplay::new(repository, statements(&views));
    replay.use_error_handler(Box::new(|error| {
        eprintln!("an event cannot be read: {error}")
    }));
    replay.replay_all().await?;
    views.sync().await?;
    let after = statements(&views).load("ACCT-7").await;
    println!("made anew: {after:?}");
    match before == after && after.is_some_and(|statement| statement.cents == 28_000) {
        true => Ok(()),
        false => Err("the statement is another one".into()),
    }
}
