//! `Feed`: subscribers with an equal query that are at the same place, for whom is read once.

use super::member::Member;
use super::room::Place;
use super::topic::Topic;
use crate::StoredEvent;
use crate::engine::news::Over;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_index::RowView;

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

    /// Goes on there: what comes before has none of its events.
    fn skip_to(&mut self, next: Sequence);

    /// Shows the rows of all events with these sequences, of whatever query, which are below a watermark. False if
    /// some may not have been shown, or not as they are.
    fn rows(&self, sequences: Range<Sequence>, look: &mut dyn FnMut(RowView<'_>)) -> bool;
}

/// Subscribers for whom is read at once.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) topic: Arc<Topic>,
    pub(super) reading: Box<dyn Batches>,
    pub(super) members: Vec<Member>,
    /// Whether they were at the watermark: who has no room then, lags.
    pub(super) is_live: bool,
    /// Nobody has room, and there is more to read.
    pub(super) is_full: bool,
}

/// A subscriber who is to be told that it lags, once it has room.
#[derive(Debug)]
pub(super) struct Lagging {
    pub(super) topic: Arc<Topic>,
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
        topic: Arc<Topic>,
        reading: Box<dyn Batches>,
        members: Vec<Member>,
    ) -> Self {
        Self {
            topic,
            reading,
            members,
            is_live: false,
            is_full: false,
        }
    }

    /// Reads one batch and gives it to all who have room. Whether there was anything of the query.
    pub(super) fn step(&mut self, watermark: Sequence, left: &mut Left) -> Result<bool, Over> {
        match self.is_live {
            true => self.go_on(watermark, &mut left.lagging),
            false => self.catch_up(watermark, &mut left.waiting),
        }
    }

    fn go_on(&mut self, watermark: Sequence, lagging: &mut Vec<Lagging>) -> Result<bool, Over> {
        let from = self.reading.next();
        let events = self.reading.step(watermark)?;
        if events.is_empty() {
            return Ok(false);
        }
        let events = Arc::from(events);
        for member in std::mem::take(&mut self.members) {
            match member.take() {
                Some(place) => self.give(member, &events, place),
                None => lagging.push(Lagging {
                    topic: self.topic.clone(),
                    reading: self.reading.at(from),
                    member,
                }),
            }
        }
        Ok(true)
    }

    fn catch_up(&mut self, watermark: Sequence, waiting: &mut Vec<Self>) -> Result<bool, Over> {
        let taken = std::mem::take(&mut self.members).into_iter();
        let (with, without): (Vec<_>, Vec<_>) = taken
            .map(|member| (member.take(), member))
            .partition(|(place, _)| place.is_some());
        let full: Vec<_> = without.into_iter().map(|(_, member)| member).collect();
        if with.is_empty() {
            self.members = full;
            self.is_full = true;
            return Ok(false);
        }
        if !full.is_empty() {
            let reading = self.reading.at(self.reading.next());
            let mut apart = Self::new(self.topic.clone(), reading, full);
            apart.is_full = true;
            waiting.push(apart);
        }
        let (events, outcome): (Arc<[StoredEvent]>, _) = match self.reading.step(watermark) {
            Ok(events) => {
                let is_any = !events.is_empty();
                (Arc::from(events), Ok(is_any))
            }
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

    /// Forgets who has left.
    pub(super) fn forget_gone(&mut self) {
        self.members.retain(|member| !member.is_gone());
    }

    /// Gives nothing more to anybody.
    pub(super) fn end(&mut self, over: &Over) {
        for member in self.members.drain(..) {
            member.end(over);
        }
    }
}
