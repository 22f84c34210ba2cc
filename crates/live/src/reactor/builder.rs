//! `ReactorBuilder`: how a reactor is to work, until it is started.

use super::backoff::Backoff;
use super::failure::{Context, Failure};
use super::partition_by::PartitionBy;
use super::running::RunningReactor;
use super::schedule::Limits;
use super::settings::Settings;
use super::worker::Handler;
use crate::handle::{LEASE, Live, VERSION};
use crate::{ConsumerInfo, ConsumerKind, Error};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use strandline::{OpenPayload, Query, Start, StoredEvent};

/// How a reactor is to work: what [`Live::reactor`] gives.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use strandline::{Coordinate, Event, EventKind, Region, Store};
/// use strandline_live::{Failure, Live};
///
/// # let dir = tempfile::tempdir()?;
/// let store = Arc::new(Store::open(dir.path().join("shop"))?);
/// let live = Live::open(&store)?;
/// let mailer = live.reactor("mailer", Region::all().scope("eu/payments")).tries(3).start(|event, _| {
///     println!("to the customer of {}: {:?}", event.coordinate.entity(), event.payload()?);
///     Ok(())
/// })?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// let receipt = store.append(&order, Event::bytes(EventKind::new(1, 1), *b"paid"))?;
/// assert!(mailer.wait_until(&receipt, Duration::from_secs(60))?);
/// mailer.stop()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a reactor does nothing until it is started"]
pub struct ReactorBuilder {
    live: Live,
    name: String,
    query: Query,
    start: Start,
    partitions: u32,
    by: PartitionBy,
    limits: Limits,
    save_interval: Duration,
    save_events: u64,
    lease: Duration,
    opener: Option<Arc<dyn OpenPayload>>,
}

impl fmt::Debug for ReactorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReactorBuilder")
            .field("name", &self.name)
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}

impl Live {
    /// A reactor, which calls a handler for each event of a query: those that are there, and those that come. It goes on
    /// from where it was under this name.
    ///
    /// An event is handled *at least once*: again after a crash, if it was handled since the last save. Events of an
    /// entity are handled in the order of the log, one after the other, retries and replays included.
    pub fn reactor(&self, name: impl Into<String>, query: impl Into<Query>) -> ReactorBuilder {
        ReactorBuilder {
            live: self.clone(),
            name: name.into(),
            query: query.into(),
            start: Start::Beginning,
            partitions: 1,
            by: PartitionBy::Entity,
            limits: Limits {
                tries_max: 5,
                backoff: Backoff::default(),
                parked_max: 10_000,
            },
            save_interval: Duration::from_secs(1),
            save_events: 10_000,
            lease: LEASE,
            opener: None,
        }
    }
}

impl ReactorBuilder {
    /// Where it begins when there is nothing of this name yet. The beginning of the log, if nothing else is said.
    pub fn from(mut self, start: impl Into<Start>) -> Self {
        self.start = start.into();
        self
    }

    /// In how many parts events are handled at the same time, each by a thread: 1 to
    /// [`PARTITIONS_MAX`](crate::PARTITIONS_MAX), 1 by default. Fixed when the reactor is first started. Each part
    /// looks through what the index has of the query, and reads its own events alone.
    pub const fn partitions(mut self, partitions: u32) -> Self {
        self.partitions = partitions;
        self
    }

    /// Which events are handled in their order. Fixed when the reactor is first started. By entity, if nothing else is
    /// said.
    pub const fn by(mut self, by: PartitionBy) -> Self {
        self.by = by;
        self
    }

    /// How often an event is tried before it is parked; 5 by default, and 0 is 1.
    pub fn tries(mut self, tries_max: u32) -> Self {
        self.limits.tries_max = tries_max.max(1);
        self
    }

    /// How long a failed event waits to be tried again.
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.limits.backoff = backoff;
        self
    }

    /// How many entities may be parked in a partition; with one more it stops with
    /// [`ErrorKind::TooManyParked`](crate::ErrorKind::TooManyParked), for then something is wrong with more than some
    /// entities. 10,000 by default.
    pub const fn parked_max(mut self, parked_max: usize) -> Self {
        self.limits.parked_max = parked_max;
        self
    }

    /// When it is saved how far a partition is: after so long, or so many events, whichever comes first; a second and
    /// 10,000 by default. So many may be handled again after a crash. A save is two syncs of the disk: after each
    /// event is what throughput suffers from most.
    pub fn save_every(mut self, interval: Duration, events: u64) -> Self {
        self.save_interval = interval;
        self.save_events = events.max(1);
        self
    }

    /// For how long a partition is held by a process that lives and does not renew it, 30 seconds by default. It is
    /// renewed also while a handler takes longer, or hangs: were the partition given to another worker then, two would
    /// be at the same event.
    ///
    /// Of a handler that has not returned for a minute [`Live::status`] says [`Stalled`](crate::Condition::Stalled), with
    /// the event and since when in [`last_error`](crate::PartitionStatus::last_error). Nothing else ends that: a thread
    /// cannot be stopped, so its process is to be ended, which gives the partition back at once. If the event would hang
    /// again, its entity is [parked](Live::park) before the reactor is started anew. A handler that calls others gives
    /// them a time limit, and fails after that.
    pub const fn lease(mut self, time: Duration) -> Self {
        self.lease = time;
        self
    }

    /// Opens sealed payloads before the handler is called (`strandline-seal` has what does). Of an event whose key was
    /// forgotten the handler is told ([`StoredEvent::is_forgotten`]); one that cannot be opened is a try that failed.
    /// Nothing that was opened is kept. Default: a sealed event is given as it is.
    pub fn opening(mut self, opener: Arc<dyn OpenPayload>) -> Self {
        self.opener = Some(opener);
        self
    }

    /// Starts the reactor: a thread for each partition, and one that renews leases. A partition that another process
    /// holds is waited for.
    ///
    /// A panic of the handler is a try that failed. The handler runs on threads of the reactor, of several partitions at
    /// the same time, and may use the store.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a name or number that cannot be, and a query with a limit; `OtherConsumer` if the name is
    /// another kind's, or has another number of partitions; `Corrupt`, `UnsupportedVersion`, `Io`.
    pub fn start<F>(self, handler: F) -> Result<RunningReactor, Error>
    where
        F: Fn(&StoredEvent, &Context<'_>) -> Result<(), Failure> + Send + Sync + 'static,
    {
        let info = ConsumerInfo::new(self.name.as_str(), ConsumerKind::Reactor, self.partitions)?;
        // What cannot be followed is said before anything is made.
        drop(self.live.store().follow(&self.query, Start::Now)?);
        let consumer = self.live.consumer_as(&info, VERSION)?;
        let settings = Settings {
            name: self.name,
            query: self.query,
            start: self.start,
            partitions: self.partitions,
            by: self.by,
            limits: self.limits,
            save_interval: self.save_interval,
            save_events: self.save_events,
            lease: self.lease,
        };
        let handler: Arc<Handler> =
            match self.opener {
                None => Arc::new(handler),
                Some(opener) => Arc::new(move |event: &StoredEvent, context: &Context<'_>| {
                    match event.is_sealed() {
                        true => handler(&opener.open_payload(event.clone())?, context),
                        false => handler(event, context),
                    }
                }),
            };
        RunningReactor::start(self.live, &consumer, settings, handler)
    }
}
