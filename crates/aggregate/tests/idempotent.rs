//! Commands that are executed again under their id.

use crate::bank::{
    Account, AccountEvent, Command, DepositedV1, TooLittle, Transfer, accounts, at, count,
    decisions, deposited, store, store_in, withdrawn,
};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::{Arc, Barrier};
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline::{
    Batch, Durability, Error, ErrorKind, Event, EventEnum, EventId, EventKind, Receipt,
    StoreOptions,
};
use strandline_aggregate::{Aggregate, CommandId, ExecuteError, ExecuteOptions, Repository};

fn named(name: &str) -> ExecuteOptions {
    ExecuteOptions::new().command_id(CommandId::new(name))
}

fn of(name: &str, command: &Command) -> ExecuteOptions {
    let id = CommandId::new(name).with_content(command).unwrap();
    ExecuteOptions::new().command_id(id)
}

fn sequences(receipts: &[Receipt]) -> Vec<u64> {
    receipts
        .iter()
        .map(|receipt| receipt.sequence.get())
        .collect()
}

#[test]
fn a_command_is_decided_once_under_its_id() {
    let fs = MemFs::new();
    let (mut store, _) = store_in(&fs);
    accounts(&store)
        .execute("1", &Command::Deposit(100))
        .unwrap();
    let command = Command::WithdrawWithFee(60, 1);
    let first = accounts(&store)
        .execute_with("1", &command, &of("c1", &command))
        .unwrap();
    for reopened in [false, true] {
        if reopened {
            Arc::into_inner(store).unwrap().close().unwrap();
            store = store_in(&fs).0;
        }
        let accounts = accounts(&store);
        accounts.execute("1", &Command::Deposit(5)).unwrap();
        let before = count(&store, "1");
        let mut decided = false;
        let again = accounts.decide_with("1", &of("c1", &command), |account: &Account| {
            decided = true;
            account.decide(&command)
        });
        let again = again.unwrap();
        assert!(!decided && again.repeated && again.tries == 0);
        assert_eq!(again.events, [withdrawn(60), withdrawn(1)]);
        assert_eq!(sequences(&again.receipts), sequences(&first.receipts));
        let same = |(one, other): (&Receipt, &Receipt)| {
            one.id == other.id && one.hash == other.hash && one.hlc == other.hlc
        };
        assert!(again.receipts.iter().zip(&first.receipts).all(same));
        assert!(
            again
                .receipts
                .iter()
                .all(|receipt| receipt.repeated && receipt.durable)
        );
        assert_eq!(again.state.cents, accounts.load("1").unwrap().state.cents);
        assert_eq!(count(&store, "1"), before);
    }
}

#[test]
fn an_id_that_was_used_for_another_command_is_refused() {
    let store = store();
    let accounts = accounts(&store);
    accounts
        .execute_with("1", &Command::Deposit(5), &of("c1", &Command::Deposit(5)))
        .unwrap();
    let taken = |id: &str, command: &Command, options: &ExecuteOptions| match accounts
        .execute_with(id, command, options)
        .unwrap_err()
    {
        ExecuteError::CommandIdTaken(taken) => {
            let ids = [0, 1].map(|place| taken.command_id.event_id(place));
            assert!(ids.contains(&taken.event));
            taken.entity
        }
        other => panic!("{other:?}"),
    };
    // Another content, another entity.
    let other = Command::Deposit(6);
    assert_eq!(taken("1", &other, &of("c1", &other)), "account:1");
    assert_eq!(
        taken("2", &Command::Deposit(5), &of("c1", &Command::Deposit(5))),
        "account:1"
    );
    // Who does not say what is in it is believed.
    assert!(
        accounts
            .execute_with("1", &other, &named("c1"))
            .unwrap()
            .repeated
    );
    // An event of who did not know of commands.
    let id = CommandId::new("c2").event_id(0);
    let event = Event::typed(&DepositedV1 { euros: 1 }).unwrap().with_id(id);
    store.append(&at("1"), event).unwrap();
    taken("1", &Command::Deposit(5), &named("c2"));
    assert_eq!(store.snapshot().len(), 2);
    // A decision over several entities, whose first event is of this one.
    let transfer = Transfer {
        from: "1",
        to: "2",
        cents: 5,
    };
    let done = decisions(&store).execute_with(&transfer, &named("c3"));
    assert_eq!(done.unwrap().events.len(), 2);
    assert_eq!(taken("1", &other, &named("c3")), "account:2");
    // And the other way round, with an event that is none of a decision's.
    let event = Event::bytes(EventKind::new(2, 1), *b"x").with_id(CommandId::new("c4").event_id(0));
    store.append(&at("1"), event).unwrap();
    let error = decisions(&store)
        .execute_with(&transfer, &named("c4"))
        .unwrap_err();
    assert!(
        matches!(error, ExecuteError::CommandIdTaken(_)),
        "{error:?}"
    );
}

#[test]
fn what_led_to_nothing_is_decided_again() {
    let store = store();
    let accounts = accounts(&store);
    assert!(
        accounts
            .execute_with("1", &Command::Skim(10), &named("c1"))
            .unwrap()
            .is_empty()
    );
    accounts.execute("1", &Command::Deposit(15)).unwrap();
    let done = accounts
        .execute_with("1", &Command::Skim(10), &named("c1"))
        .unwrap();
    assert_eq!(done.events, [withdrawn(5)]);
    assert!(!done.repeated);
}

/// Two who execute the same command at the same time: one decides on what the other has not written yet.
#[test]
fn the_same_command_beside_itself_is_executed_once() {
    let store = store();
    let (own, other) = (accounts(&store), accounts(&store));
    own.execute("1", &Command::Deposit(100)).unwrap();
    // The same decision, and one that comes to something else because it is a command of another content.
    for (name, other_command) in [("c1", Command::Withdraw(10)), ("c2", Command::Withdraw(11))] {
        let calls = Cell::new(0);
        let done = own.decide_with("1", &named(name), |account: &Account| {
            calls.set(calls.get() + 1);
            let beside = other
                .execute_with("1", &other_command, &named(name))
                .unwrap();
            assert!(!beside.repeated);
            account.decide(&Command::Withdraw(10))
        });
        let done = done.unwrap();
        assert!(done.repeated && calls.get() == 1);
        let expected = if name == "c1" { 10 } else { 11 };
        assert_eq!(done.events, [withdrawn(expected)]);
    }
    // More events than the other had: nothing of them is added to those.
    let done = own.decide_with("1", &named("c3"), |account: &Account| {
        other
            .execute_with("1", &Command::Withdraw(10), &named("c3"))
            .unwrap();
        account.decide(&Command::WithdrawWithFee(10, 1))
    });
    assert_eq!(done.unwrap().events, [withdrawn(10)]);
    assert_eq!(own.load("1").unwrap().state.cents, 100 - 10 - 11 - 10);
}

#[test]
fn many_who_execute_the_same_command_get_the_same_receipts() {
    const THREADS: usize = 4;
    let store = store();
    let accounts = accounts(&store);
    let start = Barrier::new(THREADS);
    let all: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let same = || {
            let names = (0..20).map(|number| format!("c{number}"));
            let receipts = names.map(|name| {
                start.wait();
                let done = accounts
                    .execute_with("1", &Command::Deposit(1), &named(&name))
                    .unwrap();
                assert_eq!(done.events, [deposited(1)]);
                sequences(&done.receipts)[0]
            });
            receipts.collect()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(same)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(all.iter().all(|one| *one == all[0]));
    assert_eq!(accounts.load("1").unwrap().state.cents, 20);
}

#[test]
fn what_is_left_of_a_command_says_that_it_was_executed() {
    let store = store();
    let accounts = accounts(&store);
    accounts.execute("1", &Command::Deposit(100)).unwrap();
    let command = Command::WithdrawWithFee(10, 1);
    let first = accounts.execute_with("1", &command, &named("c1")).unwrap();
    let chosen = Redaction::new().event(first.receipts[1].id);
    redact(&store, &chosen, &mut |_| ControlFlow::Continue(())).unwrap();
    match accounts
        .execute_with("1", &command, &named("c1"))
        .unwrap_err()
    {
        ExecuteError::Store(error) => assert_eq!(error.kind(), ErrorKind::Redacted),
        other => panic!("{other:?}"),
    }
    // Of an id that compaction removed nothing is known.
    let keep = Retention::new().keep_newest(1);
    compact(&store, &keep, &mut |_| ControlFlow::Continue(())).unwrap();
    let batch = Batch::new().push(&at("1"), deposited(100).to_event_now());
    store.append_batch(batch).unwrap();
    compact(&store, &keep, &mut |_| ControlFlow::Continue(())).unwrap();
    let done = accounts.execute_with("1", &command, &named("c1")).unwrap();
    assert!(!done.repeated);
}

trait ToEventNow {
    fn to_event_now(&self) -> Event;
}

impl<T: strandline::EventEnum> ToEventNow for T {
    fn to_event_now(&self) -> Event {
        self.to_event().unwrap()
    }
}

/// An account whose events have ids of their own, made of what they say.
#[derive(Clone, Default)]
struct OwnIds(Account);

impl Aggregate for OwnIds {
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

    fn to_event(event: &AccountEvent) -> Result<Event, Error> {
        let id = EventId::from_u128(match event {
            AccountEvent::Deposited(deposited) => deposited.cents.into(),
            AccountEvent::Withdrawn(withdrawn) => u128::from(withdrawn.cents) << 64,
        });
        Ok(event.to_event()?.with_id(id))
    }
}

#[test]
fn events_that_are_there_under_their_own_ids_are_a_repeat() {
    let store = store();
    let accounts = Repository::<OwnIds>::new(&store).unwrap();
    let execute = |decided: &mut u32| {
        accounts.decide_with("1", &ExecuteOptions::new(), |account| {
            *decided += 1;
            assert!(*decided < 9, "it is decided again and again");
            account.decide(&Command::Deposit(7))
        })
    };
    let first = execute(&mut 0).unwrap();
    accounts.execute("1", &Command::Deposit(8)).unwrap();
    let again = execute(&mut 0).unwrap();
    assert!(again.repeated && !first.repeated);
    assert_eq!(sequences(&again.receipts), sequences(&first.receipts));
    assert_eq!((again.state.0.cents, again.version), (15, Some(1)));
    assert_eq!(again.events, first.events);
    assert_eq!(count(&store, "1"), 2);
}

#[test]
fn a_command_that_was_executed_is_replicated_where_the_store_asks_for_that() {
    let fs = MemFs::new();
    let (store, _) = store_in(&fs);
    let command = Command::Deposit(100);
    let options = of("c1", &command);
    accounts(&store)
        .execute_with("1", &command, &options)
        .unwrap();
    Arc::into_inner(store).unwrap().close().unwrap();
    let store = StoreOptions::new()
        .fs(Arc::new(fs))
        .durability(Durability::Replicated)
        .open("/bank.strand")
        .unwrap();
    let store = Arc::new(store);
    let again = || accounts(&store).execute_with("1", &command, &options);
    // The opening shows what is on this disk alone.
    let Err(ExecuteError::Store(refused)) = again() else {
        panic!("it is not replicated");
    };
    assert_eq!(refused.kind(), ErrorKind::NotReplicated);
    let replication = store.replication().unwrap();
    replication.replicated(replication.durable_end().unwrap().sequence);
    let again = again().unwrap();
    assert!(again.repeated && again.receipts.iter().all(|receipt| receipt.replicated));
}
