//! Telling the recorder of metrics how consumers are: the table of `docs/metrics.md`.

use super::Live;
use crate::model::{Condition, Counters, Error, Status};
use ::metrics::{SharedString, Unit};

const LAG_EVENTS: &str = "strandline_consumer_lag_events";
const LAG_SECONDS: &str = "strandline_consumer_lag_seconds";
const SEQUENCE: &str = "strandline_consumer_sequence";
const PARKED_KEYS: &str = "strandline_consumer_parked_keys";
const FAULTED: &str = "strandline_consumer_faulted";
const HANDLED: &str = "strandline_consumer_handled_events_total";
const FAILED: &str = "strandline_consumer_failed_tries_total";

/// The gauges, as a recorder is told of them.
const GAUGES: [(&str, Unit, &str); 5] = [
    (
        LAG_EVENTS,
        Unit::Count,
        "events at most that the consumer has not handled or parked",
    ),
    (LAG_SECONDS, Unit::Seconds, "how old the first of these is"),
    (
        SEQUENCE,
        Unit::Count,
        "events before this sequence are handled or parked, in all partitions",
    ),
    (PARKED_KEYS, Unit::Count, "keys that wait for a person"),
    (
        FAULTED,
        Unit::Count,
        "1 if a partition has stopped with an error, or its worker has",
    ),
];

const COUNTERS: [(&str, &str); 2] = [
    (HANDLED, "events that were handled or applied, as saved"),
    (FAILED, "calls of a handler that failed, as saved"),
];

impl Live {
    /// Tells the recorder of the crate `metrics` how each consumer is, as [`status`](Self::status) says: the gauges and
    /// counters of `docs/metrics.md`. Call it before what was recorded is fetched, or every few seconds. Reads the state
    /// of each partition.
    ///
    /// # Errors
    ///
    /// As [`status`](Self::status), of the first consumer of which that cannot be told; it is told of the others all the
    /// same.
    pub fn report_metrics(&self) -> Result<(), Error> {
        for (name, unit, says) in GAUGES {
            ::metrics::describe_gauge!(name, unit, says);
        }
        for (name, says) in COUNTERS {
            ::metrics::describe_counter!(name, Unit::Count, says);
        }
        let store: SharedString = self.store().dir().to_string_lossy().into_owned().into();
        let (consumers, unreadable) = self.consumers_readable()?;
        let mut first = unreadable.into_iter().next();
        for consumer in &consumers {
            match self.status(&consumer.name) {
                Ok(status) => tell(&store, &status),
                Err(error) => first = first.or(Some(error)),
            }
        }
        first.map_or(Ok(()), Err)
    }
}

fn tell(store: &SharedString, status: &Status) {
    let labels = [
        ::metrics::Label::new("store", store.clone()),
        ::metrics::Label::new("consumer", status.name.clone()),
    ];
    let gauges = [
        (LAG_EVENTS, float(status.behind)),
        (LAG_SECONDS, status.behind_time.as_secs_f64()),
        (SEQUENCE, float(status.sequence.get())),
        (PARKED_KEYS, float(status.parked as u64)),
        (
            FAULTED,
            float(u64::from(status.condition == Condition::Faulted)),
        ),
    ];
    for (name, value) in gauges {
        ::metrics::gauge!(name, labels.iter()).set(value);
    }
    let count = |of: fn(&Counters) -> u64| {
        let partitions = status.partitions.iter();
        partitions.map(|partition| of(&partition.counters)).sum()
    };
    ::metrics::counter!(HANDLED, labels.iter()).absolute(count(|counters| counters.handled));
    ::metrics::counter!(FAILED, labels.iter()).absolute(count(|counters| counters.failed));
}

/// Exact below 2⁵³, as all that is told here is.
#[expect(clippy::cast_precision_loss, reason = "a recorder takes no integers")]
const fn float(value: u64) -> f64 {
    value as f64
}
