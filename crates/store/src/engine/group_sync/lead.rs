//! `Lead`: the turn of the thread that syncs. What is done if that panics, whoever gives it says.

/// Stops everything if the leader panics inside the sync: the others would wait for ever.
pub(super) struct Lead<F: Fn()> {
    pub(super) stop: F,
    pub(super) finished: bool,
}

impl<F: Fn()> Drop for Lead<F> {
    fn drop(&mut self) {
        if !self.finished {
            (self.stop)();
        }
    }
}
