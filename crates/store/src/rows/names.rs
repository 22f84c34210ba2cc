//! `SegmentNames`: the numbers that coordinates have in the active segment.

use std::sync::Arc;
use strandline_core::Coordinate;
use strandline_index::{Block, CoordinateId};

/// No local number, or no coordinate.
const NONE: u32 = u32::MAX;

/// Which coordinates the active segment has named, and their local numbers, in order of first use.
///
/// What a checkpoint says of them is used where it is, so that opening does not depend on how many
/// there are; names since are known by the numbers that the index gave them.
#[derive(Debug, Clone, Default)]
pub(crate) struct SegmentNames {
    base: Option<Arc<Base>>,
    /// By number in the index: local number, or `NONE` where the segment has not named it.
    local: Vec<u32>,
    /// By local number, from that of the base's last on: number in the index.
    order: Vec<CoordinateId>,
}

/// The names that a checkpoint has.
#[derive(Debug)]
struct Base {
    block: Arc<Block>,
    /// By local number: place in the block.
    places: Vec<u32>,
    /// By place in the block: local number.
    locals: Vec<u32>,
}

impl SegmentNames {
    /// Names of a segment so far, all of them in `block`: by local number, the place of each.
    ///
    /// `None` if the places are not those of the block, each once.
    pub(crate) fn of_block(block: Arc<Block>, places: Vec<u32>) -> Option<Self> {
        let mut locals = vec![NONE; usize::try_from(block.coordinate_count()).ok()?];
        for (local, place) in (0..).zip(&places) {
            let slot = locals.get_mut(usize::try_from(*place).ok()?)?;
            if *slot != NONE {
                return None;
            }
            *slot = local;
        }
        let base = Base {
            block,
            places,
            locals,
        };
        Some(Self {
            base: Some(Arc::new(base)),
            ..Self::default()
        })
    }

    /// The local number of a coordinate that the segment has named; `known` is its number in the
    /// index, if it has one.
    pub(crate) fn local(
        &self,
        coordinate: &Coordinate,
        known: Option<CoordinateId>,
    ) -> Option<u32> {
        let own = known.and_then(|known| self.local.get(at(known.get())));
        if let Some(local) = own.filter(|local| **local != NONE) {
            return Some(*local);
        }
        let base = self.base.as_ref()?;
        let place = base.block.find_coordinate(coordinate)?;
        let local = base.locals.get(at(place))?;
        (*local != NONE).then_some(*local)
    }

    /// The coordinate with a local number of the base, which the index may not know.
    pub(crate) fn base_coordinate(&self, local: u32) -> Option<Coordinate> {
        let base = self.base.as_ref()?;
        base.block.coordinate(*base.places.get(at(local))?)
    }

    /// The number in the index of the coordinate with a local number, if it was named since the
    /// base.
    pub(crate) fn coordinate(&self, local: u32) -> Option<CoordinateId> {
        let since = at(local).checked_sub(self.base_len())?;
        self.order.get(since).copied()
    }

    fn base_len(&self) -> usize {
        self.base.as_ref().map_or(0, |base| base.places.len())
    }

    /// The next local number.
    pub(crate) fn next_local(&self) -> u32 {
        // A segment has at most 4 GiB, so fewer than 2^32 names.
        u32::try_from(self.base_len() + self.order.len()).unwrap_or(NONE)
    }

    /// Notes the local number of a coordinate that the index has numbered: a new one, if it is the
    /// next.
    pub(crate) fn note(&mut self, coordinate: CoordinateId, local: u32) {
        if local == self.next_local() {
            self.order.push(coordinate);
        }
        let slot = at(coordinate.get());
        if self.local.len() <= slot {
            self.local.resize(slot + 1, NONE);
        }
        if let Some(own) = self.local.get_mut(slot) {
            *own = local;
        }
    }

    /// Forgets everything, for a new segment.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Numbers of 32 bits fit the machines that this runs on.
fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
