//! `Compacted`: what a rewriting of segments did. A redaction tells a part of it.

use super::missing::Missing;
use super::rule_effect::RuleEffect;
use crate::rows::removals::Removal;

/// What a compaction did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Compacted {
    /// Events that were removed.
    pub events: u64,
    /// Events whose payload was removed, and whose header stays.
    pub headers: u64,
    /// Segments that were rewritten.
    pub segments: usize,
    /// Bytes of these segments before.
    pub bytes_before: u64,
    /// And after.
    pub bytes_after: u64,
    /// Segments that are no more: what was in them, these or others, is in the segment before them now.
    pub merged: usize,
    /// What each of several rules came to, in their order.
    pub rules: Vec<RuleEffect>,
    /// Who is named in the rules and is nobody; about all others the rules have decided.
    pub missing: Missing,
    /// What the log records of it: of removed events and of removed payloads in a record each.
    pub records: Vec<Removal>,
}
