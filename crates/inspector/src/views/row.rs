//! `EventRow`: an event in a list, with as much of its payload as a line shows.

use serde::Serialize;
use strandline::{EventRef, PayloadEncoding, RowView, Snapshot};
use strandline_transfer::readable_json;

/// How much of a payload is read for a line, in bytes.
const READ_MAX: usize = 64 << 10;
/// How much of it a line has, in characters.
const SHOWN_MAX: usize = 240;

/// What became of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PayloadState {
    Stored,
    Sealed,
    Redacted,
    /// It cannot be read, or was not, as the time of the request was over.
    Unread,
}

/// An event in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct EventRow {
    pub(crate) sequence: u64,
    pub(crate) id: String,
    pub(crate) entity: String,
    pub(crate) scope: String,
    /// The number of the kind.
    pub(crate) kind: String,
    /// Its name.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) clock: u32,
    pub(crate) wall_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) correlation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) causation: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<String>,
    pub(crate) encoding: &'static str,
    pub(crate) payload: PayloadState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payload_bytes: Option<usize>,
    /// The beginning of the payload, as people read it.
    pub(crate) preview: String,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl EventRow {
    /// An event that is read, if it can be.
    pub(crate) fn read(now: &Snapshot, row: RowView<'_>) -> Self {
        match now.get_with(row.id(), |event| Self::of(&event)) {
            Ok(Some(read)) => read,
            Ok(None) => Self::unread(now, row, Some("it is not there any more".to_owned())),
            Err(error) => Self::unread(now, row, Some(error.to_string())),
        }
    }

    /// What the index knows of an event that was not read, and why it could not be, if it was tried.
    pub(crate) fn unread(now: &Snapshot, row: RowView<'_>, reason: Option<String>) -> Self {
        let at = row.coordinate();
        let id = row.id();
        let correlation = row.is_correlated().then(|| row.correlation().to_string());
        Self {
            sequence: row.sequence().get(),
            id: id.to_string(),
            entity: at.entity().to_owned(),
            scope: at.scope().to_owned(),
            kind: row.kind().to_string(),
            name: now.kind_name(row.kind()).map(|name| name.to_string()),
            clock: row.clock(),
            wall_ms: row.wall_ms(),
            correlation,
            causation: row.causation().map(|id| id.to_string()),
            tags: Vec::new(),
            encoding: "unread",
            payload: PayloadState::Unread,
            payload_bytes: None,
            preview: String::new(),
            error: reason,
        }
    }

    /// An event that was read.
    pub(crate) fn of(event: &EventRef<'_>) -> Self {
        let at = event.coordinate();
        let (id, correlation) = (event.id(), event.correlation());
        let payload = event.payload().ok();
        Self {
            sequence: event.sequence().get(),
            id: id.to_string(),
            entity: at.entity().to_owned(),
            scope: at.scope().to_owned(),
            kind: event.kind().to_string(),
            name: event.kind_name().map(|name| name.to_string()),
            clock: event.clock(),
            wall_ms: event.hlc().wall_ms(),
            correlation: (correlation != id).then(|| correlation.to_string()),
            causation: event.causation().map(|id| id.to_string()),
            tags: event.extensions().tags().map(str::to_owned).collect(),
            encoding: encoding_name(event.encoding()),
            payload: match payload {
                None => PayloadState::Redacted,
                Some(_) if event.is_sealed() => PayloadState::Sealed,
                Some(_) => PayloadState::Stored,
            },
            payload_bytes: payload.map(<[u8]>::len),
            preview: match payload {
                Some(payload) if !event.is_sealed() => preview(event.encoding(), payload),
                _ => String::new(),
            },
            error: None,
        }
    }

    /// What the kind is called: by its name, or else by its number.
    pub(crate) fn kind_text(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.kind)
    }
}

/// What an encoding is called.
pub(crate) fn encoding_name(encoding: PayloadEncoding) -> &'static str {
    match encoding {
        PayloadEncoding::RAW => "raw",
        PayloadEncoding::JSON => "json",
        PayloadEncoding::MESSAGE_PACK => "message_pack",
        PayloadEncoding::SEALED => "sealed",
        _ => "other",
    }
}

/// The beginning of a payload as one line: as JSON if it is short enough to be read as that, else as text, else in
/// hexadecimal digits.
fn preview(encoding: PayloadEncoding, payload: &[u8]) -> String {
    let readable = (payload.len() <= READ_MAX).then(|| readable_json(encoding, payload));
    let text = readable.flatten().unwrap_or_else(|| {
        let beginning = payload
            .get(..payload.len().min(READ_MAX))
            .unwrap_or_default();
        match std::str::from_utf8(
            beginning
                .get(..beginning.len().min(SHOWN_MAX * 4))
                .unwrap_or_default(),
        ) {
            Ok(text) => text.to_owned(),
            Err(error) if error.error_len().is_none() && encoding == PayloadEncoding::JSON => {
                String::from_utf8_lossy(beginning.get(..error.valid_up_to()).unwrap_or_default())
                    .into_owned()
            }
            Err(_) => beginning
                .iter()
                .take(SHOWN_MAX / 3)
                .map(|byte| format!("{byte:02x} "))
                .collect(),
        }
    });
    let mut shown: String = text.chars().take(SHOWN_MAX).collect();
    if shown.len() < text.len() || payload.len() > READ_MAX {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_beginning_of_any_payload() {
        let json = PayloadEncoding::JSON;
        assert_eq!(preview(json, b"{\n \"a\": 1\n}"), "{\"a\":1}");
        let long = format!("\"{}\"", "é".repeat(1 << 20));
        let shown = preview(json, long.as_bytes());
        assert_eq!(shown.chars().count(), SHOWN_MAX + 1);
        assert!(shown.starts_with("\"éé") && shown.ends_with('…'));
        assert_eq!(preview(PayloadEncoding::RAW, b"plain"), "plain");
        assert_eq!(preview(PayloadEncoding::RAW, &[0xff, 0]), "ff 00 ");
    }
}
