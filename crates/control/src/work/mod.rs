//! What was asked for, done on the store: one thing at a time, on a thread of its own. Knows no connections.

mod perform;
mod running;

pub(crate) use running::{Finished, Running, Waker};
