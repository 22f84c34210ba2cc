//! The socket in a store's directory: made, found, replaced, removed; and which user is at the other end. Knows nothing of
//! what is said over it.

mod address;
mod bound;
mod peer;
mod reach;

pub(crate) use bound::Bound;
pub(crate) use peer::peer_of;
pub(crate) use reach::reach;

/// The name of the socket in the directory of a store.
pub const CONTROL_FILE: &str = "control.sock";
/// The name that it has until somebody listens.
const UNFINISHED: &str = "control.sock.tmp";
