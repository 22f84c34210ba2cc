//! `Source`: where candidate rows come from. How they are walked is not here.

use crate::model::TileMask;
use crate::part::List;
use std::ops::Range;

/// Where candidate rows come from.
pub(super) enum Source {
    /// Every row in the range, of tiles that meet a mask.
    Scan(TileMask),
    /// The rows of some keys.
    Lists(Vec<Keyed>),
}

/// Part of the rows of a key.
#[derive(Clone)]
pub(super) struct Keyed {
    pub(super) list: List,
    pub(super) positions: Range<usize>,
}
