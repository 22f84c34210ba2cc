//! `SegmentNames`: the numbers that coordinates have in the active segment.

use strandline_index::{CoordinateId, EntityId};

/// Which coordinates and entities the active segment has named, and the local numbers of the
/// former, in order of first use.
#[derive(Debug, Default)]
pub(crate) struct SegmentNames {
    /// By coordinate id: local number plus one, or 0 where the segment has not named it.
    local: Vec<u32>,
    /// By entity id: whether the segment has one of its records.
    entities: Vec<bool>,
    /// By local number.
    order: Vec<(CoordinateId, EntityId)>,
}

fn slot<T: Clone + Default>(list: &mut Vec<T>, at: u32) -> Option<&mut T> {
    let at = usize::try_from(at).ok()?;
    if list.len() <= at {
        list.resize(at + 1, T::default());
    }
    list.get_mut(at)
}

impl SegmentNames {
    /// The local number of a coordinate that the segment has named.
    pub(crate) fn local(&self, coordinate: CoordinateId) -> Option<u32> {
        let at = usize::try_from(coordinate.get()).ok()?;
        self.local.get(at)?.checked_sub(1)
    }

    /// The coordinate with a local number.
    pub(crate) fn coordinate(&self, local: u32) -> Option<CoordinateId> {
        let at = usize::try_from(local).ok()?;
        self.order.get(at).map(|(coordinate, _)| *coordinate)
    }

    /// The coordinates by local number.
    pub(crate) fn coordinates(&self) -> impl ExactSizeIterator<Item = CoordinateId> {
        self.order.iter().map(|(coordinate, _)| *coordinate)
    }

    /// The next local number.
    pub(crate) fn next_local(&self) -> u32 {
        // A segment has at most 4 GiB, so fewer than 2^32 names.
        u32::try_from(self.order.len()).unwrap_or(u32::MAX)
    }

    /// Whether the segment has a record of the entity.
    pub(crate) fn has_entity(&self, entity: EntityId) -> bool {
        let at = usize::try_from(entity.get()).ok();
        at.and_then(|at| self.entities.get(at)) == Some(&true)
    }

    /// Gives a coordinate the next local number.
    pub(crate) fn add(&mut self, coordinate: CoordinateId, entity: EntityId) {
        let number = self.next_local().saturating_add(1);
        self.order.push((coordinate, entity));
        if let Some(local) = slot(&mut self.local, coordinate.get()) {
            *local = number;
        }
        if let Some(named) = slot(&mut self.entities, entity.get()) {
            *named = true;
        }
    }

    /// Forgets everything, for a new segment. Linear in what was named.
    pub(crate) fn clear(&mut self) {
        for (coordinate, entity) in self.order.drain(..) {
            if let Some(local) = slot(&mut self.local, coordinate.get()) {
                *local = 0;
            }
            if let Some(named) = slot(&mut self.entities, entity.get()) {
                *named = false;
            }
        }
    }
}
