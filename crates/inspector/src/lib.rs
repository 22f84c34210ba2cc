//! A local page over a Strandline event store: what is in it, what comes, and whether it is whole.
//!
//! [`Inspector::bind`] takes a port of the loopback interface, [`Inspector::address`] is what to open in a browser, and
//! [`Inspector::run`] answers. It is what `strandline ui DIR` runs.
//!
//! The store is opened to read only, beside a program that writes it if there is one, and nothing here changes it. One
//! that does not open is inspected as far as its files show something. Each view is a page with an address of its own, JSON
//! and CSV under `/api`, and says which command and which Rust give the same.
//!
//! Whoever asks needs the token of the address, and asks on this machine: hosts and pages of others are refused. A request
//! takes time and memory that do not grow with the store; where that is not enough, its answer says that it is a part.

#![forbid(unsafe_code)]

mod server;

mod pages;

mod views;

mod asked;
mod pictures;
mod site;

mod text;

pub use server::{Error, Inspector, PORT_DEFAULT};
/// Heads that are kept elsewhere, and the keys that sign them: the crate `strandline-anchor`.
pub use strandline_anchor as anchor;

/// The program of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
