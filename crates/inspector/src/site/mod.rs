//! The store that is looked at: opened to read only beside whoever writes it, opened anew where it was rewritten, and
//! what takes long of it, done on threads of its own; and what is kept of it elsewhere. Asks nothing of it by itself, and shows nothing.

mod budget;
mod closed;
mod job;
mod kept;
mod samples;
mod watch;

pub(crate) use budget::Budget;
pub(crate) use closed::Closed;
pub(crate) use job::{Job, Seen};
pub(crate) use kept::{Held, Signer};
pub(crate) use samples::{Sample, Samples};
pub(crate) use watch::{Opened, Watch};
