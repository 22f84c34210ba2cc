//! The note of a removal as a line of JSON, in either format. The fields are in `docs/export.md`.

use super::fields::raw_value;
use super::line_format::LineFormat;
use super::refused_line::RefusedLine;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Range;
use strandline::{Hash, Sequence};
use strandline_core::record::{
    REMOVAL_NOTE_BYTES_MAX, RemovalChange, RemovalNote, RemovalPart, RemovalStage,
};
use strandline_core::{Hex, rfc3339};

/// Most bytes of the sequences as text: a note has a byte for each number of a run at least, and here it
/// has 20 digits and what is between them.
const SEQUENCES_BYTES_MAX: usize = 22 * REMOVAL_NOTE_BYTES_MAX;

/// The source of such a CloudEvents event: that of no scope, which no event has.
const EVENT_SOURCE: &str = "strandline:";
/// Its type, which is a name like any other where the source is another.
const EVENT_TYPE: &str = "strandline.removal";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    removal: Fields,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    log: String,
    id: String,
    change: Change,
    wall_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    begun: Option<Part>,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Change {
    Removed,
    Redacted,
}

/// What there is of it while it is not done.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    unrecorded_before: u64,
    part: u32,
    parts: u32,
    events: u64,
    digest: Hash,
    rule: String,
    sequences: String,
}

#[derive(Deserialize)]
struct CloudEvent<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "raw_value")]
    data: Option<&'a RawValue>,
}

/// Appends a note to `out` as one line.
pub(crate) fn write_removal(out: &mut Vec<u8>, note: &RemovalNote, format: LineFormat) {
    let fields = Fields::of(note);
    // Writing to a vector does not fail.
    match format {
        LineFormat::Lines => {
            let _ = serde_json::to_writer(&mut *out, &Line { removal: fields });
        }
        LineFormat::CloudEvents => {
            let stage = match &note.stage {
                RemovalStage::Begun(part) => part.part.to_string(),
                RemovalStage::Done => "done".to_owned(),
            };
            let _ = write!(
                out,
                "{{\"specversion\":\"1.0\",\"id\":\"{}-{stage}\",\"source\":\"{EVENT_SOURCE}\",\
                 \"type\":\"{EVENT_TYPE}\",\"time\":\"{}\",\
                 \"datacontenttype\":\"application/json\",\"data\":",
                fields.id,
                rfc3339(note.wall_ms)
            );
            let _ = serde_json::to_writer(&mut *out, &fields);
            out.push(b'}');
        }
    }
    out.push(b'\n');
}

/// The note of a line; none if the line is of an event.
pub(crate) fn parse_removal(
    text: &str,
    format: LineFormat,
) -> Result<Option<RemovalNote>, RefusedLine> {
    let fields = match format {
        LineFormat::Lines => {
            let rest = text.strip_prefix('{').unwrap_or_default().trim_start();
            if !rest.starts_with("\"removal\"") {
                return Ok(None);
            }
            let line: Line =
                serde_json::from_str(text).map_err(|error| RefusedLine::json(error, text))?;
            line.removal
        }
        LineFormat::CloudEvents => {
            if !text.contains(EVENT_TYPE) {
                return Ok(None);
            }
            match serde_json::from_str::<CloudEvent<'_>>(text) {
                Ok(event) if event.source == EVENT_SOURCE && event.event_type == EVENT_TYPE => {
                    let data = event.data.map_or("null", RawValue::get);
                    serde_json::from_str(data)
                        .map_err(|error| RefusedLine::json(error, data).within("data"))?
                }
                // What is wrong with an event is told where events are read.
                _ => return Ok(None),
            }
        }
    };
    fields.note().map(Some).ok_or_else(not_of_an_export)
}

/// Why a line is refused whose record no log could have.
pub(crate) fn not_of_an_export() -> RefusedLine {
    RefusedLine::new("the record of a removal is not as an export writes it".to_owned())
}

impl Fields {
    fn of(note: &RemovalNote) -> Self {
        let begun = match &note.stage {
            RemovalStage::Done => None,
            RemovalStage::Begun(part) => Some(Part::of(part)),
        };
        Self {
            log: Hex(note.log).to_string(),
            id: Hex(note.id).to_string(),
            change: match note.change {
                RemovalChange::Removed => Change::Removed,
                RemovalChange::Redacted => Change::Redacted,
            },
            wall_ms: note.wall_ms,
            begun,
        }
    }

    fn note(self) -> Option<RemovalNote> {
        let stage = match self.begun {
            None => RemovalStage::Done,
            Some(part) => RemovalStage::Begun(part.decoded()?),
        };
        Some(RemovalNote {
            is_foreign: true,
            log: self.log.parse::<Hex<16>>().ok()?.0,
            id: self.id.parse::<Hex<16>>().ok()?.0,
            change: match self.change {
                Change::Removed => RemovalChange::Removed,
                Change::Redacted => RemovalChange::Redacted,
            },
            wall_ms: self.wall_ms,
            stage,
        })
    }
}

impl Part {
    fn of(part: &RemovalPart) -> Self {
        let mut sequences = String::new();
        for run in &part.runs {
            let comma = if sequences.is_empty() { "" } else { "," };
            let _ = match run.end - run.start {
                1 => write!(sequences, "{comma}{}", run.start),
                _ => write!(sequences, "{comma}{}..{}", run.start, run.end),
            };
        }
        Self {
            unrecorded_before: part.unrecorded_before.get(),
            part: part.part,
            parts: part.parts,
            events: part.events,
            digest: part.digest,
            rule: part.rule.clone(),
            sequences,
        }
    }

    fn decoded(self) -> Option<RemovalPart> {
        if self.sequences.len() > SEQUENCES_BYTES_MAX {
            return None;
        }
        let runs = self.sequences.split(',').filter(|run| !run.is_empty());
        Some(RemovalPart {
            unrecorded_before: Sequence::new(self.unrecorded_before),
            part: self.part,
            parts: self.parts,
            events: self.events,
            digest: self.digest,
            rule: self.rule,
            runs: runs.map(run).collect::<Option<_>>()?,
        })
    }
}

fn run(text: &str) -> Option<Range<u64>> {
    let (start, end) = match text.split_once("..") {
        Some((start, end)) => (start.parse().ok()?, end.parse().ok()?),
        None => {
            let start: u64 = text.parse().ok()?;
            (start, start.checked_add(1)?)
        }
    };
    (start < end).then_some(start..end)
}
