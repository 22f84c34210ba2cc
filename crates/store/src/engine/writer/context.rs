//! `Context`: what the writer works with and does not own.

use crate::engine::group_sync::GroupSync;
use crate::model::{Kinds, Sources};
use strandline_core::Random;
use strandline_segment::{LogReader, SyncHandle};

/// What the writer works with and does not own.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) group: &'a GroupSync<SyncHandle>,
    pub(crate) log: &'a LogReader,
    pub(crate) random: &'a Random,
    pub(crate) kinds: &'a Kinds,
    pub(crate) sources: &'a Sources,
    pub(crate) now_ms: u64,
    pub(crate) drift_ms_max: u64,
    pub(crate) segment_bytes_max: u64,
}
