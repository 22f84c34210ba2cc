//! A thread that waits until more of the log is durable, lets a little more come, and tells the shipper: at most once
//! in an interval, unless an append waits.

use super::ask::Stop;
use super::error::ReplicateError;
use super::options::ReplicateOptions;
use super::source::Source;
use std::time::Duration;
use strandline_core::Clock;
use strandline_core::sync::thread;
use strandline_segment::LogPosition;

/// How long is waited at most without a look whether to stop.
const LOOK: Duration = Duration::from_millis(200);

/// Watches until it is to stop or `tell` says that nobody listens.
pub(crate) fn watch(
    source: &Source,
    options: &ReplicateOptions,
    stop: &Stop,
    clock: &dyn Clock,
    from: LogPosition,
    tell: impl Fn(Result<LogPosition, ReplicateError>) -> bool,
) {
    let mut told = from;
    // What comes into a store at rest goes at once.
    let mut next = Duration::ZERO;
    while !stop.is_stopped() {
        let end = match source.wait_durable(told, LOOK) {
            Ok(false) => continue,
            Ok(true) => {
                let rest = next.saturating_sub(clock.elapsed());
                let end = linger(source, options, stop, rest);
                next = clock.elapsed().saturating_add(options.interval);
                end
            }
            Err(error) => Err(error),
        };
        let is_over = end.is_err();
        if let Ok(end) = &end {
            told = *end;
        }
        if !tell(end) || is_over {
            return;
        }
    }
}

/// Where the log ends once it was given a little time, or what is left of the interval if nobody waits for it.
fn linger(
    source: &Source,
    options: &ReplicateOptions,
    stop: &Stop,
    rest: Duration,
) -> Result<LogPosition, ReplicateError> {
    let step = options
        .linger
        .clamp(Duration::from_millis(1), Duration::from_millis(20));
    let mut waited = Duration::ZERO;
    while waited < rest.max(options.linger) && !stop.is_stopped() {
        if waited >= options.linger && source.is_awaited() {
            break;
        }
        // No longer than it was asked for.
        let left = options.linger.saturating_sub(waited);
        let step = if left.is_zero() { step } else { step.min(left) };
        thread::sleep(step);
        waited = waited.saturating_add(step);
    }
    source.durable_end()
}
