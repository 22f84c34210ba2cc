//! `keep`: rules that are followed again and again while the store is used, by a thread of their own.
//!
//! Says when, and how that goes. What goes by rules, and how, says `rewrite`, which is all of maintenance that it
//! knows beside progress.

mod options;
mod running;
mod status;

pub use options::KeepOptions;
pub use running::{RunningRetention, keep};
pub use status::RetentionStatus;
