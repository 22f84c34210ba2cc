//! `Violation`: what must not be; a panic is one.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Something that must not be.
#[derive(Debug, Clone)]
pub struct Violation {
    /// What was seen.
    pub message: String,
    /// How many events that were acknowledged as synced are missing.
    pub lost: u64,
}

impl Violation {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            lost: 0,
        }
    }

    pub(crate) fn lost(message: impl Into<String>, lost: u64) -> Self {
        Self {
            message: message.into(),
            lost,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Violation {}

/// Runs `call`; a panic is a violation.
pub(crate) fn quietly<T>(call: impl FnOnce() -> Result<T, Violation>) -> Result<T, Violation> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(Violation::new(format!("it panicked: {text}")))
    })
}
