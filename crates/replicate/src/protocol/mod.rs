//! Who may do what next with a bucket: state machines over answers.
//!
//! A machine says what to ask of the bucket and is told what was answered; it never asks by itself. It knows no
//! bytes, no clock and no network, so that a model checker drives the very types that a store is shipped with
//! (`tests/model`). What is in an object is opaque to it: a `C` that is equal where the bytes are equal, a hash as a
//! rule. `docs/replication.md` argues why what was acknowledged is never lost; each rule there is a line here.
//!
//! - [`Confirmed`]: one object put until it is certain what is under its key.
//! - [`Survey`]: what the terms before one's own have left.
//! - [`Beginning`]: a term taken and begun, at a start, a restart, a takeover.
//! - [`Shipper`]: the chunks and states of a term, and what of them is acknowledged.
//! - [`Follower`]: what a reader may show.
//! - [`Sweeper`]: what may be deleted.
//!
//! Every machine takes a wrong or a late answer: one that does not fit what was asked counts as
//! [`Answer::Unclear`], after which the same is asked again. How long to wait before that is for the caller.
//!
//! It uses `object` for the names of objects, and nothing else.

mod beginning;
mod confirmed;
mod follower;
mod request;
mod shipper;
mod survey;
mod sweeper;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod tests;

pub use beginning::{Beginning, Step};
pub use confirmed::{Confirmed, Outcome};
pub use follower::{Follower, Told, Waiting};
pub use request::{Answer, Listing, Request};
pub use shipper::{Ask, Fenced, Shipper, Window};
pub use survey::{Survey, Taken};
pub use sweeper::{Relisted, Sweeper};

use crate::object::Term;

/// The term after this one. After the last number there is none: whoever asks for it finds a term that is taken.
pub(crate) fn after(term: Term) -> Term {
    term.next().unwrap_or(term)
}
