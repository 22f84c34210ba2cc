//! `DcbEventStoreSync` of the crate `umadb-dcb` on a Strandline store: what is written against that trait for
//! dynamic consistency boundaries runs on a store in a directory, without a server.
//!
//! [`DcbStore`] takes a [`Store`](strandline::Store) and is the trait. What an event of the trait has is kept as what
//! an event of the store has: its type is the name of a kind, its tags are tags, its data the payload, its uuid the id,
//! and its position the sequence and one. So the events are those of any other, for queries, exports, reactors and the
//! command line; and events that were appended otherwise are read through the trait too. [`Places`] says to which
//! entity they belong. [`DcbStore::subscribe`] gives a [`Subscription`], which the trait has no method for.
//!
//! The README says what does not map, and why.
//!
//! ```
//! use strandline::Store;
//! use strandline_dcb::DcbStore;
//! use umadb_dcb::{DcbAppendCondition, DcbError, DcbEvent, DcbEventStoreSync, DcbQuery, DcbQueryItem};
//!
//! # let dir = tempfile::tempdir()?;
//! let store = DcbStore::new(Store::open(dir.path().join("users.strand"))?);
//! let taken = DcbQuery::new().item(DcbQueryItem::new().tags(["name:ada"]));
//! let (events, head) = store.read_with_head(Some(taken.clone()), None, false, None)?;
//! assert!(events.is_empty() && head.is_none());
//!
//! let registered = DcbEvent::default().event_type("UserRegistered").tags(["name:ada"]);
//! let nobody_has_it = DcbAppendCondition::new(taken).after(head);
//! let position = store.append(vec![registered.clone()], Some(nobody_has_it.clone()), None)?;
//! assert_eq!(position, 1);
//! let refused = store.append(vec![registered], Some(nobody_has_it), None);
//! assert!(matches!(refused, Err(DcbError::IntegrityError(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod store;

mod append;
mod read;

mod event;
mod query;

mod error;
mod kinds;
mod position;

pub use event::{ENVELOPE, Places, REDACTED};
pub use read::{BATCH_EVENTS_MAX, Response, Subscription};
pub use store::DcbStore;

/// The programs of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
