//! A small store with merged files of the index, and each of these damaged in every way: whatever becomes of
//! them, it opens and answers as it did, and goes on.

use super::failure::Failure;
use super::trial::{DIR, Trial, files, options, put};
use crate::expect::{EventSpec, Shape};
use crate::verdict::{Totals, Violation};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use strandline::fs::MemFs;
use strandline::maintenance::{Progress, Redaction, Retention, compact, redact};
use strandline::{Error, EventId, Region, Store, StoreOptions, StoredEvent};

/// How many events a segment has.
const SEGMENT_EVENTS: u32 = 2;

/// A closed store with merged files, and what it answers.
pub(crate) struct Golden {
    pub(crate) fs: MemFs,
    events: Vec<StoredEvent>,
    /// The ids of events that were removed.
    removed: Vec<EventId>,
    /// The clock of the last event of each entity, also where that was removed.
    clocks: BTreeMap<String, u32>,
    /// The merged files that there were at any time, and those of another store.
    others: Vec<(PathBuf, Vec<u8>)>,
}

fn few(fs: &MemFs) -> StoreOptions {
    options(fs).segment_events_max(SEGMENT_EVENTS)
}

fn is_merged(path: &std::path::Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("index-")
}

fn merged_files(fs: &MemFs) -> Vec<(PathBuf, Vec<u8>)> {
    let all = files(fs).into_iter();
    all.filter(|(path, _)| is_merged(path)).collect()
}

fn append(store: &Store, numbers: std::ops::Range<u32>) -> Result<(), Error> {
    for number in numbers {
        let shape = match number % 6 {
            0 => Shape::Alone,
            _ => Shape::Noise,
        };
        let spec = EventSpec {
            number,
            commit: number,
            bytes: 8 + number % 5,
            shape,
        };
        let event = spec.event().tagged(format!("tag:{}", number % 3));
        store.append(&spec.coordinate(), event)?;
    }
    Ok(())
}

/// Makes the store; `seed` makes it another log.
pub(crate) fn golden(seed: u64) -> Result<Golden, Error> {
    let go_on = |_: Progress| ControlFlow::Continue(());
    let fs = MemFs::new();
    let store = few(&fs).random_seed(seed).open(DIR)?;
    append(&store, 0..37)?;
    let mut others = merged_files(&fs);
    let before = all(&store)?;
    redact(&store, &Redaction::new().entity("entity:2"), &mut { go_on })?;
    compact(
        &store,
        &Retention::new()
            .drop_entity("alone:12")
            .drop_entity("entity:3"),
        &mut { go_on },
    )?;
    append(&store, 37..39)?;
    let events = all(&store)?;
    let mut clocks = BTreeMap::new();
    for event in before.iter().chain(&events) {
        clocks.insert(event.coordinate.entity().to_owned(), event.clock);
    }
    let is_left = |id: EventId| events.iter().any(|event| event.id == id);
    let removed = before.iter().map(|event| event.id);
    let removed = removed.filter(|id| !is_left(*id)).collect();
    store.close()?;
    others.extend(merged_files(&fs));
    Ok(Golden {
        fs,
        events,
        removed,
        clocks,
        others,
    })
}

fn all(store: &Store) -> Result<Vec<StoredEvent>, Error> {
    store.snapshot().query(Region::all()).collect()
}

/// Damages each merged file in every `every`th way of each kind.
pub(super) fn damage(every: usize, progress: &dyn Fn(u64)) -> (Totals, Vec<Failure>) {
    let (own, other) = match golden(3).and_then(|own| Ok((own, golden(4)?))) {
        Ok(both) => both,
        Err(error) => panic!("the golden store cannot be made: {error}"),
    };
    let judge = |fs: &MemFs| judge(fs, &own);
    let now = merged_files(&own.fs);
    assert!(now.len() >= 2, "the golden store has merged files");
    let replacing: Vec<_> = own.others.iter().chain(&other.others).cloned().collect();
    let mut trial = Trial::new(&own.fs, &judge, every, progress);
    for (path, bytes) in &now {
        trial.damage(path, bytes, &replacing);
    }
    let (mut totals, mut failures) = trial.done();
    // Files that are there beside those that are in use, or all in the place of another.
    for turned in 0..replacing.len() {
        let fs = own.fs.fork();
        for ((path, _), (_, bytes)) in replacing.iter().zip(replacing.iter().cycle().skip(turned)) {
            let _ = put(&fs, path, Some(bytes.clone()));
        }
        let mut trial = Trial::new(&fs, &judge, 1, progress);
        if let Some((path, bytes)) = now.first() {
            trial.replaced(path, &[(path.clone(), bytes.clone())]);
        }
        let (more, found) = trial.done();
        totals.add(&more);
        failures.extend(found);
    }
    (totals, failures)
}

/// The log is whole: everything must be as it was.
fn judge(fs: &MemFs, own: &Golden) -> Result<(), Violation> {
    let failed = |error: Error| Violation::new(format!("it gave {error:?}"));
    let read_only = few(fs).read_only().open(DIR).map_err(failed)?;
    same(&read_only, own, &own.events)?;
    drop(read_only);
    let store = few(fs).open(DIR).map_err(failed)?;
    same(&store, own, &own.events)?;
    let mut events = own.events.clone();
    for (entity, last) in &own.clocks {
        let at = strandline::Coordinate::new(entity, "scope/0");
        let at = at.map_err(|error| Violation::new(error.to_string()))?;
        let event = strandline::Event::bytes(strandline::EventKind::new(1, 9), *b"next");
        let receipt = store.append(&at, event).map_err(failed)?;
        if receipt.clock != last + 1 {
            return Err(Violation::new(format!(
                "{entity} goes on with {receipt:?} after {last}"
            )));
        }
        let event = store.snapshot().get(receipt.id).map_err(failed)?;
        events.extend(event);
    }
    same(&store, own, &events)?;
    store.close().map_err(failed)?;
    let store = few(fs).open(DIR).map_err(failed)?;
    same(&store, own, &events)
}

/// Checks that a store answers with these events, however it is asked.
fn same(store: &Store, own: &Golden, events: &[StoredEvent]) -> Result<(), Violation> {
    let now = store.snapshot();
    let wrong = |what: &str| Err(Violation::new(format!("{what} is another")));
    match all(store) {
        Ok(found) if found == events => {}
        Ok(_) => return wrong("what is there"),
        Err(error) => return wrong(&format!("with {error:?} what is there")),
    }
    let mut streams: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    let mut tags: BTreeMap<String, usize> = BTreeMap::new();
    for event in events {
        let stream = streams.entry(event.coordinate.entity()).or_default();
        stream.push(event.sequence);
        for tag in event.extensions.tags() {
            *tags.entry(tag.to_owned()).or_default() += 1;
        }
        if !matches!(now.get(event.id), Ok(Some(found)) if found == *event) {
            return wrong("an event by its id");
        }
    }
    for id in &own.removed {
        if !matches!(now.get(*id), Ok(None)) {
            return wrong("an event that was removed");
        }
    }
    for (entity, stream) in streams {
        let latest = now.latest(entity).ok().flatten();
        let rows = now.rows(Region::all().entity(entity));
        if !rows.map(|row| row.sequence()).eq(stream.iter().copied())
            || latest.map(|event| event.sequence).as_ref() != stream.last()
        {
            return wrong("a stream");
        }
    }
    for (tag, count) in tags {
        if now.rows(Region::all().tag(tag)).count() != count {
            return wrong("what has a tag");
        }
    }
    Ok(())
}
