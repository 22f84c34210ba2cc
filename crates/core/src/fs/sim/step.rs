//! `Step`: one change of a simulated disk. Makes none.

use super::directory::NodeId;
use super::loss::Loss;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

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
