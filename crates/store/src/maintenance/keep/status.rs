//! `RetentionStatus`: how rules that are followed in the background get on.

use crate::ErrorKind;
use crate::maintenance::rewrite::Compacted;

/// How a thread that follows rules gets on.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RetentionStatus {
    /// How often it has looked at the store, those times included at which nothing could have to go, or it failed.
    pub runs: u64,
    /// When it last looked without failing, by the store's clock, in milliseconds since 1970.
    pub last_run_ms: Option<u64>,
    /// What the last run that removed something has done.
    pub last_removal: Option<Compacted>,
    /// Events that it has removed so far.
    pub events: u64,
    /// Events whose payload it has removed so far, and whose header stays.
    pub headers: u64,
    /// How many runs in a row have failed.
    pub failures: u32,
    /// Why the last one did; `None` once one goes well.
    pub last_error: Option<String>,
    /// Of which kind that was.
    pub last_error_kind: Option<ErrorKind>,
    /// When it runs next, by the store's clock, in milliseconds since 1970; `None` while it is at work, and at its end.
    pub next_ms: Option<u64>,
    /// Whether the thread has ended: the store was dropped, or code of the caller's has panicked.
    pub has_ended: bool,
}
