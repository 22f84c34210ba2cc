//! Lookups of a writer among the rows that there are: one name or id, or many at once. Adds nothing.

use super::index_writer::IndexWriter;
use crate::model::SealedHead;
use strandline_core::{EventId, Sequence};

impl IndexWriter {
    /// The newest event of each of these entities among the sealed rows, in their order: none for an
    /// entity that has none there.
    ///
    /// One pass over the sealed parts for all names. What it finds may be given to
    /// [`insert_known`](Self::insert_known).
    #[must_use]
    pub fn sealed_heads(&self, entities: &[&str]) -> Vec<Option<SealedHead>> {
        entities
            .iter()
            .map(|entity| {
                let (head, claim) = self.claimed_head(entity)?;
                Some(SealedHead { head, claim })
            })
            .collect()
    }

    /// The sequence of the event with each of these ids, published or not, in their order: none for
    /// an id that no event has.
    #[must_use]
    pub fn find_all(&self, ids: &[EventId]) -> Vec<Option<Sequence>> {
        ids.iter().map(|id| self.sequence_of_id(*id)).collect()
    }

    /// Whether an event with any of these ids was inserted, published or not.
    #[must_use]
    pub fn contains_any(&self, ids: &[EventId]) -> bool {
        self.find_all(ids).iter().any(Option::is_some)
    }
}
