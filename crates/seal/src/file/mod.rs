//! Keys in a file: its bytes, and who may change it when. Seals nothing, and knows no store.

mod disk;
mod format;
mod keys;
mod mark;
mod options;
mod record;
mod secret;
mod tail;

pub use keys::FileKeys;
pub use options::KeyFileOptions;
