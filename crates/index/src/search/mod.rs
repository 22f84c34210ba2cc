//! Searches that live rows and blocks share: ids that ascend, runs of sequences, places, and texts put in
//! order.
//!
//! Plain functions over numbers that somebody else keeps; holds no row. Knows no other room.

mod ids;
mod places;
mod runs;
mod texts;

pub(crate) use ids::search;
pub(crate) use places::{partition, partition_near};
pub(crate) use runs::{Run, first_row_from, run_end, sequence_of};
pub(crate) use texts::sort_by_text;
