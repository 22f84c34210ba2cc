//! What becomes of a command: decided on the newest state, appended whole or not at all.

use crate::bank::{
    Account, Command, DepositedV1, TooLittle, accounts, at, count, deposited, store, withdrawn,
};
use std::sync::Barrier;
use std::time::Duration;
use strandline::{AttributeValue, Attributes, Durability, ErrorKind, Event, EventId, EventKind};
use strandline_aggregate::{Aggregate, ExecuteError, ExecuteOptions, Retry};

#[test]
fn a_command_is_decided_and_its_events_are_appended_whole() {
    let store = store();
    let accounts = accounts(&store);
    let done = accounts.execute("1", &Command::Deposit(500)).unwrap();
    assert_eq!(
        (done.state.cents, done.version, done.tries),
        (500, Some(0), 1)
    );
    assert_eq!(done.events, [deposited(500)]);
    assert!(!done.is_empty() && !done.repeated);
    let done = accounts
        .execute("1", &Command::WithdrawWithFee(300, 10))
        .unwrap();
    assert_eq!((done.state.cents, done.version), (190, Some(2)));
    assert_eq!(done.events, [withdrawn(300), withdrawn(10)]);
    let clocks: Vec<_> = done.receipts.iter().map(|receipt| receipt.clock).collect();
    assert_eq!(clocks, [1, 2]);
    let loaded = accounts.load("1").unwrap();
    assert_eq!((&*loaded.state, loaded.version), (&*done.state, Some(2)));
    assert_eq!(accounts.load("2").unwrap().version, None);
    let named = store.snapshot().latest("account:1").unwrap().unwrap();
    assert_eq!(named.coordinate.scope(), "account");
}

#[test]
fn what_is_refused_and_what_is_nothing_to_do_append_nothing() {
    let store = store();
    let accounts = accounts(&store);
    accounts.execute("1", &Command::Deposit(500)).unwrap();
    let refused = accounts.execute("1", &Command::Withdraw(501)).unwrap_err();
    assert_eq!(refused.into_rejection(), Some(TooLittle { cents: 500 }));
    let done = accounts.execute("1", &Command::Skim(500)).unwrap();
    assert!(done.is_empty() && done.receipts.is_empty() && !done.repeated);
    assert_eq!((done.state.cents, done.version), (500, Some(0)));
    assert_eq!(count(&store, "1"), 1);
}

#[test]
fn who_was_slower_decides_anew_on_the_newest_state() {
    let store = store();
    let (own, other) = (accounts(&store), accounts(&store));
    own.execute("1", &Command::Deposit(100)).unwrap();
    let mut seen = Vec::new();
    let done = own.decide_with("1", &ExecuteOptions::new(), |account| {
        seen.push(account.cents);
        // The first three decisions meet another writer.
        if seen.len() <= 3 {
            other.execute("1", &Command::Withdraw(30)).unwrap();
        }
        account.decide(&Command::Withdraw(account.cents))
    });
    let done = done.unwrap();
    assert_eq!(seen, [100, 70, 40, 10]);
    assert_eq!((done.tries, done.state.cents), (4, 0));
    assert_eq!(own.load("1").unwrap().state.cents, 0);
}

#[test]
fn what_was_enough_may_not_be_any_more() {
    let store = store();
    let (own, other) = (accounts(&store), accounts(&store));
    own.execute("1", &Command::Deposit(100)).unwrap();
    let mut is_first = true;
    let refused = own.decide_with("1", &ExecuteOptions::new(), |account| {
        if std::mem::take(&mut is_first) {
            other.execute("1", &Command::Withdraw(50)).unwrap();
        }
        account.decide(&Command::Withdraw(80))
    });
    let rejection = refused.unwrap_err().into_rejection();
    assert_eq!(rejection, Some(TooLittle { cents: 50 }));
    assert_eq!(count(&store, "1"), 2);
}

#[test]
fn tries_have_an_end() {
    let store = store();
    let (own, other) = (accounts(&store), accounts(&store));
    for (tries_max, decided) in [(0, 1), (1, 1), (5, 5)] {
        let retry = Retry {
            tries_max,
            first: Duration::from_nanos(1),
            max: Duration::from_nanos(1),
        };
        let before = count(&store, "1");
        let options = ExecuteOptions::new().retry(retry);
        let error = own.decide_with("1", &options, |account| {
            other.execute("1", &Command::Deposit(1)).unwrap();
            account.decide(&Command::Deposit(1_000))
        });
        match error.unwrap_err() {
            ExecuteError::Conflict { tries, source } => {
                assert_eq!(tries, decided);
                assert_eq!(source.kind(), ErrorKind::WrongExpectedVersion);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(count(&store, "1") - before, decided as usize);
    }
    assert!(own.load("1").unwrap().state.cents < 1_000);
}

#[test]
fn no_update_is_lost_between_threads() {
    const THREADS: u64 = 4;
    const EACH: u64 = 50;
    let store = store();
    let accounts = accounts(&store);
    // As many tries as it takes: how often one is passed is for the scheduler.
    let retry = Retry {
        tries_max: u32::MAX,
        ..Retry::default()
    };
    let options = ExecuteOptions::new().retry(retry);
    accounts
        .execute("1", &Command::Deposit(THREADS * EACH / 2))
        .unwrap();
    let start = Barrier::new(THREADS as usize);
    let taken: u64 = std::thread::scope(|scope| {
        let machine = || {
            start.wait();
            let once = |_: &u64| match accounts.execute_with("1", &Command::Withdraw(1), &options) {
                Ok(_) => true,
                Err(ExecuteError::Rejected(TooLittle { cents })) => {
                    assert_eq!(cents, 0);
                    false
                }
                Err(error) => panic!("{error:?}"),
            };
            (0..EACH).filter(once).count() as u64
        };
        let machines: Vec<_> = (0..THREADS).map(|_| scope.spawn(machine)).collect();
        machines
            .into_iter()
            .map(|machine| machine.join().unwrap())
            .sum()
    });
    assert_eq!(taken, THREADS * EACH / 2);
    let account = accounts.load("1").unwrap();
    assert_eq!((account.state.cents, account.state.events), (0, taken + 1));
}

#[test]
fn events_say_who_asked_and_why() {
    let store = store();
    let accounts = accounts(&store);
    let order = Event::bytes(EventKind::new(2, 1), *b"x").correlated_with(EventId::from_u128(7));
    let order = store.append(&at("order"), order).unwrap();
    let order = store.snapshot().get(order.id).unwrap().unwrap();
    let mut attributes = Attributes::new();
    attributes
        .add("user", AttributeValue::Text("ada".into()))
        .unwrap();
    let options = ExecuteOptions::new()
        .because_of(&order)
        .attributes(attributes.clone())
        .durability(Durability::Synced);
    let done = accounts
        .execute_with("1", &Command::Deposit(1), &options)
        .unwrap();
    assert!(done.receipts[0].durable);
    let event = store.snapshot().get(done.receipts[0].id).unwrap().unwrap();
    assert!(event.is_caused_by(order.id));
    assert_eq!(event.correlation, EventId::from_u128(7));
    assert_eq!(event.extensions.attributes(), attributes);
}

#[test]
fn events_of_older_versions_are_led_to_the_present_one() {
    let store = store();
    let old = Event::typed(&DepositedV1 { euros: 3 }).unwrap();
    store.append(&at("1"), old).unwrap();
    let done = accounts(&store)
        .execute("1", &Command::Withdraw(200))
        .unwrap();
    assert_eq!(done.state.cents, 100);
}

#[test]
fn an_event_of_another_kind_is_no_state() {
    let store = store();
    store
        .append(&at("1"), Event::bytes(EventKind::new(2, 1), *b"x"))
        .unwrap();
    let error = accounts(&store).load("1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Payload);
    let error = accounts(&store).load("a\nb").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_store_that_is_read_loads_and_executes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("bank.strand");
    let store = std::sync::Arc::new(strandline::Store::open(&dir).unwrap());
    accounts(&store).execute("1", &Command::Deposit(5)).unwrap();
    let read = strandline::StoreOptions::new()
        .read_only()
        .open(&dir)
        .unwrap();
    let read = accounts(&std::sync::Arc::new(read));
    assert_eq!(read.load("1").unwrap().state.cents, 5);
    let mut decided = false;
    let refused = read.decide_with("1", &ExecuteOptions::new(), |account: &Account| {
        decided = true;
        account.decide(&Command::Deposit(5))
    });
    match refused.unwrap_err() {
        ExecuteError::Store(error) => assert_eq!(error.kind(), ErrorKind::ReadOnly),
        other => panic!("{other:?}"),
    }
    assert!(!decided, "before anything is decided");
}
