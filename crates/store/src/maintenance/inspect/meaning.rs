//! What the bytes of a part say, for people. Reads no file.

use crate::rows::Summary;
use strandline_core::record::{
    RecordView, RemovalChange, RemovalNote, RemovalStage, RemovedRecord,
};
use strandline_core::rfc3339;

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
            let name = name.map(|name| format!("the kind is called {name}"));
            let tracked = extensions.tracking();
            let tracked = tracked.map(|(source, position)| format!("{source} is at {position}"));
            let said: Vec<_> = name.into_iter().chain(tracked).collect();
            said.join(", ")
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

/// What a part of the record of a removed event says, if it is of those that are kept of the event.
pub(super) fn removed_meaning(part: &str, removed: Option<&RemovedRecord>) -> Option<String> {
    let removed = removed?;
    match part {
        "kind and its name" => {
            let (kind, name) = removed.kind_name.as_ref()?;
            Some(format!("{kind} {name}"))
        }
        "position in a source" => {
            let (source, position) = removed.tracking.as_ref()?;
            Some(format!("{source} is at {position}"))
        }
        _ => None,
    }
}

/// Most names of kinds and positions of sources that are shown together.
const SAID_SHOWN: usize = 8;

/// Kinds and their names, and sources and their positions, in words.
pub(super) fn summary_meaning(summary: &Summary) -> String {
    let names = summary.kinds.iter();
    let names = names.map(|(kind, name)| format!("{kind} {name}"));
    let positions = summary.positions.iter();
    let positions = positions.map(|(source, position, _)| format!("{source} is at {position}"));
    let mut shown: Vec<_> = names.chain(positions).collect();
    let more = shown.len().saturating_sub(SAID_SHOWN);
    shown.truncate(SAID_SHOWN);
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
