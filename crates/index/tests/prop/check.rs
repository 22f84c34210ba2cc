//! What a snapshot answers, against a list of events.

use crate::events::{ENTITIES, Event, SCOPES, TAGS};
use strandline_core::{EventId, Region, Sequence};
use strandline_index::{IndexWriter, PlanKey, RowView, Snapshot};

/// Checks every way of asking `snapshot` for `region`.
pub(crate) fn query(
    snapshot: &Snapshot,
    events: &[Event],
    region: &Region,
    turns: &[bool],
    limit: usize,
) {
    let expected: Vec<_> = events.iter().filter(|event| event.is_in(region)).collect();
    let sequences: Vec<_> = expected.iter().map(|event| event.sequence).collect();
    let found: Vec<_> = snapshot.query(region).collect();
    assert_eq!(sequences_of(found.iter().copied()), sequences, "{region:?}");
    for (view, event) in found.iter().zip(&expected) {
        is_same(view, event);
    }
    let mut backward = sequences_of(snapshot.query(region).rev());
    backward.reverse();
    assert_eq!(backward, sequences, "backward, {region:?}");
    let limited = sequences_of(snapshot.query(region).take(limit));
    assert_eq!(limited, sequences[..limit.min(sequences.len())]);
    assert_eq!(snapshot.query(region).count(), sequences.len());
    assert!(snapshot.query(region).size_hint().1.unwrap() >= sequences.len());
    first_since(snapshot, region, &sequences);
    plan(snapshot, region, sequences.len() as u64);
    pages(snapshot, region, limit, &sequences);
    both_ends(snapshot, region, turns, limit, &sequences);
}

/// The first row from each of the rows on, and from each sequence after one.
fn first_since(snapshot: &Snapshot, region: &Region, sequences: &[u64]) {
    let after = sequences.iter().map(|sequence| sequence + 1);
    for since in sequences.iter().copied().chain(after).chain([0]) {
        let first = snapshot.first_since(region, Sequence::new(since));
        let first = first.map(|row| row.sequence().get());
        let expected = sequences.iter().copied().find(|own| *own >= since);
        assert_eq!(first, expected, "since {since}, {region:?}");
    }
    assert!(snapshot.damage_since(Sequence::ZERO).is_none());
}

fn plan(snapshot: &Snapshot, region: &Region, matching: u64) {
    let plan = snapshot.explain(region);
    assert!(plan.candidates() >= matching, "{plan}");
    assert!(!plan.is_exact() || plan.candidates() == matching, "{plan}");
    for part in plan.parts() {
        let is_nothing = part.key() == PlanKey::Nothing;
        assert_eq!(is_nothing, part.candidates() == 0, "{part}");
    }
}

/// Pages of `limit` rows, each resumed after the last row of the one before.
fn pages(snapshot: &Snapshot, region: &Region, limit: usize, sequences: &[u64]) {
    let mut all = Vec::new();
    let mut rest = region.clone();
    loop {
        let page = sequences_of(snapshot.query(&rest).take(limit));
        let Some(last) = page.last() else { break };
        rest = rest.after(Sequence::new(*last));
        all.extend(page);
    }
    assert_eq!(all, sequences, "pages of {limit}, {region:?}");
}

fn both_ends(
    snapshot: &Snapshot,
    region: &Region,
    turns: &[bool],
    limit: usize,
    sequences: &[u64],
) {
    let mut rows = snapshot.query(region);
    let (mut front, mut back) = (Vec::new(), Vec::new());
    for forward in turns.iter().copied().cycle() {
        let next = if forward {
            rows.next()
        } else {
            rows.next_back()
        };
        let Some(next) = next else { break };
        let side = if forward { &mut front } else { &mut back };
        side.push(next.sequence().get());
        let taken = front.len() + back.len();
        assert!(rows.size_hint().1.unwrap() + taken >= sequences.len());
        if taken == limit {
            let mut rest = snapshot.query(region);
            assert!(front.iter().all(|_| rest.next().is_some()));
            assert!(back.iter().all(|_| rest.next_back().is_some()));
            assert_eq!(rest.count(), sequences.len() - taken, "rest of {region:?}");
        }
    }
    assert!(rows.next().is_none() && rows.next_back().is_none(), "fused");
    back.reverse();
    front.extend(back);
    assert_eq!(front, sequences, "from both ends, {region:?}");
}

/// Checks a snapshot as it was at an earlier sequence, and at earlier times.
pub(crate) fn earlier(snapshot: &Snapshot, events: &[Event], end: Sequence) {
    let (before, later) = events.split_at(before_end(events, end));
    let bounded = snapshot.snapshot_at(end);
    assert_eq!(bounded.visible(), end.min(snapshot.visible()));
    lookups(&bounded, before, later);
    let again = bounded.snapshot_at(Sequence::new(u64::MAX));
    assert_eq!(again.visible(), bounded.visible());
    assert_eq!(again.len(), before.len() as u64);
    if !before.is_sorted_by_key(|event| event.wall_ms) {
        return;
    }
    for wall_ms in before
        .iter()
        .map(|event| event.wall_ms)
        .chain([0, 1, u64::MAX])
    {
        for wall_ms in [wall_ms, wall_ms.saturating_sub(1)] {
            let later = before.iter().find(|event| event.wall_ms > wall_ms);
            let expected = later.map_or(bounded.visible(), |event| Sequence::new(event.sequence));
            assert_eq!(bounded.sequence_at(wall_ms), expected, "at {wall_ms}");
        }
    }
}

fn before_end(events: &[Event], end: Sequence) -> usize {
    events.partition_point(|event| event.sequence < end.get())
}

/// Checks what a snapshot of `events` answers without a region.
pub(crate) fn lookups(snapshot: &Snapshot, events: &[Event], later: &[Event]) {
    assert_eq!(snapshot.len(), events.len() as u64);
    assert_eq!(snapshot.is_empty(), events.is_empty());
    assert_eq!(snapshot.damage(), None);
    for event in events {
        is_same(&snapshot.get(event.id()).unwrap(), event);
        is_same(
            &snapshot.row_at(Sequence::new(event.sequence)).unwrap(),
            event,
        );
        causes(snapshot, events, event);
    }
    for event in later {
        assert!(snapshot.get(event.id()).is_none());
        assert!(snapshot.row_at(Sequence::new(event.sequence)).is_none());
        assert_eq!(snapshot.causes(event.id()).count(), 0);
    }
    let gaps = events
        .windows(2)
        .map(|pair| pair[0].sequence + 1..pair[1].sequence);
    for gap in gaps.flatten() {
        assert!(snapshot.row_at(Sequence::new(gap)).is_none());
    }
    for entity in ENTITIES {
        let newest = events.iter().rfind(|event| event.entity == entity);
        let latest = snapshot.latest(entity).map(|view| view.sequence().get());
        assert_eq!(latest, newest.map(|event| event.sequence));
    }
    for prefix in ["", "a", "a:", "s", "x", "ä", "ü"] {
        names(snapshot, events, prefix);
    }
}

fn causes(snapshot: &Snapshot, events: &[Event], event: &Event) {
    let mut expected = Vec::new();
    let mut next = Some(event.id);
    while let Some(id) = next {
        let cause = events.iter().find(|cause| cause.id == id);
        let Some(cause) = cause.filter(|cause| !expected.contains(&cause.sequence)) else {
            break;
        };
        expected.push(cause.sequence);
        next = cause.causation;
    }
    assert_eq!(sequences_of(snapshot.causes(event.id())), expected);
}

/// Entities and scopes with a prefix, all at once and from each name on.
fn names(snapshot: &Snapshot, events: &[Event], prefix: &str) {
    let mut kinds = std::collections::BTreeMap::new();
    for event in events {
        *kinds.entry(event.kind).or_insert(0) += 1;
    }
    assert!(snapshot.kinds().into_iter().eq(kinds));
    let expected = |names: &[&'static str], of: fn(&Event) -> &'static str| -> Vec<_> {
        let count = |name: &str| events.iter().filter(|event| of(event) == name).count() as u64;
        names
            .iter()
            .filter(|name| name.starts_with(prefix))
            .map(|name| ((*name).to_owned(), count(name)))
            .filter(|(_, count)| *count > 0)
            .collect()
    };
    let entities = expected(&ENTITIES, |event| event.entity);
    let scopes = expected(&SCOPES, |event| event.scope);
    assert_eq!(snapshot.entities(prefix).collect::<Vec<_>>(), entities);
    assert_eq!(snapshot.scopes(prefix).collect::<Vec<_>>(), scopes);
    let tagged = |tag: &str| {
        events
            .iter()
            .filter(|event| event.tags.contains(&tag))
            .count()
    };
    let tags = TAGS.iter().filter(|tag| tag.starts_with(prefix));
    let tags: Vec<_> = tags
        .map(|tag| ((*tag).to_owned(), tagged(tag) as u64))
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(snapshot.tags(prefix).collect::<Vec<_>>(), tags);
    for after in ENTITIES.into_iter().chain(SCOPES).chain(["", "a:11", "z"]) {
        let rest = |names: &[(String, u64)]| -> Vec<_> {
            let rest = names.iter().filter(|(name, _)| name.as_str() > after);
            rest.cloned().collect()
        };
        let page: Vec<_> = snapshot.entities(prefix).after(after).collect();
        assert_eq!(page, rest(&entities), "{prefix} after {after}");
        let page: Vec<_> = snapshot.scopes(prefix).after(after).collect();
        assert_eq!(page, rest(&scopes), "{prefix} after {after}");
    }
}

/// The newest event of each entity, as the writer knows it.
pub(crate) fn heads(writer: &IndexWriter, events: &[Event]) {
    for entity in ENTITIES {
        let newest = events.iter().rfind(|event| event.entity == entity);
        let live = writer.lookup_entity(entity);
        let live = live.and_then(|entity| writer.head(entity));
        let head = live.or_else(|| writer.sealed_head(entity));
        assert_eq!(head.is_some(), newest.is_some(), "{entity}");
        if let (Some(head), Some(newest)) = (head, newest) {
            assert_eq!(head.sequence.get(), newest.sequence);
            assert_eq!((head.clock, head.hash), (newest.clock, newest.hash));
            assert_eq!(head.position, newest.sequence * 10);
        }
    }
    let sealed = writer.sealed_heads(&ENTITIES);
    for (entity, sealed) in ENTITIES.iter().zip(&sealed) {
        let claimed = sealed.clone().map(|sealed| (sealed.head, sealed.claim));
        assert_eq!(claimed, writer.claimed_head(entity));
        assert_eq!(
            sealed.as_ref().map(|sealed| sealed.head),
            writer.sealed_head(entity)
        );
    }
    let ids: Vec<_> = events.iter().map(Event::id).collect();
    let sequences: Vec<_> = events
        .iter()
        .map(|event| Some(Sequence::new(event.sequence)))
        .collect();
    assert_eq!(writer.find_all(&ids), sequences);
    assert_eq!(writer.contains_any(&ids), !ids.is_empty());
    let others: Vec<_> = ids
        .iter()
        .map(|id| EventId::from_u128(!id.as_u128()))
        .collect();
    assert!(!writer.contains_any(&others));
    for event in events {
        assert!(writer.contains(event.id()));
    }
}

fn is_same(view: &RowView<'_>, event: &Event) {
    assert_eq!(view.sequence().get(), event.sequence);
    assert_eq!(view.id(), event.id());
    assert_eq!(view.kind(), event.kind);
    assert_eq!(view.clock(), event.clock);
    assert_eq!(view.wall_ms(), event.wall_ms);
    assert_eq!(view.position(), event.sequence * 10);
    assert_eq!(view.correlation(), event.correlation());
    assert_eq!(view.causation(), event.causation());
    let coordinate = view.coordinate();
    assert_eq!(
        (coordinate.entity(), coordinate.scope()),
        (event.entity, event.scope)
    );
}

pub(crate) fn sequences_of<'s>(rows: impl Iterator<Item = RowView<'s>>) -> Vec<u64> {
    rows.map(|view| view.sequence().get()).collect()
}
