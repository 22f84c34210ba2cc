//! `SimFs`: a file system over a simulated disk. It records its steps, fails on demand, and can be
//! full.

use super::directory::NodeId;
use super::disk::{Node, SimDisk};
use super::fault::{SimFault, SimFaultKind};
use super::file::SimFile;
use super::loss::Loss;
use super::step::{Action, Step};
use super::world::{Handle, World};
use crate::fs::floor::Floor;
use crate::fs::{DirEntry, EntryKind, FileIdentity, FileLock, Fs, FsFile, OpenMode, Operation};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A file system over a [`SimDisk`]. Clones are handles of one process on it.
#[derive(Debug, Clone)]
pub struct SimFs(Handle);

impl SimFs {
    /// A file system over `disk`, on which nothing fails.
    #[must_use]
    pub fn new(disk: SimDisk) -> Self {
        Self(Handle::new(disk))
    }

    /// Kills the process that uses the file system: its calls fail from now on and change nothing,
    /// its locks are free. Gives the handle of the process after it. What was written stays, and so
    /// do the processes beside it.
    #[must_use]
    pub fn next_process(&self) -> Self {
        let mut world = self.0.world.lock();
        let killed = world.process;
        world.process = world.new_process();
        world.locks.retain(|_, process| *process != killed);
        Self(self.0.of(world.process))
    }

    /// The handle of a process beside the one that uses the file system. It lives until the power is
    /// cut, and what it calls neither counts as an operation nor fails by a fault.
    #[must_use]
    pub fn beside(&self) -> Self {
        let mut world = self.0.world.lock();
        let process = world.new_process();
        world.beside.insert(process);
        Self(self.0.of(process))
    }

    /// Cuts the power: every process is killed and what was not synced goes as `loss` says. Gives the
    /// handle of the process that comes after.
    #[must_use]
    pub fn power_cut(&self, loss: Loss) -> Self {
        let next = self.next_process();
        let mut world = self.0.world.lock();
        world.beside.clear();
        world.changed_after_failure = None;
        world.locks.clear();
        world.make(Action::PowerCut(loss), Path::new("/"));
        drop(world);
        next
    }

    /// The disk as it is now.
    #[must_use]
    pub fn disk(&self) -> SimDisk {
        self.0.world.lock().disk.clone()
    }

    /// How many steps were recorded: calls that changed something or made it durable.
    #[must_use]
    pub fn steps_count(&self) -> usize {
        self.0.world.lock().steps.len()
    }

    /// The recorded steps, which are forgotten here.
    #[must_use]
    pub fn take_steps(&self) -> Vec<Step> {
        std::mem::take(&mut self.0.world.lock().steps)
    }

    /// How many operations were called, failed ones included: what the faults count.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.0.world.lock().operations
    }

    /// Makes coming operations fail; faults that were set before stay.
    pub fn fail(&self, fault: SimFault) {
        self.0.world.lock().faults.push(fault);
    }

    /// Whether any operation has failed by the first fault that was set.
    #[must_use]
    pub fn first_fault_was_met(&self) -> bool {
        self.0.world.lock().first_fault_met
    }

    /// The first write, since the power was last cut, to blocks of which a failed sync had lost
    /// something, or truncation of them: what is written there may never reach the disk.
    #[must_use]
    pub fn changed_after_failure(&self) -> Option<Step> {
        self.0.world.lock().changed_after_failure.clone()
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.0.world.lock().faults.clear();
    }

    /// Lets files have `bytes` more together than they have now; `None` ends the limit.
    pub fn limit_growth(&self, bytes: Option<usize>) {
        let mut world = self.0.world.lock();
        let used = world.disk.used_bytes();
        world.capacity = bytes.map_or(usize::MAX, |bytes| used.saturating_add(bytes));
    }

    fn file(
        &self,
        world: &World,
        node: NodeId,
        path: &Path,
        mode: OpenMode,
    ) -> io::Result<Arc<dyn FsFile>> {
        let inode = world.disk.file(node);
        let bytes = inode.map_or(0, |inode| inode.bytes().len() as u64);
        Ok(Arc::new(SimFile {
            handle: self.0.clone(),
            node,
            path: path.into(),
            floor: Floor::of(mode, bytes, world.disk.links(node))?,
        }))
    }
}

fn not_found(path: &Path) -> io::Error {
    let message = format!("no file {}", path.display());
    io::Error::new(io::ErrorKind::NotFound, message)
}

impl Fs for SimFs {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let missing: Vec<_> = {
            let world = self.0.world.lock();
            path.ancestors()
                .take_while(|path| world.disk.find(path).is_none())
                .collect()
        };
        for path in missing.into_iter().rev() {
            self.0
                .begin(Operation::CreateDirectory)?
                .0
                .make(Action::MakeDirectory, path);
        }
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let (mut world, _) = self.0.begin(Operation::CreateDirectory)?;
        if world.disk.find(path).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if path
            .parent()
            .and_then(|parent| world.disk.find(parent))
            .is_none()
        {
            return Err(not_found(path));
        }
        world.make(Action::MakeDirectory, path);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let (mut world, _) = self.0.begin(Operation::Remove)?;
        let node = world.disk.find(path).ok_or_else(|| not_found(path))?;
        match world.disk.node(node) {
            Some(Node::Directory(directory)) if directory.entries.is_empty() => {
                world.make(Action::Remove, path);
                Ok(())
            }
            Some(Node::Directory(_)) => Err(io::ErrorKind::DirectoryNotEmpty.into()),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        let world = self.0.world.lock();
        let node = world.disk.find(path);
        node.map(|node| self.0.identity_of(node))
            .ok_or_else(|| not_found(path))
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let operation = match mode {
            OpenMode::Create => Operation::Create,
            OpenMode::Read | OpenMode::Append { .. } => Operation::Open,
        };
        let (mut world, _) = self.0.begin(operation)?;
        let found = world.disk.find(path);
        match (found.map(|node| (node, world.disk.node(node))), mode) {
            (Some((_, Some(Node::Directory(_)))), _) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            )),
            (Some(_), OpenMode::Create) => Err(io::ErrorKind::AlreadyExists.into()),
            (Some((node, _)), _) => self.file(&world, node, path, mode),
            (None, OpenMode::Create) => {
                world.make(Action::Create, path);
                let node = world.disk.find(path).ok_or_else(|| not_found(path))?;
                self.file(&world, node, path, mode)
            }
            (None, _) => Err(not_found(path)),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let (world, _) = self.0.begin(Operation::List)?;
        let node = world.disk.find(path).and_then(|node| world.disk.node(node));
        let Some(Node::Directory(directory)) = node else {
            return Err(not_found(path));
        };
        let entries = directory.entries.iter().map(|(name, node)| {
            let (kind, bytes) = match world.disk.file(*node) {
                Some(inode) => (EntryKind::File, inode.bytes().len() as u64),
                None => (EntryKind::Directory, 0),
            };
            let name = name.clone();
            DirEntry { name, kind, bytes }
        });
        Ok(entries.collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut world, _) = self.0.begin(Operation::Rename)?;
        rename(&mut world, from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.0.world.lock().disk.find(to).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let (mut world, _) = self.0.begin(Operation::Rename)?;
        // Somebody may have made it meanwhile.
        match world.disk.find(to).is_some() {
            true => Err(io::ErrorKind::AlreadyExists.into()),
            false => rename(&mut world, from, to),
        }
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let (mut world, _) = self.0.begin(Operation::Rename)?;
        for path in [one, other] {
            world.disk.find(path).ok_or_else(|| not_found(path))?;
        }
        // As between directories a rename is not one step, nor would this be.
        if one.parent() != other.parent() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        world.make(Action::Exchange(other.into()), one);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let (mut world, _) = self.0.begin(Operation::Remove)?;
        if world.disk.find(path).is_none() {
            return Err(not_found(path));
        }
        world.make(Action::Remove, path);
        Ok(())
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        let (mut world, _) = self.0.begin(Operation::Link)?;
        let node = world.disk.find(file);
        let is_file = node.is_some_and(|node| world.disk.file(node).is_some());
        let parent = name.parent().and_then(|parent| world.disk.find(parent));
        if !is_file || parent.is_none() {
            return Err(not_found(file));
        }
        if world.disk.find(name).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        world.make(Action::Link(name.into()), file);
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let (mut world, failed) = self.0.begin(Operation::SyncDir)?;
        if world.disk.find(path).is_none() {
            return Err(not_found(path));
        }
        if failed != Some(SimFaultKind::SyncLies) {
            world.make(Action::SyncDirectory, path);
        }
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        let (mut world, _) = self.0.begin(Operation::Lock)?;
        if world.disk.find(path).is_none() {
            world.make(Action::Create, path);
        }
        let node = world.disk.find(path).ok_or_else(|| not_found(path))?;
        if world.locks.contains_key(&node) {
            return Ok(None);
        }
        world.locks.insert(node, self.0.process);
        Ok(Some(Box::new(SimLock {
            handle: self.0.clone(),
            node,
        })))
    }
}

#[derive(Debug)]
struct SimLock {
    handle: Handle,
    node: NodeId,
}

impl FileLock for SimLock {
    fn identity(&self) -> Option<FileIdentity> {
        Some(self.handle.identity_of(self.node))
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut world = self.handle.world.lock();
        if world.locks.get(&self.node) == Some(&self.handle.process) {
            world.locks.remove(&self.node);
        }
    }
}

fn rename(world: &mut World, from: &Path, to: &Path) -> io::Result<()> {
    let parent = to.parent().and_then(|parent| world.disk.find(parent));
    if world.disk.find(from).is_none() || parent.is_none() {
        return Err(not_found(from));
    }
    world.disk.check_replaced(from, to)?;
    world.make(Action::Rename(to.into()), from);
    Ok(())
}
