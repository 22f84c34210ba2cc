//! The file seam: the only place where files are touched.
//!
//! [`OsFs`] is the operating system, [`MemFs`] keeps files in memory, an [`FsLayer`] stands over another one.
//! Calls go through `dyn`: next to a system call an indirect call does not show, and no type above has to
//! carry a parameter.
//!
//! Anyone may have a file mapped, or linked under another name, so there is no way to open one that
//! exists and write all over it. A file is new ([`OpenMode::Create`]), or is appended to behind an
//! end that is given ([`OpenMode::Append`]), or is read; what is below the end is neither written nor
//! cut off, and the end rises as more is shown to others ([`FsFile::fix_below`]). Whatever is to
//! be otherwise gets a new file, and one rename ([`StagedFile`]). A file that is locked may say who has the lock
//! ([`FileLock::note`]), which is for people alone.
//!
//! Holds no format and knows nothing of events. May know the [`Process`](crate::Process) that holds a lock,
//! and [`sync`](crate::sync).

mod failing;
mod file;
mod floor;
mod identity;
mod layer;
mod mapping;
mod memory;
mod os;
mod os_file;
mod replace;
mod system;

#[cfg(feature = "test-util")]
mod fault;
#[cfg(feature = "test-util")]
mod operation;
#[cfg(feature = "test-util")]
mod sim;

pub use failing::is_of_failing_disk;
pub use file::FsFile;
pub use identity::FileIdentity;
pub use layer::{FsFileLayer, FsLayer};
pub use mapping::Mapping;
pub use memory::MemFs;
pub use os::OsFs;
pub use replace::{StagedFile, TEMPORARY_SUFFIX, read_file, replace_file};
pub use system::{DirEntry, DirName, EntryKind, FileLock, Fs, OpenMode};

#[cfg(feature = "test-util")]
pub use fault::{Fault, FaultFs};
#[cfg(feature = "test-util")]
pub use operation::Operation;
#[cfg(feature = "test-util")]
pub use sim::{Draws, Fill, Keep, Loss, SimDisk, SimFault, SimFaultKind, SimFs, Step};
