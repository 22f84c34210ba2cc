//! How a payload is sealed, as the text that lines have of it: base64. Opens nothing.

use super::refused_line::RefusedLine;
use crate::text::{base64, base64_text};
use strandline::{EventRef, Extensions, Seal};

/// What a line says of the seal of an event whose payload it has as it is sealed.
pub(crate) fn seal_of(event: &EventRef<'_>) -> Option<String> {
    let is_sealed = event.is_sealed() && !event.is_redacted();
    is_sealed.then(|| text(&event.extensions()))?
}

fn text(extensions: &Extensions) -> Option<String> {
    // One that cannot be read says nothing to an import either, which refuses the line.
    let seal = extensions.seal().ok()??;
    Some(base64_text(&seal.to_bytes()))
}

/// The seal that a line has.
pub(super) fn parse_seal(text: &str) -> Result<Seal, RefusedLine> {
    let bytes = base64::decode(text).ok_or_else(|| {
        RefusedLine::new("the seal is no base64 (RFC 4648, with padding)".to_owned())
    })?;
    Seal::from_bytes(&bytes).map_err(|error| RefusedLine::new(format!("the seal is none: {error}")))
}
