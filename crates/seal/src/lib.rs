//! Payloads under a key for each entity or scope, so that forgetting the key forgets what it was about: in the
//! store, in its backups and in its replicas, while chains, receipts and proofs stay right.
//!
//! A [`Sealer`] encrypts the payload of an event before it is appended, an [`Opener`] decrypts that of one that was
//! read. Keys are in a [`KeyStore`], outside of the store: in a file ([`FileKeys`]), behind a program of the
//! operator's ([`CommandKeys`]), or in memory ([`MemoryKeys`]). [`KeyStore::forget`] ends the readability of
//! everything that was sealed for an entity or a scope.
//!
//! Encrypted is the payload, with AES-256-GCM, and nothing else: entity, scope, kind, tags, attributes, ids
//! and times are stored as they are. What is proved by a hash is the ciphertext. `docs/privacy.md` says what that
//! protects from whom, and what it does not.
//!
//! Stands on the public interface of `strandline` alone, and reads no environment. Knows no network.
//!
//! ```
//! use std::sync::Arc;
//! use strandline::{Coordinate, ErrorKind, Event, EventKind, Store};
//! use strandline_seal::{KeyStore, MemoryKeys, Opener, Per, Sealer, Subject};
//!
//! const MOVED: EventKind = EventKind::new(1, 1);
//! # let dir = tempfile::tempdir()?;
//! let store = Store::open(dir.path().join("customers.strand"))?;
//! let keys = Arc::new(MemoryKeys::new()?);
//! let sealer = Sealer::new(keys.clone(), Per::Entity)?;
//! let opener = Opener::new(keys.clone());
//!
//! let customer = Coordinate::new("customer:7", "shop")?;
//! store.append(&customer, sealer.seal(&customer, Event::json(MOVED, "Elm Street 5")?)?)?;
//!
//! let read = || store.snapshot().latest("customer:7");
//! assert_eq!(read()?.unwrap().payload_json::<String>().unwrap_err().kind(), ErrorKind::Sealed);
//! assert_eq!(opener.open(read()?.unwrap())?.payload_json::<String>()?, "Elm Street 5");
//!
//! keys.forget(Subject::Entity("customer:7"))?;
//! let event = opener.open(read()?.unwrap())?;
//! assert_eq!(event.payload_json::<String>().unwrap_err().kind(), ErrorKind::Forgotten);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod opener;
mod sealer;

mod command;
mod file;
mod memory;

mod keys;

mod crypto;

mod subject;

pub use command::{CommandKeys, CommandLimits};
pub use crypto::{Key, WrappingKey, WrappingKeyError};
pub use file::{FileKeys, KeyFileOptions};
pub use keys::{Found, KeyRecord, KeyStore};
pub use memory::MemoryKeys;
pub use opener::Opener;
pub use sealer::Sealer;
pub use subject::{Per, Subject};

/// The program in the README is compiled and run with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
