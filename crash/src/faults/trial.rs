//! The ways of damaging a file of a closed store, each tried on a fork of it. What must become of the store is
//! for those above to judge.

use super::failure::Failure;
use crate::disk::Path as Cuts;
use crate::verdict::{Totals, Violation, quietly};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::StoreOptions;
use strandline::fs::{Fs, MemFs, OpenMode, read_file};

pub(super) const DIR: &str = "/store";
const SECTOR: usize = 512;

pub(super) fn options(fs: &MemFs) -> StoreOptions {
    StoreOptions::new()
        .fs(Arc::new(fs.clone()))
        .random_seed(3)
        .segment_bytes_max(64 << 10)
        .payload_bytes_max(40 << 10)
        .no_background_sync()
        .background_inline()
}

/// The files of a store, without that of its lock.
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

/// One damage to one file: its bytes, or none for a file that is gone.
type Damaged = Option<Vec<u8>>;

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

/// Gives a file other bytes, or removes it.
pub(super) fn put(fs: &MemFs, path: &Path, damaged: Damaged) -> std::io::Result<()> {
    fs.remove_file(path)?;
    match damaged {
        Some(bytes) => fs.open(path, OpenMode::Create)?.write_all_at(&bytes, 0),
        None => Ok(()),
    }
}
