//! What runs in this process: how far each partition has applied events, who waits for that, and what wakes a worker.
//!
//! Knows no file. Knows `model` alone.

mod board;
mod lag;
mod signal;

pub(crate) use board::{Done, Phase, Progress, Slot, Waited};
pub(crate) use lag::Lag;
pub(crate) use signal::Signal;
