//! The tree of hashes over a log (RFC 6962, section 2.1): its hashes, roots, and the two proofs. Knows no
//! events and no signatures: a leaf is of 32 bytes, a head is a size and a root.

mod consistency;
mod error;
mod hash;
mod head;
mod inclusion;
mod memory;
mod nodes;
mod root;

pub use consistency::{CONSISTENCY_HASHES_MAX, ConsistencyProof, consistency};
pub use error::{ProofError, TreeError};
pub use hash::{Hash, leaf_hash, node_hash};
pub use head::{TREE_SIZE_MAX, TreeHead};
pub use inclusion::{INCLUSION_HASHES_MAX, InclusionProof, inclusion};
pub use memory::{MemoryTree, MissingNode};
pub use nodes::Nodes;
pub use root::root;

#[cfg(test)]
mod tests;
