//! Plain values: what a caller writes (`Aggregate`, `Decision`), what he asks for, and what he is told.
//!
//! Holds no store and reads none. Knows the values of the store alone.

mod aggregate;
mod command_id;
mod decision;
mod error;
mod executed;
mod gone;
mod options;
mod retry;
mod snapshots;

pub use aggregate::Aggregate;
pub use command_id::CommandId;
pub use decision::Decision;
pub use error::{CommandIdTaken, ExecuteError};
pub use executed::{Decided, Executed, Loaded};
pub use gone::Gone;
pub use options::ExecuteOptions;
pub use retry::Retry;
pub use snapshots::{SnapshotCounts, Snapshots};
