//! Searches that live rows and blocks share: ids that ascend, runs of sequences, and places.
//!
//! Plain functions over numbers that somebody else keeps; holds no row. Knows no other room.

mod ids;
mod places;
mod runs;

pub(crate) use ids::search;
pub(crate) use places::{partition, partition_near};
pub(crate) use runs::{Run, first_row_from, run_end, sequence_of};
