//! `caught`: what code of callers panics with. Who hears of it is not its business.

use std::any::Any;

/// Runs something. The error is what it panicked with.
#[cfg(not(strandline_loom))]
pub(crate) fn caught<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    // Whatever it has half changed is its own, or is stopped by the poison that its guards set.
    let run = std::panic::AssertUnwindSafe(run);
    std::panic::catch_unwind(run).map_err(reason)
}

/// In a model a panic is a failure of the model.
#[cfg(strandline_loom)]
pub(crate) fn caught<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    Ok(run())
}

#[cfg_attr(strandline_loom, expect(dead_code, reason = "nothing is caught"))]
fn reason(panic: Box<dyn Any + Send>) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => {
            // To drop it may panic too.
            std::mem::forget(other);
            "something that is not text".to_owned()
        }
    }
}
