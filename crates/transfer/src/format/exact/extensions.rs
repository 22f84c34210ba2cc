//! `Known`: what the extensions of an event say, as fields that give the same bytes again.

use crate::format::attributes::{read_object, write_object};
use crate::format::refused_line::RefusedLine;
use crate::text::json::{write_text, write_texts};
use std::io::Write as _;
use strandline_core::{Attributes, Extensions, encode_tags, extension_tag};

/// What extensions say that this program knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) tags: Vec<String>,
    pub(super) version: Option<u16>,
    pub(super) kind_name: Option<String>,
    pub(super) attributes: Attributes,
    pub(super) tracking: Option<(String, u64)>,
}

impl Known {
    /// Appends the fields of extensions to `out`: of what they say, if the same bytes can be made of these, and
    /// else of the bytes.
    pub(super) fn write(out: &mut Vec<u8>, extensions: &Extensions) {
        if extensions.as_bytes().is_empty() {
            return;
        }
        let begin = out.len();
        let known = Self::of(extensions).and_then(|known| {
            known.write_fields(out);
            (known.extensions().ok()? == *extensions).then_some(())
        });
        if known.is_none() {
            out.truncate(begin);
            out.extend_from_slice(b",\"extensions\":\"");
            crate::text::base64::encode(extensions.as_bytes(), out);
            out.push(b'"');
        }
    }

    /// What they say; none if the attributes do not come out of JSON as they were.
    fn of(extensions: &Extensions) -> Option<Self> {
        let attributes = extensions.attributes();
        if !attributes.is_empty() {
            let mut text = Vec::new();
            write_object(&mut text, &attributes);
            let read = read_object(std::str::from_utf8(&text).ok()?).ok()?;
            if read != attributes {
                return None;
            }
        }
        let version = extensions.get(extension_tag::PAYLOAD_VERSION);
        Some(Self {
            tags: extensions.tags().map(str::to_owned).collect(),
            version: version.map(|_| extensions.payload_version()),
            kind_name: extensions.kind_name().map(str::to_owned),
            attributes,
            tracking: extensions
                .tracking()
                .map(|(source, position)| (source.to_owned(), position)),
        })
    }

    fn write_fields(&self, out: &mut Vec<u8>) {
        // Writing to a vector does not fail.
        if let Some(version) = self.version {
            let _ = write!(out, ",\"version\":{version}");
        }
        if let Some(name) = &self.kind_name {
            out.extend_from_slice(b",\"type\":");
            write_text(out, name);
        }
        if !self.tags.is_empty() {
            out.extend_from_slice(b",\"tags\":");
            write_texts(out, self.tags.iter().map(String::as_str));
        }
        if !self.attributes.is_empty() {
            out.extend_from_slice(b",\"attributes\":");
            write_object(out, &self.attributes);
        }
        if let Some((source, position)) = &self.tracking {
            write_tracking(out, source, *position);
        }
    }

    /// The extensions that say it.
    pub(super) fn extensions(&self) -> Result<Extensions, RefusedLine> {
        let refused = |error: &dyn std::fmt::Display| RefusedLine::new(error.to_string());
        let tags = self.tags.iter().map(String::as_str);
        let tags = encode_tags(tags).map_err(|error| refused(&error))?;
        let version = self.version.map(u16::to_le_bytes);
        let attributes = self.attributes.encode().map_err(|error| refused(&error))?;
        let tracking = self.tracking.as_ref().map(|(source, position)| {
            let mut bytes = position.to_le_bytes().to_vec();
            bytes.extend_from_slice(source.as_bytes());
            bytes
        });
        let some = |bytes: &[u8]| !bytes.is_empty();
        let parts = [
            Some((extension_tag::TAGS, &*tags)).filter(|(_, bytes)| some(bytes)),
            version
                .as_ref()
                .map(|bytes| (extension_tag::PAYLOAD_VERSION, bytes.as_slice())),
            self.kind_name
                .as_ref()
                .map(|name| (extension_tag::KIND_NAME, name.as_bytes())),
            Some((extension_tag::ATTRIBUTES, &*attributes)).filter(|_| !self.attributes.is_empty()),
            tracking
                .as_ref()
                .map(|bytes| (extension_tag::TRACKING, bytes.as_slice())),
        ];
        Extensions::new(parts.into_iter().flatten()).map_err(|error| refused(&error))
    }
}

/// Appends the fields of a position in a source.
pub(super) fn write_tracking(out: &mut Vec<u8>, source: &str, position: u64) {
    out.extend_from_slice(b",\"source\":");
    write_text(out, source);
    let _ = write!(out, ",\"position\":{position}");
}
