//! What a snapshot answers to queries of several regions, against a list of events.

use crate::check::sequences_of;
use crate::events::Event;
use strandline_core::{Query, Region, Sequence};
use strandline_index::{PlanKey, Snapshot};

/// Checks every way of asking `snapshot` for any of `regions`.
pub(crate) fn any_of(
    snapshot: &Snapshot,
    events: &[Event],
    regions: &[Region],
    turns: &[bool],
    limit: usize,
) {
    let query = Query::from(regions);
    let sequences = sequences_in(events, &query);
    let rows = || snapshot.query(&query);
    assert_eq!(sequences_of(rows()), sequences, "{query:?}");
    let mut backward = sequences_of(rows().rev());
    backward.reverse();
    assert_eq!(backward, sequences, "backward, {query:?}");
    assert_eq!(rows().count(), sequences.len(), "count, {query:?}");
    plan(snapshot, &query, sequences.len() as u64);
    both_ends(snapshot, &query, turns, &sequences);
    limited(snapshot, &query, turns, limit, &sequences);
    pages(snapshot, &query, limit, &sequences);
    let middle = events.get(limit).map_or(0, |event| event.sequence);
    let middle = Sequence::new(middle);
    for part in [query.clone().after(middle), query.clone().before(middle)] {
        let expected = sequences_in(events, &part);
        assert_eq!(sequences_of(snapshot.query(&part)), expected, "{part:?}");
    }
}

fn sequences_in(events: &[Event], query: &Query) -> Vec<u64> {
    let is_in = |event: &&Event| query.regions().iter().any(|region| event.is_in(region));
    let found = events.iter().filter(is_in);
    found.map(|event| event.sequence).collect()
}

fn plan(snapshot: &Snapshot, query: &Query, matching: u64) {
    let plan = snapshot.explain(query);
    assert!(plan.candidates() >= matching, "{plan}");
    assert!(!plan.is_exact() || plan.candidates() == matching, "{plan}");
    for part in plan.parts() {
        let is_nothing = part.key() == PlanKey::Nothing;
        assert_eq!(is_nothing, part.candidates() == 0, "{part}");
    }
    match query.regions() {
        [_] => assert!(plan.regions().is_empty()),
        regions => assert_eq!(plan.regions().len(), regions.len()),
    }
    for (region, plan) in query.regions().iter().zip(plan.regions()) {
        assert_eq!(*plan, snapshot.explain(region));
    }
}

fn both_ends(snapshot: &Snapshot, query: &Query, turns: &[bool], sequences: &[u64]) {
    let mut rows = snapshot.query(query);
    let (mut front, mut back) = (Vec::new(), Vec::new());
    for forward in turns.iter().copied().cycle() {
        let taken = front.len() + back.len();
        assert!(rows.size_hint().1.unwrap() + taken >= sequences.len());
        let (next, side) = match forward {
            true => (rows.next(), &mut front),
            false => (rows.next_back(), &mut back),
        };
        let Some(next) = next else { break };
        side.push(next.sequence().get());
    }
    assert!(rows.next().is_none() && rows.next_back().is_none(), "fused");
    assert_eq!(rows.count(), 0);
    back.reverse();
    front.extend(back);
    assert_eq!(front, sequences, "from both ends, {query:?}");
}

/// At most so many, from either end and from both.
fn limited(snapshot: &Snapshot, query: &Query, turns: &[bool], limit: usize, sequences: &[u64]) {
    let query = query.clone().limit(limit);
    let few = limit.min(sequences.len());
    assert_eq!(sequences_of(snapshot.query(&query)), sequences[..few]);
    let mut newest = sequences_of(snapshot.query(&query).rev());
    newest.reverse();
    assert_eq!(newest, sequences[sequences.len() - few..]);
    assert_eq!(snapshot.query(&query).count(), few);
    let mut rows = snapshot.query(&query);
    let mut taken = 0;
    for forward in turns.iter().copied().cycle() {
        assert!(rows.size_hint().1.unwrap() >= few - taken);
        let next = if forward {
            rows.next()
        } else {
            rows.next_back()
        };
        if next.is_none() {
            break;
        }
        taken += 1;
    }
    assert_eq!(taken, few);
    assert_eq!(snapshot.query(query.limit(0)).count(), 0);
}

/// Pages of `limit` rows, each resumed after the last row of the one before, in both directions.
fn pages(snapshot: &Snapshot, query: &Query, limit: usize, sequences: &[u64]) {
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    let mut rest = query.clone().limit(limit);
    loop {
        let page = sequences_of(snapshot.query(&rest));
        let Some(last) = page.last() else { break };
        rest = rest.after(Sequence::new(*last));
        forward.extend(page);
    }
    assert_eq!(forward, sequences, "pages of {limit}, {query:?}");
    let mut rest = query.clone().limit(limit);
    loop {
        let page = sequences_of(snapshot.query(&rest).rev());
        let Some(last) = page.last() else { break };
        rest = rest.before(Sequence::new(*last));
        backward.extend(page);
    }
    backward.reverse();
    assert_eq!(backward, sequences, "pages back of {limit}, {query:?}");
}
