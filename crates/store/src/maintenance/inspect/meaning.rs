//! What the bytes of a part say, for people. Reads no file.

use std::sync::Arc;
use strandline_core::record::{RecordView, RemovalChange, RemovalNote, RemovalStage};
use strandline_core::{EventKind, rfc3339};

/// Longest text of a payload that is shown.
const TEXT_BYTES_MAX: usize = 60;

/// What a part of a fixed layout says: text, a number, or nothing that its bytes do not show.
pub(super) fn plain(name: &str, bytes: &[u8]) -> String {
    if name == "magic" {
        return String::from_utf8_lossy(bytes).escape_debug().to_string();
    }
    if bytes.len() > 8 || name == "checksum" || name == "zeros" {
        return String::new();
    }
    let number = bytes
        .iter()
        .rev()
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    number.to_string()
}

/// What a part of a record says.
pub(super) fn meaning(record: &RecordView<'_>, name: &str, bytes: &[u8]) -> String {
    match name {
        "payload encoding" => record.encoding().to_string(),
        "kind" => record.kind().to_string(),
        "wall_ms" => rfc3339(record.hlc().wall_ms()),
        "id" => record.id().to_string(),
        "correlation" => record.correlation().to_string(),
        "causation" => record
            .causation()
            .map(|id| id.to_string())
            .unwrap_or_default(),
        "entity and scope" => record
            .coordinate()
            .map(|at| format!("{} in {}", at.entity(), at.scope()))
            .unwrap_or_default(),
        "extensions" => {
            let extensions = record.extensions();
            let name = extensions.kind_name();
            name.map_or_else(String::new, |name| format!("the kind is called {name}"))
        }
        "payload" => {
            let shown = bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes);
            match std::str::from_utf8(shown) {
                Ok(text) if shown.len() == bytes.len() => text.escape_debug().to_string(),
                Ok(text) => format!("{}…", text.escape_debug()),
                Err(_) => String::new(),
            }
        }
        name => plain(name, bytes),
    }
}

/// Most names of kinds that are shown together.
const KINDS_SHOWN: usize = 8;

/// Kinds and their names in words.
pub(super) fn kinds_meaning<'n>(names: impl Iterator<Item = (EventKind, &'n Arc<str>)>) -> String {
    let mut shown: Vec<_> = names.map(|(kind, name)| format!("{kind} {name}")).collect();
    let more = shown.len().saturating_sub(KINDS_SHOWN);
    shown.truncate(KINDS_SHOWN);
    let shown = shown.join(", ");
    match more {
        0 => shown,
        _ => format!("{shown} and {more} more"),
    }
}

/// A note of a removal in words.
pub(super) fn note_meaning(note: &RemovalNote) -> String {
    let what = match note.change {
        RemovalChange::Removed => "removed",
        RemovalChange::Redacted => "redacted",
    };
    let origin = if note.is_foreign {
        " in another log"
    } else {
        ""
    };
    let when = rfc3339(note.wall_ms);
    match &note.stage {
        RemovalStage::Begun(part) => format!(
            "{} events are to be {what}{origin}, {when}: {} (part {} of {})",
            part.events,
            part.rule,
            u64::from(part.part) + 1,
            part.parts
        ),
        RemovalStage::Done => format!("what was to be {what}{origin} is, {when}"),
    }
}
