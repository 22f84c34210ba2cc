//! The caller's side of writing: what is done before the commit lock, and the wait after it.
//!
//! Holds how events are checked and hashed, taken through the commit lock, and waited for: at once, with a
//! ticket, or by a task. Does not hold the steps under the lock. Knows `upkeep` and what is below it.

mod blocking;
mod commit;
mod prepare;
mod submit;
mod submit_async;
mod ticket;

pub(crate) use blocking::{append_events, append_one};
pub(crate) use commit::Full;
pub(crate) use prepare::check_event;
pub(crate) use submit::{submit_all, submit_one};
pub use submit_async::Submit;
pub use ticket::{Outcome, Ticket};
