//! Taking figures: the clock, latencies, and what keeps the machine from skipping the work.

use super::work::Job;
use crate::engine::Failure;
use crate::results::{Measured, Unit};
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// The time now: benchmarks measure it, so the clock seam of the store is not for them.
#[expect(
    clippy::disallowed_methods,
    reason = "measures, and is no part of a store"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// What `work` returns, and how long it took.
pub(super) fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration), E> {
    let started = now();
    let outcome = work()?;
    Ok((outcome, started.elapsed()))
}

/// Reads enough of a payload that it must have come to the processor.
pub(super) fn touch(payload: &[u8]) {
    let line = payload.iter().step_by(64);
    std::hint::black_box(line.fold(0_u8, |sum, byte| sum ^ byte));
}

/// An error of a store, as one of ours.
pub(super) fn failed(failure: Failure) -> anyhow::Error {
    anyhow::Error::from_boxed(failure)
}

/// Numbers without an order: xorshift64 (Marsaglia, 2003).
pub(super) fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Latencies in nanoseconds, to three digits.
pub(super) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new(3)?)
}

pub(super) fn note(latencies: &mut Histogram<u64>, latency: Duration) {
    // A histogram that grows by itself takes every figure.
    let _ = latencies.record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
}

/// p50, p99, p99.9 and the longest, in microseconds.
pub(super) fn percentiles<'a>(
    job: &'a Job,
    work: &'a str,
    latencies: &'a Histogram<u64>,
) -> impl Iterator<Item = Measured> + 'a {
    let at = |quantile| latencies.value_at_quantile(quantile);
    let figures = [
        ("p50", at(0.5)),
        ("p99", at(0.99)),
        ("p99.9", at(0.999)),
        ("max", latencies.max()),
    ];
    figures.into_iter().map(move |(name, nanoseconds)| {
        let value = nanoseconds as f64 / 1e3;
        job.measured(&format!("{work}/{name}"), value, Unit::Microseconds)
    })
}
