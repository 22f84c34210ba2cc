//! A bank account whose balance never goes below zero, whoever else writes:
//! `cargo run -p strandline-examples --example bank_account`.
//!
//! Read the stream, decide, append on condition that nothing has been appended to it since; if
//! something was, decide anew.

use serde::{Deserialize, Serialize};
use strandline::{
    Coordinate, ErrorKind, Event, EventEnum, EventPayload, ExpectedVersion, Receipt, Store,
};

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "deposited")]
struct Deposited {
    cents: u64,
}

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x002), name = "withdrawn")]
struct Withdrawn {
    cents: u64,
}

#[derive(EventEnum)]
enum AccountEvent {
    Deposited(Deposited),
    Withdrawn(Withdrawn),
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The balance, and the version of the stream that it was read from.
fn balance(store: &Store, account: &Coordinate) -> Result<(u64, ExpectedVersion), Failure> {
    let registry = AccountEvent::registry()?;
    let (mut cents, mut newest) = (0, None);
    for event in store.snapshot().stream(account.entity()) {
        let event = event?;
        newest = Some(event.clock);
        cents = match registry.decode(&event)? {
            AccountEvent::Deposited(deposited) => cents + deposited.cents,
            AccountEvent::Withdrawn(withdrawn) => cents - withdrawn.cents,
        };
    }
    Ok((cents, ExpectedVersion::of(newest)))
}

/// Withdraws, if there is enough; tries again whenever another writer was faster.
fn withdraw(store: &Store, account: &Coordinate, cents: u64) -> Result<Option<Receipt>, Failure> {
    loop {
        let (left, version) = balance(store, account)?;
        if left < cents {
            return Ok(None);
        }
        let withdrawn = Event::typed(&Withdrawn { cents })?.expecting(version);
        match store.append(account, withdrawn) {
            Ok(receipt) => return Ok(Some(receipt)),
            Err(error) if error.kind() == ErrorKind::WrongExpectedVersion => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn main() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path().join("bank.strand"))?;
    let account = Coordinate::new("account:7", "bank")?;
    store.append(&account, Event::typed(&Deposited { cents: 1_000 })?)?;

    // Four machines, ten withdrawals each: 40 × 30 is more than there is.
    let paid = std::thread::scope(|scope| {
        let machine = || -> Result<usize, Failure> {
            let mut paid = 0;
            for _ in 0..10 {
                paid += usize::from(withdraw(&store, &account, 30)?.is_some());
            }
            Ok(paid)
        };
        let machines: Vec<_> = (0..4).map(|_| scope.spawn(machine)).collect();
        let paid = machines.into_iter().map(|machine| match machine.join() {
            Ok(paid) => paid,
            Err(_) => Err("a machine broke down".into()),
        });
        paid.sum::<Result<usize, Failure>>()
    })?;
    let (left, _) = balance(&store, &account)?;
    println!("{paid} withdrawals of 0.30, {left} cents left");
    assert_eq!((paid, left), (33, 10));
    store.close()?;
    Ok(())
}
