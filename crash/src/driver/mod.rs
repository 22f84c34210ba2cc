//! The driver: a store on a simulated disk, what was submitted to it and what it must not lose.
//!
//! It does what it is told, a call a method, and judges each answer; what is done in which order is a
//! workload's. It knows the disk, what is expected, and verdicts.

mod append;
mod beside;
mod copies;
mod ends;
mod held;
mod open;
mod readers;
mod rebuilding;
mod state;
mod taking;
mod upkeep;
mod write;

pub use state::Driver;
