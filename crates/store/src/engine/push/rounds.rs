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
        // Loaded once: those who come to it are at the same place.
        let [visible, durable] = [Mark::Visible, Mark::Durable].map(watermark);
        let mut has_worked = false;
        let mut left = Left::default();
        self.feeds.retain_mut(|feed| {
            let end = match feed.key.mark {
                Mark::Visible => visible,
                Mark::Durable => durable,
            };
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
        self.join();
        has_worked
    }

    /// Makes one feed of those with the same query at the same place.
    fn join(&mut self) {
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
                feed.is_settled = feed.is_live;
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

    /// Gives those who are live what they have room for, and ends all.
    pub(super) fn finish(mut self, watermark: impl Fn(Mark) -> Sequence, over: &Over) {
        self.round(&watermark);
        for feed in self.feeds.iter_mut().filter(|feed| !feed.is_live) {
            feed.end(over);
        }
        while self.round(&watermark) {}
        for mut feed in self.feeds {
            feed.end(over);
        }
        for lagging in self.lagging {
            lagging.member.end(over);
        }
    }
}
