//! Texts that lines are put together of: JSON as one line, base64, percent-encoding, times. Knows no event.
//!
//! May know nothing of this crate.

pub(crate) mod base64;
pub(crate) mod json;
pub(crate) mod percent;
mod readable;
mod time;

pub use base64::base64_text;
pub use readable::readable_json;
pub use time::parse_rfc3339;
pub(crate) use time::rfc3339_ms;
