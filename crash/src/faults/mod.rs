//! Faults on a simulated disk: power cuts, operations that fail, bytes that change, and whether the
//! harness itself notices a broken rule.
//!
//! It knows the driver and its workloads, and what these know; not processes and file systems of the running
//! kernel.

pub mod damage;
pub mod explore;
mod failure;
pub(crate) mod merged;
pub mod recover;
pub mod red;
pub mod sweep;
pub(crate) mod trial;

pub use failure::Failure;
