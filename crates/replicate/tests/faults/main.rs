//! Stories of a log on object storage, by seeds: at each request something may go wrong, and writers, takers and
//! replicas are killed, held and raced, on disks that lose what was not synced. What was acknowledged as replicated is
//! in every later log, no two writers acknowledge what contradicts, and no replica has shown what the log has not.
//!
//! `STRANDLINE_FAULTS` says how many faults are met before it ends, `STRANDLINE_FAULTS_SEED` the first seed, which alone
//! is run if there is no number: `cargo xtask faults --count 10000`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod late;
mod ledger;
mod line;
mod process;
mod replica;
mod sea;
mod story;

use sea::Counts;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const FAULTS: &str = "STRANDLINE_FAULTS";
const SEED: &str = "STRANDLINE_FAULTS_SEED";
/// How many faults are met by default.
const FAULTS_DEFAULT: u64 = 300;
/// Stories at a time: each waits most of its time.
const THREADS: usize = 4;

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number")),
    )
}

#[test]
fn nothing_acknowledged_is_lost_and_nobody_writes_twice() {
    let (faults, first) = (number(FAULTS), number(SEED));
    if let (None, Some(seed)) = (faults, first) {
        println!("seed {seed}: {:?}", story::run(seed));
        return;
    }
    let faults = faults.unwrap_or(FAULTS_DEFAULT);
    let next = AtomicU64::new(first.unwrap_or(0));
    let (met, all) = (AtomicU64::new(0), Mutex::new(Counts::new()));
    let failed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let run = || {
            while met.load(Ordering::SeqCst) < faults && failed.load(Ordering::SeqCst) == 0 {
                let seed = next.fetch_add(1, Ordering::SeqCst);
                let counts = std::panic::catch_unwind(|| story::run(seed));
                let Ok(counts) = counts else {
                    failed.fetch_add(1, Ordering::SeqCst);
                    return;
                };
                met.fetch_add(counts.values().sum(), Ordering::SeqCst);
                let mut all = all.lock().unwrap();
                for (what, count) in counts {
                    *all.entry(what).or_default() += count;
                }
            }
        };
        for _ in 0..THREADS {
            scope.spawn(run);
        }
    });
    assert_eq!(failed.into_inner(), 0, "a story went wrong: see above");
    let stories = next.into_inner() - first.unwrap_or(0);
    println!("{} faults in {stories} stories:", met.into_inner());
    for (what, count) in &*all.lock().unwrap() {
        println!("{count:8} {what}");
    }
}
