//! `EventEnum`: a type that is one of several payloads. Decodes nothing itself: a registry does.

use super::registry::Registry;
use crate::{Error, Event};

/// A type that is one of several payloads: mostly an enum with a variant for each.
///
/// `#[derive(EventEnum)]`, behind the feature `derive`, implements it for enums whose variants
/// hold an [`EventPayload`](crate::EventPayload) each.
pub trait EventEnum: Sized {
    /// A registry that decodes the kinds of all variants, at their present versions.
    ///
    /// # Errors
    ///
    /// As [`Registry::register`].
    fn registry() -> Result<Registry<Self>, Error>;

    /// The event to append.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`](crate::ErrorKind::Payload) if the value cannot be encoded.
    fn to_event(&self) -> Result<Event, Error>;
}
