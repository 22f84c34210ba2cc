//! `KeepsWakeUp`: what an executor of the caller's would miss.

/// Leaves a wake-up of `thread::park` on this thread when it is dropped: for a stretch of work with channels
/// or scopes of threads, which may take one that was meant for an executor. One too many does no harm:
/// who parks looks again.
#[derive(Debug)]
#[must_use = "it is to be dropped after the work"]
pub(super) struct KeepsWakeUp(());

impl KeepsWakeUp {
    pub(super) const fn new() -> Self {
        Self(())
    }
}

impl Drop for KeepsWakeUp {
    fn drop(&mut self) {
        std::thread::current().unpark();
    }
}
