//! Queries, pages and the kinds of a store against a plain search of what it should hold: whatever was appended,
//! merged, compacted, redacted, lost of its index and opened again meanwhile, and for a reader beside it.

use crate::compact::{assert_intact, run, run_redact};
use crate::harness::{KINDS, Reopening, cases, contents, dir, reopening};
use crate::kinds::kinds;
use crate::merged_index::inline;
use crate::region::{Call, calls, numbered, region, takes};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::maintenance::{Redaction, Retention};
use strandline::{
    ErrorKind, EventHeader, EventKind, IndexLayout, ManualClock, Order, Page, PageToken, Query,
    Region, Sequence, Snapshot, Store, StoreOptions, StoredEvent,
};

/// The last one is of those that a store makes for names.
const OWN: [EventKind; 4] = [KINDS[0], KINDS[1], KINDS[2], EventKind::new(0xF, 0)];
const NAMES: [&str; 4] = ["created", "changed", "removed", "made"];

#[derive(Debug, Clone)]
enum Step {
    /// So many events; of those whose place in the list of kinds is among these, the kind is named.
    Append(u64, [bool; 3]),
    Name(usize),
    /// All but the newest go, but for the headers of a kind.
    Compact(u32, Option<usize>),
    Redact(u64),
    Reopen(Reopening),
}

/// A part of a query: calls, and names of kinds in the place of kinds.
type Part = (Vec<Call>, Option<Vec<&'static str>>);

/// Which query is asked for another page, after which of those before or a place by chance, how many events,
/// and whether newest first.
type Turn = (Index, Option<Index>, usize, bool);

/// Where a page of a query ended.
#[derive(Debug, Clone)]
struct Walk {
    query: usize,
    last: u64,
    order: Order,
    token: String,
}

/// An event that there should be.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    sequence: u64,
    entity: String,
    scope: String,
    kind: EventKind,
    clock: u32,
    tags: Vec<String>,
    is_redacted: bool,
}

impl Kept {
    fn of(event: &StoredEvent) -> Self {
        Self {
            sequence: event.sequence.get(),
            entity: event.coordinate.entity().to_owned(),
            scope: event.coordinate.scope().to_owned(),
            kind: event.kind,
            clock: event.clock,
            tags: event.tags().map(str::to_owned).collect(),
            is_redacted: event.is_redacted(),
        }
    }
}

/// What there should be.
#[derive(Debug, Default)]
struct Model {
    events: Vec<Kept>,
    appended: u64,
    clocks: BTreeMap<String, u32>,
    /// By kind: its name, and whether that is in the log.
    names: BTreeMap<EventKind, (&'static str, bool)>,
}

/// Who is asked: whoever writes, or a reader, who knows the names that are in the log.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    Writer,
    Reader,
}

impl Model {
    fn name(&self, kind: EventKind, who: Who) -> Option<&'static str> {
        let (name, is_written) = self.names.get(&kind)?;
        (*is_written || who == Who::Writer).then_some(*name)
    }

    /// The kinds that have events, with their names and how many.
    fn kinds(&self, who: Who) -> Vec<(EventKind, Option<String>, u64)> {
        let mut counts = BTreeMap::new();
        for event in &self.events {
            *counts.entry(event.kind).or_insert(0) += 1;
        }
        let name = |kind| self.name(kind, who).map(str::to_owned);
        counts
            .iter()
            .map(|(kind, count)| (*kind, name(*kind), *count))
            .collect()
    }

    fn takes(&self, part: &Part, event: &EventHeader, who: Who) -> bool {
        let Some(names) = &part.1 else {
            return takes(&part.0, event);
        };
        let mut others = part.0.clone();
        others.retain(|call| !matches!(call, Call::Kind(_) | Call::Kinds(_)));
        let own = self.name(event.kind, who);
        own.is_some_and(|own| names.contains(&own)) && takes(&others, event)
    }
}

fn query(parts: &[Part]) -> Query {
    let of = |(calls, names): &Part| match names {
        Some(names) => region(calls).kinds_named(names.iter().copied()),
        None => region(calls),
    };
    parts.iter().map(of).collect()
}

/// The store under test and what it is held to.
struct Run {
    fs: MemFs,
    clock: Arc<ManualClock>,
    layout: IndexLayout,
    store: Option<Store>,
    /// Beside it, as another process has it.
    reader: Store,
    model: Model,
    queries: Vec<Vec<Part>>,
    walks: Vec<Walk>,
}

fn options(fs: &MemFs, clock: &Arc<ManualClock>, layout: IndexLayout) -> StoreOptions {
    inline(fs).clock(clock.clone()).index_layout(layout)
}

impl Run {
    fn new(layout: IndexLayout, queries: Vec<Vec<Part>>) -> Self {
        let (fs, clock) = (MemFs::new(), Arc::new(ManualClock::new(1_000)));
        let open = || options(&fs, &clock, layout);
        let store = open().open(dir()).unwrap();
        let reader = open().read_only().open(dir()).unwrap();
        Self {
            store: Some(store),
            reader,
            model: Model::default(),
            queries,
            walks: Vec::new(),
            fs,
            clock,
            layout,
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn options(&self) -> StoreOptions {
        options(&self.fs, &self.clock, self.layout)
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Append(count, named) => (0..*count).for_each(|_| self.append(named)),
            Step::Name(at) => {
                self.store().name_kind(OWN[*at], NAMES[*at]).unwrap();
                let name = self.model.names.entry(OWN[*at]);
                name.or_insert((NAMES[*at], false));
            }
            Step::Compact(newest, headers) => self.compact(*newest, headers.map(|at| OWN[at])),
            Step::Redact(number) => {
                let entity = format!("e:{number}");
                run_redact(self.store(), &Redaction::new().entity(&*entity));
                let own = self.model.events.iter_mut();
                own.filter(|event| event.entity == entity)
                    .for_each(|event| event.is_redacted = true);
            }
            Step::Reopen(way) => self.reopen(*way),
        }
        if matches!(step, Step::Compact(..) | Step::Redact(_)) {
            // Who has it open goes on to show what there was.
            self.reader = self.options().read_only().open(dir()).unwrap();
        }
    }

    fn append(&mut self, named: &[bool; 3]) {
        let model = &mut self.model;
        let number = model.appended;
        self.clock.set(1_000 + number / 4);
        // The one that is made comes late.
        let at = (number as usize * 7 % 11) % if number > 20 { 4 } else { 3 };
        let store = self.store.as_ref().unwrap();
        let kind = match at {
            3 => store.kind(NAMES[3]).unwrap(),
            at => OWN[at],
        };
        let (coordinate, mut event) = numbered(number, kind, 18_000);
        if at == 3 || named[at] {
            model.names.entry(kind).or_insert((NAMES[at], false));
        }
        if at < 3 && named[at] {
            event = event.with_kind_name(NAMES[at]);
        }
        if let Some((_, is_written)) = model.names.get_mut(&kind) {
            *is_written = true;
        }
        let receipt = store.append(&coordinate, event).unwrap();
        assert_eq!(receipt.sequence.get(), number);
        let entity = coordinate.entity().to_owned();
        let next = model.clocks.entry(entity.clone()).or_default();
        let mut tags = Vec::new();
        for tag in [number % 7 % 2, number % 7 % 3].map(|tag| format!("t:{tag}")) {
            if !number.is_multiple_of(7) && !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        model.events.push(Kept {
            sequence: number,
            entity,
            scope: coordinate.scope().to_owned(),
            kind,
            clock: *next,
            tags,
            is_redacted: false,
        });
        *next += 1;
        model.appended += 1;
    }

    fn compact(&mut self, newest: u32, headers: Option<EventKind>) {
        let rules = Retention::new().keep_newest(newest);
        let rules = headers.into_iter().fold(rules, Retention::keep_headers_of);
        run(self.store(), &rules);
        let mut seen = BTreeMap::new();
        let mut left = Vec::new();
        for mut event in std::mem::take(&mut self.model.events).into_iter().rev() {
            let seen = seen.entry(event.entity.clone()).or_insert(0);
            *seen += 1;
            if *seen > newest {
                if headers != Some(event.kind) {
                    continue;
                }
                event.is_redacted = true;
            }
            left.push(event);
        }
        left.reverse();
        self.model.events = left;
    }

    fn reopen(&mut self, way: Reopening) {
        let store = self.store.take().unwrap();
        let (clock, layout) = (self.clock.clone(), self.layout);
        way.end(store, &mut self.fs, |fs| options(fs, &clock, layout));
        self.model.names.retain(|_, (_, is_written)| *is_written);
        // Who reads what was left sees the same, before anything is mended.
        let left = self.options().read_only().open(dir()).unwrap();
        self.check(&left, Who::Reader);
        self.store = Some(self.options().open(dir()).unwrap());
        self.reader = self.options().read_only().open(dir()).unwrap();
    }

    /// What a store shows is what the model says, for each query.
    fn check(&self, store: &Store, who: Who) {
        let now = store.snapshot();
        let all = contents(&now);
        let shown: Vec<_> = all.iter().map(Kept::of).collect();
        assert_eq!(shown, self.model.events);
        assert_eq!(kinds(&now), self.model.kinds(who));
        for parts in &self.queries {
            let query = query(parts);
            let expected = self.matching(&all, parts, who);
            let rows = now.rows(&query).map(|row| row.sequence().get());
            assert!(rows.eq(expected.iter().copied()), "{parts:?}");
            let back = now
                .query(&query)
                .rev()
                .map(|event| event.unwrap().sequence.get());
            assert!(back.eq(expected.iter().rev().copied()), "{parts:?}");
            assert_eq!(now.rows(&query).count(), expected.len(), "{parts:?}");
        }
    }

    fn matching(&self, all: &[StoredEvent], parts: &[Part], who: Who) -> Vec<u64> {
        let is_in =
            |event: &&StoredEvent| parts.iter().any(|part| self.model.takes(part, event, who));
        let found = all.iter().filter(is_in);
        found.map(|event| event.sequence.get()).collect()
    }

    /// Another page of a query, which has the next of its events that are there by now.
    fn turn(&mut self, store: &Store, who: Who, (query_at, after, limit, newest): &Turn) {
        let now = store.snapshot();
        let order = if *newest {
            Order::NewestFirst
        } else {
            Order::OldestFirst
        };
        let at = query_at.index(self.queries.len());
        let after = after.map(|after| self.place(&now, after, at, order));
        let (at, order) = after
            .as_ref()
            .map_or((at, order), |at| (at.query, at.order));
        let parts = &self.queries[at];
        let query = query(parts).limit(*limit);
        let page = match &after {
            None => now.page(&query, order),
            Some(after) => now.next_page(&query, &after.token.parse().unwrap()),
        };
        let Page { events, next, .. } = page.unwrap();
        let mut expected = self.matching(&contents(&now), parts, who);
        if order == Order::NewestFirst {
            expected.reverse();
        }
        if let Some(Walk { last, .. }) = after {
            expected.retain(|sequence| match order {
                Order::OldestFirst => *sequence > last,
                Order::NewestFirst => *sequence < last,
            });
        }
        let is_cut = expected.len() > *limit;
        expected.truncate(*limit);
        let sequences: Vec<_> = events.iter().map(|event| event.sequence.get()).collect();
        assert_eq!(sequences, expected, "{order:?} of {parts:?}");
        assert_eq!(next.is_some(), is_cut && *limit > 0, "{parts:?}");
        if let Some(next) = next {
            self.walks.push(self.walk(at, next));
        }
    }

    fn walk(&self, query: usize, token: PageToken) -> Walk {
        Walk {
            query,
            last: token.sequence().get(),
            order: token.order(),
            token: token.to_string(),
        }
    }

    /// Where a page ended, or could have: at an event, or where one was.
    fn place(&self, now: &Snapshot, chance: Index, query: usize, order: Order) -> Walk {
        let visible = usize::try_from(now.visible().get()).unwrap();
        let at = chance.index(self.walks.len() + visible + 1);
        match self.walks.get(at) {
            Some(walk) => walk.clone(),
            None => {
                let last = (at - self.walks.len()).min(visible.saturating_sub(1));
                let last = Sequence::new(u64::try_from(last).unwrap());
                self.walk(query, now.token(order, last))
            }
        }
    }

    /// Has the reader beside it catch up; one that cannot is opened again.
    fn refresh(&mut self) {
        if let Err(error) = self.reader.refresh() {
            assert_eq!(error.kind(), ErrorKind::LogBehindCheckpoint, "{error}");
            self.reader = self.options().read_only().open(dir()).unwrap();
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<(Step, Vec<Turn>)>> {
    let headers = prop::option::of(0..OWN.len());
    let step = prop_oneof![
        6 => (1..16_u64, any::<[bool; 3]>()).prop_map(|(count, named)| Step::Append(count, named)),
        1 => (0..3_usize).prop_map(Step::Name),
        2 => (1..12_u32, headers).prop_map(|(newest, headers)| Step::Compact(newest, headers)),
        1 => (0..3_u64).prop_map(Step::Redact),
        2 => reopening().prop_map(Step::Reopen),
    ];
    let after = prop::option::weighted(0.8, any::<Index>());
    let turn = (any::<Index>(), after, 0..9_usize, any::<bool>());
    let turns = prop::collection::vec(turn, 0..5);
    prop::collection::vec((step, turns), 1..16)
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let names = prop::sample::subsequence(
        ["created", "changed", "removed", "made", "nobody"].to_vec(),
        0..4,
    );
    let part = (calls(), prop::option::weighted(0.4, names));
    prop::collection::vec(part, 0..5)
}

fn layouts() -> impl Strategy<Value = IndexLayout> {
    prop::sample::select(vec![
        IndexLayout::Postings,
        IndexLayout::Tiles,
        IndexLayout::Columns,
    ])
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn queries_pages_and_kinds_are_those_of_a_plain_search(
        layout in layouts(),
        queries in prop::collection::vec(parts(), 1..4),
        steps in steps(),
    ) {
        let mut run = Run::new(layout, queries);
        for (step, turns) in &steps {
            run.step(step);
            run.refresh();
            run.check(run.store(), Who::Writer);
            run.check(&run.reader, Who::Reader);
            for (number, turn) in turns.iter().enumerate() {
                // A token of the one is one of the other.
                if number % 2 == 1 {
                    let reader = run.options().read_only().open(dir()).unwrap();
                    run.turn(&reader, Who::Reader, turn);
                } else {
                    let store = run.store.take().unwrap();
                    run.turn(&store, Who::Writer, turn);
                    run.store = Some(store);
                }
            }
        }
        assert_intact(run.store());
    }
}

/// Without an event there is nothing to go past, and nothing goes wrong.
#[test]
fn a_token_of_an_empty_store_is_one() {
    let mut run = Run::new(IndexLayout::default(), vec![vec![(Vec::new(), None)]]);
    let token = run
        .store()
        .snapshot()
        .token(Order::NewestFirst, Sequence::ZERO);
    run.walks.push(run.walk(0, token));
    run.step(&Step::Append(3, [true; 3]));
    let page = run.store().snapshot().next_page(Region::all(), &token);
    assert_eq!(page.unwrap().events.len(), 0);
}
