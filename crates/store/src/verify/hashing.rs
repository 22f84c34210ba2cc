//! `Hashing`: recomputes the hashes of events, on threads beside the one that reads the log.
//!
//! An event's hash needs the one before it in its chain, and that is stored: so any event can be
//! checked without those before it, and all of them in any order.

use super::problem::{PROBLEMS_MAX, Problem, ProblemKind, message_at};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::ops::Range;
use std::sync::Arc;
use strandline_core::record::{Record, push_run};
use strandline_core::sync::thread;
use strandline_core::{Coordinate, EventHasher, Hash};
use strandline_segment::FrameRecord;

/// Reading takes as long as hashing on one thread or two; more would wait for it.
const WORKERS: usize = 2;
/// Bytes of bodies that are handed over at once.
const BATCH_BYTES: usize = 256 << 10;

/// Checks hashes until it is told that there are no more.
#[derive(Debug)]
pub(super) struct Hashing {
    batches: Sender<Batch>,
    workers: Vec<thread::JoinHandle<Wrong>>,
    batch: Batch,
}

/// Problems, and the events that are wrong, however many; runs in any order.
type Wrong = (Vec<Problem>, Vec<Range<u64>>);

#[derive(Debug, Default)]
struct Batch {
    bodies: Vec<u8>,
    events: Vec<Expected>,
}

/// An event, and the hash that it should have.
#[derive(Debug)]
struct Expected {
    body: Range<usize>,
    coordinate: Arc<Coordinate>,
    previous: Hash,
    /// Without its body.
    at: FrameRecord<'static>,
}

impl Hashing {
    pub(super) fn start() -> std::io::Result<Self> {
        let (batches, receiver) = bounded(2 * WORKERS);
        let workers = (0..WORKERS)
            .map(|_| {
                let receiver = receiver.clone();
                thread::Builder::new()
                    .name("strandline-verify".to_owned())
                    .spawn(move || work(&receiver))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            batches,
            workers,
            batch: Batch::default(),
        })
    }

    /// Has an event checked, which follows `previous` in its chain.
    pub(super) fn check(
        &mut self,
        at: &FrameRecord<'_>,
        coordinate: &Arc<Coordinate>,
        previous: Hash,
    ) {
        let start = self.batch.bodies.len();
        self.batch.bodies.extend_from_slice(at.body);
        self.batch.events.push(Expected {
            body: start..self.batch.bodies.len(),
            coordinate: coordinate.clone(),
            previous,
            at: FrameRecord { body: &[], ..*at },
        });
        if self.batch.bodies.len() >= BATCH_BYTES {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        // A worker that is gone has panicked, and joining it says so.
        let _ = self.batches.send(std::mem::take(&mut self.batch));
    }

    /// Everything that was wrong, once all is checked, in no order.
    ///
    /// # Panics
    ///
    /// If a worker did.
    pub(super) fn finish(mut self) -> Wrong {
        self.hand_over();
        let Self {
            batches, workers, ..
        } = self;
        drop(batches);
        let (mut problems, mut wrong) = Wrong::default();
        for worker in workers {
            match worker.join() {
                Ok((found, runs)) => {
                    problems.extend(found);
                    wrong.extend(runs);
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        (problems, wrong)
    }
}

fn work(batches: &Receiver<Batch>) -> Wrong {
    let mut hasher = EventHasher::default();
    let (mut problems, mut wrong) = Wrong::default();
    for batch in batches {
        for event in &batch.events {
            let body = batch.bodies.get(event.body.clone()).unwrap_or_default();
            if event.has_its_hash(body, &mut hasher) {
                continue;
            }
            push_run(&mut wrong, event.at.sequence);
            if problems.len() < PROBLEMS_MAX {
                let entity = event.coordinate.entity();
                let message =
                    format!("its hash is not that of its content in the chain of {entity}");
                let message = message_at(event.at.position, &message);
                let problem = Problem::new(ProblemKind::Log, message);
                problems.push(problem.of_event(Some(event.at.sequence)));
            }
        }
    }
    (problems, wrong)
}

impl Expected {
    fn has_its_hash(&self, body: &[u8], hasher: &mut EventHasher) -> bool {
        let Ok(record) = Record::decode(body) else {
            return false;
        };
        let (coordinate, sequence) = (&self.coordinate, self.at.sequence);
        record.hash_after(&self.previous, coordinate, sequence, hasher) == self.at.digest
    }
}
