//! `Rounds`: all subscribers, and who is given what next. No thread of its own, no sleep, no lock.

use super::feed::{Batches, Feed, Lagging, Left};
use super::member::Member;
use super::resting::Resting;
use super::topic::{FeedKey, Topics};
use crate::engine::news::{Mark, Over};
use crate::trace::Calls;
use std::collections::HashMap;
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
    /// Those who are not at their watermark.
    feeds: Vec<Feed>,
    /// Those who are.
    resting: [Resting; 2],
    lagging: Vec<Lagging>,
    topics: Topics,
    calls: Calls,
}

/// What came of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Round {
    /// Everyone has what there is.
    Nothing,
    /// There was something, but of nobody's query.
    Passed,
    /// Somebody was given something, or left out.
    Given,
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
            // Nobody is pushed to as far as the others.
            Mark::Durable | Mark::Synced | Mark::Replicated => self.durable,
        }
    }
}

impl Rounds {
    pub(super) fn new(calls: Calls) -> Self {
        Self {
            feeds: Vec::new(),
            resting: [Mark::Visible, Mark::Durable].map(Resting::new),
            lagging: Vec::new(),
            topics: Topics::default(),
            calls,
        }
    }

    pub(super) fn add(&mut self, newcomer: Newcomer) {
        let (topic, is_new) = self.topics.get(newcomer.key);
        let mark = topic.key.mark;
        let mut resting = self
            .resting
            .iter_mut()
            .filter(|resting| resting.mark == mark);
        if let Some(resting) = resting.next().filter(|_| is_new) {
            resting.know(&topic);
        }
        let members = vec![newcomer.member];
        self.feeds.push(Feed::new(topic, newcomer.reading, members));
    }

    /// Forgets who has left, and goes on with those who have room again: with what follows for those who catch up,
    /// and for those who lag with what follows the watermark.
    pub(super) fn sweep(&mut self, watermark: impl Fn(Mark) -> Sequence) {
        self.feeds.retain_mut(|feed| {
            feed.forget_gone();
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
            let until = watermark(lagging.topic.key.mark);
            if lagging.member.tell(lagging.reading.next(), until) {
                let reading = lagging.reading.at(until);
                let mut feed = Feed::new(lagging.topic, reading, vec![lagging.member]);
                feed.is_live = true;
                self.feeds.push(feed);
            }
        }
        self.topics.sweep();
        for resting in &mut self.resting {
            resting.sweep(&self.topics);
        }
    }

    /// Reads one batch for each feed that has something to read, so that none waits for all of another's.
    pub(super) fn round(&mut self, watermark: impl Fn(Mark) -> Sequence) -> Round {
        self.round_to(Ends::load(watermark))
    }

    fn round_to(&mut self, ends: Ends) -> Round {
        let mut outcome = Round::Nothing;
        for resting in &mut self.resting {
            if resting.wake(ends.of(resting.mark), &self.calls, &mut self.feeds) {
                outcome = Round::Passed;
            }
        }
        let mut left = Left::default();
        self.feeds.retain_mut(|feed| {
            let end = ends.of(feed.topic.key.mark);
            if feed.reading.next() < end && !feed.is_full {
                let step = || feed.step(end, &mut left);
                let stepped = self.calls.catch("a read for subscribers", step);
                match stepped.unwrap_or_else(|| Err(Over::panicked())) {
                    Ok(false) => outcome = outcome.max(Round::Passed),
                    Ok(true) => outcome = Round::Given,
                    Err(over) => {
                        outcome = Round::Given;
                        feed.end(&over);
                    }
                }
            }
            feed.is_live |= feed.reading.next() >= end;
            !feed.members.is_empty()
        });
        self.feeds.append(&mut left.waiting);
        self.lagging.append(&mut left.lagging);
        self.join();
        for resting in &mut self.resting {
            let mut number = 0;
            while let Some(feed) = self.feeds.get(number) {
                match resting.is_for(feed) {
                    true => resting.take(self.feeds.swap_remove(number)),
                    false => number += 1,
                }
            }
        }
        outcome
    }

    /// Makes one feed of those with the same query at the same place.
    fn join(&mut self) {
        if self.feeds.len() < 2 {
            return;
        }
        let mut first: HashMap<(u64, Sequence, bool), usize> = HashMap::new();
        let mut kept: Vec<Feed> = Vec::with_capacity(self.feeds.len());
        for mut feed in std::mem::take(&mut self.feeds) {
            if !feed.is_full {
                // Who catches up joins nobody who may lag.
                let place = (feed.topic.number, feed.reading.next(), feed.is_live);
                let before = first.get(&place).and_then(|number| kept.get_mut(*number));
                if let Some(before) = before {
                    before.members.append(&mut feed.members);
                    continue;
                }
                first.insert(place, kept.len());
            }
            kept.push(feed);
        }
        self.feeds = kept;
    }

    /// Where those are who wait for the watermark: the first of them, if there are any.
    pub(super) fn awaited(&self, mark: Mark) -> Option<Sequence> {
        let waiting = self.feeds.iter();
        let waiting = waiting.filter(|feed| feed.topic.key.mark == mark && !feed.is_full);
        let waiting = waiting.map(|feed| feed.reading.next());
        let resting = self.resting.iter().filter(|resting| resting.mark == mark);
        waiting.chain(resting.filter_map(Resting::awaited)).min()
    }

    /// Whether somebody who waits for it has come to the watermark, and it has gone on since.
    pub(super) fn has_more(&self, watermark: impl Fn(Mark) -> Sequence) -> bool {
        let marks = [Mark::Visible, Mark::Durable].into_iter();
        marks
            .filter_map(|mark| Some((mark, self.awaited(mark)?)))
            .any(|(mark, awaited)| awaited < watermark(mark))
    }

    /// Whether everybody has come to the watermark of the last round, or waits for room.
    pub(super) fn is_level(&self) -> bool {
        self.feeds.iter().all(|feed| feed.is_full)
    }

    /// Ends those who have been given everything up to the watermark, which does not move any more.
    pub(super) fn end_at(&mut self, mark: Mark, watermark: Sequence, over: &Over) {
        self.feeds.retain_mut(|feed| {
            let is_at_end = feed.topic.key.mark == mark && feed.reading.next() >= watermark;
            if is_at_end && !feed.is_full {
                feed.end(over);
            }
            !feed.members.is_empty()
        });
        for resting in self
            .resting
            .iter_mut()
            .filter(|resting| resting.mark == mark)
        {
            resting.end_at(watermark, over);
        }
    }

    /// Gives those who are live what they have room for, tells those who lag what was left out, and ends all.
    pub(super) fn finish(mut self, watermark: impl Fn(Mark) -> Sequence, over: &Over) {
        // Once: where another process writes, it may go on to.
        let ends = Ends::load(watermark);
        self.round_to(ends);
        for feed in self.feeds.iter_mut().filter(|feed| !feed.is_live) {
            feed.end(over);
        }
        while self.round_to(ends) != Round::Nothing {}
        for resting in &mut self.resting {
            resting.end_at(ends.of(resting.mark), over);
        }
        for mut feed in self.feeds {
            feed.end(over);
        }
        for lagging in self.lagging {
            let until = ends.of(lagging.topic.key.mark);
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
    use std::cell::Cell;
    use std::sync::Arc;
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

    fn resting(rounds: &Rounds) -> usize {
        let resting = rounds.resting.iter();
        resting.filter_map(Resting::awaited).count()
    }

    /// A subscriber that lagged goes on at the watermark, while others with its query may still be behind.
    #[test]
    fn who_went_on_ahead_of_the_others_is_read_for_with_them_again() {
        let mut rounds = Rounds::new(Calls::default());
        let receivers = [8, 1].map(|capacity| add(&mut rounds, capacity));
        assert_eq!(rounds.round(|_| Sequence::ZERO), Round::Nothing);
        assert_eq!((rounds.feeds.len(), resting(&rounds)), (0, 1));
        assert_eq!(rounds.round(|_| Sequence::new(1)), Round::Given);
        let end = |_| Sequence::new(6);
        assert_eq!(rounds.round(end), Round::Given);
        assert_eq!((rounds.feeds.len(), rounds.lagging.len()), (1, 1));
        let [reads, lagging] = &receivers;
        drop(lagging.try_recv().unwrap());
        rounds.sweep(end);
        assert_eq!((rounds.feeds.len(), rounds.lagging.len()), (2, 0));
        while rounds.round(end) == Round::Given {}
        assert_eq!((rounds.feeds.len(), resting(&rounds)), (0, 1));
        rounds.round(|_| Sequence::new(7));
        let [read, told] = [reads, lagging].map(|receiver| receiver.try_iter().last());
        let (Some(Pushed::Events(one)), Some(Pushed::Events(other))) = (&read, &told) else {
            panic!("{read:?} {told:?}");
        };
        assert!(Arc::ptr_eq(&one.to_shared(), &other.to_shared()));
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

    /// Where another process writes, the watermark goes on moving while the store is closed.
    #[test]
    fn the_end_is_where_the_watermark_was_when_it_began() {
        let mut rounds = Rounds::new(Calls::default());
        let receiver = add(&mut rounds, 64);
        rounds.round(|_| Sequence::ZERO);
        let loads = Cell::new(2);
        let watermark = |_| {
            loads.set(loads.get() + 1);
            Sequence::new(loads.get().min(40))
        };
        rounds.finish(watermark, &Over::closed());
        assert_eq!(receiver.iter().count(), 3);
    }
}
