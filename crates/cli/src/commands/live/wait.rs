//! Waiting for whoever does what was asked.

use super::say::overdue as overdue_of;
use super::target::Target;
use crate::output::note;
use crate::terminal::duration;
use std::time::Duration;
use strandline::{Clock, SystemClock};
use strandline_live::{Asked, Live};

/// How often it is told that something is still waited for: first, and then.
const FIRST_NOTE: Duration = Duration::from_secs(1);
const NOTE_INTERVAL: Duration = Duration::from_secs(5);
/// Longest time to wait: a day.
const SECONDS_MAX: u64 = 86_400;

/// What asks a worker, and for how long it is waited.
#[derive(Debug, clap::Args)]
pub(super) struct WaitArgs {
    /// How long to wait for the process that works on the consumer, in seconds. What is not done by then is taken
    /// back.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds, allow_negative_numbers = true)]
    timeout: u64,
}

fn seconds(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds <= SECONDS_MAX);
    seconds.ok_or_else(|| format!("it is a number of seconds, from 0 to {SECONDS_MAX}"))
}

/// Waits until what was asked is done.
///
/// # Errors
///
/// If it is not after the time: it is taken back then. As [`Asked::wait`].
pub(super) fn wait(
    target: &Target<'_>,
    name: &str,
    mut asked: Asked,
    args: &WaitArgs,
) -> anyhow::Result<()> {
    let clock = SystemClock::default();
    let timeout = Duration::from_secs(args.timeout);
    let mut pause = FIRST_NOTE;
    loop {
        let left = timeout.saturating_sub(clock.elapsed());
        if asked.wait(pause.min(left))? {
            return Ok(());
        }
        if clock.elapsed() >= timeout {
            break;
        }
        note(format_args!(
            "waiting for {}, {} of {} s",
            workers(&target.live, name),
            clock.elapsed().as_secs(),
            args.timeout
        ));
        pause = NOTE_INTERVAL;
    }
    let workers = workers(&target.live, name);
    let lease = lease(&target.live, name);
    let overdue = target.live.status(name).ok();
    let overdue = overdue.as_ref().and_then(overdue_of);
    asked.take_back()?;
    if let Some(overdue) = overdue {
        note(format_args!(
            "{overdue}; another worker that is started takes its place"
        ));
    }
    anyhow::bail!(
        "{workers} has not done it in {} s, so it was taken back: it may be at one event for long, or hang; look at \
         it (`ps`, its log), end it if it hangs, and give the command again, which does it itself where nobody works; \
         another worker that is started takes over once the lease{lease} has run out without being renewed; \
         if it was at it in this moment it may do it all the same: `{}` tells",
        args.timeout,
        target.command("show", &[name])
    )
}

/// For how long who works on a consumer holds it without renewing that, for people.
fn lease(live: &Live, name: &str) -> String {
    let status = live.status(name).ok();
    let partitions = status.map(|status| status.partitions).unwrap_or_default();
    let holders = partitions.iter().filter_map(|one| one.holder);
    let longest = holders.map(|holder| holder.lease_ms).max();
    longest.map_or_else(String::new, |ms| {
        format!(" of {}", duration(Duration::from_millis(ms)))
    })
}

/// Who works on a consumer, for people.
fn workers(live: &Live, name: &str) -> String {
    let status = live.status(name).ok();
    let partitions = status.map(|status| status.partitions).unwrap_or_default();
    let holders = partitions.iter().filter_map(|one| one.holder);
    let mut pids: Vec<_> = holders.map(|holder| holder.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    let pids: Vec<_> = pids.iter().map(u32::to_string).collect();
    match pids.as_slice() {
        [] => "whoever works on it".to_owned(),
        [pid] => format!("process {pid}"),
        pids => format!("one of the processes {}", pids.join(", ")),
    }
}
