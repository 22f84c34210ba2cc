//! A small store, damaged in every way: a typed error, or exactly the right events, or a reported
//! shorter tail.

use super::failure::Failure;
use super::merged;
use crate::disk::Path as Cuts;
use crate::expect::{EventSpec, Shape};
use crate::verdict::{Totals, Violation, is_typed, quietly};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, MemFs, OpenMode, read_file};
use strandline::{Batch, Durability, Region, StoreOptions, StoredEvent};

pub(super) const DIR: &str = "/store";
const SECTOR: usize = 512;

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
    let events = now.query(&Region::all()).collect::<Result<_, _>>()?;
    store.close()?;
    Ok((fs, events))
}

pub(super) fn options(fs: &MemFs) -> StoreOptions {
    StoreOptions::new()
        .fs(Arc::new(fs.clone()))
        .random_seed(3)
        .segment_bytes_max(64 << 10)
        .payload_bytes_max(40 << 10)
        .no_background_sync()
        .background_inline()
}

/// One damage to one file: its bytes, or none for a file that is gone.
pub(super) type Damaged = Option<Vec<u8>>;

pub(super) struct Trial<'a> {
    fs: &'a MemFs,
    /// What must be of a damaged store.
    judge: &'a dyn Fn(&MemFs) -> Result<(), Violation>,
    every: usize,
    count: usize,
    totals: Totals,
    failures: Vec<Failure>,
    progress: &'a dyn Fn(u64),
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
    let (mut totals, mut failures) = (trial.totals, trial.failures);
    let (merged, more) = merged::damage(every, progress);
    totals.add(&merged);
    failures.extend(more);
    (totals, failures)
}

pub(crate) fn files(fs: &MemFs) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs.list(Path::new(DIR)).unwrap_or_default();
    let names = entries.into_iter().map(|entry| entry.name);
    names
        .filter(|name| name != "LOCK")
        .map(|name| {
            let path = Path::new(DIR).join(name);
            let bytes = read_file(fs, &path, 1 << 30).unwrap_or_default();
            (path, bytes)
        })
        .collect()
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        fs: &'a MemFs,
        judge: &'a dyn Fn(&MemFs) -> Result<(), Violation>,
        every: usize,
        progress: &'a dyn Fn(u64),
    ) -> Self {
        Self {
            fs,
            judge,
            every,
            count: 0,
            totals: Totals::default(),
            failures: Vec::new(),
            progress,
        }
    }

    pub(super) fn done(self) -> (Totals, Vec<Failure>) {
        (self.totals, self.failures)
    }

    /// Damages a file in every `every`th way of each kind; `files` take its place.
    pub(super) fn damage(&mut self, path: &Path, bytes: &[u8], files: &[(PathBuf, Vec<u8>)]) {
        self.bits(path, bytes);
        self.cuts(path, bytes);
        self.sectors(path, bytes);
        self.replaced(path, files);
    }

    fn bits(&mut self, path: &Path, bytes: &[u8]) {
        for bit in 0..bytes.len() * 8 {
            if self.is_chosen() {
                let mut damaged = bytes.to_vec();
                damaged[bit / 8] ^= 1 << (bit % 8);
                self.check(path, Some(damaged), &format!("bit {bit} flipped"));
            }
        }
    }

    fn cuts(&mut self, path: &Path, bytes: &[u8]) {
        for length in 0..bytes.len() {
            if self.is_chosen() {
                let cut = bytes[..length].to_vec();
                self.check(path, Some(cut), &format!("cut to {length}"));
            }
        }
    }

    fn sectors(&mut self, path: &Path, bytes: &[u8]) {
        let count = bytes.len().div_ceil(SECTOR);
        let sector = |index: usize| index * SECTOR..bytes.len().min((index + 1) * SECTOR);
        for index in 0..count {
            let mut zeroed = bytes.to_vec();
            zeroed[sector(index)].fill(0);
            self.check(path, Some(zeroed), &format!("sector {index} zeroed"));
            for other in 0..count {
                if index == other || !self.is_chosen() {
                    continue;
                }
                let length = sector(index).len().min(sector(other).len());
                let (at, from) = (index * SECTOR, other * SECTOR);
                let mut copied = bytes.to_vec();
                copied.copy_within(from..from + length, at);
                let what = format!("sector {other} copied over {index}");
                let mut swapped = copied.clone();
                self.check(path, Some(copied), &what);
                swapped[from..from + length].copy_from_slice(&bytes[at..at + length]);
                let what = format!("sectors {other} and {index} swapped");
                self.check(path, Some(swapped), &what);
            }
        }
    }

    pub(super) fn replaced(&mut self, path: &Path, files: &[(PathBuf, Vec<u8>)]) {
        self.check(path, None, "removed");
        self.check(path, Some(Vec::new()), "emptied");
        self.check(path, Some(vec![0xa5; 700]), "overwritten");
        for (other, bytes) in files.iter() {
            let what = format!("replaced by {}", other.display());
            self.check(path, Some(bytes.clone()), &what);
        }
    }

    fn is_chosen(&mut self) -> bool {
        self.count += 1;
        self.count.is_multiple_of(self.every)
    }

    fn check(&mut self, path: &Path, damaged: Damaged, what: &str) {
        self.totals.damaged += 1;
        if self.totals.damaged.is_multiple_of(256) {
            (self.progress)(256);
        }
        let fs = self.fs.fork();
        let judge = self.judge;
        let outcome = quietly(AssertUnwindSafe(|| {
            put(&fs, path, damaged).map_err(|error| Violation::new(error.to_string()))?;
            judge(&fs)
        }));
        if let Err(violation) = outcome {
            self.totals.violations += 1;
            if self.failures.len() < 20 {
                self.failures.push(Failure {
                    workload: "damage",
                    seed: 0,
                    at: Cuts::default(),
                    fault: None,
                    context: format!("  {} {what}\n", path.display()),
                    violation,
                });
            }
        }
    }
}

pub(super) fn put(fs: &MemFs, path: &Path, damaged: Damaged) -> std::io::Result<()> {
    fs.remove_file(path)?;
    match damaged {
        Some(bytes) => fs.open(path, OpenMode::Create)?.write_all_at(&bytes, 0),
        None => Ok(()),
    }
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
    for (at, event) in now.query(&Region::all()).enumerate() {
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
