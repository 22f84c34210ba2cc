//! `Control`: a socket in a store's directory, and the thread that listens to it. Does nothing to the store itself: that is
//! `work`'s.

mod connection;
mod control;
mod listening;
mod options;

pub use control::Control;
pub use options::ControlOptions;
