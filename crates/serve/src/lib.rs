//! A Strandline store as a server: the gRPC protocol of UmaDB 0.7, which clients in Python, .NET, Java, PHP and Rust
//! speak.
//!
//! [`Server`] takes a [`Store`](strandline::Store), which the program may go on using, and [`DcbStore`] says what of
//! the protocol is what in the store. It has a runtime and threads of its own; the store has none. [`Limits`] bound
//! what clients can take of the machine, [`Tls`] and [`Tokens`] say who they are.
//!
//! It holds no state beside the store: a server that is killed and started again goes on where the store is. It
//! replicates nothing, and has no user interface.
//!
//! `docs/serve.md` has the protocol, what differs from the original server, and how to run it.
//!
//! ```
//! use strandline::Store;
//! use strandline_serve::Server;
//!
//! # let dir = tempfile::tempdir()?;
//! let store = std::sync::Arc::new(Store::open(dir.path().join("orders.strand"))?);
//! let server = Server::new(store.clone()).bind("127.0.0.1:0".parse()?)?;
//! println!("listening at {}", server.address());
//! let running = server.spawn()?;
//! // The store is used here meanwhile, and by clients there.
//! running.stop()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod server;

mod net;

mod calls;

mod access;
mod limits;
mod wire;

pub use access::{Role, TOKEN_LENGTH_MIN, Tokens, TokensError};
pub use limits::Limits;
pub use net::{Tls, TlsError};
pub use server::{Bound, Error, Running, Server};
pub use strandline_dcb::{DcbStore, Places};

#[cfg(test)]
mod tests;

/// The program of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
