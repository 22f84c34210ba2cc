//! `KeyStore`: where keys are, as a sealer and an opener ask for them; and a table of what is known of keys, which
//! stores of keys here are made of. Keeps nothing, and knows no file.

mod record;
mod table;

pub use record::KeyRecord;
pub(crate) use table::Table;

use crate::crypto::Key;
use crate::subject::Subject;
use std::fmt::Debug;
use std::sync::Arc;
use strandline::{Error, ErrorKind, SealKeyId};

/// What a store of keys knows of an id.
#[derive(Debug)]
#[non_exhaustive]
pub enum Found {
    /// The key.
    Key(Arc<Key>),
    /// There was a key, and it was forgotten.
    Forgotten {
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
    /// Nothing: it is a key of another store of keys, or was made after this one was copied.
    Unknown,
}

/// Keys, kept outside of the store whose payloads they seal.
///
/// A subject has one key at a time. A key that is forgotten leaves its id and when that was, so that what was sealed
/// with it is told from what this store of keys knows nothing of; its secret is gone.
pub trait KeyStore: Send + Sync + Debug {
    /// The key that payloads about a subject are sealed with; `None` if there never was one. Asked for each payload
    /// that is sealed. Give the same one each time while it is at hand: the ciphers that are made of a key are kept with
    /// it, and to make one takes longer than to seal a short payload.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Forgotten`] if it was forgotten and there is no other; why the keys cannot be asked.
    fn current(&self, subject: Subject<'_>) -> Result<Option<Arc<Key>>, Error>;

    /// The key of a subject, made if there is none, also where one was forgotten. It is kept for good when this
    /// returns.
    ///
    /// # Errors
    ///
    /// Why it cannot be made or kept.
    fn create(&self, subject: Subject<'_>) -> Result<Arc<Key>, Error>;

    /// What is known of the key with this id. Asked for each payload that is opened.
    ///
    /// # Errors
    ///
    /// Why the keys cannot be asked. What is known is no error.
    fn find(&self, id: SealKeyId) -> Result<Found, Error>;

    /// Forgets the key of a subject, for good when this returns: what was sealed with it cannot be read any more,
    /// wherever it is, but with a copy of this store of keys from before. `false` if there is none, or it was
    /// forgotten before.
    ///
    /// # Errors
    ///
    /// Why it cannot. Whether it is forgotten is open then; do it again.
    fn forget(&self, subject: Subject<'_>) -> Result<bool, Error>;
}

/// The error of whoever asks for the key of a subject that was forgotten.
pub(crate) fn was_forgotten(subject: Subject<'_>) -> Error {
    let message = format!(
        "the key of {subject} was forgotten, and nothing is sealed for it until another one is made"
    );
    Error::new(ErrorKind::Forgotten, message)
}
