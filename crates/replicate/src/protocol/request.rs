//! What is asked of a bucket, and what it answers.

use crate::object::{Key, Term};

/// What is to be asked of the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request<C> {
    /// Create the object with this content, if there is none under the key. Never anything else is put.
    Put {
        /// Where.
        key: Key,
        /// What.
        content: C,
    },
    /// Read an object.
    Get {
        /// Which.
        key: Key,
    },
    /// Say which numbers there are.
    List(Listing),
}

/// What the bucket answered, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer<C> {
    /// A PUT made the object.
    Created,
    /// A PUT found an object (412, "already exists"). Nothing says whose: an earlier try of the same PUT may have
    /// made it.
    Exists,
    /// Nothing is known: a timeout, a lost connection, 409, 5xx. A PUT may have been done, or be done later, or never.
    Unclear,
    /// A GET found this.
    Found(C),
    /// A GET found nothing (404) under a key of this bucket.
    Absent,
    /// The numbers of a listing that is whole, in any order.
    Listed(Vec<u64>),
}

/// Objects of one sort whose numbers are asked for.
///
/// A listing is begun after the request for it was given out. It may take several pages: an object that comes while
/// it goes on may be in it or not, whatever its neighbours are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listing {
    /// Terms from this one on.
    Terms {
        /// The first.
        from: Term,
    },
    /// Chunks of a term.
    Chunks {
        /// The term.
        term: Term,
        /// The first number.
        from: u64,
    },
    /// States of a term.
    States {
        /// The term.
        term: Term,
    },
}
