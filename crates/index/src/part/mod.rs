//! One part of an index: consecutive rows, live or as a block, asked in one way.
//!
//! `view` is rows of a block; `rows` asks by row, by id and by key, `list` holds the rows of one key,
//! `heads` finds the newest of entities, `names` lists names in order, `kinds` counts rows, and `source` gives the rows to
//! whoever builds a block. Holds no row itself, and knows of no other
//! part. Knows the rooms `live`, `block` and `model`.

mod heads;
mod kinds;
mod list;
mod names;
mod rows;
mod source;
mod view;

pub(crate) use list::List;
pub(crate) use rows::Part;
pub(crate) use view::View;
