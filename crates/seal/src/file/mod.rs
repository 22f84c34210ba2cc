//! Keys in a file: its bytes, and who may change it when. Seals nothing, and knows no store.

mod error;
mod format;
mod keys;
mod options;
mod secret;

pub use keys::FileKeys;
pub use options::KeyFileOptions;
