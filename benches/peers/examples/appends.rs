//! Appends to one peer, to be run under strace: `appends PEER written|synced EVENTS_A_CALL CALLS
//! [THREADS]`. Prints `appending` and `appended` around the work, and the rate.

use std::time::Instant;
use strandline_benches::engine::{Durability, Failure};
use strandline_benches::workload::Workload;
use strandline_peers::ENTRIES;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize| arguments.get(at).map(String::as_str);
    let number = |at: usize, otherwise: u64| argument(at).map_or(Ok(otherwise), str::parse);
    let name = argument(0).ok_or("name a peer")?;
    let entry = ENTRIES
        .iter()
        .find(|entry| entry.name == name)
        .ok_or("no such peer")?;
    let durability = match argument(1) {
        Some("written") => Durability::Written,
        Some("synced") => Durability::Synced,
        _ => return Err("written or synced?".into()),
    };
    let (size, calls, threads) = (number(2, 1)?, number(3, 500)?, number(4, 1)?);

    let directory = tempfile::tempdir()?;
    let work = Workload::regular(size * calls * threads);
    let engine = (entry.open)(directory.path())?;
    // The first append may have settings to change.
    let first: Vec<_> = (0..size).map(|n| work.event(n)).collect();
    engine.append(&first, durability)?;
    eprintln!("appending");
    let start = Instant::now();
    std::thread::scope(|scope| {
        let run = |thread: u64| -> Result<(), Failure> {
            for call in 0..calls {
                let first = (thread * calls + call) * size;
                let events: Vec<_> = (first..first + size).map(|n| work.event(n)).collect();
                engine.append(&events, durability)?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || run(thread)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    eprintln!("appended");
    println!(
        "{name}: {:.0} events/s",
        work.events() as f64 / seconds.max(f64::EPSILON)
    );
    engine.close()
}
