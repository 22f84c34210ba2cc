//! `Ledger`: what all runs on this machine have tried together.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::path::Path;
use strandline::fs::{Fs, OsFs, read_file, replace_file};

/// What one run tried, or all runs together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Images of a disk that were opened.
    pub images: u64,
    /// Moments of workloads at which the power was cut.
    pub crash_points: u64,
    /// Workloads.
    pub workloads: u64,
    /// Runs in which an operation failed.
    pub faults: u64,
    /// Damaged stores that were opened.
    pub damaged: u64,
    /// Power cuts of a file system of the kernel.
    pub power_cuts: u64,
    /// Stores on such a file system whose disk failed to write.
    pub failed_disks: u64,
    /// Sizes of a disk of the kernel that stores have filled.
    pub full_disks: u64,
    /// Processes that were killed.
    pub kills: u64,
    /// Processes of which a system call failed.
    pub failed_calls: u64,
    /// Stores that were held to a model.
    pub machines: u64,
    /// Calls that were made of them.
    pub calls: u64,
    /// Acknowledged events that were lost.
    pub lost: u64,
    /// Everything else that was wrong, and the losses.
    pub violations: u64,
}

impl Totals {
    /// Adds what another run tried; crash points and workloads are the most of either.
    pub fn add(&mut self, other: &Self) {
        self.images += other.images;
        self.crash_points = self.crash_points.max(other.crash_points);
        self.workloads = self.workloads.max(other.workloads);
        self.faults += other.faults;
        self.damaged += other.damaged;
        self.power_cuts += other.power_cuts;
        self.failed_disks += other.failed_disks;
        self.full_disks += other.full_disks;
        self.kills += other.kills;
        self.failed_calls += other.failed_calls;
        self.machines += other.machines;
        self.calls += other.calls;
        self.lost += other.lost;
        self.violations += other.violations;
    }
}

/// The totals of all runs, and their seeds, in a file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// All runs together.
    pub totals: Totals,
    /// Seeds of the runs that tried images.
    pub seeds: Vec<u64>,
}

const BYTES_MAX: u64 = 1 << 20;

impl Ledger {
    /// Reads the ledger, or begins one.
    ///
    /// # Errors
    ///
    /// If the file is no ledger.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        match read_file(&OsFs, path, BYTES_MAX) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            read => {
                let bytes = read.with_context(|| format!("read {}", path.display()))?;
                serde_json::from_slice(&bytes)
                    .with_context(|| format!("{} is no ledger; remove it", path.display()))
            }
        }
    }

    /// Adds a run and writes the ledger.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn add(&mut self, totals: &Totals, seed: u64, path: &Path) -> anyhow::Result<()> {
        self.totals.add(totals);
        if totals.images > 0 && !self.seeds.contains(&seed) {
            self.seeds.push(seed);
        }
        if let Some(parent) = path.parent() {
            OsFs.create_dir_all(parent)?;
        }
        let text = serde_json::to_vec_pretty(self)?;
        replace_file(&OsFs, path, &text).with_context(|| format!("write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_add_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/ledger.json");
        for seed in [1, 2, 2] {
            let totals = Totals {
                images: 10,
                crash_points: 5,
                ..Totals::default()
            };
            Ledger::read(&path)
                .unwrap()
                .add(&totals, seed, &path)
                .unwrap();
        }
        let ledger = Ledger::read(&path).unwrap();
        assert_eq!((ledger.totals.images, ledger.totals.crash_points), (30, 5));
        assert_eq!(ledger.seeds, [1, 2]);
    }
}
