//! `Feed`: subscribers with an equal query that are at the same place, for whom is read once.

use super::member::Member;
use super::room::Place;
use crate::StoredEvent;
use crate::engine::news::{Mark, Over};
use std::fmt::Debug;
use std::sync::Arc;
use strandline_core::{Query, Sequence};

/// Reads the events of a query in order, from some place on. Holds nothing between two calls that a compaction
/// frees.
pub(crate) trait Batches: Debug + Send {
    /// The sequence of what is looked at next.
    fn next(&self) -> Sequence;

    /// Reads a batch, of what there is before the watermark, or comes to some later place without any. On an
    /// error nothing moves.
    fn step(&mut self, watermark: Sequence) -> Result<Vec<StoredEvent>, Over>;

    /// The same query at another place.
    fn at(&self, next: Sequence) -> Box<dyn Batches>;
}

/// What subscribers may share: the query, and up to which watermark.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FeedKey {
    pub(crate) query: Arc<Query>,
    pub(crate) mark: Mark,
}

/// Subscribers for whom is read at once.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) key: Arc<FeedKey>,
    pub(super) reading: Box<dyn Batches>,
    pub(super) members: Vec<Member>,
    /// Whether they were at the watermark: who has no room then, lags.
    pub(super) is_live: bool,
    /// Nobody has room, and there is more to read.
    pub(super) is_full: bool,
    /// Whether no other feed can be at the same place with the same query: it is live, and was at the watermark
    /// beside all others.
    pub(super) is_settled: bool,
}

/// A subscriber who is to be told that it lags, once it has room.
#[derive(Debug)]
pub(super) struct Lagging {
    pub(super) key: Arc<FeedKey>,
    /// Where it was left.
    pub(super) reading: Box<dyn Batches>,
    pub(super) member: Member,
}

/// What came of a step.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Who had no room, and waits for some at its place.
    pub(super) waiting: Vec<Feed>,
    pub(super) lagging: Vec<Lagging>,
}

impl Feed {
    pub(super) const fn new(
        key: Arc<FeedKey>,
        reading: Box<dyn Batches>,
        members: Vec<Member>,
    ) -> Self {
        Self {
            key,
            reading,
            members,
            is_live: false,
            is_full: false,
            is_settled: false,
        }
    }

    /// Reads one batch and gives it to all who have room.
    pub(super) fn step(&mut self, watermark: Sequence, left: &mut Left) -> Result<(), Over> {
        match self.is_live {
            true => self.go_on(watermark, &mut left.lagging),
            false => self.catch_up(watermark, &mut left.waiting),
        }
    }

    fn go_on(&mut self, watermark: Sequence, lagging: &mut Vec<Lagging>) -> Result<(), Over> {
        let from = self.reading.next();
        let events = self.reading.step(watermark)?;
        if events.is_empty() {
            return Ok(());
        }
        let events = Arc::from(events);
        for member in std::mem::take(&mut self.members) {
            match member.take() {
                Some(place) => self.give(member, &events, place),
                None => lagging.push(Lagging {
                    key: self.key.clone(),
                    reading: self.reading.at(from),
                    member,
                }),
            }
        }
        Ok(())
    }

    fn catch_up(&mut self, watermark: Sequence, waiting: &mut Vec<Self>) -> Result<(), Over> {
        let taken = std::mem::take(&mut self.members).into_iter();
        let (with, without): (Vec<_>, Vec<_>) = taken
            .map(|member| (member.take(), member))
            .partition(|(place, _)| place.is_some());
        let full: Vec<_> = without.into_iter().map(|(_, member)| member).collect();
        if with.is_empty() {
            self.members = full;
            self.is_full = true;
            return Ok(());
        }
        if !full.is_empty() {
            let reading = self.reading.at(self.reading.next());
            let mut apart = Self::new(self.key.clone(), reading, full);
            apart.is_full = true;
            waiting.push(apart);
        }
        let (events, outcome): (Arc<[StoredEvent]>, _) = match self.reading.step(watermark) {
            Ok(events) => (Arc::from(events), Ok(())),
            Err(over) => (Arc::default(), Err(over)),
        };
        for (place, member) in with {
            match place.filter(|_| !events.is_empty()) {
                Some(place) => self.give(member, &events, place),
                None => self.members.push(member),
            }
        }
        outcome
    }

    fn give(&mut self, member: Member, events: &Arc<[StoredEvent]>, place: Place) {
        if member.give(events, self.reading.next(), place) {
            self.members.push(member);
        }
    }

    /// Gives nothing more to anybody.
    pub(super) fn end(&mut self, over: &Over) {
        for member in self.members.drain(..) {
            member.end(over);
        }
    }
}
