//! How a projection is started.

use super::definition::{EntityProjection, Projection};
use super::fold::{ByEntity, Whole};
use super::options::{Options, ProjectionProgress};
use super::pace::Pace;
use super::runner::Runner;
use super::running::{RunningEntityProjection, RunningProjection};
use crate::Error;
use crate::handle::Live;
use std::sync::Arc;
use std::time::Duration;
use strandline::OpenPayload;

/// A projection that is to be started: [`Live::projection`].
#[derive(Debug)]
#[must_use = "a projection does nothing until it is started"]
pub struct ProjectionBuilder<P> {
    live: Live,
    name: String,
    projection: P,
    options: Options,
}

/// A projection by entity that is to be started: [`Live::entity_projection`].
#[derive(Debug)]
#[must_use = "a projection does nothing until it is started"]
pub struct EntityProjectionBuilder<P> {
    live: Live,
    name: String,
    projection: P,
    options: Options,
}

impl Live {
    /// A projection under a name, to be started.
    pub fn projection<P: Projection>(
        &self,
        name: impl Into<String>,
        projection: P,
    ) -> ProjectionBuilder<P> {
        ProjectionBuilder {
            live: self.clone(),
            name: name.into(),
            projection,
            options: Options::new(),
        }
    }

    /// A projection with a state for each entity under a name, to be started.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use std::{sync::Arc, time::Duration};
    /// use strandline::{Coordinate, Event, EventKind, EventRef, Query, Region, Store};
    /// use strandline_live::{ApplyError, EntityProjection, Live};
    ///
    /// const PAID_IN: EventKind = EventKind::new(1, 1);
    ///
    /// struct Balances;
    ///
    /// impl EntityProjection for Balances {
    ///     const VERSION: u32 = 1;
    ///     type State = i64;
    ///
    ///     fn query(&self) -> Query {
    ///         Region::all().kind(PAID_IN).into()
    ///     }
    ///
    ///     fn apply(&self, balance: &mut i64, event: &EventRef<'_>) -> Result<(), ApplyError> {
    ///         *balance += event.payload_json::<i64>()?;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = Arc::new(Store::open(dir.path().join("bank.strand"))?);
    /// let live = Live::open(&store)?;
    /// let balances = live.entity_projection("balances", Balances).partitions(4).start()?;
    /// for account in ["account:1", "account:2", "account:1"] {
    ///     store.append(&Coordinate::new(account, "bank")?, Event::json(PAID_IN, &50)?)?;
    /// }
    /// assert!(balances.wait_caught_up(Duration::from_secs(60))?);
    /// assert_eq!(balances.read("account:1", |balance| balance.copied())?, Some(100));
    /// assert_eq!(balances.read("account:3", |balance| balance.copied())?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn entity_projection<P: EntityProjection>(
        &self,
        name: impl Into<String>,
        projection: P,
    ) -> EntityProjectionBuilder<P> {
        EntityProjectionBuilder {
            live: self.clone(),
            name: name.into(),
            projection,
            options: Options::new(),
        }
    }
}

impl<P: Projection> ProjectionBuilder<P> {
    /// When the state is saved: after `interval`, or sooner after `events` events; but never so often that more than
    /// a tenth of the time goes to it. 1 second and 1,000,000 by default. What was not saved when a process ends
    /// is applied again, to the state as it was saved.
    pub const fn save_every(mut self, interval: Duration, events: u64) -> Self {
        self.options.settings.pace = Pace { interval, events };
        self
    }

    /// For how long the projection is held by a process that neither saves nor renews that: 30 seconds by default.
    /// The place of one that is dead is taken at once.
    pub const fn lease(mut self, time: Duration) -> Self {
        self.options.settings.lease = time;
        self
    }

    /// Is told how far it is: every 32,768 events or so, when it has caught up, and when it is stopped. Called on the thread that applies events.
    pub fn on_progress(
        mut self,
        tell: impl Fn(&ProjectionProgress) + Send + Sync + 'static,
    ) -> Self {
        self.options.on_progress = Some(Arc::new(tell));
        self
    }

    /// Opens sealed payloads before events are applied (`strandline-seal` has what does). Of an event whose key was
    /// forgotten `payload` is an [`ErrorKind::Forgotten`](strandline::ErrorKind::Forgotten); one that cannot be opened
    /// cannot be applied. Default: a sealed event is applied as it is.
    ///
    /// States are of many entities, so they are under no key: what is made of opened payloads is saved as it is, and is
    /// still there when a key was forgotten, until the state is made anew ([`Live::reset`], or a higher `VERSION`). So
    /// [`saves_opened`](Self::saves_opened) has to be said too, or it does not start.
    pub fn opening(mut self, opener: Arc<dyn OpenPayload>) -> Self {
        self.options.opener = Some(opener);
        self
    }

    /// Saves states that are made of opened payloads, readable by whoever has the files.
    pub const fn saves_opened(mut self) -> Self {
        self.options.saves_opened = true;
        self
    }

    /// Starts it, on a thread of its own: where it was, or at the first event.
    ///
    /// If a lower [`VERSION`](Projection::VERSION) is served, the state is made beside that one, which stays until this one
    /// has caught up. Then this one takes its place at once, and processes with the lower one stop.
    ///
    /// # Errors
    ///
    /// `Held` if another process runs it and lives; `OtherConsumer` if the name is another kind's, or a higher version is
    /// served; `ForeignPosition` if the store was restored or is another one: [`Live::reset`] makes the state anew.
    /// `InvalidInput`, also for [`opening`](Self::opening) alone; `Corrupt`, `UnsupportedVersion`, `Io`, `Store`.
    pub fn start(self) -> Result<RunningProjection<P>, Error> {
        let fold = Whole(self.projection, self.options.checked_opener()?);
        let runner = Runner::start(&self.live, &self.name, fold, self.options)?;
        Ok(RunningProjection::new(self.live, runner))
    }
}

impl<P: EntityProjection> EntityProjectionBuilder<P> {
    /// As [`ProjectionBuilder::save_every`], of each partition.
    pub const fn save_every(mut self, interval: Duration, events: u64) -> Self {
        self.options.settings.pace = Pace { interval, events };
        self
    }

    /// As [`ProjectionBuilder::lease`].
    pub const fn lease(mut self, time: Duration) -> Self {
        self.options.settings.lease = time;
        self
    }

    /// As [`ProjectionBuilder::on_progress`], of each partition on its thread.
    pub fn on_progress(
        mut self,
        tell: impl Fn(&ProjectionProgress) + Send + Sync + 'static,
    ) -> Self {
        self.options.on_progress = Some(Arc::new(tell));
        self
    }

    /// Into how many partitions entities are divided, each with a thread: 1 by default. Fixed when it is started for
    /// the first time.
    pub const fn partitions(mut self, partitions: u32) -> Self {
        self.options.settings.partitions = partitions;
        self
    }

    /// As [`ProjectionBuilder::opening`].
    pub fn opening(mut self, opener: Arc<dyn OpenPayload>) -> Self {
        self.options.opener = Some(opener);
        self
    }

    /// As [`ProjectionBuilder::saves_opened`].
    pub const fn saves_opened(mut self) -> Self {
        self.options.saves_opened = true;
        self
    }

    /// As [`ProjectionBuilder::start`], on as many threads as there are partitions.
    ///
    /// # Errors
    ///
    /// As there; `OtherConsumer` also if it was started with another number of partitions.
    pub fn start(self) -> Result<RunningEntityProjection<P>, Error> {
        let fold = ByEntity(self.projection, self.options.checked_opener()?);
        let runner = Runner::start(&self.live, &self.name, fold, self.options)?;
        Ok(RunningEntityProjection::new(self.live, runner))
    }
}
