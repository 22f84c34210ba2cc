//! Executing: load, decide, append on the version that was decided on, and again if that is another by then.

use super::handle::{Repository, coordinate};
use crate::attempt::{Appended, Retries, answer, append};
use crate::kept::{Head, Held};
use crate::{Aggregate, ExecuteError, ExecuteOptions, Executed};
use std::sync::Arc;
use strandline::{Coordinate, Error, Event, ExpectedVersion, Receipt};

impl<A: Aggregate> Repository<A> {
    /// Executes a command: loads the aggregate, decides, and appends the events, all or none.
    ///
    /// Returns when they are visible and as durable as the store's options ask. If another writer was faster, it is
    /// loaded and decided anew ([`Retry`](crate::Retry)); so no decision rests on a state that was not the newest.
    ///
    /// # Errors
    ///
    /// [`Rejected`](ExecuteError::Rejected), [`Conflict`](ExecuteError::Conflict), and
    /// [`Store`](ExecuteError::Store) as [`load`](Self::load) and
    /// [`Store::append`](strandline::Store::append) say.
    pub fn execute(
        &self,
        id: &str,
        command: &A::Command,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        self.execute_with(id, command, &ExecuteOptions::new())
    }

    /// Executes a command with options of its own.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use std::sync::Arc;
    /// # use strandline::{EventEnum, EventPayload, Store};
    /// # use strandline_aggregate::{Aggregate, CommandId, ExecuteOptions, Repository};
    /// # #[derive(Serialize, Deserialize, EventPayload)]
    /// # #[event(kind(0x1, 0x001), name = "counted")]
    /// # struct Counted { by: u64 }
    /// # #[derive(EventEnum)]
    /// # enum CounterEvent { Counted(Counted) }
    /// # #[derive(Clone, Default)]
    /// # struct Counter { count: u64 }
    /// # impl Aggregate for Counter {
    /// #     const NAME: &'static str = "counter";
    /// #     type Event = CounterEvent;
    /// #     type Command = u64;
    /// #     type Error = std::convert::Infallible;
    /// #     fn decide(&self, by: &u64) -> Result<Vec<CounterEvent>, Self::Error> {
    /// #         Ok(vec![Counted { by: *by }.into()])
    /// #     }
    /// #     fn evolve(&mut self, CounterEvent::Counted(counted): &CounterEvent) {
    /// #         self.count += counted.by;
    /// #     }
    /// # }
    /// # let dir = tempfile::tempdir()?;
    /// let store = Arc::new(Store::open(dir.path().join("counts.strand"))?);
    /// let counters = Repository::<Counter>::new(&store)?;
    /// // Asked twice, by somebody who did not hear the first answer.
    /// let id = CommandId::new("8b4fe342-5135-463d-9fd7-6997832a9ffe").with_content(&3)?;
    /// let options = ExecuteOptions::new().command_id(id);
    /// let first = counters.execute_with("visits", &3, &options)?;
    /// let again = counters.execute_with("visits", &3, &options)?;
    /// assert!(again.repeated && again.receipts[0].id == first.receipts[0].id);
    /// assert_eq!(again.state.count, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute); [`CommandIdTaken`](ExecuteError::CommandIdTaken).
    pub fn execute_with(
        &self,
        id: &str,
        command: &A::Command,
        options: &ExecuteOptions,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        self.decide_with(id, options, |state| state.decide(command))
    }

    /// Executes what a closure decides in place of [`Aggregate::decide`]: with services that the caller has, or with
    /// errors of its own. It may be called several times, each time on a newer state.
    ///
    /// # Errors
    ///
    /// As [`execute_with`](Self::execute_with).
    pub fn decide_with<E>(
        &self,
        id: &str,
        options: &ExecuteOptions,
        mut decide: impl FnMut(&A) -> Result<Vec<A::Event>, E>,
    ) -> Result<Executed<A>, ExecuteError<E>> {
        self.store.check_writable()?;
        let coordinate = coordinate::<A>(id)?;
        let mut retries = Retries::new(options.retry, &self.random);
        loop {
            let known = self.known(&coordinate);
            let snapshot = self.store.snapshot();
            if let Some(command) = &options.command_id {
                let entity = Some(coordinate.entity());
                if let Some(answer) = answer(&snapshot, &self.registry, command, entity)? {
                    let answer = answer.durable(&self.store, options.durability)?;
                    let held = self.read(&snapshot, &coordinate, known)?;
                    let held = self.keep(&coordinate, held);
                    let events = answer.events.into_iter().map(|(_, event)| event).collect();
                    return Ok(executed(held, events, answer.receipts, 0));
                }
            }
            let held = self.read(&snapshot, &coordinate, known)?;
            let tries = retries.count();
            let events = match decide(&held.state) {
                Ok(events) if events.is_empty() => {
                    let held = self.keep(&coordinate, held);
                    return Ok(executed(held, events, Vec::new(), tries));
                }
                Ok(events) => events,
                Err(error) => {
                    self.keep(&coordinate, held);
                    return Err(ExecuteError::Rejected(error));
                }
            };
            let batch = batch::<A>(&coordinate, &events, held.version())?;
            let place = (&*self.store, self.sealing.as_deref());
            match append(place, batch, None, options)? {
                Appended::Done(receipts) => {
                    self.take(&coordinate);
                    let held = self.keep(&coordinate, evolved(held, &events, &receipts));
                    return Ok(executed(held, events, receipts, tries));
                }
                Appended::Repeated(receipts) => {
                    self.keep(&coordinate, held);
                    // Under an id of the command it is found where it begins anew; else it would not be.
                    if options.command_id.is_none() {
                        return self.repeated(&coordinate, events, receipts, tries);
                    }
                }
                Appended::Conflict(conflict) => {
                    self.keep(&coordinate, held);
                    retries.wait(conflict)?;
                }
            }
        }
    }

    /// What became of events of which some were there under ids of their own.
    fn repeated<E>(
        &self,
        coordinate: &Coordinate,
        events: Vec<A::Event>,
        receipts: Vec<Receipt>,
        tries: u32,
    ) -> Result<Executed<A>, ExecuteError<E>> {
        let known = self.known(coordinate);
        let held = self.read(&self.store.snapshot(), coordinate, known)?;
        let held = self.keep(coordinate, held);
        let repeated = receipts.iter().all(|receipt| receipt.repeated);
        Ok(Executed {
            repeated,
            ..executed(held, events, receipts, tries)
        })
    }
}

/// The events to append to a stream of this version.
fn batch<A: Aggregate>(
    coordinate: &Coordinate,
    events: &[A::Event],
    version: Option<u32>,
) -> Result<Vec<(Coordinate, Event)>, Error> {
    let mut batch = Vec::with_capacity(events.len());
    for event in events {
        let mut event = A::to_event(event)?;
        // The others follow the first.
        if batch.is_empty() {
            event = event.expecting(ExpectedVersion::of(version));
        }
        batch.push((coordinate.clone(), event));
    }
    Ok(batch)
}

/// The state after the events that were appended.
fn evolved<A: Aggregate>(mut held: Held<A>, events: &[A::Event], receipts: &[Receipt]) -> Held<A> {
    let state = Arc::make_mut(&mut held.state);
    for event in events {
        state.evolve(event);
    }
    if let Some(last) = receipts.last() {
        held.head = Some(Head {
            clock: last.clock,
            hash: last.hash,
        });
    }
    held
}

fn executed<A: Aggregate>(
    held: Held<A>,
    events: Vec<A::Event>,
    receipts: Vec<Receipt>,
    tries: u32,
) -> Executed<A> {
    Executed {
        events,
        receipts,
        version: held.version(),
        state: held.state,
        repeated: tries == 0,
        tries,
    }
}
