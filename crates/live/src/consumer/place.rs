//! `Place`: where files are.

use std::sync::Arc;
use strandline_core::fs::Fs;
use strandline_core::{Clock, Random};

/// Where files are, and what makes their times and names.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<Random>,
}
