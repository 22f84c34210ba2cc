//! Lookups of a writer among the rows that there are: one name or id, or many at once. Adds nothing.

use super::index_writer::IndexWriter;
use crate::block::HashedName;
use crate::model::{Claim, Head, SealedHead};
use strandline_core::{EventId, Sequence};

impl IndexWriter {
    /// The newest event of an entity among the sealed rows. Expected O(1) for each sealed part, from
    /// the newest to the one that has it, and one cache line for a part that has not.
    #[must_use]
    pub fn sealed_head(&self, entity: &str) -> Option<Head> {
        let entity = HashedName::new(entity);
        let parts = self.shared.parts();
        let mut newest_first = parts.sealed.iter().rev();
        newest_first.find_map(|sealed| sealed.part.head(&entity))
    }

    /// As [`sealed_head`](Self::sealed_head), and what is to be held against the log first, if a block
    /// says it.
    #[must_use]
    pub fn claimed_head(&self, entity: &str) -> Option<(Head, Option<Claim>)> {
        let found = self.sealed_heads(&[entity]).pop()??;
        Some((found.head, found.claim))
    }

    /// The newest event of each of these entities among the sealed rows, in their order: none for an
    /// entity that has none there.
    ///
    /// One pass over the sealed parts for all names. What it finds may be given to
    /// [`insert_known`](Self::insert_known).
    #[must_use]
    pub fn sealed_heads(&self, entities: &[&str]) -> Vec<Option<SealedHead>> {
        let mut heads = vec![None; entities.len()];
        let mut left: Vec<_> = entities.iter().map(|name| HashedName::new(name)).collect();
        // Where each of those that are left stands among all.
        let mut places: Vec<_> = (0..entities.len()).collect();
        let parts = self.shared.parts();
        for sealed in parts.sealed.iter().rev() {
            if left.is_empty() {
                break;
            }
            let found = sealed.part.heads(&left);
            drop_found(&mut left, &found);
            for (at, head) in &found {
                if let Some(own) = places.get(*at).and_then(|place| heads.get_mut(*place)) {
                    *own = Some(head.clone());
                }
            }
            drop_found(&mut places, &found);
        }
        heads
    }

    /// Whether an event with this id was inserted, published or not. O(1) for an id above all
    /// others; else as [`Snapshot::get`](crate::Snapshot::get).
    #[must_use]
    pub fn contains(&self, id: EventId) -> bool {
        self.sequence_of_id(id).is_some()
    }

    /// Whether an event with any of these ids was inserted, published or not, as
    /// [`find_all`](Self::find_all).
    #[must_use]
    pub fn contains_any(&self, ids: &[EventId]) -> bool {
        self.find_all(ids).iter().any(Option::is_some)
    }

    /// The sequence of the event with each of these ids, published or not, in their order: none for
    /// an id that no event has. One pass over the parts for all of them.
    #[must_use]
    pub fn find_all(&self, ids: &[EventId]) -> Vec<Option<Sequence>> {
        let mut found_all = vec![None; ids.len()];
        let mut places = Vec::new();
        let mut left = Vec::new();
        for ((place, id), own) in ids.iter().enumerate().zip(&mut found_all) {
            if self.greatest < Some(*id) {
                continue;
            }
            match self.live.find(*id) {
                Some(row) => *own = Some(self.live.sequence_of(row)),
                None => {
                    places.push(place);
                    left.push(*id);
                }
            }
        }
        let parts = self.shared.parts();
        for sealed in parts.sealed.iter().rev() {
            if left.is_empty() {
                break;
            }
            let found = sealed.part.find_all(&left);
            drop_found(&mut left, &found);
            for (at, row) in &found {
                let place = places.get(*at);
                if let Some(own) = place.and_then(|place| found_all.get_mut(*place)) {
                    *own = Some(sealed.part.sequence_of(*row));
                }
            }
            drop_found(&mut places, &found);
        }
        found_all
    }

    /// The sequence of the event with this id, published or not.
    pub(super) fn sequence_of_id(&self, id: EventId) -> Option<Sequence> {
        if self.greatest < Some(id) {
            return None;
        }
        if let Some(row) = self.live.find(id) {
            return Some(self.live.sequence_of(row));
        }
        let parts = self.shared.parts();
        parts.sealed.iter().rev().find_map(|sealed| {
            let row = sealed.part.find(id, sealed.part.rows())?;
            Some(sealed.part.sequence_of(row))
        })
    }
}

/// Drops those of `items` that were found, which ascend by where they stand.
fn drop_found<T, F>(items: &mut Vec<T>, found: &[(usize, F)]) {
    if found.is_empty() {
        return;
    }
    let mut found = found.iter().map(|(at, _)| *at).peekable();
    let mut at = 0;
    items.retain(|_| {
        let is_found = found.next_if_eq(&at).is_some();
        at += 1;
        !is_found
    });
}
