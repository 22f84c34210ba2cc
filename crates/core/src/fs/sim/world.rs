//! `World`: a disk, the processes that use it, and what fails; and how a process reaches it.

use super::directory::NodeId;
use super::disk::SimDisk;
use super::fault::{SimFault, SimFaultKind};
use super::step::{Action, Step};
use crate::fs::{FileIdentity, Operation};
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct World {
    pub(super) disk: SimDisk,
    pub(super) steps: Vec<Step>,
    pub(super) faults: Vec<SimFault>,
    pub(super) first_fault_met: bool,
    pub(super) operations: u64,
    /// The first change of what a failed sync had lost.
    pub(super) changed_after_failure: Option<Step>,
    /// Most bytes that all files have together.
    pub(super) capacity: usize,
    /// Locked files, each with the process that has it.
    pub(super) locks: BTreeMap<NodeId, u64>,
    /// The process that lives; what earlier ones do has no effect.
    pub(super) process: u64,
    /// Processes that live beside it.
    pub(super) beside: BTreeSet<u64>,
    /// How many processes there were.
    processes: u64,
}

impl World {
    pub(super) const fn new_process(&mut self) -> u64 {
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

/// The world as one process reaches it.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    pub(super) world: Arc<Mutex<World>>,
    /// Number of the process that this handle belongs to.
    pub(super) process: u64,
    /// What tells the disk from other file systems.
    device: u64,
}

impl Handle {
    /// That of the first process on `disk`, on which nothing fails.
    pub(super) fn new(disk: SimDisk) -> Self {
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

    /// That of another process in the same world.
    pub(super) fn of(&self, process: u64) -> Self {
        Self {
            process,
            ..self.clone()
        }
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
    ) -> io::Result<(MutexGuard<'_, World>, Option<SimFaultKind>)> {
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
}
