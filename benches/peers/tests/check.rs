//! Every peer does what it says it can, and has its events after it was closed and opened again.

use std::collections::HashSet;
use strandline_benches::STRANDLINE;
use strandline_benches::engine::{Ability, Durability, Engine, EngineEntry, Filter, NewEvent};
use strandline_benches::workload::{RARE_KIND, Workload};
use strandline_peers::ENTRIES;

const EVENTS: u64 = 2_500;

/// A store and what must be in it.
struct Checked<'a> {
    entry: &'a EngineEntry,
    engine: Box<dyn Engine>,
    events: Vec<NewEvent<'a>>,
}

impl Checked<'_> {
    fn can(&self, ability: Ability) -> bool {
        self.entry.abilities.contains(&ability)
    }

    /// Compares everything that the peer can read with what was appended.
    fn check(&self) {
        let all: Vec<_> = self.events.iter().map(|event| event.payload).collect();
        let mut found = Vec::new();
        self.engine.scan(&mut |p| found.push(p.to_vec())).unwrap();
        assert!(found == all, "{}: scan", self.entry.name);
        self.check_streams();
        if self.can(Ability::ById) {
            self.check_ids();
        }
        if self.can(Ability::Kind) {
            for kind in (0..16).chain([RARE_KIND, 77]) {
                self.check_query(Filter::Kind(kind), |event| event.kind == kind);
            }
        }
        if self.can(Ability::Scope) {
            for scope in ["region-0", "region-1", "region-9", "region"] {
                self.check_query(Filter::Scope(scope), |event| event.scope == scope);
            }
        }
        if self.can(Ability::Prefix) {
            for prefix in ["order:0000", "order:00001", "order:000017", "order:", "x"] {
                self.check_query(Filter::Prefix(prefix), |event| {
                    event.entity.starts_with(prefix)
                });
            }
        }
        if self.can(Ability::Follow) {
            let mut found = Vec::new();
            let mut follower = self.engine.follow().unwrap();
            while found.len() < all.len() {
                follower.next(&mut |p| found.push(p.to_vec())).unwrap();
            }
            assert!(found == all, "{}: follow", self.entry.name);
        }
        if self.can(Ability::Verify) {
            let count = self.engine.verify().unwrap();
            assert_eq!(count, self.events.len() as u64, "{}", self.entry.name);
        }
    }

    fn check_streams(&self) {
        for entity in ["order:000000", "order:000001", "order:000999", "order"] {
            let stream = self.events.iter().filter(|event| event.entity == entity);
            let expected: Vec<_> = stream.map(|event| event.payload).collect();
            let mut found = Vec::new();
            let mut visit = |payload: &[u8]| found.push(payload.to_vec());
            self.engine.stream(entity, &mut visit).unwrap();
            assert!(found == expected, "{}: {entity}", self.entry.name);
            let mut newest = Vec::new();
            let mut visit = |payload: &[u8]| newest.push(payload.to_vec());
            self.engine.latest(entity, &mut visit).unwrap();
            let expected: Vec<_> = expected.last().copied().into_iter().collect();
            assert!(newest == expected, "{}: {entity}", self.entry.name);
        }
    }

    fn check_ids(&self) {
        let ids = self.engine.ids().unwrap();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        let mut expected: Vec<_> = self.events.iter().map(|event| event.payload).collect();
        let mut found = Vec::new();
        for id in ids {
            let mut payload = Vec::new();
            self.engine.get(id, &mut payload).unwrap();
            found.push(payload);
        }
        expected.sort_unstable();
        found.sort_unstable();
        assert!(found == expected, "{}: by id", self.entry.name);
        assert!(self.engine.get(1, &mut Vec::new()).is_err());
    }

    fn check_query(&self, filter: Filter<'_>, takes: impl Fn(&NewEvent<'_>) -> bool) {
        let mut found = Vec::new();
        self.engine.query(filter, &mut |n| found.push(n)).unwrap();
        let expected = self.events.iter().filter(|event| takes(event)).count();
        assert_eq!(found.len(), expected, "{}: {filter:?}", self.entry.name);
        let in_order = found.is_sorted_by(|a, b| a < b);
        assert!(in_order, "{}: {filter:?}", self.entry.name);
    }
}

/// Appends of one event and of several, of both durabilities; checks, reopens, appends, checks.
fn check_peer(entry: &EngineEntry) {
    let directory = tempfile::tempdir().unwrap();
    let open = || (entry.open)(directory.path()).unwrap();
    let work = Workload::regular(EVENTS);
    let mut checked = Checked {
        entry,
        engine: open(),
        events: Vec::new(),
    };
    let calls = [
        (1, Durability::Written),
        (1, Durability::Synced),
        (7, Durability::Written),
        (100, Durability::Synced),
    ];
    let mut next = 0;
    for _ in 0..2 {
        for (size, durability) in calls.iter().flat_map(|&call| [call; 10]) {
            let events: Vec<_> = (next..next + size).map(|n| work.event(n)).collect();
            checked.engine.append(&events, durability).unwrap();
            checked.events.extend(events);
            next += size;
        }
        checked.check();
        checked.engine.close().unwrap();
        checked.engine = open();
        checked.check();
    }
    if checked.can(Ability::CallersIds) {
        let event = work.event(next);
        let append = checked
            .engine
            .append_with_ids(&[event], &[7], Durability::Written);
        append.unwrap();
        let mut payload = Vec::new();
        checked.engine.get(7, &mut payload).unwrap();
        assert!(payload == event.payload, "{}: by its given id", entry.name);
        checked.events.push(event);
        checked.check();
    }
    checked.engine.close().unwrap();
}

#[test]
fn batpak_does_what_it_says() {
    check_named("batpak");
}

#[test]
fn fjall_does_what_it_says() {
    check_named("fjall");
}

#[test]
fn redb_does_what_it_says() {
    check_named("redb");
}

#[test]
fn sqlite_does_what_it_says() {
    check_named("sqlite");
}

#[test]
fn umadb_does_what_it_says() {
    check_named("umadb");
}

fn check_named(name: &str) {
    let named = |entry: &&EngineEntry| entry.name == name;
    check_peer(ENTRIES.iter().find(named).unwrap());
}

/// Accounts are filled, executed on, refuse, and are what they were after the store was closed and opened again.
fn check_accounts(entry: &EngineEntry) {
    let directory = tempfile::tempdir().unwrap();
    let open = || (entry.open)(directory.path()).unwrap();
    let state = |engine: &dyn Engine, number| {
        let account = engine.accounts(0).unwrap().load(number).unwrap();
        (account.cents, account.events)
    };
    let engine = open();
    let accounts = engine.accounts(8).unwrap();
    for _ in 0..3 {
        accounts.append(0..50, Durability::Written).unwrap();
    }
    for durability in [Durability::Written, Durability::Synced] {
        accounts.execute(7, 10, durability).unwrap();
        accounts.execute(49, -1, durability).unwrap();
        let refusal = accounts.execute(7, -1_000, durability).unwrap_err();
        let is_refusal = refusal.to_string().contains("too little on the account");
        assert!(is_refusal, "{}: {refusal}", entry.name);
    }
    accounts.settle().unwrap();
    drop(accounts);
    let expected = [(3, 3), (23, 5), (1, 5), (0, 0)];
    let numbers = [0, 7, 49, 50];
    let found = numbers.map(|number| state(&*engine, number));
    assert_eq!(found, expected, "{}", entry.name);
    engine.close().unwrap();
    let engine = open();
    let found = numbers.map(|number| state(&*engine, number));
    assert_eq!(found, expected, "{}, opened again", entry.name);
    engine.close().unwrap();
}

#[test]
fn commands_are_executed_alike_on_every_store_that_can() {
    let can = |entry: &&EngineEntry| entry.abilities.contains(&Ability::Execute);
    let entries: Vec<_> = ENTRIES.iter().chain([&STRANDLINE]).filter(can).collect();
    assert_eq!(entries.len(), 3);
    entries.into_iter().for_each(check_accounts);
}
