//! Arguments that several commands have, and the values that are read from them.
//!
//! Opens a store as they say; looks whether its path is that of a file, and in a snapshot for the kinds and
//! events that they name; reads the files of keys. Knows `files`, `outcome`, `output` and `times`.

#[cfg(feature = "replicate")]
mod bucket;
mod confirm;
mod event;
mod keys;
mod kind;
mod near;
mod query;
mod region;
#[cfg(feature = "proof")]
mod signers;
mod store;
mod zone;

#[cfg(feature = "replicate")]
pub(crate) use bucket::{Access, BucketArgs, SettingArgs, bucket_url, refused_bucket};
pub(crate) use confirm::{confirm, confirm_on_terminal};
pub(crate) use event::{foreign_event_id, parse_event_id};
pub(crate) use keys::{OpenArgs, opened, opened_event};
#[cfg(feature = "seal")]
pub(crate) use keys::{WrappingArgs, advised, keeping_owner, open_keys};
pub(crate) use kind::{CATEGORY_DEFAULT, KindArg};
pub(crate) use near::{did_you_mean, nearest};
pub(crate) use query::{QueryArgs, RegionText, tell_no_events};
#[cfg(feature = "proof")]
pub(crate) use signers::{PolicyArgs, log_signer_key, signer_key};
pub(crate) use store::{StoreArgs, open, open_to_write, open_whole, store_dir};
pub(crate) use zone::ZoneArgs;
