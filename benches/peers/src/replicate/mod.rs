//! `replicate`: a store that is shipped to a bucket while it is written, beside SQLite and Litestream.
//!
//! The bucket is a server in this process that waits 30 ms before it does anything. Everything is measured in the same way on both
//! sides: whether bytes are in the bucket is seen in its objects. Appends that wait until they are replicated are Strandline's alone:
//! Litestream has none.
//!
//! Knows the engines and Strandline; nothing else of this crate knows it.

mod far;
mod litestream;
mod measure;
mod pair;

use far::Spent;
use measure::at;
use pair::Setup;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strandline_benches::engine::{Durability, Failure};

/// What is measured, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The program: this fetches nothing. Its README says where it comes from.
    #[arg(long, value_name = "PATH")]
    litestream: PathBuf,
    /// What to measure; all if nothing is named.
    #[arg(value_enum, value_name = "WORK")]
    works: Vec<Work>,
    /// How often appends and restores are measured; the medians are printed.
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// For how many seconds events are appended.
    #[arg(long, value_name = "S", default_value = "3")]
    seconds: u64,
    /// For how many seconds requests are counted.
    #[arg(long, value_name = "S", default_value = "120", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    cost_seconds: u64,
    /// Events whose way to the bucket is timed.
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u64).range(1..))]
    lag_events: u64,
    /// Events that are restored: with 2,500,000 either store has about 1 GB.
    #[arg(long, value_name = "N", default_value = "2500000")]
    restore_events: u64,
    /// How often Litestream, and a shipper, look and send: with commas between them, in milliseconds.
    #[arg(
        long,
        value_name = "MS",
        default_value = "1000,10",
        value_delimiter = ','
    )]
    every: Vec<u64>,
    /// Directory for the stores, on the disk that is to be measured.
    #[arg(long, value_name = "DIR", default_value = "target")]
    dir: PathBuf,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Work {
    /// What shipping costs those who append.
    Append,
    /// How long a commit takes to the bucket.
    Lag,
    /// How long a new store of the bucket takes.
    Restore,
    /// What is asked of the bucket in a day.
    Cost,
}

/// Seconds of a day.
const DAY: u64 = 86_400;
/// Events a second where requests are counted.
const COST_EVENTS: u32 = 10;

/// Measures, and prints tables as it goes.
///
/// # Errors
///
/// What kept it from measuring.
pub fn run(options: &Options) -> Result<(), Failure> {
    let version = litestream::version(&options.litestream)?;
    println!(
        "Litestream {version}; each request waits {:?}",
        far::LATENCY
    );
    std::fs::create_dir_all(&options.dir)?;
    let wants = |work| options.works.is_empty() || options.works.contains(&work);
    if wants(Work::Append) {
        appends(options)?;
    }
    if wants(Work::Lag) {
        lags(options)?;
    }
    if wants(Work::Restore) {
        restores(options)?;
    }
    if wants(Work::Cost) {
        costs(options)?;
    }
    Ok(())
}

impl Options {
    fn intervals(&self) -> impl Iterator<Item = Duration> {
        self.every.iter().copied().map(Duration::from_millis)
    }

    /// Stores with what ships them, at each interval.
    fn shipped(&self) -> Vec<Setup> {
        let litestream = self.intervals().map(Setup::Litestream);
        litestream
            .chain(self.intervals().map(Setup::Shipped))
            .collect()
    }

    /// Does something with a new directory.
    fn within<T>(&self, work: impl FnOnce(&Path) -> Result<T, Failure>) -> Result<T, Failure> {
        let dir = tempfile::Builder::new()
            .prefix("replicate-")
            .tempdir_in(&self.dir)?;
        // Litestream is told of the place, not started in it.
        work(&dir.path().canonicalize()?)
    }
}

/// The one of several outcomes that is in the middle by a figure.
fn middle<T>(mut all: Vec<T>, figure: impl Fn(&T) -> f64) -> Option<T> {
    all.sort_by(|a, b| figure(a).total_cmp(&figure(b)));
    let middle = all.len() / 2;
    (middle < all.len()).then(|| all.swap_remove(middle))
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64() * 1e3)
}

fn appends(options: &Options) -> Result<(), Failure> {
    println!(
        "\n| | events a commit | | events/s | a call, p50, p99, longest, ms | last commit in the bucket after, ms | bytes sent, an event |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut setups = vec![Setup::Sqlite];
    setups.extend(options.shipped());
    setups.insert(1 + options.every.len(), Setup::Strandline);
    for (size, durability) in [
        (1, Durability::Written),
        (100, Durability::Written),
        (1, Durability::Synced),
        (100, Durability::Synced),
    ] {
        let mut outcomes: Vec<_> = setups.iter().map(|setup| (*setup, Vec::new())).collect();
        // In turns, so that what else the machine does disturbs all alike.
        for _ in 0..options.runs {
            for (setup, outcomes) in &mut outcomes {
                outcomes.push(options.within(|dir| {
                    let lasts = Duration::from_secs(options.seconds);
                    let program = &options.litestream;
                    measure::append(*setup, program, dir, size, durability, lasts)
                })?);
            }
        }
        for (setup, outcomes) in outcomes {
            let Some(outcome) = middle(outcomes, |outcome| outcome.per_second) else {
                continue;
            };
            println!(
                "| {} | {size} | {durability:?} | {:.0} | {}, {}, {} | {} | {:.0} |",
                setup.name(),
                outcome.per_second,
                milliseconds(outcome.p50),
                milliseconds(outcome.p99),
                milliseconds(outcome.longest),
                outcome.behind.map_or("–".to_owned(), milliseconds),
                outcome.bytes_per_event,
            );
        }
    }
    Ok(())
}

fn lags(options: &Options) -> Result<(), Failure> {
    println!("\n| from a commit until it is in the bucket | p50, ms | p99, ms | longest, ms |");
    println!("|---|---|---|---|");
    let mut setups = options.shipped();
    setups.push(Setup::Replicated);
    for setup in setups {
        let lags = options
            .within(|dir| measure::lag(setup, &options.litestream, dir, options.lag_events))?;
        println!(
            "| {} | {} | {} | {} |",
            setup.name(),
            milliseconds(at(&lags, 0.5)),
            milliseconds(at(&lags, 0.99)),
            milliseconds(at(&lags, 1.0)),
        );
    }
    Ok(())
}

fn restores(options: &Options) -> Result<(), Failure> {
    println!(
        "\n| restore of {} events | s | newest event read, s | bytes of the store | bytes in the bucket | reads, lists |",
        options.restore_events
    );
    println!("|---|---|---|---|---|---|");
    let every = Duration::from_secs(1);
    for setup in [Setup::Litestream(every), Setup::Shipped(every)] {
        let mut outcomes = Vec::new();
        for _ in 0..options.runs {
            outcomes.push(options.within(|dir| {
                measure::restored(setup, &options.litestream, dir, options.restore_events)
            })?);
        }
        let Some(outcome) = middle(outcomes, |outcome| outcome.took.as_secs_f64()) else {
            continue;
        };
        println!(
            "| {} | {:.2} | {:.2} | {} | {} in {} objects | {}, {} |",
            setup.name(),
            outcome.took.as_secs_f64(),
            outcome.read.as_secs_f64(),
            outcome.local_bytes,
            outcome.bucket_bytes,
            outcome.objects,
            outcome.requests.reads,
            outcome.requests.lists,
        );
    }
    Ok(())
}

fn costs(options: &Options) -> Result<(), Failure> {
    println!(
        "\n| a day of {COST_EVENTS} events/s, by {} s of it | writes | lists | reads | deletes | bytes sent |",
        options.cost_seconds
    );
    println!("|---|---|---|---|---|---|");
    let lasts = Duration::from_secs(options.cost_seconds);
    let setups = options.shipped();
    // Side by side: so few events leave the machine at rest.
    let outcomes: Vec<Result<Spent, String>> = std::thread::scope(|scope| {
        let works: Vec<_> = setups
            .iter()
            .map(|setup| {
                scope.spawn(move || {
                    let outcome = options.within(|dir| {
                        measure::cost(*setup, &options.litestream, dir, COST_EVENTS, lasts)
                    });
                    outcome.map_err(|failure| failure.to_string())
                })
            })
            .collect();
        let ended = works.into_iter().map(|work| work.join());
        ended
            .map(|outcome| outcome.unwrap_or_else(|_| Err("it panicked".to_owned())))
            .collect()
    });
    for (setup, outcome) in setups.iter().zip(outcomes) {
        let spent = outcome?;
        let a_day = |count: u64| count * DAY / options.cost_seconds;
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            setup.name(),
            a_day(spent.writes),
            a_day(spent.lists),
            a_day(spent.reads),
            a_day(spent.deletes),
            a_day(spent.bytes_sent),
        );
    }
    Ok(())
}
