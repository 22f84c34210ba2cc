//! Typed payloads: types that say which events they are of, how they are encoded, and how what an
//! older program wrote becomes what this one reads.
//!
//! Holds no encoding: that is `encode`. It may know that, and the events that are written and read; these
//! know no types, so whatever an event does with one ([`Event::typed`](crate::Event::typed),
//! [`EventRef::decode`](crate::EventRef::decode)) is here.

mod codec;
mod event_enum;
mod gone;
mod payload;
mod read;
mod registry;
mod write;

pub use codec::{Codec, CodecError, Json, MessagePack};
pub use event_enum::EventEnum;
pub use gone::{GonePayload, OpenPayload};
pub use payload::EventPayload;
pub use registry::Registry;
