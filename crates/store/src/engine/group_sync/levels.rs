//! `Levels`: how far the log is synced, replicated and shown, and what follows from that. Knows no lock, and
//! nobody who waits.

use strandline_core::Sequence;

/// What somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// On this disk, visible or not.
    Synced,
    /// On this disk, and visible.
    Published,
    /// Acknowledged by a replication, and with that on this disk and visible.
    Replicated,
}

/// How far everything is. Each is an exclusive upper bound of sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Levels {
    synced: Sequence,
    /// Never past what is synced.
    replicated: Sequence,
    /// Never past what is synced.
    published: Sequence,
    is_replicating: bool,
}

impl Levels {
    /// Begins with everything below `end` synced and published.
    pub(super) const fn new(end: Sequence) -> Self {
        Self {
            synced: end,
            replicated: Sequence::ZERO,
            published: end,
            is_replicating: false,
        }
    }

    /// Levels that are read one after the other.
    pub(super) fn read(is_replicating: bool, at: impl Fn(Reach) -> Sequence) -> Self {
        Self {
            synced: at(Reach::Synced),
            replicated: at(Reach::Replicated),
            published: at(Reach::Published),
            is_replicating,
        }
    }

    pub(super) const fn of(&self, reach: Reach) -> Sequence {
        match reach {
            Reach::Synced => self.synced,
            Reach::Published => self.published,
            Reach::Replicated => self.replicated,
        }
    }

    pub(super) const fn is_replicating(&self) -> bool {
        self.is_replicating
    }

    /// Up to where a wait is over: what was waited for is there, or it is synced and there is no replication
    /// that could bring the rest.
    pub(super) fn settled(&self, reach: Reach) -> Sequence {
        match self.is_replicating {
            true => self.of(reach),
            false => self.of(reach).max(self.synced),
        }
    }

    /// Everything below `end` is synced.
    pub(super) fn sync(&mut self, end: Sequence) {
        self.synced = self.synced.max(end);
    }

    /// A replication begins. What it has is not known yet.
    pub(super) const fn attach(&mut self) {
        self.is_replicating = true;
        self.replicated = Sequence::ZERO;
    }

    /// The replication has ended.
    pub(super) const fn detach(&mut self) {
        self.is_replicating = false;
    }

    /// Everything below `end` is replicated, as far as it is synced and there is a replication. Whether that
    /// is more than before.
    pub(super) fn replicate(&mut self, end: Sequence) -> bool {
        let before = self.replicated;
        if self.is_replicating {
            self.replicated = before.max(end.min(self.synced));
        }
        self.replicated > before
    }

    /// Publishes what is replicated, and what is synced and `wished`: below the end of the newest commit that
    /// does not ask to be replicated before it is seen. Up to where everything is published, if that is more.
    pub(super) fn publish(&mut self, wished: Sequence) -> Option<Sequence> {
        let end = self.replicated.max(self.synced.min(wished));
        let is_more = end > self.published;
        is_more.then(|| {
            self.published = end;
            end
        })
    }
}

#[cfg(all(test, not(strandline_loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at(end: u64) -> Sequence {
        Sequence::new(end)
    }

    #[test]
    fn what_is_synced_is_published_if_that_was_wished() {
        let mut levels = Levels::new(at(3));
        levels.sync(at(8));
        assert_eq!(levels.publish(at(5)), Some(at(5)));
        assert_eq!(levels.publish(at(20)), Some(at(8)));
        assert_eq!(levels.publish(at(20)), None);
    }

    #[test]
    fn what_is_replicated_is_published_and_never_past_the_disk() {
        let mut levels = Levels::new(at(0));
        assert!(!levels.replicate(at(4)), "there is no replication");
        levels.attach();
        levels.sync(at(4));
        assert!(levels.replicate(at(9)));
        assert_eq!(levels.of(Reach::Replicated), at(4));
        assert_eq!(levels.publish(at(0)), Some(at(4)));
        levels.detach();
        levels.sync(at(6));
        assert_eq!(levels.publish(at(0)), None);
        assert_eq!(levels.settled(Reach::Replicated), at(6));
        assert_eq!(levels.of(Reach::Replicated), at(4));
    }

    proptest! {
        /// Whatever happens, nothing is published that is not replicated or both synced and wished for, and
        /// what is published stays so.
        #[test]
        fn nothing_is_published_too_early(steps in proptest::collection::vec((0..5u8, 0..40u64), 0..60)) {
            let mut levels = Levels::new(at(0));
            let (mut synced, mut wished, mut told) = (0, 0, 0);
            for (step, number) in steps {
                match step {
                    0 => {
                        levels.sync(at(number));
                        synced = synced.max(number);
                    }
                    1 => wished = wished.max(number),
                    2 => levels.attach(),
                    3 => levels.detach(),
                    _ => {
                        if levels.is_replicating() {
                            told = told.max(number.min(synced));
                        }
                        levels.replicate(at(number));
                    }
                }
                let before = levels.of(Reach::Published);
                let _ = levels.publish(at(wished));
                let published = levels.of(Reach::Published);
                prop_assert!(published >= before);
                prop_assert!(published.get() <= told.max(synced.min(wished)));
                prop_assert!(published.get() >= synced.min(wished));
                prop_assert!(published >= levels.of(Reach::Replicated));
                prop_assert!(published <= levels.of(Reach::Synced));
            }
        }
    }
}
