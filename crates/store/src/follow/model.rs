//! Loom models of the step from what is there to what comes: `xtask loom`.

use super::pull::{Pull, Pulled};
use crate::engine::group_sync::model::check;
use crate::engine::news::{Mark, News};
use crate::trace::Calls;
use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::Sequence;
use strandline_core::sync::atomic::{AtomicU64, Ordering};
use strandline_core::sync::thread;
use strandline_index::SequenceGate;

const EVENTS: usize = 3;

/// Events that are written relaxed, as the columns of the index are, and become visible by the gate.
struct Events {
    gate: Arc<SequenceGate>,
    news: Arc<News>,
    column: [AtomicU64; EVENTS],
}

fn events() -> Arc<Events> {
    let gate = Arc::new(SequenceGate::new());
    gate.reserve(EVENTS as u64).expect("the model is small");
    let news = Arc::new(News::new(gate.clone(), Sequence::ZERO, Calls::default()));
    Arc::new(Events {
        gate,
        news,
        column: std::array::from_fn(|_| AtomicU64::new(0)),
    })
}

impl Events {
    /// Writes the event with this sequence; it is not visible.
    fn write(&self, sequence: usize) {
        let event = self.column.get(sequence).expect("the model is small");
        event.store(value(sequence as u64), Ordering::Relaxed);
    }

    fn publish(&self, end: usize) {
        assert!(self.gate.advance_to(Sequence::new(end as u64)));
        self.news.moved();
    }

    fn publish_durable(&self, end: usize) {
        assert!(self.gate.advance_to(Sequence::new(end as u64)));
        self.news.set_durable(Sequence::new(end as u64));
        self.news.moved();
    }
}

const fn value(sequence: u64) -> u64 {
    sequence + 10
}

/// A reader that wants all events but the second.
struct Reader {
    events: Arc<Events>,
    mark: Mark,
    seen: Vec<u64>,
}

impl Pulled for Reader {
    type Error = Infallible;

    fn watermark(&self) -> Sequence {
        self.events.news.watermark(self.mark)
    }

    fn read(&mut self, span: Range<Sequence>) -> Result<Option<Sequence>, Infallible> {
        for sequence in span.start.get()..span.end.get() {
            if sequence != 1 {
                let at = usize::try_from(sequence).expect("the model is small");
                let event = self.events.column.get(at).expect("it is visible");
                self.seen.push(event.load(Ordering::Relaxed));
            }
        }
        Ok(None)
    }
}

/// Reads to the end, as a cursor does.
fn read_all(events: &Arc<Events>, mark: Mark) {
    let mut pull = Pull::new(Sequence::ZERO);
    let mut reader = Reader {
        events: events.clone(),
        mark,
        seen: Vec::new(),
    };
    while pull.next() < Sequence::new(EVENTS as u64) {
        let Ok(has_moved) = pull.step(&mut reader);
        if !has_moved {
            let waited = events.news.wait(mark, pull.next(), Duration::MAX);
            waited
                .expect("it comes")
                .expect("a model has no end of time");
        }
    }
    assert_eq!(reader.seen, [value(0), value(2)], "each once, and in order");
}

#[test]
fn every_event_is_read_once_whether_it_was_there_or_came() {
    check(|| {
        let events = events();
        events.write(0);
        events.publish(1);
        let writer = events.clone();
        let writer = thread::spawn(move || {
            for event in 1..EVENTS {
                writer.write(event);
                writer.publish(event + 1);
            }
        });
        read_all(&events, Mark::Visible);
        writer.join().expect("it ends");
    });
}

#[test]
fn what_is_durable_is_read_once_and_as_it_was_written() {
    check(|| {
        let events = events();
        let writer = events.clone();
        let writer = thread::spawn(move || {
            for event in 0..EVENTS {
                writer.write(event);
            }
            writer.publish_durable(2);
            writer.publish_durable(EVENTS);
        });
        read_all(&events, Mark::Durable);
        writer.join().expect("it ends");
    });
}
