//! `SimFile`: an open file of a `SimFs`.

use super::directory::NodeId;
use super::fault::SimFaultKind;
use super::step::Action;
use super::world::{Handle, World};
use crate::fs::floor::Floor;
use crate::fs::{FileIdentity, FsFile, Operation};
use std::io;
use std::path::Path;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct SimFile {
    pub(super) handle: Handle,
    pub(super) node: NodeId,
    pub(super) path: Arc<Path>,
    pub(super) floor: Floor,
}

fn in_memory(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

/// Half of `count`, at least one, for a transfer that comes out short.
const fn short(count: usize) -> usize {
    count - count / 2
}

impl SimFile {
    fn length(&self, world: &World) -> usize {
        let inode = world.disk.file(self.node);
        inode.map_or(0, |inode| inode.bytes().len())
    }
}

impl FsFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let (world, failed) = self.handle.begin(Operation::Read)?;
        let bytes = world.disk.file(self.node).map_or(&[][..], |i| i.bytes());
        let from = bytes.get(in_memory(offset)?..).unwrap_or_default();
        let mut count = from.len().min(buffer.len());
        if failed == Some(SimFaultKind::Short) {
            count = short(count);
        }
        for (to, from) in buffer.iter_mut().zip(from).take(count) {
            *to = *from;
        }
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.floor.check(offset)?;
        let (mut world, failed) = self.handle.begin(Operation::Write)?;
        let offset = in_memory(offset)?;
        let mut count = bytes.len();
        if failed == Some(SimFaultKind::Short) {
            count = short(count);
        }
        if world.capacity < usize::MAX {
            let room = world.capacity.saturating_sub(world.disk.used_bytes());
            let end = self.length(&world).saturating_add(room);
            count = count.min(end.saturating_sub(offset));
            if count == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        let part = bytes.get(..count).unwrap_or_default();
        world.make(Action::Write(self.node, part.into(), offset), &self.path);
        Ok(count)
    }

    fn sync(&self) -> io::Result<()> {
        let (mut world, failed) = self.handle.begin(Operation::Sync)?;
        match failed {
            Some(SimFaultKind::SyncLies) => Ok(()),
            Some(SimFaultKind::SyncLoses) => {
                let seed = world.operations;
                world.make(Action::FailSync(self.node, seed), &self.path);
                Err(io::Error::other("the disk failed to write"))
            }
            _ => {
                world.make(Action::Sync(self.node), &self.path);
                Ok(())
            }
        }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.floor.check(bytes)?;
        let (mut world, _) = self.handle.begin(Operation::SetLen)?;
        let bytes = in_memory(bytes)?;
        world.make(Action::SetLen(self.node, bytes), &self.path);
        Ok(())
    }

    fn fix_below(&self, end: u64) {
        self.floor.raise(end);
    }

    fn identity(&self) -> io::Result<FileIdentity> {
        Ok(self.handle.identity_of(self.node))
    }

    fn links(&self) -> io::Result<u64> {
        let (world, _) = self.handle.begin(Operation::Length)?;
        Ok(world.disk.links(self.node))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let (mut world, _) = self.handle.begin(Operation::Allocate)?;
        let bytes = in_memory(bytes)?;
        let length = self.length(&world);
        self.floor.check(length as u64)?;
        if bytes <= length {
            return Ok(());
        }
        if world.capacity < usize::MAX {
            let room = world.capacity.saturating_sub(world.disk.used_bytes());
            if bytes - length > room {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        world.make(Action::SetLen(self.node, bytes), &self.path);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let (world, _) = self.handle.begin(Operation::Length)?;
        Ok(self.length(&world) as u64)
    }
}
