//! Views: what the framework makes of events for reading, each in a file.
//!
//! Knows no events. Knows the files that views are in.

mod repository;
mod worker;

pub use repository::StrandlineViewRepository;
