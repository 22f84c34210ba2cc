//! A schedule at work on a log of numbers, and what must hold after each step; driven by chance here, and through
//! every course of a small world in `exhaustive`.

use super::super::backoff::Backoff;
use super::super::held::{Held, Waits};
use super::{Failed, Limits, Schedule, Unhandled};
use crate::Parked;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use strandline_core::Sequence;

pub(super) const TRIES_MAX: u32 = 3;

/// What comes of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Try {
    Done,
    Retry,
    Park,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The next event is appended, of this entity.
    Append(usize),
    /// An event of a held entity that is due is tried.
    Held(Try),
    /// The next event of the feed is taken, and tried.
    Feed(Try),
    /// Time passes.
    Pass,
    Save,
    /// All is lost but what was saved last.
    Crash,
    Park(usize),
    Replay(Option<usize>),
    Skip(usize),
    Discard(usize),
    Reset(usize),
    /// A compaction removes an event.
    Remove(usize),
}

/// What is kept of a schedule: the position, what is held, and the tries that were made until then.
#[derive(Debug, Clone, Default)]
struct Kept {
    front: usize,
    held: Vec<Held>,
    tried: BTreeMap<usize, u32>,
}

/// A log of events of a few entities, a schedule, and what became of each event.
#[derive(Debug)]
pub(super) struct World {
    log: Vec<usize>,
    removed: BTreeSet<usize>,
    schedule: Schedule,
    kept: Kept,
    now: Duration,
    /// Handled at least once, in any life.
    done: BTreeSet<usize>,
    /// Left out because somebody said so.
    left_out: BTreeSet<usize>,
    /// Tries that failed since the event was first taken, or replayed.
    tried: BTreeMap<usize, u32>,
    has_crashed: bool,
    /// What is parked, as it was told change by change.
    told: BTreeMap<String, Parked>,
    pub(super) limits: Limits,
}

pub(super) fn key(entity: usize) -> String {
    format!("entity:{entity}")
}

fn at(sequence: Sequence) -> usize {
    usize::try_from(sequence.get()).unwrap()
}

fn sequence(at: usize) -> Sequence {
    Sequence::new(u64::try_from(at).unwrap())
}

impl World {
    pub(super) fn new() -> Self {
        let limits = Limits {
            tries_max: TRIES_MAX,
            backoff: Backoff {
                first: Duration::from_secs(1),
                max: Duration::from_secs(1),
                jitter: 0.0,
            },
            parked_max: 100,
        };
        Self {
            log: Vec::new(),
            removed: BTreeSet::new(),
            schedule: Schedule::new(Sequence::ZERO, Vec::new(), limits).unwrap(),
            kept: Kept::default(),
            now: Duration::ZERO,
            done: BTreeSet::new(),
            left_out: BTreeSet::new(),
            tried: BTreeMap::new(),
            has_crashed: false,
            told: BTreeMap::new(),
            limits,
        }
    }

    /// Takes a step, if there is something to take it with; false if not.
    pub(super) fn step(&mut self, step: Step) -> bool {
        let has_changed = match step {
            Step::Append(entity) => {
                self.log.push(entity);
                true
            }
            Step::Held(outcome) => self.try_held(outcome),
            Step::Feed(outcome) => self.try_feed(outcome),
            Step::Pass => {
                self.now += Duration::from_secs(1);
                true
            }
            Step::Save => {
                self.save();
                true
            }
            Step::Crash => {
                self.crash();
                true
            }
            Step::Park(entity) => self.schedule.park(&key(entity), "asked".to_owned(), 0),
            Step::Replay(entity) => self.replay(entity),
            Step::Skip(entity) => self.skip(entity),
            Step::Discard(entity) => self.discard(entity),
            Step::Reset(to) => self.reset(to),
            Step::Remove(event) => event < self.log.len() && self.removed.insert(event),
        };
        self.check();
        has_changed
    }

    fn save(&mut self) {
        self.kept = Kept {
            front: at(self.schedule.front()),
            held: self.schedule.saved().expect("nothing is in hand"),
            tried: self.tried.clone(),
        };
    }

    fn crash(&mut self) {
        let kept = self.kept.clone();
        self.tried = kept.tried;
        self.schedule = Schedule::new(sequence(kept.front), kept.held, self.limits).unwrap();
        self.has_crashed = true;
        // Who begins tells all of it.
        self.told.clear();
    }

    fn try_held(&mut self, outcome: Try) -> bool {
        let Some(wanted) = self.schedule.wanted(self.now) else {
            return false;
        };
        let mut events = at(wanted.within.start)..at(wanted.within.end);
        let is_of_it =
            |event: &usize| key(self.log[*event]) == *wanted.key && !self.removed.contains(event);
        match events.find(is_of_it) {
            None => self.schedule.caught_up(&wanted.key),
            Some(event) => {
                let tries = self.schedule.take_held(&wanted.key, sequence(event));
                self.try_event(event, tries.expect("it is held"), outcome);
            }
        }
        true
    }

    fn try_feed(&mut self, outcome: Try) -> bool {
        let front = at(self.schedule.front());
        if front == self.log.len() || !self.schedule.takes_more() {
            return false;
        }
        if self.removed.contains(&front) {
            self.schedule.advance(sequence(front + 1));
        } else if let Some(tries) = self.schedule.take(sequence(front), &key(self.log[front])) {
            self.try_event(front, tries, outcome);
        }
        true
    }

    fn try_event(&mut self, event: usize, tries: u32, outcome: Try) {
        let entity = self.log[event];
        for before in (0..event).filter(|before| self.log[*before] == entity) {
            assert!(
                self.is_settled(before),
                "{before} comes before {event} in their entity"
            );
        }
        assert!(
            self.has_crashed || !self.done.contains(&event),
            "{event} is handled once"
        );
        let tried = self.tried.entry(event).or_default();
        assert_eq!(tries, *tried, "tries of {event}");
        *tried += 1;
        let is_final = match outcome {
            Try::Done => {
                self.schedule.done();
                self.done.insert(event);
                return;
            }
            Try::Retry => false,
            Try::Park => true,
        };
        let is_last = is_final || *tried == TRIES_MAX;
        let failed = Failed {
            reason: "it failed".to_owned(),
            is_final,
            now: self.now,
            now_ms: 0,
            chance: 0,
        };
        let unhandled = self.schedule.failed(failed);
        let expected = match is_last {
            true => Unhandled::Parked,
            false => Unhandled::Retried {
                due: self.now + Duration::from_secs(1),
            },
        };
        assert_eq!(unhandled, Some(expected));
    }

    fn replay(&mut self, entity: Option<usize>) -> bool {
        for parked in self.schedule.parked() {
            let first = at(parked.first);
            let is_of_it =
                self.log.get(first).map(|entity| key(*entity)) == Some(parked.key.clone());
            if is_of_it && entity.is_none_or(|entity| key(entity) == parked.key) {
                // All tries again.
                self.tried.remove(&first);
            }
        }
        let name = entity.map(key);
        self.schedule.replay(name.as_deref()) > 0
    }

    fn skip(&mut self, entity: usize) -> bool {
        let parked = self.parked_of(entity);
        let has = self.schedule.skip(&key(entity));
        if let Some(first) = parked.filter(|_| has) {
            self.left_out.insert(first);
        }
        has
    }

    fn discard(&mut self, entity: usize) -> bool {
        let parked = self.parked_of(entity);
        let front = at(self.schedule.front());
        let discarded = self.schedule.discard(&key(entity));
        assert_eq!(discarded.is_some(), parked.is_some());
        if let Some(first) = parked {
            let events = (first..front).filter(|event| self.log[*event] == entity);
            self.left_out.extend(events);
        }
        discarded.is_some()
    }

    /// What is before it counts as handled, but for what is parked; and nothing from there on.
    fn reset(&mut self, to: usize) -> bool {
        if to > self.log.len() {
            return false;
        }
        let held = self.schedule.saved().expect("nothing is in hand");
        let is_parked = |event: usize| {
            let mut parked = held.iter().filter(|held| held.parked().is_some());
            parked.any(|parked| covers(parked, event, &self.log))
        };
        let left_out = (0..to).filter(|event| !is_parked(*event));
        self.left_out.extend(left_out);
        for events in [&mut self.done, &mut self.left_out] {
            events.retain(|event| *event < to);
        }
        self.tried.retain(|event, _| *event < to);
        self.schedule.reset(sequence(to));
        // It is saved with the answer; a state of before would do it again.
        self.save();
        true
    }

    fn parked_of(&self, entity: usize) -> Option<usize> {
        let mut parked = self.schedule.parked().into_iter();
        let parked = parked.find(|parked| parked.key == key(entity));
        parked.map(|parked| at(parked.first))
    }

    fn is_settled(&self, event: usize) -> bool {
        [&self.done, &self.left_out, &self.removed]
            .iter()
            .any(|events| events.contains(&event))
    }

    /// A position is never ahead of what was handled or is held; neither the one that would be saved, nor the one
    /// that was.
    fn check(&mut self) {
        let held = self.schedule.saved().expect("nothing is in hand");
        for (key, parked) in self.schedule.changed() {
            match parked {
                Some(parked) => drop(self.told.insert(key, parked)),
                None => drop(self.told.remove(&key)),
            }
        }
        let parked = held.iter().filter_map(Held::parked);
        let parked = parked.map(|parked| (parked.key.clone(), parked));
        assert_eq!(self.told, parked.collect(), "each change is told");
        self.check_position(at(self.schedule.front()), &held);
        self.check_position(self.kept.front, &self.kept.held);
        let parked = held.iter().filter(|held| held.waits == Waits::Request);
        assert_eq!(self.schedule.parked_count(), parked.count());
        for event in 0..at(self.schedule.settled()) {
            let is_parked = held.iter().any(|held| {
                (held.waits == Waits::Request || held.is_replayed) && covers(held, event, &self.log)
            });
            assert!(self.is_settled(event) || is_parked, "{event} is settled");
        }
    }

    fn check_position(&self, front: usize, held: &[Held]) {
        for event in 0..front {
            let is_held = held.iter().any(|held| covers(held, event, &self.log));
            assert!(
                self.is_settled(event) || is_held,
                "{event} is neither handled nor held below {front}: {held:?}"
            );
        }
        for held in held {
            let events = (0..front).filter(|event| covers(held, *event, &self.log));
            let left = events.filter(|event| !self.removed.contains(event)).count();
            assert!(
                u64::try_from(left).unwrap() <= held.count,
                "{left} wait: {held:?}"
            );
        }
    }

    /// Whatever happened, it ends well once all succeeds: every event was handled, or left out because somebody
    /// said so.
    pub(super) fn finish(&mut self) {
        self.step(Step::Replay(None));
        for _ in 0..100_000 {
            let has_held = self.step(Step::Held(Try::Done));
            let has_fed = self.step(Step::Feed(Try::Done));
            if has_held || has_fed {
                continue;
            }
            if self.schedule.due().is_none() {
                break;
            }
            self.step(Step::Pass);
        }
        assert_eq!(
            at(self.schedule.front()),
            self.log.len(),
            "it comes to the end"
        );
        assert_eq!(self.schedule.saved(), Some(Vec::new()), "nothing is left");
        assert_eq!(self.schedule.settled(), self.schedule.front());
        for event in 0..self.log.len() {
            assert!(self.is_settled(event), "{event} is handled");
        }
    }
}

fn covers(held: &Held, event: usize, log: &[usize]) -> bool {
    held.key == key(log[event]) && held.from <= u64::try_from(event).unwrap()
}

fn outcome() -> impl Strategy<Value = Try> {
    prop_oneof![4 => Just(Try::Done), 3 => Just(Try::Retry), 1 => Just(Try::Park)]
}

fn step() -> impl Strategy<Value = Step> {
    let entity = || 0..4_usize;
    prop_oneof![
        8 => entity().prop_map(Step::Append),
        8 => outcome().prop_map(Step::Held),
        8 => outcome().prop_map(Step::Feed),
        4 => Just(Step::Pass),
        2 => Just(Step::Save),
        1 => Just(Step::Crash),
        1 => entity().prop_map(Step::Park),
        1 => proptest::option::of(entity()).prop_map(Step::Replay),
        1 => entity().prop_map(Step::Skip),
        1 => entity().prop_map(Step::Discard),
        1 => (0..60_usize).prop_map(Step::Reset),
        1 => (0..60_usize).prop_map(Step::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_happens_nothing_is_passed_over_and_an_entity_keeps_its_order(
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.finish();
    }
}
