//! `SimDisk`: the state of a simulated disk, how steps change it, and what a power cut leaves.

use super::directory::{Directory, NodeId};
use super::draws::Draws;
use super::inode::Inode;
use super::loss::{Choice, Fill, Keep, Loss};
use super::step::{Action, Step};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// The directory that every other is in.
const ROOT: NodeId = 0;

#[derive(Debug, Clone)]
pub(super) enum Node {
    File(Inode),
    Directory(Directory),
}

/// The state of a simulated disk: what is on the medium, and what the operating system shows.
#[derive(Debug, Clone)]
pub struct SimDisk {
    nodes: Vec<Node>,
    stamp: u64,
}

impl Default for SimDisk {
    fn default() -> Self {
        Self {
            nodes: vec![Node::Directory(Directory::default())],
            stamp: 0,
        }
    }
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a change that a [`SimFs`](super::SimFs) over an equal disk has recorded.
    ///
    /// A step that does not fit the disk changes nothing.
    pub fn apply(&mut self, step: &Step) {
        let path = &*step.path;
        let mut stamp = self.stamp;
        match &step.action {
            Action::MakeDirectory => self.add(path, Node::Directory(Directory::default())),
            Action::Create => self.add(path, Node::File(Inode::default())),
            Action::Write(node, bytes, at) => {
                if let Some(inode) = self.file_mut(*node) {
                    inode.write(bytes, *at, &mut stamp);
                    self.stamp = stamp;
                }
            }
            Action::SetLen(node, length) => {
                if let Some(inode) = self.file_mut(*node) {
                    inode.set_len(*length, &mut stamp);
                    self.stamp = stamp;
                }
            }
            Action::Sync(node) => {
                if let Some(inode) = self.file_mut(*node) {
                    inode.sync();
                }
            }
            Action::FailSync(node, seed) if seed % 2 == 0 => {
                self.sync_choice(*node, *seed, Inode::fail_sync);
            }
            Action::FailSync(node, seed) => {
                self.sync_choice(*node, *seed, Inode::fail_sync_for_good);
            }
            Action::SyncDirectory => {
                let node = self.find(path);
                if let Some(directory) = node.and_then(|node| self.directory_mut(node)) {
                    directory.sync();
                }
            }
            Action::Rename(to) => self.rename(path, to),
            Action::Exchange(other) => {
                let other = other.file_name().unwrap_or_default().to_string_lossy();
                if let Some((directory, name)) = self.parent_mut(path) {
                    directory.exchange(&name, &other, &mut stamp);
                    self.stamp = stamp;
                }
            }
            Action::Link(name) => {
                let node = self.find(path);
                if let (Some(node), Some((directory, name))) = (node, self.parent_mut(name)) {
                    directory.link(&name, node, &mut stamp);
                    self.stamp = stamp;
                }
            }
            Action::PowerCut(loss) => *self = self.crash(loss),
            Action::Remove => {
                if let Some((directory, name)) = self.parent_mut(path) {
                    directory.unlink(&name, None, &mut stamp);
                    self.stamp = stamp;
                }
            }
        }
    }

    /// Leaves the disk as it is in the middle of a step: a write has transferred some of its bytes,
    /// a sync has some of the data on the medium. Other steps are whole or not made.
    pub fn apply_partly(&mut self, step: &Step, seed: u64) {
        match &step.action {
            Action::Write(node, bytes, at) => {
                let count = Draws::new(seed).below(bytes.len() as u64);
                let count = usize::try_from(count).unwrap_or(0);
                let part = bytes.get(..count).unwrap_or_default();
                let mut stamp = self.stamp;
                if let Some(inode) = self.file_mut(*node) {
                    inode.write(part, *at, &mut stamp);
                    self.stamp = stamp;
                }
            }
            Action::Sync(node) => self.sync_choice(*node, seed, Inode::sync_partly),
            _ => {}
        }
    }

    /// The disk that a power cut leaves.
    #[must_use]
    pub fn crash(&self, loss: &Loss) -> Self {
        let stamps = self.stamps();
        let mut choice = Choice::new(loss, &stamps);
        let mut lost = BTreeSet::new();
        for node in &self.nodes {
            if let Node::Directory(directory) = node {
                lost.extend(directory.lost(&mut choice));
            }
        }
        let nodes = self.nodes.iter().map(|node| match node {
            Node::Directory(directory) => Node::Directory(directory.crashed(&lost)),
            Node::File(inode) => Node::File(inode.crashed(&mut choice)),
        });
        Self {
            nodes: nodes.collect(),
            stamp: self.stamp,
        }
    }

    /// How many changes a power cut may lose.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        self.stamps().len()
    }

    /// Stamps of everything that a power cut may lose, oldest first.
    fn stamps(&self) -> Vec<u64> {
        let mut stamps = Vec::new();
        for node in &self.nodes {
            match node {
                Node::File(inode) => stamps.extend(inode.stamps()),
                Node::Directory(directory) => stamps.extend(directory.stamps()),
            }
        }
        stamps.sort_unstable();
        stamps
    }

    /// Bytes of every file as the operating system shows them, by path.
    #[must_use]
    pub fn files(&self) -> Vec<(PathBuf, &[u8])> {
        let mut files = Vec::new();
        self.walk(Path::new("/"), ROOT, &mut files);
        files
    }

    fn walk<'a>(&'a self, path: &Path, node: NodeId, files: &mut Vec<(PathBuf, &'a [u8])>) {
        match self.nodes.get(node) {
            Some(Node::File(inode)) => files.push((path.to_path_buf(), inode.bytes())),
            Some(Node::Directory(directory)) => {
                for (name, child) in &directory.entries {
                    self.walk(&path.join(name), *child, files);
                }
            }
            None => {}
        }
    }

    /// Bytes that all files have together.
    pub(super) fn used_bytes(&self) -> usize {
        self.files().iter().map(|(_, bytes)| bytes.len()).sum()
    }

    pub(super) fn node(&self, node: NodeId) -> Option<&Node> {
        self.nodes.get(node)
    }

    /// What has this path, if anything has.
    pub(super) fn find(&self, path: &Path) -> Option<NodeId> {
        let mut at = ROOT;
        for part in path.iter().skip(1) {
            match self.nodes.get(at) {
                Some(Node::Directory(directory)) => {
                    at = *directory.entries.get(&*part.to_string_lossy())?;
                }
                _ => return None,
            }
        }
        Some(at)
    }

    pub(super) fn file(&self, node: NodeId) -> Option<&Inode> {
        match self.nodes.get(node) {
            Some(Node::File(inode)) => Some(inode),
            _ => None,
        }
    }

    /// Whether a step writes to blocks of which a failed sync has lost something, or cuts off what was
    /// written there.
    pub(super) fn changes_lost(&self, step: &Step) -> bool {
        match &step.action {
            Action::Write(node, bytes, at) => self
                .file(*node)
                .is_some_and(|inode| inode.has_lost(*at, bytes.len())),
            Action::SetLen(node, length) => self.file(*node).is_some_and(|inode| {
                let mut cut = inode.bytes().iter().skip(*length);
                inode.has_lost(*length, inode.bytes().len().saturating_sub(*length))
                    && cut.any(|byte| *byte != 0)
            }),
            _ => false,
        }
    }

    /// Whether what has the name `to`, if anything has, can be replaced by `from`.
    pub(super) fn check_replaced(&self, from: &Path, to: &Path) -> io::Result<()> {
        let is_directory = |node| matches!(self.node(node), Some(Node::Directory(_)));
        let from = self.find(from).is_some_and(is_directory);
        match self.find(to).and_then(|node| self.node(node)) {
            None => Ok(()),
            Some(Node::File(_)) if !from => Ok(()),
            Some(Node::File(_)) => Err(io::ErrorKind::NotADirectory.into()),
            Some(Node::Directory(_)) if !from => Err(io::ErrorKind::IsADirectory.into()),
            Some(Node::Directory(directory)) if directory.entries.is_empty() => Ok(()),
            Some(Node::Directory(_)) => Err(io::ErrorKind::DirectoryNotEmpty.into()),
        }
    }

    /// How many names a file has.
    pub(super) fn links(&self, node: NodeId) -> u64 {
        let directories = self.nodes.iter().filter_map(|node| match node {
            Node::Directory(directory) => Some(directory),
            Node::File(_) => None,
        });
        let names = directories.flat_map(|directory| directory.entries.values());
        names.filter(|name| **name == node).count() as u64
    }

    fn file_mut(&mut self, node: NodeId) -> Option<&mut Inode> {
        match self.nodes.get_mut(node) {
            Some(Node::File(inode)) => Some(inode),
            _ => None,
        }
    }

    fn directory_mut(&mut self, node: NodeId) -> Option<&mut Directory> {
        match self.nodes.get_mut(node) {
            Some(Node::Directory(directory)) => Some(directory),
            _ => None,
        }
    }

    fn sync_choice(&mut self, node: NodeId, seed: u64, sync: fn(&mut Inode, &mut Choice)) {
        let loss = Loss {
            keep: Keep::Any,
            fill: Fill::Old,
            seed,
        };
        if let Some(inode) = self.file_mut(node).filter(|inode| inode.is_dirty()) {
            sync(inode, &mut Choice::new(&loss, &[]));
        }
    }

    fn parent_mut(&mut self, path: &Path) -> Option<(&mut Directory, String)> {
        let node = self.find(path.parent()?)?;
        let name = path.file_name()?.to_string_lossy().into_owned();
        Some((self.directory_mut(node)?, name))
    }

    fn add(&mut self, path: &Path, node: Node) {
        let id = self.nodes.len();
        let mut stamp = self.stamp;
        if let Some((directory, name)) = self.parent_mut(path) {
            directory.link(&name, id, &mut stamp);
            self.stamp = stamp;
            self.nodes.push(node);
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let mut stamp = self.stamp;
        let Some(node) = self.find(from) else { return };
        let to_name = to.file_name().unwrap_or_default().to_string_lossy();
        if from.parent() == to.parent() {
            if let Some((directory, name)) = self.parent_mut(from) {
                directory.rename(&name, &to_name, &mut stamp);
            }
        } else {
            let link = stamp;
            if let Some((directory, name)) = self.parent_mut(to) {
                directory.link(&name, node, &mut stamp);
            }
            if let Some((directory, name)) = self.parent_mut(from) {
                directory.unlink(&name, Some(link), &mut stamp);
            }
        }
        self.stamp = stamp;
    }
}
