//! The values that every layer of Strandline speaks of, and the seams to the world outside.
//!
//! - What an event is: [`Coordinate`], [`EventKind`], [`EventId`], [`Sequence`], [`Hlc`],
//!   [`EventHeader`], and [`Region`] and [`Query`] for sets of them.
//! - What proves it: [`Hash`](struct@Hash), [`HashChain`], [`EventHasher`], [`LogHasher`], and the salted
//!   [`Checksum`].
//! - What it looks like in bytes: [`record::Record`], on the bounds-checked [`codec`].
//! - Where files, time and randomness come from: [`fs::Fs`], [`Clock`], [`Random`]; and in which
//!   [`Process`].
//!
//! Knows no storage: nothing here decides what is written where. Every value is checked when it is
//! made, with the feature `serde` also when it is deserialized.
//!
//! ```
//! use strandline_core::{Coordinate, EventId, EventKind, HlcClock, Region};
//!
//! let order = Coordinate::new("order:1042", "eu/payments")?;
//! let mut clock = HlcClock::default();
//! let first = EventId::from_hlc(clock.tick(1_700_000_000_000)?, 0);
//! let second = EventId::from_hlc(clock.tick(1_600_000_000_000)?, 0);
//! assert!(first < second, "ids increase even when the system clock goes back");
//!
//! let region = Region::all().entity_prefix("order:").kind(EventKind::new(1, 1));
//! assert!(region.matches_names(order.entity(), order.scope()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod record;

mod checksum;
mod hashing;
mod random;

pub mod fs;
mod model;

mod clock;
pub mod codec;
mod hex;
mod process;
#[doc(hidden)]
#[cfg_attr(
    strandline_loom,
    allow(
        missing_docs,
        clippy::expect_used,
        reason = "the documented twin is the one that ships"
    )
)]
pub mod sync;

pub use checksum::{Checksum, Salt};
pub use clock::{Clock, ManualClock, SystemClock};
pub use hashing::{
    CanonicalHeader, EventHasher, LogHasher, log_hash_of_note, note_digest, payload_hash,
    recorded_log_base, run_digest,
};
pub use hex::{Hex, HexError, read_hex, write_hex};
pub use model::{
    ATTRIBUTES_BYTES_MAX, AttributeError, AttributeValue, Attributes, ClockKey, Coordinate,
    EXTENSION_BYTES_MAX, EXTENSION_HEAD_BYTES, EntityFilter, Epoch, EpochError, EventHeader,
    EventId, EventIdError, EventKind, Extensions, Hash, HashChain, HashError, Hlc, HlcBehind,
    HlcClock, HlcError, HlcExhausted, ID_RANDOM_BITS, KIND_NAME_EXTENSION_BYTES_MAX, KindError,
    KindFilter, KindRange, KindSet, NAME_BYTES_MAX, NameError, Nonce, PayloadEncoding, Query,
    Region, SEAL_BYTES, Seal, SealForm, SealKeyId, SealKeyIdError, Sequence, Span, TAG_BYTES_MAX,
    TAGS_MAX, TRACKING_EXTENSION_BYTES_MAX, TagError, WALL_MS_MAX, check_name, civil_date,
    encode_tags, extension_tag, rfc3339, wall_ms_of,
};
pub use process::Process;
pub use random::{Nonces, Random};
