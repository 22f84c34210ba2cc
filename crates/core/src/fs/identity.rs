//! `FileIdentity`: which file something is, whatever it is called.

/// Which file or directory this is among all that exist now. Another one may get the identity after
/// it was removed and closed by all who had it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// The file system that has it.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}
