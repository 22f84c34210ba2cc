//! A simulated disk: it keeps what was synced apart from what was only written, and a power cut
//! leaves an image in which the rest may be lost, torn or reordered.
//!
//! [`SimDisk`] is the state alone, [`SimFs`] a file system over it that records its [`Step`]s and
//! fails on demand. Everything follows from seeds, so a failure repeats.
//!
//! What a disk is taken to do, and not to do:
//!
//! - A sector of 512 bytes that is being written holds the old bytes, the new ones, or garbage in
//!   those bytes that differ; bytes that the write does not change stay. (SQLite calls that
//!   "powersafe overwrite".)
//! - Unsynced sectors, lengths and directory entries survive or not, each for itself.
//! - A rename within a directory is atomic. One between directories is not: after a power cut the
//!   file may have both names, though never none.
//! - What reads give is the cache, as a mapping shows it that somebody holds; only a power cut has
//!   them give what is on the medium.
//! - A sync that fails leaves all pages clean. What did not arrive is either written once the page is
//!   written again, or, as ext4 has it, never: its blocks of 4096 bytes stay as they are on the medium,
//!   whatever is written to them, and every later sync of the file succeeds. Only what a truncation
//!   frees, and another file, has other blocks.

mod directory;
mod disk;
mod draws;
mod fault;
mod file;
mod inode;
mod loss;
mod step;
mod system;
#[cfg(test)]
mod tests;
mod world;

pub use disk::SimDisk;
pub use draws::Draws;
pub use fault::{SimFault, SimFaultKind};
pub use loss::{Fill, Keep, Loss};
pub use step::Step;
pub use system::SimFs;
