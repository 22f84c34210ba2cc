//! `FilesSeen`: the files of a directory, as a view gives them.

use serde::Serialize;
use strandline::maintenance::{FooterState, Inventory};

/// A segment.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Segment {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) generation: u32,
    pub(crate) first_sequence: u64,
    /// None while it is active.
    pub(crate) end_sequence: Option<u64>,
    pub(crate) frame_bytes: Option<u64>,
    /// None if it is missing.
    pub(crate) file_bytes: Option<u64>,
    pub(crate) footer_bytes: Option<u64>,
    pub(crate) footer_damage: Option<String>,
}

/// Another file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OtherFile {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) what: &'static str,
    pub(crate) more: String,
}

/// The files of a directory.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FilesSeen {
    pub(crate) manifest: Option<u64>,
    pub(crate) epoch: Option<String>,
    pub(crate) segments: Vec<Segment>,
    pub(crate) others: Vec<OtherFile>,
    pub(crate) notices: Vec<String>,
    pub(crate) problems: Vec<String>,
}

impl From<Inventory> for FilesSeen {
    fn from(inventory: Inventory) -> Self {
        let segments = inventory.segments.into_iter().map(|segment| {
            let (footer_bytes, footer_damage) = match segment.footer {
                FooterState::None => (None, None),
                FooterState::Whole(bytes) => (Some(bytes), None),
                FooterState::Damaged(reason) => (None, Some(reason)),
            };
            Segment {
                number: segment.number,
                name: segment.name,
                generation: segment.generation,
                first_sequence: segment.first_sequence.get(),
                end_sequence: segment.end_sequence.map(|end| end.get()),
                frame_bytes: segment.frame_bytes,
                file_bytes: segment.file_bytes,
                footer_bytes,
                footer_damage,
            }
        });
        let merged = inventory.merged.into_iter().map(|file| OtherFile {
            more: match file.damage {
                Some(damage) => damage,
                None => format!(
                    "{} rows of {} segments, {} of them as they are now",
                    file.rows, file.segments, file.current
                ),
            },
            name: file.name,
            bytes: file.bytes,
            what: "merged index",
        });
        let plain = |what| {
            move |file: strandline::maintenance::FileFacts| OtherFile {
                name: file.name,
                bytes: file.bytes,
                what,
                more: String::new(),
            }
        };
        let checkpoints = inventory.checkpoints.into_iter().map(plain("checkpoint"));
        let others = inventory.others.into_iter().map(plain("other"));
        let quarantine = inventory.quarantine.into_iter().map(plain("quarantine"));
        Self {
            manifest: inventory.manifest_number,
            epoch: inventory.epoch.map(|epoch| epoch.to_string()),
            segments: segments.collect(),
            others: merged
                .chain(checkpoints)
                .chain(others)
                .chain(quarantine)
                .collect(),
            notices: inventory.notices,
            problems: inventory.problems,
        }
    }
}
