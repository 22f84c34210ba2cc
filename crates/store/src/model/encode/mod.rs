//! `encode`: values as JSON or MessagePack, or the reason why they would not come back as they are.
//!
//! The one place where values become payloads. What a format cannot hold is refused here, when it is
//! appended, since nobody could mend it when it is read. Holds no decoding but the one that settles
//! doubts. Knows nothing else of this crate: a refusal becomes an error where it is met.

mod checked;
mod doubts;
mod format;
mod from_json;
mod keys;
mod place;
mod refusal;
mod state;
mod value;

pub(crate) use from_json::json_as_message_pack;
pub(crate) use value::{json, json_with, message_pack, message_pack_with};
