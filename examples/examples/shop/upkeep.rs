//! What operators do: forget a customer, remove what is old, take a backup. The command line does the same.

use crate::Failure;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::path::Path;
use strandline::maintenance::{BackupOptions, Redaction, Retention, backup_with, compact, redact};
use strandline::{Coordinate, Event, EventPayload, Store};

#[derive(Serialize, Deserialize, EventPayload)]
#[event(kind(0x5, 0x001), name = "shop.visited")]
pub(crate) struct Visited {
    page: String,
}

/// Somebody looked at something.
pub(crate) fn visit(store: &Store, customer: &str) -> Result<(), Failure> {
    let at = Coordinate::new(format!("visit:{customer}"), "visit")?;
    let page = "/tables".to_owned();
    store.append(&at, Event::typed(&Visited { page })?)?;
    Ok(())
}

/// Removes what the shop knows of a customer: the payloads, and every copy of them in this store. Backups have
/// them until they are taken anew.
pub(crate) fn forget_customer(store: &Store, customer: &str) -> Result<(), Failure> {
    let redaction = Redaction::new()
        .entity(format!("customer:{customer}"))
        .entity(format!("visit:{customer}"));
    let done = redact(store, &redaction, &mut |_| ControlFlow::Continue(()))?;
    println!("customer {customer} is forgotten: {} events", done.events);
    Ok(())
}

/// Removes visits that are older than so many milliseconds, and says how many.
pub(crate) fn remove_old_visits(store: &Store, older_ms: u64) -> Result<u64, Failure> {
    let since = store.clock().now_ms() - older_ms;
    let rules = Retention::new().keep_since(since).within("visit:");
    let done = compact(store, &rules, &mut |_| ControlFlow::Continue(()))?;
    println!("{} old visits are removed", done.events);
    Ok(done.events)
}

/// Takes a backup while the shop is open, and checks each event of it.
pub(crate) fn backup(store: &Store, target: &Path) -> Result<u64, Failure> {
    store.sync()?;
    let options = BackupOptions::new().verify();
    backup_with(store.fs(), store.dir(), target, options, &mut |_| {
        ControlFlow::Continue(())
    })?;
    Ok(store.snapshot().len())
}
