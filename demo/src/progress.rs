//! How long a step takes, and how far reading is.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Instant;

/// Measures how long something takes.
pub(crate) struct Timer(Instant);

impl Timer {
    #[expect(
        clippy::disallowed_methods,
        reason = "measures the demo, not the store"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// A bar on standard error, if that is a terminal.
pub(crate) fn progress_bar(commits: u64) -> ProgressBar {
    let bar = ProgressBar::new(commits);
    let template = "reading {wide_bar} {pos}/{len} commits, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
