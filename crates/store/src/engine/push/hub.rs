//! `Hub`: the thread that pushes events, which is there once somebody has subscribed.

use super::bell::Bell;
use super::feed::Batches;
use super::member::{Seat, member};
use super::pace::{Pace, REST};
use super::pushed::Pushed;
use super::rounds::{Newcomer, Round, Rounds};
use super::topic::FeedKey;
use crate::engine::group_sync::join;
use crate::engine::news::{Awaited, Mark, News, Over};
use crate::trace::{self, Calls};
use crate::{Error, ErrorKind};
use crossbeam_channel::Receiver;
use std::sync::Arc;
use std::task::Poll;
use strandline_core::sync::{Mutex, thread};
use strandline_core::{Clock, Sequence, SystemClock};

/// The thread and what it is asked. It holds no part of a store that keeps it from closing.
#[derive(Debug)]
pub(crate) struct Hub {
    news: Arc<News>,
    calls: Calls,
    inbox: Arc<Inbox>,
}

#[derive(Debug)]
struct Inbox {
    bell: Arc<Bell>,
    /// Held to leave something and to take it, and to start the thread; nothing else is done under it.
    asked: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    newcomers: Vec<Newcomer>,
    /// Why nobody comes any more.
    over: Option<Over>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Hub {
    pub(crate) fn new(news: Arc<News>, calls: Calls) -> Self {
        let inbox = Inbox {
            bell: Arc::new(Bell::new()),
            asked: Mutex::default(),
        };
        Self {
            news,
            calls,
            inbox: Arc::new(inbox),
        }
    }

    /// Begins to push what is read to a subscriber, of whom so many batches may wait.
    pub(crate) fn subscribe(
        &self,
        key: FeedKey,
        reading: Box<dyn Batches>,
        capacity: u32,
    ) -> Result<(Receiver<Pushed>, Arc<Seat>), Error> {
        let (member, receiver, seat) = member(capacity, &self.inbox.bell);
        let newcomer = Newcomer {
            key,
            reading,
            member,
        };
        let mut asked = self.inbox.asked.lock();
        if let Some(over) = asked.over.clone() {
            drop(asked);
            return Err(over.into());
        }
        if asked.thread.is_none() {
            let started = self.start();
            asked.thread = Some(started.map_err(|error| {
                Error::new(ErrorKind::Io, "cannot start a thread that pushes events")
                    .with_source(error)
            })?);
        }
        asked.newcomers.push(newcomer);
        drop(asked);
        self.inbox.bell.ring();
        Ok((receiver, seat))
    }

    fn start(&self) -> std::io::Result<thread::JoinHandle<()>> {
        let (inbox, news) = (self.inbox.clone(), self.news.clone());
        let calls = self.calls.clone();
        thread::Builder::new()
            .name("strandline-push".to_owned())
            .spawn(move || {
                trace::hand_over(&calls);
                let _ends = Ends(&inbox);
                run(&inbox, &news, &calls);
            })
    }

    /// Gives live subscribers what is there and they have room for, ends all, and returns once the thread has
    /// ended. Nobody appends any more.
    pub(crate) fn close(&self) {
        let mut asked = self.inbox.asked.lock();
        asked.over = Some(Over::closed());
        let thread = asked.thread.take();
        drop(asked);
        self.inbox.bell.ring();
        if let Some(thread) = thread {
            join(thread);
        }
    }
}

impl Inbox {
    /// Those who have come, and why nobody comes any more.
    fn take(&self) -> (Vec<Newcomer>, Option<Over>) {
        let mut asked = self.asked.lock();
        (std::mem::take(&mut asked.newcomers), asked.over.clone())
    }
}

/// The end of the thread, also by a panic: nobody is left in the inbox for it, and nobody comes.
struct Ends<'a>(&'a Inbox);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        let mut asked = self.0.asked.lock();
        asked.over.get_or_insert_with(Over::panicked);
        let left = std::mem::take(&mut asked.newcomers);
        drop(asked);
        drop(left);
    }
}

fn run(inbox: &Inbox, news: &Arc<News>, calls: &Calls) {
    let mut rounds = Rounds::new(calls.clone());
    let mut waits = [Mark::Visible, Mark::Durable].map(|mark| Wait {
        mark,
        awaited: None,
    });
    let (mut pace, clock) = (Pace::default(), SystemClock::default());
    let watermark = |mark| news.watermark(mark);
    loop {
        if inbox.bell.hear() {
            let (newcomers, over) = inbox.take();
            for newcomer in newcomers {
                rounds.add(newcomer);
            }
            rounds.sweep(watermark);
            if let Some(over) = over {
                return rounds.finish(watermark, &over);
            }
        }
        let round = rounds.round(watermark);
        if round != Round::Nothing {
            let has_more = || rounds.has_more(watermark);
            let seen = watermark(Mark::Visible);
            // A rest ends by itself, which a model has no time for.
            if cfg!(not(strandline_loom))
                && rounds.is_level()
                && pace.rests(clock.elapsed(), round, seen, has_more())
            {
                inbox.bell.parker().park_for(REST);
            }
            continue;
        }
        let mut is_idle = true;
        for wait in &mut waits {
            is_idle &= wait.begin(&mut rounds, news, &inbox.bell);
        }
        if is_idle {
            inbox.bell.parker().park();
        }
    }
}

/// The hub's wait for a watermark.
#[derive(Debug)]
struct Wait {
    mark: Mark,
    awaited: Option<Awaited>,
}

impl Wait {
    /// Waits for what the first of those needs who have been given everything; false if it is there, or if nothing
    /// more comes, which they are told.
    fn begin(&mut self, rounds: &mut Rounds, news: &Arc<News>, bell: &Bell) -> bool {
        let Some(next) = rounds.awaited(self.mark) else {
            self.awaited = None;
            return true;
        };
        let is_for = |awaited: &Awaited, next: Sequence| awaited.sequence() == next;
        if !self
            .awaited
            .as_ref()
            .is_some_and(|awaited| is_for(awaited, next))
        {
            self.awaited = None;
        }
        let awaited = self
            .awaited
            .get_or_insert_with(|| Awaited::new(news.clone(), self.mark, next));
        match awaited.poll_own(bell.parker()) {
            Poll::Pending => true,
            Poll::Ready(Ok(_)) => false,
            Poll::Ready(Err(over)) => {
                self.awaited = None;
                rounds.end_at(self.mark, news.watermark(self.mark), &over);
                false
            }
        }
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use crate::StoredEvent;
    use std::ops::Range;
    use strandline_core::{Query, Region};
    use strandline_index::{RowView, SequenceGate};

    /// Ends the thread by a panic.
    #[derive(Debug)]
    struct Panics;

    impl Batches for Panics {
        fn next(&self) -> Sequence {
            panic!("a mistake of the store")
        }

        fn step(&mut self, _: Sequence) -> Result<Vec<StoredEvent>, Over> {
            Ok(Vec::new())
        }

        fn at(&self, _: Sequence) -> Box<dyn Batches> {
            Box::new(Self)
        }

        fn skip_to(&mut self, _: Sequence) {}

        fn rows(&self, _: Range<Sequence>, _: &mut dyn FnMut(RowView<'_>)) -> bool {
            false
        }
    }

    #[test]
    fn who_subscribes_after_a_panic_of_the_thread_is_told() {
        let calls = Calls::default();
        let gate = Arc::new(SequenceGate::new());
        let news = Arc::new(News::new(gate, Sequence::ZERO, calls.clone()));
        let hub = Hub::new(news, calls);
        let subscribe = || {
            let key = FeedKey {
                query: Arc::new(Query::from(Region::all())),
                mark: Mark::Visible,
            };
            hub.subscribe(key, Box::new(Panics), 1)
        };
        let (receiver, _) = subscribe().unwrap();
        assert!(receiver.recv().is_err());
        // Whoever comes while the thread ends is told by the channel, and after it at once.
        while let Ok((receiver, _)) = subscribe() {
            assert!(receiver.recv().is_err());
        }
        assert_eq!(subscribe().unwrap_err().kind(), ErrorKind::Io);
        hub.close();
    }
}
