//! Maintenance of a store that a program has open, asked for from outside of it, through a socket in the store's
//! directory: so that an operator compacts, redacts, saves a checkpoint, backs up or verifies without stopping the
//! service.
//!
//! The program opens a [`Control`] beside its store; nothing listens before. Another process that may use the files of the
//! store [connects](Client::connect) and asks for one thing; the program `strandline` does so where a store is locked. What
//! is said over the socket is JSON, a line a message, and is described in the README of this crate, so that other tools
//! can speak it.
//!
//! - Whoever has the LOCK of the store has the socket; its mode is 0600 from the moment it exists, and the user of the
//!   process at the other end is asked of the system.
//! - One thing is done at a time, on a thread of its own, as the library does it on a store in use. One more thread
//!   listens; connections, requests, and how long a client may take are bounded.
//! - What a client that goes away has asked for is stopped where nobody but the client needs it, and goes on where it is
//!   the store that changes: [`Request::ends_with_client`].
//!
//! There is no option of the store for it: the store knows no crate above it, and a store that nobody controls has no
//! socket, no thread and no code for them.

#![forbid(unsafe_code)]

mod client;
mod server;

mod work;

mod lines;
mod socket;

mod protocol;

pub use client::Client;
pub use protocol::{
    AskedRedaction, AskedRegion, AskedRetention, BackedUp, BackupMode, LastWork, PROTOCOL, Request,
    RunningWork, Status, StoreStatus, Verified,
};
pub use server::{Control, ControlOptions};
pub use socket::CONTROL_FILE;

/// The programs of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
