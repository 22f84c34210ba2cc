//! Connections: taken, counted, encrypted. Knows no call, and nothing of what is sent.

mod accept;
mod connection;
mod tls;

pub(crate) use accept::accept;
pub(crate) use connection::Peer;
pub use tls::{Tls, TlsError};
