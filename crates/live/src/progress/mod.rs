//! What runs in this process: how far each partition has applied events, who waits for that, and what wakes a worker.
//!
//! Knows no file. Knows `model` alone.

mod board;
mod signal;

pub(crate) use board::{Phase, Progress, Slot, Waited};
pub(crate) use signal::Signal;
