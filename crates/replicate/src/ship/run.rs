//! The shipper: term after term until it is stopped, fenced, or has nothing to go on with.

use super::ask::{OnPanic, Patient, Refused, Stop, start};
use super::backoff::Backoff;
use super::begin::{self, BegunTerm};
use super::catalog::Shipped;
use super::cut::Cutter;
use super::denials::Denials;
use super::error::{ReplicateError, fenced};
use super::files::{Done, Files};
use super::options::ReplicateOptions;
use super::owner::OwnerFile;
use super::source::Source;
use super::states::States;
use super::status::{Board, ReplicatorStage, with_sources};
use super::take::{self, TakenTerm, Taker};
use super::watch::watch;
use crate::bucket::{Bucket, BucketError};
use crate::object::{Chunk, STATE_BYTES_MAX, Term};
use crate::protocol::{Answer, Ask, Shipper, Window};
use bytes::Bytes;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use strandline_core::sync::thread;
use strandline_core::{Clock, Random};
use strandline_segment::LogPosition;

/// How long is waited for an answer without a look around.
const LOOK: Duration = Duration::from_millis(100);
/// Checks for a later term that are under way.
const CHECKS: usize = 4;

/// What is shipped, where and how.
#[derive(Debug)]
pub(crate) struct Shipping {
    pub(crate) source: Arc<Source>,
    pub(crate) bucket: Bucket,
    pub(crate) options: ReplicateOptions,
    pub(crate) board: Arc<Board>,
    pub(crate) stop: Arc<Stop>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Ships until it is stopped or somebody has to do something, and says why it ended. The first term may be taken
/// already.
pub(crate) fn ship(shipping: &Shipping, mut taken: Option<TakenTerm>) -> ReplicateError {
    let Shipping { options, board, .. } = shipping;
    let _tells = OnPanic(|| {
        board.failed(&ReplicateError::Panicked, None);
        board.note(|noted| noted.stage = ReplicatorStage::Ended);
    });
    let random = match Random::from_os() {
        Ok(random) => random,
        Err(error) => {
            let error = super::error::of_file("the random numbers of the system".as_ref())(error);
            board.failed(&error, None);
            board.note(|noted| noted.stage = ReplicatorStage::Ended);
            return error;
        }
    };
    let mut backoff = Backoff::new(options.backoff_first, options.backoff_max, random);
    let mut denials = Some(Denials::new(options.refused_timeout));
    loop {
        let error = match term(shipping, &mut backoff, &mut denials, taken.take()) {
            Ok(never) => match never {},
            Err(error) => error,
        };
        if error.is_passing() && !shipping.stop.is_stopped() {
            let delay = backoff.next();
            board.failed(&error, Some(shipping.clock.elapsed().saturating_add(delay)));
            tracing::warn!(error = %with_sources(&error), "the shipper begins a next term");
            if shipping.stop.wait(delay).is_ok() {
                continue;
            }
        }
        let stage = match error.is_fence() {
            true => ReplicatorStage::Fenced,
            false => ReplicatorStage::Ended,
        };
        if error.is_fence() {
            shipping.source.fence(&with_sources(&error));
        }
        if !matches!(error, ReplicateError::Stopped) {
            tracing::error!(error = %with_sources(&error), "the store is not shipped any more");
            board.failed(&error, None);
        }
        board.note(|noted| noted.stage = stage);
        return error;
    }
}

/// Takes a term, begins it, and ships until something ends it.
fn term(
    shipping: &Shipping,
    backoff: &mut Backoff,
    denials: &mut Option<Denials>,
    taken: Option<TakenTerm>,
) -> Result<Infallible, ReplicateError> {
    let Shipping {
        source,
        bucket,
        options,
        board,
        stop,
        clock,
    } = shipping;
    board.note(|noted| noted.stage = ReplicatorStage::Beginning);
    board.durable(source.durable_end()?.sequence, clock.elapsed());
    let note = |error: &ReplicateError, delay: Duration| {
        if let Ok(end) = source.durable_end() {
            board.durable(end.sequence, clock.elapsed());
        }
        board.failed(error, Some(clock.elapsed().saturating_add(delay)));
    };
    let mut patient = Patient {
        bucket,
        backoff,
        stop,
        note: &note,
        refused: Refused::default(),
        denials,
    };
    let mut owners = OwnerFile::open(Arc::clone(source.fs()), source.dir(), bucket.name())?;
    let taken = match taken {
        Some(taken) => taken,
        None => {
            let random = Random::from_os().map_err(super::error::of_file(source.dir()))?;
            let taker = Taker {
                identity: source.identity()?,
                host: options.host.clone().unwrap_or_else(take::host_name),
                now_ms: clock.now_ms(),
                takes_over: options.takes_over,
                begins_anew: options.begins_anew,
                random: &random,
            };
            take::take(&mut patient, &taker, &mut owners, &|left| {
                begin::check_prefix(source, left)
            })?
        }
    };
    let begun = begin::begin(&mut patient, source, &mut owners, taken)?;
    *patient.denials = None;
    backoff.reset();
    let end = begun.end;
    source.replicated(end.sequence);
    board.note(|noted| {
        noted.term = Some(begun.term);
        noted.stage = ReplicatorStage::Shipping;
        noted.replicated(end.sequence);
        noted.mended((begun.mended, begun.lost.len()));
        noted.job_error = None;
        (noted.chunks, noted.state) = (0, 0);
        (noted.last_error, noted.next_try) = (None, None);
    });
    thread::scope(|scope| {
        let (sender, events) = channel();
        let over = Arc::new(Stop::default());
        let (watching, tell) = (Arc::clone(&over), sender.clone());
        let watcher = thread::Builder::new().name("strandline-ship-watch".to_owned());
        let watcher = watcher.spawn_scoped(scope, move || {
            let _tells = OnPanic(|| drop(tell.send(Event::Durable(Err(ReplicateError::Panicked)))));
            watch(source, options, &watching, &**clock, end, |end| {
                tell.send(Event::Durable(end)).is_ok()
            });
        });
        watcher.map_err(super::error::of_file("strandline-ship-watch".as_ref()))?;
        let _ends = OnPanic(|| over.stop());
        let ended = Run::new(shipping, begun, owners, sender, events, backoff)
            .and_then(|mut run| run.run());
        over.stop();
        ended
    })
}

/// What the shipper is told.
enum Event {
    Durable(Result<LogPosition, ReplicateError>),
    Answered(Ask, Answer<Bytes>, Option<BucketError>),
    Done(Done),
}

/// A chunk that is offered and not acknowledged.
struct InFlight {
    number: u64,
    shipped: Shipped,
    bytes: u64,
}

/// A term at work.
struct Run<'a> {
    shipping: &'a Shipping,
    term: Term,
    owners: OwnerFile,
    shipper: Shipper<Bytes>,
    cutter: Cutter,
    durable: LogPosition,
    in_flight: VecDeque<InFlight>,
    /// Chunks that the states know.
    confirmed: u64,
    states: States,
    files: Files,
    sender: Sender<Event>,
    events: Receiver<Event>,
    backoff: &'a mut Backoff,
    /// Of the jobs beside the chunks, which hold up no chunk.
    jobs_backoff: Backoff,
    /// Nothing is asked before it.
    not_before: Duration,
    refused: Refused<Ask>,
    /// Chunks and the state that were acknowledged when it was looked last.
    acknowledged: (u64, u64),
}

impl<'a> Run<'a> {
    fn new(
        shipping: &'a Shipping,
        begun: BegunTerm,
        owners: OwnerFile,
        sender: Sender<Event>,
        events: Receiver<Event>,
        backoff: &'a mut Backoff,
    ) -> Result<Self, ReplicateError> {
        let window = Window {
            chunks: shipping.options.chunks_in_flight_max,
            checks: CHECKS,
        };
        let (source, bucket) = (Arc::clone(&shipping.source), shipping.bucket.clone());
        let random = Random::from_os().map_err(super::error::of_file(source.dir()))?;
        let ReplicateOptions {
            backoff_first,
            backoff_max,
            ..
        } = shipping.options;
        let tell = sender.clone();
        let done = move |done| drop(tell.send(Event::Done(done)));
        let stop = Arc::clone(&shipping.stop);
        Ok(Self {
            shipping,
            term: begun.term,
            owners,
            shipper: Shipper::new(begun.term, window),
            cutter: Cutter::new(&shipping.source, begun.end)?,
            durable: begun.end,
            in_flight: VecDeque::new(),
            confirmed: 0,
            files: Files::start(source, bucket, stop, begun.term, done)?,
            states: States::new(begun, &shipping.options, shipping.clock.elapsed()),
            sender,
            events,
            backoff,
            jobs_backoff: Backoff::new(backoff_first, backoff_max, random),
            not_before: Duration::ZERO,
            refused: Refused::default(),
            acknowledged: (0, 0),
        })
    }

    fn run(&mut self) -> Result<Infallible, ReplicateError> {
        loop {
            if self.shipping.stop.is_stopped() {
                return Err(ReplicateError::Stopped);
            }
            if let Some(by) = self.shipper.fenced() {
                return Err(fenced(&by.key, &by.content));
            }
            let now = self.shipping.clock.elapsed();
            self.offer_chunks()?;
            self.offer_state()?;
            if let Some(job) = self.states.job(&self.shipping.source, now)? {
                self.files.add(job);
            }
            if now >= self.not_before {
                self.ask();
            }
            let wait = match self.not_before.saturating_sub(now) {
                Duration::ZERO => LOOK,
                left => left.min(LOOK),
            };
            match self.events.recv_timeout(wait) {
                Ok(event) => self.take(event)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(ReplicateError::Stopped),
            }
            while let Ok(event) = self.events.try_recv() {
                self.take(event)?;
            }
            self.follow();
            self.settle()?;
        }
    }

    /// Answers who asks whether something is to be deleted at once, and notes for the next start that nothing is.
    fn settle(&mut self) -> Result<(), ReplicateError> {
        let asked = self.shipping.board.unsettled();
        if asked.is_none() && !self.owners.is_owing() {
            return Ok(());
        }
        if !self.states.is_settled(&self.shipping.source)? {
            return Ok(());
        }
        self.owners.owe(false)?;
        if let Some(asked) = asked {
            self.shipping.board.note(|noted| noted.settled = asked);
        }
        Ok(())
    }

    /// Cuts chunks as far as there is room for them.
    fn offer_chunks(&mut self) -> Result<(), ReplicateError> {
        let bytes_max = self.shipping.options.chunk_bytes_max;
        while self.shipper.has_room() {
            let Some(cut) = self
                .cutter
                .next(&self.shipping.source, &self.durable, bytes_max)?
            else {
                break;
            };
            let chunk = Chunk {
                term: self.term,
                number: self.shipper.next_number(),
                state: self.shipper.acknowledged_state(),
                header: cut.header,
                start: cut.start,
                end: cut.end,
                body: cut.body,
            };
            self.offer(&chunk);
        }
        Ok(())
    }

    fn offer(&mut self, chunk: &Chunk) {
        let bytes = Bytes::from(chunk.encode());
        let length = bytes.len() as u64;
        if let Some(number) = self.shipper.offer(bytes) {
            self.states.tells(number, chunk.state);
            self.in_flight.push_back(InFlight {
                number,
                shipped: Shipped::of(chunk),
                bytes: length,
            });
        }
    }

    fn offer_state(&mut self) -> Result<(), ReplicateError> {
        let confirmed = self.shipper.confirmed();
        let is_idle = self.in_flight.is_empty() && self.shipper.has_room();
        let (is_waiting, is_untold) = (self.states.is_waiting(), self.states.is_untold());
        // A state ends in the active segment, and has a number that none had.
        if is_idle
            && (is_waiting || is_untold)
            && (self.cutter.settle(&self.shipping.source)?
                || is_untold
                || self.states.wants_chunk(confirmed))
        {
            let (header, at) = (*self.cutter.header(), *self.cutter.at());
            let empty = Chunk {
                term: self.term,
                number: self.shipper.next_number(),
                state: self.shipper.acknowledged_state(),
                header,
                start: at,
                end: at,
                body: Bytes::new(),
            };
            self.offer(&empty);
        }
        if let Some((number, state)) = self.states.next(
            &self.shipping.source,
            confirmed,
            self.shipping.clock.elapsed(),
        )? {
            let bytes = begin::encoded(&state, STATE_BYTES_MAX)?;
            if self.states.is_urgent() {
                // Before the state, which is all that the next start sees.
                self.owners.owe(true)?;
            }
            let is_taken = self.shipper.offer_state(number, bytes);
            debug_assert!(
                is_taken,
                "a state is offered after the one before it is acknowledged"
            );
        }
        Ok(())
    }

    fn ask(&mut self) {
        for (ask, request) in self.shipper.requests() {
            let sender = self.sender.clone();
            start(&self.shipping.bucket, request, move |(answer, error)| {
                // Nobody listens once the term is over.
                drop(sender.send(Event::Answered(ask, answer, error)));
            });
        }
    }

    fn take(&mut self, event: Event) -> Result<(), ReplicateError> {
        match event {
            Event::Durable(end) => {
                self.durable = end?;
                let now = self.shipping.clock.elapsed();
                self.shipping.board.durable(self.durable.sequence, now);
            }
            Event::Answered(ask, answer, error) => {
                let is_contradictory = self.refused.note(ask, &answer);
                self.shipper.answer(ask, answer);
                if let Some(key) = self.shipper.key(ask).filter(|_| is_contradictory) {
                    self.failed(&ReplicateError::Contradictory(key));
                }
                // An answer alone is no progress: where reading is granted and writing is not, every other request
                // succeeds.
                if let Some(error) = error {
                    self.failed(&ReplicateError::Bucket(error));
                }
            }
            Event::Done(done) => match self.states.done(done) {
                // There is nobody left to do the next one, or another has the term.
                Some(error) if error.ends_term() => return Err(error),
                failed => self.job_done(failed),
            },
        }
        Ok(())
    }

    fn job_done(&mut self, failed: Option<ReplicateError>) {
        match &failed {
            Some(_) => {
                let delay = self.jobs_backoff.next();
                let then = self.shipping.clock.elapsed().saturating_add(delay);
                self.states.wait_until(then);
            }
            None => self.jobs_backoff.reset(),
        }
        let text = failed.map(|error| with_sources(&error));
        self.shipping.board.note(|noted| noted.job_error = text);
    }

    fn failed(&mut self, error: &ReplicateError) {
        let now = self.shipping.clock.elapsed();
        // Requests that fail together count as one failure.
        if now >= self.not_before {
            self.not_before = now.saturating_add(self.backoff.next());
        }
        self.shipping.board.failed(error, Some(self.not_before));
    }

    /// Does what follows from chunks and states that were confirmed or acknowledged.
    fn follow(&mut self) {
        let confirmed = self.shipper.confirmed();
        let new = self
            .in_flight
            .iter()
            .filter(|chunk| chunk.number >= self.confirmed && chunk.number < confirmed);
        for chunk in new {
            self.states.confirmed(&chunk.shipped);
        }
        self.confirmed = confirmed;
        let now = self.shipping.clock.elapsed();
        let (chunks, state) = (
            self.shipper.acknowledged(),
            self.shipper.acknowledged_state(),
        );
        self.states.told(chunks);
        self.states.acknowledged(state, now);
        let is_ahead =
            std::mem::replace(&mut self.acknowledged, (chunks, state)) != (chunks, state);
        if is_ahead {
            self.backoff.reset();
        }
        let mut end = None;
        while self
            .in_flight
            .front()
            .is_some_and(|chunk| chunk.number < chunks)
        {
            end = self.in_flight.pop_front().map(|chunk| chunk.shipped.end);
        }
        if let Some(end) = end {
            self.shipping.source.replicated(end.sequence);
        }
        let in_flight = self.in_flight.iter().map(|chunk| chunk.bytes).sum();
        let mended = self.states.mended();
        self.shipping.board.note(|noted| {
            if let Some(end) = end {
                noted.replicated(end.sequence);
            }
            (noted.chunks, noted.state, noted.in_flight_bytes) = (chunks, state, in_flight);
            noted.mended(mended);
            if is_ahead {
                (noted.last_error, noted.next_try) = (None, None);
            }
        });
    }
}
