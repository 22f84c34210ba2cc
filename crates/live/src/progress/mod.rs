//! What runs in this process: how far each partition has applied events, and who waits for that.
//!
//! Knows no file. Knows `model` alone.

mod board;

pub(crate) use board::{Board, Phase, Progress, Slot, Waited};
