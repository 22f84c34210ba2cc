//! Cutting a mounted file system off from its disk: what a power cut leaves is what the disk has then.

use rustix::ioctl::{Setter, ioctl, opcode};
use std::fs::File;
use std::io;

/// What is still written when a file system is shut down (`GOING_FLAGS_*` of the kernel).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Going {
    /// The journal, and nothing else.
    Journal = 1,
    /// Nothing.
    Nothing = 2,
}

/// `FS_IOC_SHUTDOWN`: `_IOR('X', 125, __u32)`, which ext4, XFS and others share.
const FS_IOC_SHUTDOWN: rustix::ioctl::Opcode = opcode::read::<u32>(b'X', 125);

/// Shuts down the file system that `directory` is on. Nothing reaches its disk any more.
#[expect(unsafe_code, reason = "rustix has this call in its general form only")]
pub(crate) fn shutdown(directory: &File, going: Going) -> io::Result<()> {
    // SAFETY: the kernel reads one `__u32` through the pointer for this opcode, and writes nothing.
    let call = unsafe { Setter::<FS_IOC_SHUTDOWN, u32>::new(going as u32) };
    // SAFETY: the call takes no memory but that of `call`, which outlives it.
    unsafe { ioctl(directory, call) }?;
    Ok(())
}
