//! Aggregates as they are and were.

use crate::bank::{BEGIN_MS, Command, accounts, store_in};
use strandline::fs::MemFs;

#[test]
fn an_aggregate_is_loaded_as_it_was() {
    let (store, clock) = store_in(&MemFs::new());
    let accounts = accounts(&store);
    for number in 1..=5 {
        clock.set(BEGIN_MS + number * 10);
        accounts.execute("1", &Command::Deposit(number)).unwrap();
    }
    let sum = |count: u64| count * (count + 1) / 2;
    for count in 1..=5_u32 {
        let loaded = accounts.load_at("1", count - 1).unwrap();
        assert_eq!(loaded.state.cents, sum(count.into()));
        assert_eq!(loaded.version, Some(count - 1));
    }
    assert_eq!(accounts.load_at("1", 99).unwrap().version, Some(4));
    for (wall_ms, count) in [(9, 0), (10, 1), (19, 1), (50, 5), (u64::MAX - BEGIN_MS, 5)] {
        let loaded = accounts.load_as_of("1", BEGIN_MS + wall_ms).unwrap();
        assert_eq!(loaded.state.cents, sum(count));
        assert_eq!(loaded.state.events, count);
    }
    let then = store.snapshot();
    accounts.execute("1", &Command::Deposit(100)).unwrap();
    assert_eq!(accounts.load_in(&then, "1").unwrap().state.cents, 15);
}
