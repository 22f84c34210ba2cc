//! The calls of the protocol: who may make them, what they do to the store, what is told of them.
//!
//! `service` takes a request, asks for its token and its room, and gives it to one of the five calls; `record` is the
//! line of the access log. Knows no connection.

mod append;
mod asked;
mod context;
mod look;
mod read;
mod record;
mod room;
mod service;
mod subscribe;

pub(crate) use context::Context;
pub(crate) use service::{Dcb, Older};
