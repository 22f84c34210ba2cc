//! `Plan`: what is tried, how much of it, and where; and how far it is.

use super::sandbox;
use anyhow::Context;
use std::path::{Path, PathBuf};

/// A part of what is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Power cuts of a mounted ext4.
    Power,
    /// A disk that fails to write.
    Failing,
    /// A disk that is full.
    Full,
    /// Processes that are killed.
    Kill,
    /// System calls that fail.
    Calls,
}

impl Part {
    pub(super) const ALL: [Self; 5] = [
        Self::Power,
        Self::Failing,
        Self::Full,
        Self::Kill,
        Self::Calls,
    ];

    /// What is counted in it.
    #[must_use]
    pub const fn counts(self) -> &'static str {
        match self {
            Self::Power => "power cuts",
            Self::Failing => "failing disks",
            Self::Full => "full disks",
            Self::Kill => "killed processes",
            Self::Calls => "failing system calls",
        }
    }

    /// Why it cannot be tried here, if it cannot.
    #[must_use]
    pub fn missing(self) -> Option<String> {
        match self {
            Self::Kill => None,
            Self::Calls if sandbox::is_there("strace") => None,
            Self::Calls => Some("strace is not installed".to_owned()),
            Self::Power | Self::Failing | Self::Full => sandbox::missing(),
        }
    }
}

/// How much is tried, and where.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where chance comes from.
    pub seed: u64,
    /// Power cuts; of the other parts as many as take about as long.
    pub count: u64,
    /// The only part that is tried, if not all are.
    pub part: Option<Part>,
    /// An empty folder for stores and mounts.
    pub folder: PathBuf,
    /// Another program that is run on a disk that fails to write, and nothing else is.
    pub program: Option<String>,
    /// Whether processes say that what is only written is synced, which must be noticed.
    pub lies: bool,
}

/// How far a part is: what is done, and of how many.
pub type OnProgress<'a> = &'a dyn Fn(Part, u64, u64);

/// Removes a folder and what is in it.
pub(super) fn remove(folder: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
