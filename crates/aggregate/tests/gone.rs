//! Aggregates and decisions some of whose events are gone.

use crate::bank::{Account, Command, Strict, Transfer, accounts, at, decisions, store};
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline::{ErrorKind, EventId, Store};
use strandline_aggregate::{ExecuteError, Repository};

fn deposit(store: &Arc<Store>, count: u64) -> Vec<EventId> {
    let accounts = accounts(store);
    let deposit = |cents| accounts.execute("1", &Command::Deposit(cents)).unwrap();
    (1..=count)
        .map(|cents| deposit(cents).receipts[0].id)
        .collect()
}

#[test]
fn what_is_redacted_is_no_state_unless_the_aggregate_says_so() {
    let store = store();
    let ids = deposit(&store, 3);
    let chosen = Redaction::new().event(ids[1]);
    redact(&store, &chosen, &mut |_| ControlFlow::Continue(())).unwrap();
    let strict = Repository::<Strict>::new(&store).unwrap();
    let error = strict.load("1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redacted);
    assert!(error.to_string().contains("account:1"), "{error}");
    assert_eq!(
        strict.load_at("1", 0).unwrap().state.0.cents,
        1,
        "before it"
    );
    match strict.execute("1", &Command::Deposit(1)).unwrap_err() {
        ExecuteError::Store(error) => assert_eq!(error.kind(), ErrorKind::Redacted),
        other => panic!("{other:?}"),
    }
    let account = accounts(&store).load("1").unwrap();
    assert_eq!((account.state.cents, account.version), (4, Some(2)));
    assert_eq!(account.state.gone.len(), 1);

    let transfer = Transfer {
        from: "1",
        to: "2",
        cents: 1,
    };
    match decisions(&store).execute(&transfer).unwrap_err() {
        ExecuteError::Store(error) => assert_eq!(error.kind(), ErrorKind::Redacted),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_removed_is_no_state_unless_the_aggregate_says_so() {
    let store = store();
    deposit(&store, 5);
    let keep = Retention::new().keep_newest(2);
    compact(&store, &keep, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(store.snapshot().stream(at("1").entity()).count(), 2);
    let strict = Repository::<Strict>::new(&store).unwrap();
    let error = strict.load("1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redacted);
    let account: Account = (*accounts(&store).load("1").unwrap().state).clone();
    assert_eq!(account.cents, 4 + 5);
    assert_eq!(account.gone, ["its events from 0 to before 3 were removed"]);
    let done = accounts(&store)
        .execute("1", &Command::Withdraw(9))
        .unwrap();
    assert_eq!(done.version, Some(5), "the version goes on");
}
