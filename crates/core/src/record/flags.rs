//! The bits of a record's first byte.

/// A correlation other than the event's own id follows.
pub const CORRELATION: u8 = 1;
/// A causation follows.
pub const CAUSATION: u8 = 1 << 1;
/// The names of the coordinate follow.
pub const NAMES: u8 = 1 << 2;
/// The hash of the entity's event before this one follows.
pub const PREVIOUS: u8 = 1 << 3;
/// Extensions follow.
pub const EXTENSIONS: u8 = 1 << 4;
/// The payload was removed and its hash stands in its place.
pub const REDACTED: u8 = 1 << 5;
/// In the record of a removed event: the kind of the event and its name follow.
pub const KIND_NAME: u8 = 1 << 4;
/// In the record of a removed event: a position in a source follows.
pub const TRACKING: u8 = 1 << 5;
/// The event was removed; see [`RemovedRecord`](super::RemovedRecord).
pub const REMOVED: u8 = 1 << 6;
/// Every bit that the record of an event may have.
pub const ALL: u8 = (1 << 6) - 1;
