//! `Resting`: subscribers who have been given everything, and wait for what comes.

use super::feed::Feed;
use super::sieve::{Found, Sieve};
use super::topic::{Topic, Topics};
use crate::engine::news::{Mark, Over};
use crate::trace::Calls;
use std::collections::BTreeMap;
use strandline_core::Sequence;
use strandline_index::RowView;

/// Of so many topics or fewer each reads for itself: to look what has come costs as much.
const READ_AT_ONCE: usize = 4;
/// So many rows are looked at for each topic at most; a query costs as much.
const ROWS_A_TOPIC: u64 = 64;
/// How many topics that are no more stay in the sieve at least.
const TOPICS_MORE: usize = 16;

/// The live subscribers of one watermark who are at it.
///
/// They are at one place, so that what comes is looked at once for all of them, and a topic that has none of it
/// costs nothing.
#[derive(Debug)]
pub(super) struct Resting {
    pub(super) mark: Mark,
    /// Where they are.
    at: Sequence,
    /// By the number of the topic.
    feeds: BTreeMap<u64, Feed>,
    sieve: Sieve,
}

impl Resting {
    pub(super) fn new(mark: Mark) -> Self {
        Self {
            mark,
            at: Sequence::ZERO,
            feeds: BTreeMap::new(),
            sieve: Sieve::default(),
        }
    }

    /// Notes what some are to be woken for.
    pub(super) fn know(&mut self, topic: &Topic) {
        self.sieve.add(topic);
    }

    /// Forgets who has left, and topics that are no more, once they are many.
    pub(super) fn sweep(&mut self, topics: &Topics) {
        self.feeds.retain(|_, feed| {
            feed.forget_gone();
            !feed.members.is_empty()
        });
        let of_mark = || topics.iter().filter(|topic| topic.key.mark == self.mark);
        if self.sieve.topics() > 2 * of_mark().count() + TOPICS_MORE {
            let mut sieve = Sieve::default();
            of_mark().for_each(|topic| sieve.add(topic));
            self.sieve = sieve;
        }
    }

    /// Takes one that is at the watermark, with those of its topic who are there.
    pub(super) fn take(&mut self, mut feed: Feed) {
        debug_assert!(feed.reading.next() == self.at && feed.is_live);
        match self.feeds.get_mut(&feed.topic.number) {
            Some(there) => there.members.append(&mut feed.members),
            None => {
                self.feeds.insert(feed.topic.number, feed);
            }
        }
    }

    /// Whether it belongs to those who rest here.
    pub(super) fn is_for(&self, feed: &Feed) -> bool {
        feed.topic.key.mark == self.mark && feed.reading.next() == self.at && !feed.is_full
    }

    /// Where they wait for more, if there are any.
    pub(super) fn awaited(&self) -> Option<Sequence> {
        (!self.feeds.is_empty()).then_some(self.at)
    }

    /// Goes on to the watermark, and gives those who may have something to read before it to `awake`, each at its
    /// place. Whether there was anything to look at.
    pub(super) fn wake(&mut self, end: Sequence, calls: &Calls, awake: &mut Vec<Feed>) -> bool {
        if end <= self.at {
            return false;
        }
        let from = std::mem::replace(&mut self.at, end);
        if self.feeds.is_empty() {
            return false;
        }
        let woken = match self.find(from, calls) {
            Some(found) => {
                let feeds = found.iter().filter_map(|number| self.feeds.remove(number));
                feeds.collect()
            }
            None => std::mem::take(&mut self.feeds)
                .into_values()
                .collect::<Vec<_>>(),
        };
        awake.extend(woken.into_iter().map(|mut feed| {
            feed.reading.skip_to(from);
            feed
        }));
        true
    }

    /// Whose events may be among those from there on, which are looked at; none if that may be anyone.
    fn find(&self, from: Sequence, calls: &Calls) -> Option<Found> {
        let topics = self.feeds.len();
        let rows = self.at.get() - from.get();
        if topics <= READ_AT_ONCE || rows / ROWS_A_TOPIC >= u64::try_from(topics).ok()? {
            return None;
        }
        let mut found = Found::new();
        if rows > ROWS_A_TOPIC {
            self.sieve.find_others(&mut found);
        }
        let reading = &self.feeds.first_key_value()?.1.reading;
        let mut look = |row: RowView<'_>| self.sieve.find(row, &mut found);
        let look = || reading.rows(from..self.at, &mut look);
        let is_whole = calls.catch("a look at rows for subscribers", look)?;
        is_whole.then_some(found)
    }

    /// Ends all, if they have been given everything up to this watermark.
    pub(super) fn end_at(&mut self, watermark: Sequence, over: &Over) {
        if self.at >= watermark {
            for mut feed in std::mem::take(&mut self.feeds).into_values() {
                feed.end(over);
            }
        }
    }
}
