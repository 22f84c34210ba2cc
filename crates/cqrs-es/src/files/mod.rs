//! Files beside a store, each with one state and what it is of: replaced in one step, and checked when they are read.
//!
//! Says nothing of what is in them. Knows the model, for its errors.

mod folder;
mod kept;

pub(crate) use folder::Folder;
pub(crate) use kept::Kept;
