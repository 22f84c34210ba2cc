//! `Totals`: counts of all names, sizes and watermarks.

use serde::Serialize;

/// Counts of all names, sizes and watermarks: what takes as long as there are names.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Totals {
    pub(crate) visible: u64,
    pub(crate) durable: u64,
    pub(crate) written: u64,
    pub(crate) events: u64,
    pub(crate) entities: u64,
    pub(crate) scopes: u64,
    pub(crate) bytes_on_disk: u64,
    pub(crate) segments: usize,
    pub(crate) index_parts: usize,
    pub(crate) index_damaged: usize,
    pub(crate) problems: Vec<String>,
}
