//! The newest events of entities in a part, of one or of many at once, and the rows of many ids.

use super::rows::Part;
use crate::block::HashedName;
use crate::live::LiveRows;
use crate::model::{Claim, Head, NameSort, SealedHead};
use std::ops::Range;
use strandline_core::EventId;

impl Part {
    /// The newest event of an entity, if it has any here.
    pub(crate) fn head(&self, entity: &HashedName<'_>) -> Option<Head> {
        match self {
            Self::Live(live) => live_head(live, entity.name),
            Self::Block(view) => {
                let place = view.block.place_of_hashed(NameSort::Entity, entity)?;
                let found = view.block.head(place, &view.range())?;
                Some(found.head)
            }
        }
    }

    /// The last row of an entity among the first `bound`, if it has any there.
    pub(crate) fn last_of(&self, entity: &HashedName<'_>, bound: u32) -> Option<u32> {
        match self {
            Self::Live(live) => {
                let rows = live.live.names(NameSort::Entity).get(entity.name)?.rows;
                rows.last_below(bound)
            }
            Self::Block(view) => {
                let place = view.block.place_of_hashed(NameSort::Entity, entity)?;
                let Range { start, end } = view.range();
                let rows = start..end.min(start.saturating_add(bound));
                let row = view.block.last_row(place, &rows)?;
                row.checked_sub(start)
            }
        }
    }

    /// Of these entities those that have any event here, by where they stand among them, ascending,
    /// each with its newest event and what is to be held against the log first.
    ///
    /// A few cache lines for each that a block has, and about one for any other, and no wait for each.
    pub(crate) fn heads(&self, entities: &[HashedName<'_>]) -> Vec<(usize, SealedHead)> {
        match self {
            Self::Live(live) => {
                let found = entities.iter().enumerate().filter_map(|(at, entity)| {
                    let head = live_head(live, entity.name)?;
                    Some((at, SealedHead { head, claim: None }))
                });
                found.collect()
            }
            Self::Block(view) => {
                let found = view.block.find_names(NameSort::Entity, entities);
                if found.is_empty() {
                    return Vec::new();
                }
                let places: Vec<_> = found.iter().map(|(_, place)| *place).collect();
                let heads = view.block.heads(&places, &view.range());
                let heads = found.iter().zip(heads).filter_map(|((at, _), head)| {
                    let claim = self.claim();
                    let head = head?.head;
                    Some((*at, SealedHead { head, claim }))
                });
                heads.collect()
            }
        }
    }

    /// What a block says of its rows; none of live rows, and of a block that is trusted. O(1).
    pub(crate) fn claim(&self) -> Option<Claim> {
        match self {
            Self::Block(view) if !view.block.is_trusted() => Some(Claim {
                block: view.sequences(),
            }),
            _ => None,
        }
    }
}

impl Part {
    /// Of these ids those that a row has, by where they stand among them, ascending, each with its row.
    pub(crate) fn find_all(&self, ids: &[EventId]) -> Vec<(usize, u32)> {
        match self {
            Self::Live(live) => {
                let found = ids.iter().enumerate();
                let found = found.filter_map(|(at, id)| Some((at, live.find(*id, live.rows)?)));
                found.collect()
            }
            Self::Block(view) => view.find_all(ids),
        }
    }
}

fn live_head(live: &LiveRows, entity: &str) -> Option<Head> {
    let list = live.live.names(NameSort::Entity).get(entity)?.rows;
    let row = list.last_below(live.rows)?;
    let newest = list.head().filter(|newest| newest.row == row);
    Some(Head {
        sequence: live.sequence_of(row),
        clock: newest.map_or_else(|| live.cell(row).clock(), |newest| newest.clock),
        position: live.cell(row).position(),
        hash: newest.and_then(|newest| newest.hash),
    })
}
