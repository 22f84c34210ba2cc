//! `NameSort`: which sort of names is asked for. Holds no names.

/// Most names that are copied at a time, and under one hold of a lock.
pub(crate) const PIECE_NAMES: u32 = 256;

/// Names of entities, scopes or tags.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameSort {
    Entity,
    Scope,
    Tag,
}
