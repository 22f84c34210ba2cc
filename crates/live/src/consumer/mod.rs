//! A consumer on disk: its folder, the partitions in it with their states, and who holds one of them.
//!
//! ```text
//! <root>/<hash of the name>/
//!     checkpoint-….ckpt       what the consumer is: name, kind, partitions
//!     current                 the version that is served
//!     v<version>/<partition>/
//!         checkpoint-….ckpt   states, numbered by token and save; the last two are kept
//!         lease-<token>       who holds it: locked as long as he lives
//!         request-….json      what people ask for
//! ```
//!
//! # Who may save
//!
//! A worker *claims* a partition: it makes the file of the next token, locked, which nobody else can make too, and only
//! then reads the newest state. To *save* is to publish the state under the token and the number of the save, and
//! only then to look whether there is a lease with a higher token: if so the save is refused. Of a save and a claim
//! one always sees the other, for each looks after it wrote: either the look of the save finds the new lease, and the
//! worker is *fenced*; or the new lease was not there yet, so the state was, and the claim reads it. A claim ends with
//! a save of what it read: from then on the states of lower tokens have lower numbers, and nobody reads them, whenever
//! they are published. What a late worker published before that is read again by the claim and taken over.
//!
//! `docs/concurrency.md` has the argument at length; `tests/orders.rs` goes through every order of the steps.
//!
//! Holds no thread and decides nothing about events. Knows `model` and `trace`.

mod asked;
mod claim;
mod folder;
mod lease;
mod names;
mod partition;
mod place;
mod seen;
mod state_file;
#[cfg(test)]
mod tests;

pub(crate) use asked::{Fate, Pending};
pub(crate) use claim::{Claimant, Claimed};
pub(crate) use folder::{Consumer, ONLY_VERSION};
pub(crate) use lease::Lease;
pub(crate) use partition::{Loaded, Partition};
pub(crate) use place::Place;
