//! A store's log shipped to a bucket: a term taken and begun, then chunk after chunk of what becomes durable, and
//! beside these the files that the log is in.
//!
//! Holds what is asked when and of which bytes; who may do what next is `protocol`'s, how requests are made is
//! `bucket`'s. Appends wait for none of it but those that ask to be replicated.
//!
//! Three threads: one asks and is answered (`run.rs`), one waits for the log to grow (`watch.rs`), one puts files
//! (`files.rs`). In memory are the chunks under way and the parts of one file.

mod ask;
mod backoff;
mod begin;
mod catalog;
mod cut;
mod denials;
mod error;
mod files;
mod look;
mod mend;
mod options;
mod over;
mod owner;
mod run;
mod source;
mod states;
mod status;
mod take;
#[cfg(test)]
mod tests;
mod upload;
mod watch;

pub(crate) use ask::Stop;
pub(crate) use backoff::Backoff;
pub use error::ReplicateError;
pub use options::ReplicateOptions;
pub(crate) use over::take_over;
pub(crate) use owner::OwnerFile;
pub(crate) use run::{Shipping, ship};
pub(crate) use source::{Hurry, Source};
pub(crate) use status::{Board, Noted};
pub use status::{ReplicatorStage, ReplicatorStatus};
pub(crate) use take::TakenTerm;
