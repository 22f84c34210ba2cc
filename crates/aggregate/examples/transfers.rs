//! Accounts, and transfers between them, whoever else is at work:
//! `cargo run -p strandline-aggregate --example transfers`.
//!
//! An account is an aggregate. A transfer concerns two of them, so it is a decision over a query: what the paying one has
//! decides, and both get their event in one commit.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use strandline::{Coordinate, EventEnum, EventPayload, NameError, Query, Region, Store};
use strandline_aggregate::{
    Aggregate, CommandId, Decision, Decisions, ExecuteError, ExecuteOptions, Repository, Snapshots,
    given_for,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "moved")]
struct Moved {
    cents: i64,
}

#[derive(Debug, Clone, PartialEq, EventEnum)]
enum AccountEvent {
    Moved(Moved),
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("there are {has} cents in the account, and {wanted} are to go")]
struct TooLittle {
    has: i64,
    wanted: i64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Account {
    cents: i64,
}

impl Aggregate for Account {
    const NAME: &'static str = "account";
    type Event = AccountEvent;
    /// Cents that come, or go.
    type Command = i64;
    type Error = TooLittle;

    fn decide(&self, cents: &i64) -> Result<Vec<AccountEvent>, TooLittle> {
        match self.cents + cents {
            0.. => Ok(vec![Moved { cents: *cents }.into()]),
            _ => Err(TooLittle {
                has: self.cents,
                wanted: -cents,
            }),
        }
    }

    fn evolve(&mut self, AccountEvent::Moved(moved): &AccountEvent) {
        self.cents += moved.cents;
    }
}

#[derive(Serialize)]
struct Transfer<'a> {
    from: &'a str,
    to: &'a str,
    cents: i64,
}

impl Decision for Transfer<'_> {
    type Event = AccountEvent;
    /// The one that pays. What the other has decides nothing.
    type State = Account;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn query(&self) -> Query {
        Region::all()
            .entity(format!("account:{}", self.from))
            .into()
    }

    fn evolve(&self, account: &mut Account, _: &Coordinate, event: &AccountEvent) {
        account.evolve(event);
    }

    fn decide(&self, account: &Account) -> Result<Vec<(Coordinate, AccountEvent)>, Self::Error> {
        let paid = account.decide(&-self.cents)?;
        let got = Moved { cents: self.cents };
        let (from, to) = (
            Account::coordinate(self.from)?,
            Account::coordinate(self.to)?,
        );
        let paid = paid.into_iter().map(|event| (from.clone(), event));
        Ok(paid.chain([(to, got.into())]).collect())
    }
}

fn decided_without_a_store() -> Result<(), NameError> {
    let (ada, bob) = (Account::coordinate("ada")?, Account::coordinate("bob")?);
    let moved = |at: &Coordinate, cents| (at.clone(), Moved { cents }.into());
    let transfer = Transfer {
        from: "ada",
        to: "bob",
        cents: 30,
    };
    given_for([moved(&ada, 50)])
        .when(&transfer)
        .then_expect([moved(&ada, -30), moved(&bob, 30)]);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    decided_without_a_store()?;
    let dir = tempfile::tempdir()?;
    let store = Arc::new(Store::open(dir.path().join("bank.strand"))?);
    let accounts = Repository::<Account>::new(&store)?
        .with_snapshots(Snapshots::of_version(1))
        .with_cache(1_000);
    let transfers = Decisions::<AccountEvent>::new(&store)?;
    accounts.execute("ada", &1_000)?;

    // Four who send at once, each of them twice, as if they had not heard the answer: 40 × 30 is more than there is.
    let paid: usize = std::thread::scope(|scope| {
        let sender = |sender: usize| {
            let transfers = &transfers;
            scope.spawn(move || {
                let send = |number: &usize| {
                    let transfer = Transfer {
                        from: "ada",
                        to: "bob",
                        cents: 30,
                    };
                    let id = CommandId::new(format!("sender {sender}, transfer {number}"));
                    let options = ExecuteOptions::new().command_id(id);
                    let done = [(); 2].map(|()| transfers.execute_with(&transfer, &options));
                    match done {
                        [Ok(first), Ok(again)] => !first.repeated && again.repeated,
                        [Err(ExecuteError::Rejected(_)), _] => false,
                        [first, _] => {
                            println!("{first:?}");
                            false
                        }
                    }
                };
                (0..10).filter(send).count()
            })
        };
        let senders: Vec<_> = (0..4).map(sender).collect();
        let paid = senders
            .into_iter()
            .map(|sender| sender.join().unwrap_or_default());
        paid.sum()
    });
    let cents = |id| accounts.load(id).map(|account| account.state.cents);
    let (ada, bob) = (cents("ada")?, cents("bob")?);
    println!("{paid} transfers of 0.30; ada has {ada} cents and bob {bob}");
    assert_eq!((paid, ada, bob), (33, 10, 990));
    let refused = accounts.execute("ada", &-11);
    println!("{}", refused.err().ok_or("there is not enough")?);
    Ok(())
}
