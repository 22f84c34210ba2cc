//! `Rounds`: all subscribers, and who is given what next. No thread of its own, no sleep, no lock.

use super::feed::{Batches, Feed, FeedKey, Lagging, Left};
use super::member::Member;
use crate::engine::news::{Mark, Over};
use crate::trace::Calls;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use strandline_core::Sequence;

/// A subscriber who has just come.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) key: FeedKey,
    pub(super) reading: Box<dyn Batches>,
    pub(super) member: Member,
}

/// All subscribers of a store.
#[derive(Debug)]
pub(super) struct Rounds {
    feeds: Vec<Feed>,
    lagging: Vec<Lagging>,
    /// The keys of all of them, so that equal ones are the same.
    keys: HashSet<Arc<FeedKey>>,
    calls: Calls,
}

/// The watermarks, each loaded once: those who come to one are at the same place.
#[derive(Debug, Clone, Copy)]
struct Ends {
    visible: Sequence,
    durable: Sequence,
}

impl Ends {
    fn load(watermark: impl Fn(Mark) -> Sequence) -> Self {
        Self {
            visible: watermark(Mark::Visible),
            durable: watermark(Mark::Durable),
        }
    }

    const fn of(&self, mark: Mark) -> Sequence {
        match mark {
            Mark::Visible => self.visible,
            Mark::Durable => self.durable,
        }
    }
}

impl Rounds {
    pub(super) fn new(calls: Calls) -> Self {
        Self {
            feeds: Vec::new(),
            lagging: Vec::new(),
            keys: HashSet::new(),
            calls,
        }
    }

    pub(super) fn add(&mut self, newcomer: Newcomer) {
        let known = self.keys.get(&newcomer.key).cloned();
        let key = known.unwrap_or_else(|| {
            let key = Arc::new(newcomer.key);
            self.keys.insert(key.clone());
            key
        });
        let members = vec![newcomer.member];
        self.feeds.push(Feed::new(key, newcomer.reading, members));
    }

    /// Forgets who has left, and goes on with those who have room again: with what follows for those who catch up,
    /// and for those who lag with what follows the watermark.
    pub(super) fn sweep(&mut self, watermark: impl Fn(Mark) -> Sequence) {
        self.feeds.retain_mut(|feed| {
            feed.members.retain(|member| !member.is_gone());
            feed.is_full = feed.is_full && !feed.members.iter().any(Member::is_open);
            !feed.members.is_empty()
        });
        for lagging in std::mem::take(&mut self.lagging) {
            if lagging.member.is_gone() {
                continue;
            }
            if !lagging.member.is_open() {
                self.lagging.push(lagging);
                continue;
            }
            let until = watermark(lagging.key.mark);
            if lagging.member.tell(lagging.reading.next(), until) {
                let reading = lagging.reading.at(until);
                let mut feed = Feed::new(lagging.key, reading, vec![lagging.member]);
                feed.is_live = true;
                self.feeds.push(feed);
            }
        }
        self.keys.retain(|key| Arc::strong_count(key) > 1);
    }

    /// Reads one batch for each feed that has something to read, so that none waits for all of another's. Whether
    /// there was one.
    pub(super) fn round(&mut self, watermark: impl Fn(Mark) -> Sequence) -> bool {
        self.round_to(Ends::load(watermark))
    }

    fn round_to(&mut self, ends: Ends) -> bool {
        let mut has_worked = false;
        let mut left = Left::default();
        self.feeds.retain_mut(|feed| {
            let end = ends.of(feed.key.mark);
            if feed.reading.next() < end && !feed.is_full {
                has_worked = true;
                let step = || feed.step(end, &mut left);
                let stepped = self.calls.catch("a read for subscribers", step);
                if let Err(over) = stepped.unwrap_or_else(|| Err(Over::panicked())) {
                    feed.end(&over);
                }
            }
            feed.is_live |= feed.reading.next() >= end;
            !feed.members.is_empty()
        });
        self.feeds.append(&mut left.waiting);
        self.lagging.append(&mut left.lagging);
        self.join(ends);
        has_worked
    }

    /// Makes one feed of those with the same query at the same place.
    fn join(&mut self, ends: Ends) {
        let is_loose = |feed: &Feed| !feed.is_settled && !feed.is_full;
        if !self.feeds.iter().any(is_loose) {
            return;
        }
        let mut first: HashMap<(usize, Sequence, bool), usize> = HashMap::new();
        let mut kept: Vec<Feed> = Vec::with_capacity(self.feeds.len());
        for mut feed in std::mem::take(&mut self.feeds) {
            if !feed.is_full {
                let key = Arc::as_ptr(&feed.key).addr();
                // Who catches up joins nobody who may lag.
                let place = (key, feed.reading.next(), feed.is_live);
                let before = first.get(&place).and_then(|number| kept.get_mut(*number));
                if let Some(before) = before {
                    before.members.append(&mut feed.members);
                    continue;
                }
                first.insert(place, kept.len());
                // One that is behind may yet come to where another is.
                feed.is_settled = feed.reading.next() >= ends.of(feed.key.mark);
            }
            kept.push(feed);
        }
        self.feeds = kept;
    }

    /// Where those are who wait for the watermark: the first of them, if there are any.
    pub(super) fn awaited(&self, mark: Mark) -> Option<Sequence> {
        let waiting = self.feeds.iter();
        let waiting = waiting.filter(|feed| feed.key.mark == mark && !feed.is_full);
        waiting.map(|feed| feed.reading.next()).min()
    }

    /// Ends those who have been given everything up to the watermark, which does not move any more.
    pub(super) fn end_at(&mut self, mark: Mark, watermark: Sequence, over: &Over) {
        self.feeds.retain_mut(|feed| {
            let is_at_end = feed.key.mark == mark && feed.reading.next() >= watermark;
            if is_at_end && !feed.is_full {
                feed.end(over);
            }
            !feed.members.is_empty()
        });
    }

    /// Gives those who are live what they have room for, tells those who lag what was left out, and ends all.
    pub(super) fn finish(mut self, watermark: impl Fn(Mark) -> Sequence, over: &Over) {
        // Once: where another process writes, it may go on to.
        let ends = Ends::load(watermark);
        self.round_to(ends);
        for feed in self.feeds.iter_mut().filter(|feed| !feed.is_live) {
            feed.end(over);
        }
        while self.round_to(ends) {}
        for mut feed in self.feeds {
            feed.end(over);
        }
        for lagging in self.lagging {
            let until = ends.of(lagging.key.mark);
            // One more than has room, and the last.
            lagging.member.tell(lagging.reading.next(), until);
            lagging.member.end(over);
        }
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::super::bell::Bell;
    use super::super::member::member;
    use super::super::one_by_one::OneByOne;
    use super::super::pushed::Pushed;
    use super::*;
    use crossbeam_channel::Receiver;
    use strandline_core::{Query, Region};

    fn add(rounds: &mut Rounds, capacity: u32) -> Receiver<Pushed> {
        let (member, receiver, _) = member(capacity, &Arc::new(Bell::new()));
        let key = FeedKey {
            query: Arc::new(Query::from(Region::all())),
            mark: Mark::Visible,
        };
        let reading = Box::new(OneByOne(Sequence::ZERO));
        rounds.add(Newcomer {
            key,
            reading,
            member,
        });
        receiver
    }

    /// A subscriber that lagged goes on at the watermark, while others with its query may still be behind.
    #[test]
    fn who_went_on_ahead_of_the_others_is_read_for_with_them_again() {
        let mut rounds = Rounds::new(Calls::default());
        let receivers = [8, 1].map(|capacity| add(&mut rounds, capacity));
        assert!(!rounds.round(|_| Sequence::ZERO));
        assert_eq!(rounds.feeds.len(), 1);
        assert!(rounds.round(|_| Sequence::new(1)));
        let end = |_| Sequence::new(6);
        assert!(rounds.round(end));
        assert_eq!((rounds.feeds.len(), rounds.lagging.len()), (1, 1));
        let [_, lagging] = &receivers;
        drop(lagging.try_recv().unwrap());
        rounds.sweep(end);
        assert_eq!((rounds.feeds.len(), rounds.lagging.len()), (2, 0));
        while rounds.round(end) {}
        assert_eq!(rounds.feeds.len(), 1);
    }

    #[test]
    fn who_lags_at_the_end_is_told_what_was_left_out() {
        let mut rounds = Rounds::new(Calls::default());
        let receiver = add(&mut rounds, 1);
        rounds.round(|_| Sequence::ZERO);
        rounds.round(|_| Sequence::new(1));
        rounds.finish(|_| Sequence::new(3), &Over::closed());
        let pushed: Vec<_> = receiver.iter().collect();
        assert!(matches!(
            &*pushed,
            [Pushed::Events(_), Pushed::Lagged(lagged)] if lagged.sequences() == (1..3)
        ));
    }
}
