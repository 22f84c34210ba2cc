//! `SimFs`: a file system over a simulated disk. It records its steps, fails on demand, and can be
//! full.

use super::super::floor::Floor;
use super::super::{DirEntry, EntryKind, FileIdentity, FileLock, Fs, FsFile, OpenMode, Operation};
use super::disk::{Action, Node, NodeId};
use super::file::SimFile;
use super::{Loss, SimDisk, SimFault, SimFaultKind, Step};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A file system over a [`SimDisk`]. Clones are handles of one process on it.
#[derive(Debug, Clone)]
pub struct SimFs {
    pub(super) world: Arc<Mutex<World>>,
    /// Number of the process that this handle belongs to.
    pub(super) process: u64,
    /// What tells the disk from other file systems.
    device: u64,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) disk: SimDisk,
    steps: Vec<Step>,
    faults: Vec<SimFault>,
    first_fault_met: bool,
    pub(super) operations: u64,
    /// The first change of what a failed sync had lost.
    changed_after_failure: Option<Step>,
    /// Most bytes that all files have together.
    pub(super) capacity: usize,
    /// Locked files, each with the process that has it.
    locks: BTreeMap<NodeId, u64>,
    /// The process that lives; what earlier ones do has no effect.
    process: u64,
    /// Processes that live beside it.
    beside: BTreeSet<u64>,
    /// How many processes there were.
    processes: u64,
}

impl SimFs {
    /// A file system over `disk`, on which nothing fails.
    #[must_use]
    pub fn new(disk: SimDisk) -> Self {
        Self {
            world: Arc::new(Mutex::new(World {
                disk,
                steps: Vec::new(),
                faults: Vec::new(),
                first_fault_met: false,
                operations: 0,
                changed_after_failure: None,
                capacity: usize::MAX,
                locks: BTreeMap::new(),
                process: 0,
                beside: BTreeSet::new(),
                processes: 1,
            })),
            process: 0,
            device: FileIdentity::new_device(),
        }
    }

    /// Kills the process that uses the file system: its calls fail from now on and change nothing,
    /// its locks are free. Gives the handle of the process after it. What was written stays, and so
    /// do the processes beside it.
    #[must_use]
    pub fn next_process(&self) -> Self {
        let mut world = self.world.lock();
        let killed = world.process;
        world.process = world.new_process();
        world.locks.retain(|_, process| *process != killed);
        Self {
            world: self.world.clone(),
            process: world.process,
            device: self.device,
        }
    }

    /// The handle of a process beside the one that uses the file system. It lives until the power is
    /// cut, and what it calls neither counts as an operation nor fails by a fault.
    #[must_use]
    pub fn beside(&self) -> Self {
        let mut world = self.world.lock();
        let process = world.new_process();
        world.beside.insert(process);
        Self {
            world: self.world.clone(),
            process,
            device: self.device,
        }
    }

    /// Cuts the power: every process is killed and what was not synced goes as `loss` says. Gives the
    /// handle of the process that comes after.
    #[must_use]
    pub fn power_cut(&self, loss: Loss) -> Self {
        let next = self.next_process();
        let mut world = self.world.lock();
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
        self.world.lock().disk.clone()
    }

    /// How many steps were recorded: calls that changed something or made it durable.
    #[must_use]
    pub fn steps_count(&self) -> usize {
        self.world.lock().steps.len()
    }

    /// The recorded steps, which are forgotten here.
    #[must_use]
    pub fn take_steps(&self) -> Vec<Step> {
        std::mem::take(&mut self.world.lock().steps)
    }

    /// How many operations were called, failed ones included: what the faults count.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.world.lock().operations
    }

    /// Makes coming operations fail; faults that were set before stay.
    pub fn fail(&self, fault: SimFault) {
        self.world.lock().faults.push(fault);
    }

    /// Whether any operation has failed by the first fault that was set.
    #[must_use]
    pub fn first_fault_was_met(&self) -> bool {
        self.world.lock().first_fault_met
    }

    /// The first write, since the power was last cut, to blocks of which a failed sync had lost
    /// something, or truncation of them: what is written there may never reach the disk.
    #[must_use]
    pub fn changed_after_failure(&self) -> Option<Step> {
        self.world.lock().changed_after_failure.clone()
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.world.lock().faults.clear();
    }

    /// Lets files have `bytes` more together than they have now; `None` ends the limit.
    pub fn limit_growth(&self, bytes: Option<usize>) {
        let mut world = self.world.lock();
        let used = world.disk.used_bytes();
        world.capacity = bytes.map_or(usize::MAX, |bytes| used.saturating_add(bytes));
    }

    /// What is never given to another.
    pub(super) const fn identity_of(&self, node: NodeId) -> FileIdentity {
        FileIdentity {
            device: self.device,
            inode: node as u64,
        }
    }

    /// Begins an operation: the state, and how the operation fails if it does.
    pub(super) fn begin(
        &self,
        operation: Operation,
    ) -> io::Result<(parking_lot::MutexGuard<'_, World>, Option<SimFaultKind>)> {
        let mut world = self.world.lock();
        if world.beside.contains(&self.process) {
            return Ok((world, None));
        }
        if self.process != world.process {
            return Err(io::Error::other("this process was killed"));
        }
        world.operations += 1;
        let failed = world
            .faults
            .iter_mut()
            .enumerate()
            .find_map(|(number, fault)| Some((number, fault.count(operation)?)));
        world.first_fault_met |= failed.is_some_and(|(number, _)| number == 0);
        match failed.map(|(_, kind)| kind) {
            Some(SimFaultKind::Error(kind)) => Err(kind.into()),
            Some(SimFaultKind::SyncLoses) if operation != Operation::Sync => {
                Err(io::Error::other("the disk failed"))
            }
            failed => Ok((world, failed)),
        }
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
            fs: self.clone(),
            node,
            path: path.into(),
            floor: Floor::of(mode, bytes, world.disk.links(node))?,
        }))
    }
}

impl World {
    const fn new_process(&mut self) -> u64 {
        let process = self.processes;
        self.processes += 1;
        process
    }

    pub(super) fn make(&mut self, action: Action, path: &Path) {
        let path = path.into();
        let step = Step { action, path };
        if self.changed_after_failure.is_none() && self.disk.changes_lost(&step) {
            self.changed_after_failure = Some(step.clone());
        }
        self.disk.apply(&step);
        self.steps.push(step);
    }
}

fn not_found(path: &Path) -> io::Error {
    let message = format!("no file {}", path.display());
    io::Error::new(io::ErrorKind::NotFound, message)
}

impl Fs for SimFs {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let missing: Vec<_> = {
            let world = self.world.lock();
            path.ancestors()
                .take_while(|path| world.disk.find(path).is_none())
                .collect()
        };
        for path in missing.into_iter().rev() {
            self.begin(Operation::CreateDirectory)?
                .0
                .make(Action::MakeDirectory, path);
        }
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let (mut world, _) = self.begin(Operation::CreateDirectory)?;
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
        let (mut world, _) = self.begin(Operation::Remove)?;
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
        let world = self.world.lock();
        let node = world.disk.find(path);
        node.map(|node| self.identity_of(node))
            .ok_or_else(|| not_found(path))
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let operation = match mode {
            OpenMode::Create => Operation::Create,
            OpenMode::Read | OpenMode::Append { .. } => Operation::Open,
        };
        let (mut world, _) = self.begin(operation)?;
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
        let (world, _) = self.begin(Operation::List)?;
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
        let (mut world, _) = self.begin(Operation::Rename)?;
        let parent = to.parent().and_then(|parent| world.disk.find(parent));
        if world.disk.find(from).is_none() || parent.is_none() {
            return Err(not_found(from));
        }
        world.disk.check_replaced(from, to)?;
        world.make(Action::Rename(to.into()), from);
        Ok(())
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.world.lock().disk.find(to).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let (mut world, _) = self.begin(Operation::Rename)?;
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
        let (mut world, _) = self.begin(Operation::Remove)?;
        if world.disk.find(path).is_none() {
            return Err(not_found(path));
        }
        world.make(Action::Remove, path);
        Ok(())
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        let (mut world, _) = self.begin(Operation::Link)?;
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
        let (mut world, failed) = self.begin(Operation::SyncDir)?;
        if world.disk.find(path).is_none() {
            return Err(not_found(path));
        }
        if failed != Some(SimFaultKind::SyncLies) {
            world.make(Action::SyncDirectory, path);
        }
        Ok(())
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        let (mut world, _) = self.begin(Operation::Lock)?;
        if world.disk.find(path).is_none() {
            world.make(Action::Create, path);
        }
        let node = world.disk.find(path).ok_or_else(|| not_found(path))?;
        if world.locks.contains_key(&node) {
            return Ok(None);
        }
        world.locks.insert(node, self.process);
        Ok(Some(Box::new(SimLock {
            fs: self.clone(),
            node,
        })))
    }
}

#[derive(Debug)]
struct SimLock {
    fs: SimFs,
    node: NodeId,
}

impl FileLock for SimLock {
    fn identity(&self) -> Option<FileIdentity> {
        Some(self.fs.identity_of(self.node))
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut world = self.fs.world.lock();
        if world.locks.get(&self.node) == Some(&self.fs.process) {
            world.locks.remove(&self.node);
        }
    }
}
