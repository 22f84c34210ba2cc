//! `LastOfEntity`: which event of the commit being made is the last of each entity.

use strandline_index::EntityId;

/// Forgets everything at the start of each commit without touching what it knows.
#[derive(Debug, Default)]
pub(super) struct LastOfEntity {
    /// Number of the commit, never 0.
    commit: u32,
    /// By entity: the number of the commit that last had it, and the event's place in that.
    events: Vec<(u32, u32)>,
}

impl LastOfEntity {
    /// Begins a commit.
    pub(super) fn begin(&mut self) {
        self.commit = self.commit.wrapping_add(1);
        if self.commit == 0 {
            self.events.fill((0, 0));
            self.commit = 1;
        }
    }

    /// Makes the event at `at` the last of an entity, and gives the one before it.
    pub(super) fn replace(&mut self, entity: EntityId, at: usize) -> Option<usize> {
        let slot = usize::try_from(entity.get()).ok()?;
        if self.events.len() <= slot {
            self.events.resize(slot + 1, (0, 0));
        }
        // A commit has at most 65,535 events.
        let event = (self.commit, u32::try_from(at).ok()?);
        let (commit, before) = std::mem::replace(self.events.get_mut(slot)?, event);
        usize::try_from(before)
            .ok()
            .filter(|_| commit == self.commit)
    }
}

#[cfg(all(test, not(strandline_loom)))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn entity(name: &str, writer: &mut strandline_index::IndexWriter) -> EntityId {
        let coordinate = strandline_core::Coordinate::new(name, "s").unwrap();
        let coordinate = writer.intern(&coordinate).unwrap();
        writer.entity_of(coordinate).unwrap()
    }

    #[test]
    fn a_commit_knows_nothing_of_those_before_even_when_numbers_wrap() {
        let (mut writer, _) = strandline_index::channel();
        let [a, b] = ["a", "b"].map(|name| entity(name, &mut writer));
        let mut last = LastOfEntity::default();
        for commit in [0, 7, u32::MAX - 1] {
            last.commit = commit;
            last.begin();
            assert_eq!(last.replace(b, 0), None);
            assert_eq!(last.replace(a, 1), None);
            assert_eq!(last.replace(b, 2), Some(0));
            last.begin();
            assert_eq!(last.replace(a, 3), None, "after {commit}");
        }
    }
}
