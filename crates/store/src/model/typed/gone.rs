//! Payloads that are sealed or gone: who opens the first, and what a registry says of the others. Opens none.

use crate::model::{Absent, PayloadRef};
use crate::{Error, StoredEvent};
use strandline_core::{EventId, EventKind};

/// Opens sealed payloads: what has the keys, and the store has not.
///
/// [`Registry::opening`](crate::Registry::opening) takes one.
pub trait OpenPayload: Send + Sync {
    /// The event with its payload as it was before it was sealed ([`StoredEvent::opened`]), or without one where
    /// its key was forgotten ([`StoredEvent::forgotten`]). An event that is not sealed, or is redacted, as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Sealed`](crate::ErrorKind::Sealed) if there is no key, and was none;
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if the payload is not what was sealed; why keys cannot be
    /// asked for.
    fn open_payload(&self, event: StoredEvent) -> Result<StoredEvent, Error>;
}

/// An event of which nothing is left to decode, for
/// [`Registry::gone_as`](crate::Registry::gone_as).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GonePayload {
    /// Id of the event.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// Whether the payload is there and its key was forgotten; else it was removed.
    pub is_forgotten: bool,
}

impl GonePayload {
    pub(super) const fn of(payload: &PayloadRef<'_>, absent: Absent) -> Self {
        Self {
            id: payload.id,
            kind: payload.kind,
            is_forgotten: matches!(absent, Absent::Forgotten),
        }
    }
}
