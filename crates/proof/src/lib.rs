//! Proofs over a log of events that a stranger can check, without the log.
//!
//! A log of events is also a tree of hashes ([RFC 6962], section 2.1) whose leaves are the digests of the
//! events, in their order. Its root, 32 bytes, stands for all of them: [`InclusionProof`] shows that an event
//! is at its place in the tree of a root, [`ConsistencyProof`] that the tree of one root only grew into that of
//! another. Both are some hundred bytes, and are checked without the log.
//!
//! - The tree: [`root`], [`inclusion`], [`consistency`], of [`Nodes`] from whatever has them; [`MemoryTree`] has
//!   all in memory.
//! - Signed heads, with the feature `note`: `Checkpoint`, `SignedCheckpoint`, `LogPolicy`; keys and notes as Go's
//!   tools have them: `SignerKey`, `VerifierKey`, `SignedNote`.
//! - A proof as a file: `ProofFile`; with the feature `event` with the event in it: `DisclosedEvent`.
//! - The whole tree as static files: [`Tile`], [`tiles_between`], [`TileNodes`].
//!
//! All files are those of [C2SP](https://c2sp.org), which tools of others read. Opens none, asks no clock, makes no
//! random bytes: whoever calls gives bytes. Bytes of others are bounded and checked before anything is made of them.
//!
//! ```
//! use strandline_proof::{MemoryTree, consistency, inclusion, leaf_hash};
//!
//! let digests = [[1; 32], [2; 32], [3; 32]];
//! let mut tree = MemoryTree::default();
//! tree.push(leaf_hash(&digests[0]));
//! let old = tree.head();
//! tree.push(leaf_hash(&digests[1]));
//! tree.push(leaf_hash(&digests[2]));
//! let new = tree.head();
//!
//! // Whoever has a head checks that an event is in its log, and that the log only grew.
//! inclusion(1, new.size, &tree)?.verify(&digests[1], 1, &new)?;
//! consistency(old.size, new.size, &tree)?.verify(&old, &new)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [RFC 6962]: https://www.rfc-editor.org/rfc/rfc6962#section-2.1

#![forbid(unsafe_code)]

#[cfg(feature = "note")]
mod proof_file;

#[cfg(feature = "note")]
mod checkpoint;
#[cfg(feature = "note")]
mod note;

#[cfg(feature = "event")]
mod event;
mod tiles;

mod tree;

mod text;

#[cfg(feature = "note")]
pub use checkpoint::{
    Checkpoint, CheckpointError, LogPolicy, SignedCheckpoint, VerifiedCheckpoint, Witnessed,
};
#[cfg(feature = "event")]
pub use event::{
    DISCLOSURE_BYTES_MAX, DisclosedEvent, DisclosedPayload, Disclosure, DisclosureError,
};
#[cfg(feature = "note")]
pub use note::{
    KEY_NAME_BYTES_MAX, KeyError, KeyId, KeyName, NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, NoteError,
    NoteSignature, SIGNATURE_BYTES_MAX, SignatureKind, SignedNote, SignerKey, VerifiedSignature,
    VerifierKey,
};
#[cfg(feature = "note")]
pub use proof_file::{EXTRA_BYTES_MAX, PROOF_FILE_BYTES_MAX, ProofFile, ProofFileError};
pub use tiles::{
    BUNDLE_BYTES_MAX, TILE_HEIGHT, TILE_LEVEL_MAX, TILE_WIDTH, Tile, TileError, TileKind,
    TileNodes, TileNodesError, TileReader, bundle_bytes, parse_bundle, tiles_between,
};
pub use tree::{
    CONSISTENCY_HASHES_MAX, ConsistencyProof, Hash, INCLUSION_HASHES_MAX, InclusionProof,
    MemoryTree, MissingNode, Nodes, ProofError, TREE_SIZE_MAX, TreeError, TreeHead, consistency,
    inclusion, leaf_hash, node_hash, root,
};

/// The program in the README is compiled and run with the others.
#[cfg(all(doctest, feature = "note", feature = "event"))]
#[doc = include_str!("../README.md")]
struct Readme;
