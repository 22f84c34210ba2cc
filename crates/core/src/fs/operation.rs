//! `Operation`: what can be made to fail in a file system for tests.

/// An operation that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Operation {
    /// [`FsFile::read_at`](super::FsFile::read_at).
    Read,
    /// [`FsFile::write_at`](super::FsFile::write_at).
    Write,
    /// [`FsFile::sync`](super::FsFile::sync).
    Sync,
    /// [`FsFile::set_len`](super::FsFile::set_len).
    SetLen,
    /// [`FsFile::map`](super::FsFile::map), which gives nothing then.
    Map,
    /// [`Fs::open`](super::Fs::open) with [`OpenMode::Create`](super::OpenMode::Create).
    Create,
    /// [`Fs::rename`](super::Fs::rename), [`Fs::rename_new`](super::Fs::rename_new) and
    /// [`Fs::exchange`](super::Fs::exchange).
    Rename,
    /// [`Fs::sync_dir`](super::Fs::sync_dir).
    SyncDir,
    /// [`Fs::remove_file`](super::Fs::remove_file) and [`Fs::remove_dir`](super::Fs::remove_dir); only in a
    /// [`SimFs`](super::SimFs), as are those that follow.
    Remove,
    /// [`Fs::open`](super::Fs::open) of what exists.
    Open,
    /// [`Fs::list`](super::Fs::list).
    List,
    /// [`Fs::try_lock`](super::Fs::try_lock).
    Lock,
    /// [`Fs::create_dir`](super::Fs::create_dir) and [`Fs::create_dir_all`](super::Fs::create_dir_all), once
    /// for each directory that is made.
    CreateDirectory,
    /// [`FsFile::allocate`](super::FsFile::allocate).
    Allocate,
    /// [`FsFile::len`](super::FsFile::len).
    Length,
    /// [`Fs::link`](super::Fs::link).
    Link,
}
