//! Events of the trait as events of the store, and back. Appends and reads nothing.
//!
//! `given` makes what is appended, `read` what is given back; `marks` and `envelope` are what an event of the trait has
//! and one of the store has no place for. Knows types and positions.

mod envelope;
mod given;
mod marks;
mod places;
mod read;

pub use envelope::ENVELOPE;
pub(crate) use given::{check_tracking, given};
pub use places::Places;
pub use read::REDACTED;
pub(crate) use read::{of_ref, of_stored};
