//! Commands by chance on several accounts, through several repositories, held to a model that knows no store.

use crate::bank::{Account, AccountEvent, Command, Transfer, accounts, at, decisions, store_in};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use strandline::Store;
use strandline::fs::MemFs;
use strandline_aggregate::{
    Aggregate, CommandId, ExecuteError, ExecuteOptions, Repository, Snapshots,
};

const IDS: [&str; 3] = ["1", "2", "3"];

#[derive(Debug, Clone)]
enum Step {
    Execute(usize, Command, Option<u8>),
    Transfer(usize, usize, u64),
    LoadAt(usize, u32),
    Reopen,
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (0..50_u64).prop_map(Command::Deposit),
        (0..50_u64).prop_map(Command::Withdraw),
        (0..30_u64, 0..5_u64).prop_map(|(cents, fee)| Command::WithdrawWithFee(cents, fee)),
        (0..60_u64).prop_map(Command::Skim),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..3_usize, command(), prop::option::of(0..6_u8))
            .prop_map(|(id, command, name)| Step::Execute(id, command, name)),
        3 => (0..3_usize, 0..3_usize, 0..40_u64)
            .prop_map(|(from, to, cents)| Step::Transfer(from, to, cents)),
        2 => (0..3_usize, 0..12_u32).prop_map(|(id, version)| Step::LoadAt(id, version)),
        1 => Just(Step::Reopen),
    ]
}

/// What the log is to have of each account, and of each command that had a name.
#[derive(Default)]
struct Model {
    streams: BTreeMap<usize, Vec<AccountEvent>>,
    named: BTreeMap<u8, (usize, Vec<AccountEvent>)>,
}

impl Model {
    fn state(&self, id: usize, count: usize) -> Account {
        let mut account = Account::default();
        let events = self.streams.get(&id).into_iter().flatten().take(count);
        events.for_each(|event| account.evolve(event));
        account
    }

    fn now(&self, id: usize) -> Account {
        self.state(id, usize::MAX)
    }

    fn add(&mut self, id: usize, events: &[AccountEvent]) {
        self.streams
            .entry(id)
            .or_default()
            .extend_from_slice(events);
    }
}

/// A repository that keeps states in one way or another, or not at all.
fn keeping(store: &Arc<Store>, kept: u8) -> Repository<Account> {
    let mut accounts = accounts(store);
    if kept & 1 != 0 {
        accounts = accounts.with_cache(2);
    }
    if kept & 2 != 0 {
        // Two places for three accounts.
        accounts = accounts.with_snapshots(Snapshots::of_version(1).every(2).places(2));
    }
    accounts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_store_says_what_the_model_says(
        steps in prop::collection::vec(step(), 1..60),
        kept in 0..4_u8,
    ) {
        let fs = MemFs::new();
        let (mut store, _) = store_in(&fs);
        let mut model = Model::default();
        // Two that do not know of each other.
        let mut both = [keeping(&store, kept), keeping(&store, kept)];
        for (number, step) in steps.into_iter().enumerate() {
            let accounts = &both[number % 2];
            match step {
                Step::Execute(id, command, None) => {
                    let done = accounts.execute(IDS[id], &command);
                    match model.now(id).decide(&command) {
                        Ok(events) => {
                            model.add(id, &events);
                            let done = done.unwrap();
                            prop_assert_eq!(&done.events, &events);
                            prop_assert_eq!(&*done.state, &model.now(id));
                        }
                        Err(error) => {
                            prop_assert_eq!(done.unwrap_err().into_rejection(), Some(error));
                        }
                    }
                }
                Step::Execute(id, command, Some(name)) => {
                    let options = ExecuteOptions::new().command_id(CommandId::new([name]));
                    let done = accounts.execute_with(IDS[id], &command, &options);
                    match model.named.get(&name) {
                        Some((of, _)) if *of != id => {
                            prop_assert!(matches!(done, Err(ExecuteError::CommandIdTaken(_))));
                        }
                        Some((_, events)) => {
                            let done = done.unwrap();
                            prop_assert!(done.repeated);
                            prop_assert_eq!(&done.events, events);
                            prop_assert_eq!(&*done.state, &model.now(id));
                        }
                        None => match model.now(id).decide(&command) {
                            Ok(events) => {
                                model.add(id, &events);
                                prop_assert_eq!(&done.unwrap().events, &events);
                                if !events.is_empty() {
                                    model.named.insert(name, (id, events));
                                }
                            }
                            Err(error) => {
                                prop_assert_eq!(done.unwrap_err().into_rejection(), Some(error));
                            }
                        },
                    }
                }
                Step::Transfer(from, to, cents) => {
                    let transfer = Transfer { from: IDS[from], to: IDS[to], cents };
                    let done = decisions(&store).execute(&transfer);
                    if cents <= model.now(from).cents {
                        for (coordinate, event) in done.unwrap().events {
                            let of = IDS.iter().position(|id| at(id) == coordinate).unwrap();
                            model.add(of, &[event]);
                        }
                    } else {
                        prop_assert!(done.unwrap_err().into_rejection().is_some());
                    }
                }
                Step::LoadAt(id, version) => {
                    let loaded = accounts.load_at(IDS[id], version).unwrap();
                    let model = model.state(id, version as usize + 1);
                    prop_assert_eq!(&*loaded.state, &model);
                    prop_assert_eq!(loaded.version.map_or(0, |last| u64::from(last) + 1), model.events);
                }
                Step::Reopen => {
                    drop(both);
                    Arc::into_inner(store).unwrap().close().unwrap();
                    store = store_in(&fs).0;
                    both = [keeping(&store, kept), keeping(&store, kept)];
                }
            }
        }
        for (id, name) in IDS.iter().enumerate() {
            let loaded = both[0].load(name).unwrap();
            prop_assert_eq!(&*loaded.state, &model.now(id));
        }
    }
}
