//! `Kept`: heads that are kept elsewhere, whose signatures count; and the key that signs proofs, if one was given.

use std::fmt;
use strandline_anchor::KeptHeads;
use strandline_anchor::proof::{LogPolicy, SignerKey};

/// Reads the heads anew, as they are now; or says why they cannot be read.
type Read = Box<dyn Fn() -> Result<KeptHeads, String> + Send + Sync>;

/// Heads that are kept elsewhere.
pub(crate) struct Held {
    pub(crate) read: Read,
    /// Whose signatures count.
    pub(crate) policy: LogPolicy,
}

/// A key that signs heads of this log.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) key: SignerKey,
    /// What the log is called.
    pub(crate) origin: String,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Held {
    /// The heads that count.
    ///
    /// # Errors
    ///
    /// Why they cannot be read.
    pub(crate) fn counted(&self) -> Result<KeptHeads, String> {
        let mut kept = (self.read)()?;
        kept.heads.retain(|head| head.verify(&self.policy).is_ok());
        Ok(kept)
    }
}
