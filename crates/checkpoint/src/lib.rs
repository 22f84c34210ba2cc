//! A file of named, checksummed sections, published atomically.
//!
//! What a system saves so that it need not start from nothing: whoever opens the newest checkpoint
//! finds it whole, or finds that it is damaged and takes the one before. A section is bytes, or
//! metadata that serde can write.
//!
//! Knows nothing of what the sections mean.
//!
//! ```
//! use strandline_checkpoint::{CheckpointWriter, newest};
//! use strandline_core::fs::MemFs;
//!
//! let (fs, dir) = (MemFs::new(), std::path::Path::new("/state"));
//! CheckpointWriter::new()
//!     .metadata("position", &(7_u64, "seven"))?
//!     .section("rows", vec![1, 2, 3])?
//!     .publish(&fs, dir, 7)?;
//!
//! let checkpoint = newest(&fs, dir)?.checkpoint.unwrap();
//! assert_eq!(checkpoint.section("rows"), Some([1, 2, 3].as_slice()));
//! assert_eq!(checkpoint.metadata::<(u64, String)>("position")?, (7, "seven".to_owned()));
//! # Ok::<(), strandline_checkpoint::CheckpointError>(())
//! ```

#![forbid(unsafe_code)]

mod codec;
mod directory;
mod error;
mod format;
mod read;
mod write;

pub use codec::METADATA_BYTES_MAX;
pub use directory::{Discarded, Newest, file_name, file_number, is_file_name, newest, prune};
pub use error::CheckpointError;
pub use format::{FORMAT_VERSION, SECTION_NAME_BYTES_MAX};
pub use read::{Checkpoint, SharedSection};
pub use write::CheckpointWriter;
