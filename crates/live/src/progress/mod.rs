//! What runs in this process: how far each partition has applied events, and who waits for that.
//!
//! Knows no file. Knows `model` alone.

mod board;
mod signal;

pub(crate) use board::{Phase, Progress, Slot, Waited};
pub(crate) use signal::Signal;
