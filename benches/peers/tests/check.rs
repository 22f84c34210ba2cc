//! Every peer does what it says it can, and has its events after it was closed and opened again.

use std::collections::HashSet;
use strandline_benches::engine::{Ability, Durability, EngineEntry, NewEvent};
use strandline_benches::workload::{Filter, RARE_KIND, Workload};
use strandline_peers::ENTRIES;

fn check_contents(
    entry: &EngineEntry,
    engine: &dyn strandline_benches::engine::Engine,
    w: &Workload,
    total: u64,
) {
    let can = |a| entry.abilities.contains(&a);
    let all: Vec<NewEvent<'_>> = (0..total).map(|n| w.event(n)).collect();
    if can(Ability::Scan) {
        let mut n = 0;
        engine
            .scan(&mut |p| {
                assert_eq!(p, all[n].payload);
                n += 1;
            })
            .unwrap();
        assert_eq!(n as u64, total, "{}", entry.name);
    }
    if can(Ability::Stream) {
        for entity in w.entities() {
            let want: Vec<_> = all
                .iter()
                .filter(|e| e.entity == entity)
                .map(|e| e.payload.to_vec())
                .collect();
            let mut got = Vec::new();
            engine
                .stream(entity, &mut |p| got.push(p.to_vec()))
                .unwrap();
            assert!(want == got, "{} {entity}", entry.name);
        }
    }
    if can(Ability::ById) {
        let ids = engine.ids().unwrap();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len() as u64, total);
        let mut want: Vec<_> = all.iter().map(|e| e.payload.to_vec()).collect();
        let mut got: Vec<_> = ids
            .iter()
            .map(|&id| {
                let mut p = Vec::new();
                engine.get(id, &mut p).unwrap();
                p
            })
            .collect();
        want.sort();
        got.sort();
        assert!(want == got);
        assert!(engine.get(12345, &mut Vec::new()).is_err());
    }
    let check = |filter: Filter<'_>, want: usize| {
        let mut got = Vec::new();
        engine.query(filter, &mut |s| got.push(s)).unwrap();
        assert_eq!(got.len(), want, "{} {filter:?}", entry.name);
        assert!(got.is_sorted() && got.windows(2).all(|w| w[0] < w[1]));
    };
    if can(Ability::Kind) {
        for k in (0..16).chain([RARE_KIND, 77]) {
            check(Filter::Kind(k), all.iter().filter(|e| e.kind == k).count());
        }
    }
    if can(Ability::Scope) {
        for s in w.scopes() {
            check(
                Filter::Scope(s),
                all.iter().filter(|e| e.scope == s).count(),
            );
        }
        check(Filter::Scope("none"), 0);
    }
    if can(Ability::Prefix) {
        for p in ["order:0000", "order:00001", "nothing", "order:"] {
            check(
                Filter::Prefix(p),
                all.iter().filter(|e| e.entity.starts_with(p)).count(),
            );
        }
    }
    if can(Ability::Verify) {
        assert_eq!(engine.verify().unwrap(), total);
    }
}

#[test]
fn every_peer_does_what_it_says_and_keeps_its_events() {
    for entry in ENTRIES {
        let dir = tempfile::tempdir().unwrap();
        let w = Workload::regular(2500);
        let engine = (entry.open)(dir.path()).unwrap();
        let mut n = 0;
        for (size, d) in [
            (1, Durability::Written),
            (1, Durability::Synced),
            (7, Durability::Written),
            (100, Durability::Synced),
        ] {
            for _ in 0..10 {
                let events: Vec<_> = (n..n + size).map(|n| w.event(n)).collect();
                engine.append(&events, d).unwrap();
                n += size;
            }
        }
        check_contents(entry, engine.as_ref(), &w, n);
        engine.close().unwrap();
        let engine = (entry.open)(dir.path()).unwrap();
        check_contents(entry, engine.as_ref(), &w, n);
        for _ in 0..1000 {
            engine.append(&[w.event(n)], Durability::Written).unwrap();
            n += 1;
        }
        check_contents(entry, engine.as_ref(), &w, n);
        drop(engine);
        let engine = (entry.open)(dir.path()).unwrap();
        check_contents(entry, engine.as_ref(), &w, n);
        engine.close().unwrap();
    }
}
