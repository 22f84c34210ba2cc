//! `Store`: the handle, which delegates everything.
//!
//! Holds the public methods with what they promise, a file for each group. Does not hold how a promise is
//! kept: that is in the rooms below, all of which it may know.

mod append;
mod epoch;
mod follow;
mod kinds;
mod limits;
#[cfg(feature = "metrics")]
mod metrics;
mod open;
mod prove;
mod read;
mod replication;
mod stats;
mod submit;
mod sync;
mod tracked;
mod wait;

#[cfg(doc)]
use crate::ErrorKind;
use crate::OpenReport;
use crate::engine::Shared;
use crate::upkeep::Running;
use std::path::Path;
use std::sync::Arc;

/// An event store in one directory: one writer, any number of readers, no server.
///
/// Share it between threads by reference or in an `Arc`; every method takes `&self`.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use strandline::{Batch, Coordinate, Event, EventKind, Region, Store};
///
/// const ORDER_PLACED: EventKind = EventKind::new(0x1, 0x001);
/// const ORDER_PAID: EventKind = EventKind::new(0x1, 0x002);
///
/// #[derive(Serialize, Deserialize)]
/// struct Placed { total: u64 }
///
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(dir.path().join("orders.strand"))?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// let placed = store.append(&order, Event::json(ORDER_PLACED, &Placed { total: 4200 })?)?;
/// store.append_batch(
///     Batch::new().push(&order, Event::json(ORDER_PAID, &())?.caused_by(placed.id)),
/// )?;
///
/// let now = store.snapshot();
/// for event in now.stream("order:1042") {
///     let event = event?;
///     println!("{} {}", event.sequence, event.kind);
/// }
/// let paid = Region::all().scope("eu/payments").kind(ORDER_PAID);
/// assert_eq!(now.query(&paid).rev().take(10).count(), 1);
/// store.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Dropping a store without [`close`](Self::close) loses nothing that an append promised; only
/// the next opening has more of the log to read.
///
/// The directory stays where it is while a store is open, and the file LOCK in it; a writer that loses
/// one of them, and a fork of its process, writes nothing more ([`ErrorKind::LockLost`]).
#[derive(Debug)]
pub struct Store {
    pub(crate) running: Running,
}

impl Store {
    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.running.shared
    }

    /// Returns when the background has done what it was asked for until now.
    pub(crate) fn wait_for_background(&self) {
        self.running.wait_for_background();
    }

    pub(crate) fn merge_soon(&self) {
        self.running.merge_soon();
    }

    /// What opening found and did.
    #[must_use]
    pub fn open_report(&self) -> &OpenReport {
        &self.shared().report
    }

    /// The directory: an absolute path, whatever was given, so that it stays right when the process
    /// changes its working directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared().dir
    }
}
