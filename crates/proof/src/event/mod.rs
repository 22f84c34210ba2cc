//! An event with all that its digest is made of, so that whoever has it can make the digest again; or, where
//! somebody is to see no more, the digest alone. As text: one object of JSON. Knows no proof.

mod disclosed;
mod error;
mod json;

pub use disclosed::{DisclosedEvent, DisclosedPayload, Disclosure};
pub use error::{DISCLOSURE_BYTES_MAX, DisclosureError};

#[cfg(test)]
mod tests;
