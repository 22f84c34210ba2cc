//! `SimDisk`: the state of a simulated disk, the steps that change it, and what a power cut leaves.

use super::directory::Directory;
use super::draws::Draws;
use super::inode::Inode;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Number of a file or directory; directories and files share the numbers.
pub(super) type NodeId = usize;

/// The directory that every other is in.
const ROOT: NodeId = 0;

/// What becomes of a sector whose write was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// It is as it was.
    Old,
    /// The bytes that the write would have changed are zeros.
    Zeros,
    /// The bytes that the write would have changed are garbage.
    Random,
}

/// What survives of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Everything.
    All,
    /// Nothing.
    None,
    /// What was done first, up to a moment.
    Prefix,
    /// Each sector, length and directory entry, or not.
    Any,
    /// The dirty sectors whose bits are set, counted over all files; of the rest any.
    Sectors(u64),
}

/// What a power cut does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// What survives.
    pub keep: Keep,
    /// What becomes of the sectors that do not.
    pub fill: Fill,
    /// Where chance comes from.
    pub seed: u64,
}

/// The decisions of one power cut.
#[derive(Debug)]
pub(super) struct Choice {
    keep: Keep,
    fill: Fill,
    draws: Draws,
    /// How many of 8 survive, with [`Keep::Any`].
    eighths: u64,
    /// What is stamped before this survives, with [`Keep::Prefix`].
    until: u64,
    sectors: u32,
    /// A change that is lost whatever the draws say.
    lost: Option<u64>,
}

impl Choice {
    pub(super) fn new(loss: &Loss, stamps: &[u64]) -> Self {
        let mut draws = Draws::new(loss.seed);
        let eighths = 1 + 3 * draws.below(3);
        let at = draws.below(stamps.len() as u64 + 1);
        let until = usize::try_from(at).ok().and_then(|at| stamps.get(at));
        Self {
            keep: loss.keep,
            fill: loss.fill,
            draws,
            eighths,
            until: until.copied().unwrap_or(u64::MAX),
            sectors: 0,
            lost: None,
        }
    }

    /// Loses nothing.
    pub(super) fn all() -> Self {
        let (keep, fill) = (Keep::All, Fill::Old);
        Self::new(
            &Loss {
                keep,
                fill,
                seed: 0,
            },
            &[],
        )
    }

    pub(super) const fn lose(&mut self, stamp: Option<u64>) {
        self.lost = stamp;
    }

    pub(super) fn keeps(&mut self, stamp: u64) -> bool {
        if self.lost == Some(stamp) {
            return false;
        }
        match self.keep {
            Keep::All => true,
            Keep::None => false,
            Keep::Prefix => stamp < self.until,
            Keep::Any | Keep::Sectors(_) => self.draws.chance(self.eighths, 8),
        }
    }

    pub(super) fn keeps_sector(&mut self, stamp: u64) -> bool {
        let Keep::Sectors(mask) = self.keep else {
            return self.keeps(stamp);
        };
        let bit = 1_u64.checked_shl(self.sectors);
        self.sectors += 1;
        bit.map_or_else(|| self.keeps(stamp), |bit| mask & bit != 0)
    }

    pub(super) const fn fill(&self) -> Fill {
        self.fill
    }

    pub(super) const fn byte(&mut self) -> u8 {
        self.draws.number().to_le_bytes()[0]
    }
}

/// One change of a disk, with what is needed to make it again.
#[derive(Debug, Clone)]
pub struct Step {
    pub(super) action: Action,
    pub(super) path: Arc<Path>,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    MakeDirectory,
    Create,
    Write(NodeId, Arc<[u8]>, usize),
    SetLen(NodeId, usize),
    Sync(NodeId),
    FailSync(NodeId, u64),
    SyncDirectory,
    Rename(Arc<Path>),
    /// With a name in the same directory.
    Exchange(Arc<Path>),
    Link(Arc<Path>),
    Remove,
    PowerCut(Loss),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.action {
            Action::MakeDirectory => write!(f, "make directory {path}"),
            Action::Create => write!(f, "create {path}"),
            Action::Write(_, bytes, at) => {
                write!(f, "write {} bytes at {at} of {path}", bytes.len())
            }
            Action::SetLen(_, length) => write!(f, "set the length of {path} to {length}"),
            Action::Sync(_) => write!(f, "sync {path}"),
            Action::FailSync(..) => write!(f, "sync {path}, which fails"),
            Action::SyncDirectory => write!(f, "sync directory {path}"),
            Action::Rename(to) => write!(f, "rename {path} to {}", to.display()),
            Action::Exchange(other) => write!(f, "exchange {path} with {}", other.display()),
            Action::Link(name) => write!(f, "link {path} as {}", name.display()),
            Action::Remove => write!(f, "remove {path}"),
            Action::PowerCut(loss) => write!(f, "power cut, {:?}", loss.keep),
        }
    }
}

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
