//! `Asked`: what an append asks for beside its events.

use super::condition::LookedAhead;
use crate::Durability;
use crate::model::Tracking;

/// What an append asks for beside its events.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) durability: Durability,
    pub(crate) condition: Option<LookedAhead<'a>>,
    /// How far a source was gone through once the events are written.
    pub(crate) tracking: Option<Tracking<'a>>,
}
