//! `Place`: where files are.

use super::seen::Seen;
use std::sync::Arc;
use strandline_core::fs::Fs;
use strandline_core::{Clock, Random};

/// Where files are, what makes their times and names, and what was seen of who holds some of them.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<Random>,
    pub(crate) seen: Arc<Seen>,
}
