//! A small store, damaged in every way: a typed error, or exactly the right events, or a reported
//! shorter tail.

use super::failure::Failure;
use super::merged;
use super::trial::{DIR, Trial, files, options};
use crate::expect::{EventSpec, Shape};
use crate::verdict::{Totals, Violation, is_typed};
use strandline::fs::MemFs;
use strandline::{Batch, Durability, Region, StoredEvent};

/// A closed store of two segments, with footer and checkpoint, and its events.
pub(crate) fn golden() -> Result<(MemFs, Vec<StoredEvent>), strandline::Error> {
    let fs = MemFs::new();
    let store = options(&fs).durability(Durability::Written).open(DIR)?;
    let mut number = 0;
    for (members, bytes) in [
        (1, 20),
        (3, 40),
        (1, 30_000),
        (2, 17_000),
        (2, 30),
        (1, 700),
    ] {
        let mut batch = Batch::new();
        for _ in 0..members {
            // Zeros are a third of what is flipped in vain otherwise.
            let shape = if bytes > 1000 {
                Shape::Zeros
            } else {
                Shape::Noise
            };
            let commit = 0;
            let spec = EventSpec {
                number,
                commit,
                bytes,
                shape,
            };
            number += 1;
            batch.add(&spec.coordinate(), spec.event());
        }
        store.append_batch(batch)?;
    }
    let now = store.snapshot();
    let events = now.query(Region::all()).collect::<Result<_, _>>()?;
    store.close()?;
    Ok((fs, events))
}

/// Damages the store in every `every`th way of each kind.
#[must_use]
pub fn damage(every: usize, progress: &dyn Fn(u64)) -> (Totals, Vec<Failure>) {
    let (fs, events) = match golden() {
        Ok(golden) => golden,
        Err(error) => panic!("the golden store cannot be made: {error}"),
    };
    let judge = |fs: &MemFs| judge(fs, &events);
    let mut trial = Trial::new(&fs, &judge, every, progress);
    let files = files(&fs);
    for (path, bytes) in &files {
        trial.damage(path, bytes, &files);
    }
    let (mut totals, mut failures) = trial.done();
    let (merged, more) = merged::damage(every, progress);
    totals.add(&merged);
    failures.extend(more);
    (totals, failures)
}

/// Opens a damaged store.
fn judge(fs: &MemFs, events: &[StoredEvent]) -> Result<(), Violation> {
    let store = match options(fs).open(DIR) {
        Ok(store) => store,
        Err(error) if is_typed(&error) => return Ok(()),
        Err(error) => return Err(Violation::new(format!("the error is {error:?}"))),
    };
    let now = store.snapshot();
    let mut read = 0;
    let mut unreadable = 0;
    for (at, event) in now.query(Region::all()).enumerate() {
        match event {
            Ok(event) if events.get(at) == Some(&event) => read += 1,
            Ok(_) => return Err(Violation::new(format!("event {at} is a wrong one"))),
            Err(error) if is_typed(&error) => unreadable += 1,
            Err(error) => return Err(Violation::new(format!("reading gives {error:?}"))),
        }
    }
    if read + unreadable < events.len() && store.open_report().is_clean() {
        return Err(Violation::new("events are missing in silence"));
    }
    if unreadable > 0 && store.verify().is_ok_and(|report| report.is_intact()) {
        return Err(Violation::new("verification does not find the damage"));
    }
    Ok(())
}
