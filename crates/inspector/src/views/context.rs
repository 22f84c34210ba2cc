//! `Context`: what every view is made from: the store as it is now, its files, and what takes long.

use super::anchored::Anchored;
use super::checked::Checked;
use super::facets::Facet;
use super::fault::Fault;
use super::inventory::FilesSeen;
use super::totals::Totals;
use crate::site::{Budget, Held, Job, Opened, Samples, Signer, Watch};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::Fs;
use strandline::maintenance::{CompactionPlan, Retention};
use strandline::{Clock, TreeHead};

/// How long a request takes that has no limit: nobody waits for longer.
const UNLIMITED: Duration = Duration::from_secs(600);

/// What every view is made from.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) dir: PathBuf,
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watch: Watch,
    pub(crate) samples: Samples,
    /// Heads that are kept elsewhere.
    pub(crate) held: Option<Arc<Held>>,
    /// What signs proofs.
    pub(crate) signer: Option<Signer>,
    /// Whether a request takes as long as it needs.
    pub(crate) has_no_time_limit: bool,
    /// Counts of all names, and sizes.
    pub(crate) totals: Job<(), Result<Totals, String>>,
    /// The names with the most events, of a kind of names, and of those that begin so.
    pub(crate) ranked: Job<(&'static str, String), Vec<Facet>>,
    /// The files of the directory.
    pub(crate) files: Job<(), Result<FilesSeen, String>>,
    /// What verification found.
    pub(crate) checked: Job<(), Checked>,
    /// What the log is, held against the heads.
    pub(crate) anchored: Job<(), Result<Anchored, String>>,
    /// The head of the tree over so many events.
    pub(crate) head: Job<u64, Result<TreeHead, String>>,
    /// What a compaction would remove.
    pub(crate) plan: Job<Retention, Result<CompactionPlan, String>>,
}

impl Context {
    /// Looks at the directory of a store, which may be damaged.
    pub(crate) fn new(dir: &Path, fs: Arc<dyn Fs>, clock: Arc<dyn Clock>) -> Self {
        Self {
            dir: dir.to_owned(),
            watch: Watch::new(dir, fs.clone(), clock.clone()),
            samples: Samples::default(),
            held: None,
            signer: None,
            has_no_time_limit: false,
            totals: Job::new("totals", clock.clone()),
            ranked: Job::new("ranked", clock.clone()),
            files: Job::new("files", clock.clone()),
            checked: Job::new("verify", clock.clone()),
            anchored: Job::new("anchors", clock.clone()),
            head: Job::new("head", clock.clone()),
            plan: Job::new("plan", clock.clone()),
            fs,
            clock,
        }
    }

    /// The store as it is now.
    ///
    /// # Errors
    ///
    /// [`Fault::Closed`] where none opens.
    pub(crate) fn opened(&self) -> Result<Arc<Opened>, Fault> {
        Ok(self.watch.now()?)
    }

    /// So many milliseconds from now on. Those of all parts of a view are less than 100.
    pub(crate) fn budget(&self, ms: u64) -> Budget {
        Budget::new(&self.clock, self.patience(ms))
    }

    /// How long a request waits for what is done beside it: so many milliseconds.
    pub(crate) fn patience(&self, ms: u64) -> Duration {
        match self.has_no_time_limit {
            true => UNLIMITED,
            false => Duration::from_millis(ms),
        }
    }

    /// What the store is called: the name of its directory.
    pub(crate) fn name(&self) -> String {
        let name = self.dir.file_name().unwrap_or(self.dir.as_os_str());
        name.to_string_lossy().into_owned()
    }
}
