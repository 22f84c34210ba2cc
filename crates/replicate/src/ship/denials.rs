//! `Denials`: how long a bucket does nothing but refuse before a start is given up. Waits for nothing.

use super::error::ReplicateError;
use crate::bucket::{BucketError, BucketErrorKind};
use std::time::Duration;

/// How long a bucket has done nothing but refuse, and how long that is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Denials {
    waited: Duration,
    most: Duration,
}

impl Denials {
    pub(crate) const fn new(most: Duration) -> Self {
        Self {
            waited: Duration::ZERO,
            most,
        }
    }

    /// Notes an error that a wait follows, and says whether it is the last that is waited for. What comes to nothing for
    /// other reasons may be on its way to a bucket that does not refuse.
    pub(crate) fn note(&mut self, error: &ReplicateError, delay: Duration) -> bool {
        let is_refusal = |error: &BucketError| {
            let kinds = [BucketErrorKind::Denied, BucketErrorKind::NotABucket];
            kinds.contains(&error.kind())
        };
        let ReplicateError::Bucket(error) = error else {
            return false;
        };
        if !is_refusal(error) {
            self.waited = Duration::ZERO;
            return false;
        }
        self.waited = self.waited.saturating_add(delay);
        self.waited >= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: BucketErrorKind) -> ReplicateError {
        ReplicateError::Bucket(BucketError::new(kind, &"memory:".into(), "read terms"))
    }

    #[test]
    fn only_refusals_in_a_row_count_and_only_as_long_as_is_waited() {
        let second = Duration::from_secs(1);
        let mut denials = Denials::new(3 * second);
        let mut note = |kind| denials.note(&of(kind), second);
        let [denied, nowhere, away] = [
            BucketErrorKind::Denied,
            BucketErrorKind::NotABucket,
            BucketErrorKind::Unreachable,
        ];
        assert!(!note(denied) && !note(nowhere) && !note(away));
        assert!(!note(denied) && !note(nowhere) && note(denied));
        let mut none = Denials::new(Duration::ZERO);
        assert!(none.note(&of(denied), Duration::ZERO));
    }
}
