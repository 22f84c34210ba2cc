//! `Settings`: how a reactor works.

use super::partition_by::PartitionBy;
use super::schedule::Limits;
use std::time::Duration;
use strandline::{Query, Start};

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) query: Query,
    /// Where it begins if nothing was saved.
    pub(super) start: Start,
    pub(super) partitions: u32,
    pub(super) by: PartitionBy,
    pub(super) limits: Limits,
    pub(super) save_interval: Duration,
    pub(super) save_events: u64,
    pub(super) lease: Duration,
}
