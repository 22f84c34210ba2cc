//! `LogPolicy`: whose signatures are asked for.

use crate::note::VerifierKey;

/// Which log is meant, by which keys it signs, and how many of which witnesses have to have signed too before
/// a checkpoint counts.
///
/// A witness is somebody else who keeps the newest head of the log and signs the next one only if the log
/// just grew. Without witnesses whoever has the log's key can show one history to one and another to
/// another.
#[derive(Debug, Clone)]
pub struct LogPolicy {
    origin: String,
    log_keys: Vec<VerifierKey>,
    witnesses: Vec<VerifierKey>,
    witnesses_required: usize,
}

impl LogPolicy {
    /// The log that is called as its key, signed by that; no witnesses.
    #[must_use]
    pub fn new(log_key: VerifierKey) -> Self {
        Self {
            origin: log_key.name().as_str().to_owned(),
            log_keys: vec![log_key],
            witnesses: Vec::new(),
            witnesses_required: 0,
        }
    }

    /// What the log is called; by default as its first key.
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }

    /// One more key of the log: the one before, where the log has got another.
    #[must_use]
    pub fn log_key(mut self, key: VerifierKey) -> Self {
        self.log_keys.push(key);
        self
    }

    /// A witness that is known.
    #[must_use]
    pub fn witness(mut self, key: VerifierKey) -> Self {
        self.witnesses.push(key);
        self
    }

    /// How many of the known witnesses have to have signed; by default 0.
    #[must_use]
    pub const fn witnesses_required(mut self, count: usize) -> Self {
        self.witnesses_required = count;
        self
    }

    pub(super) fn of(&self) -> &str {
        &self.origin
    }

    pub(super) fn log_keys(&self) -> &[VerifierKey] {
        &self.log_keys
    }

    pub(super) fn witnesses(&self) -> &[VerifierKey] {
        &self.witnesses
    }

    pub(super) const fn required(&self) -> usize {
        self.witnesses_required
    }
}
