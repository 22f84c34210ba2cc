//! The one writer: reserving, inserting, sealing, replaying and rolling back.
//!
//! `channel` makes it; `live_writer` is what it knows of the part that grows, and `index_writer` of all;
//! `tags` and `insert` add a row, `seal` ends a part, `rollback` undoes what nobody saw, and `replay`
//! does all of that for stored rows; `lookups` finds heads and ids, many at once. Answers no query. Knows
//! the room `reader`, which it shares parts with, and the rooms below.

mod channel;
mod coordinates;
mod index_writer;
mod insert;
mod live_writer;
mod lookups;
mod replay;
mod rollback;
mod seal;
mod tags;

pub use channel::{channel, channel_with, channel_within};
pub use coordinates::Coordinates;
pub use index_writer::IndexWriter;
pub use replay::ReplayCursor;
