//! How an event looks: on a terminal as a row of a table, in plain lines, in full, or as JSON.

use super::fit::fit;
use super::json::indented;
use super::screen::Screen;
use super::table::{Column, Paint, Row, Table};
use crate::times::Zone;
use std::io;
use strandline::{AttributeValue, EventRef, PayloadEncoding};
use strandline_transfer::{PayloadForm, base64_text, foreign_id_of, readable_json, write_line};

/// Terminals from this width on show an event in one line.
const WIDE: usize = 100;
/// How many characters of a payload are kept for a line of a terminal, whatever its width.
const LINE_CHARACTERS: usize = 1000;

/// The columns of events, of which those are shown that have anything.
const COLUMNS: [Column; 7] = [
    column("SEQ", true, Paint::Dim),
    column("TIME", true, Paint::Plain),
    column("KIND", false, Paint::Name),
    column("ENTITY", false, Paint::Plain),
    column("SCOPE", false, Paint::Plain),
    column("TAGS", false, Paint::Mark),
    column("PAYLOAD", false, Paint::Plain),
];

const fn column(name: &'static str, is_whole: bool, look: Paint) -> Column {
    Column {
        name,
        is_whole,
        is_right: matches!(look, Paint::Dim),
        look,
    }
}

/// How bytes that are no text are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Bytes {
    /// Two digits a byte.
    Hex,
    /// Four characters for three bytes.
    Base64,
}

/// How events are to look.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LookArgs {
    /// How payloads that are neither JSON nor MessagePack are shown.
    #[arg(long, value_enum, default_value_t = Bytes::Hex)]
    bytes: Bytes,
    /// Show ids too: of the event, of the one that it belongs to, and of the one that caused it.
    #[arg(long, conflicts_with = "json")]
    ids: bool,
    /// Show all of an event, in lines of its own, with the payload as it is, whatever the width.
    #[arg(long, conflicts_with_all = ["json", "ids"])]
    full: bool,
}

impl LookArgs {
    /// How events look, as JSON or not, with times of a zone.
    pub(crate) fn look(&self, json: bool, zone: Zone) -> Look {
        Look {
            json,
            args: self.clone(),
            zone,
        }
    }
}

/// How events are shown.
pub(crate) struct Look {
    /// As JSON, for programs.
    json: bool,
    args: LookArgs,
    /// Where times have their zone; that of JSON is UTC.
    zone: Zone,
}

/// Prints an event, at the latest when the screen is flushed.
pub(crate) fn event(screen: &mut Screen, event: &EventRef<'_>, look: &Look) -> io::Result<()> {
    if look.json {
        let mut line = Vec::new();
        write_line(&mut line, event, PayloadForm::Readable);
        return screen.bytes(&line);
    }
    if look.args.full {
        return full(screen, event, look);
    }
    let at = event.coordinate();
    let payload = match foreign_id_of(event) {
        // By which whoever made it asks for it.
        Some(id) => format!("id {id}  {}", payload(event, look.args.bytes)),
        None => payload(event, look.args.bytes),
    };
    let (time, kind, tags) = (
        look.zone.text(event.hlc().wall_ms()),
        kind(event),
        tags(event),
    );
    let ids = look.args.ids.then(|| ids(event));
    let sequence = event.sequence().to_string();
    let (entity, scope) = (at.entity().to_owned(), at.scope().to_owned());
    match screen.width() {
        None => {
            let parts = [Some(entity), Some(scope), tags, ids, Some(payload)];
            let parts: Vec<_> = parts.into_iter().flatten().collect();
            let parts = parts.join("  ");
            screen.line(&format!("{sequence:>8}  {time}  {kind}  {parts}"))
        }
        Some(width) if width >= WIDE => {
            let payload = payload.chars().take(LINE_CHARACTERS.max(width + 1));
            let tags = tags.unwrap_or_default();
            let cells = vec![sequence, time, kind, entity, scope, tags, payload.collect()];
            screen.row(|| Table::new(&COLUMNS), Row { cells, below: ids })
        }
        Some(width) => {
            let head = format!("{sequence:>8}  {time}  {kind}");
            let names = [Some(entity), Some(scope), tags];
            let names = names.into_iter().flatten().collect::<Vec<_>>().join("  ");
            if width >= 64 {
                screen.line(&format!("{head}  {names}"))?;
            } else {
                screen.line(&head)?;
                screen.line(&format!("          {names}"))?;
            }
            if let Some(ids) = ids {
                screen.line(&format!("          {ids}"))?;
            }
            screen.line(&format!("          {}", fit(&payload, width - 10)))
        }
    }
}

/// An event in lines of its own.
fn full(screen: &mut Screen, event: &EventRef<'_>, look: &Look) -> io::Result<()> {
    let (at, hlc, extensions) = (event.coordinate(), event.hlc(), event.extensions());
    let attributes = extensions.attributes();
    let attributes = attributes.iter().map(|(name, value)| {
        let value = match value {
            AttributeValue::Null => "null".to_owned(),
            AttributeValue::Boolean(is_so) => is_so.to_string(),
            AttributeValue::Integer(number) => number.to_string(),
            AttributeValue::Text(text) | AttributeValue::Json(text) => text.to_string(),
        };
        (format!("attribute {name}"), value)
    });
    let version = event.version();
    let lines = [
        ("id", Some(event.id().to_string())),
        (
            "kind",
            Some(match event.kind_name() {
                Some(name) => format!("{name} ({})", event.kind()),
                None => event.kind().to_string(),
            }),
        ),
        (
            "entity",
            Some(format!("{}, event {} of it", at.entity(), event.clock())),
        ),
        ("scope", Some(at.scope().to_owned())),
        ("foreign id", foreign_id_of(event)),
        ("tags", tags(event)),
        (
            "belongs to",
            Some(event.correlation())
                .filter(|id| *id != event.id())
                .map(|id| id.to_string()),
        ),
        ("caused by", event.causation().map(|id| id.to_string())),
        (
            "counter",
            Some(hlc.counter())
                .filter(|counter| *counter > 0)
                .map(|counter| counter.to_string()),
        ),
        (
            "payload version",
            Some(version)
                .filter(|version| *version != 1)
                .map(|version| version.to_string()),
        ),
        ("hash", Some(event.hash().to_string())),
    ];
    let lines = lines
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    screen.whole(&format!(
        "event {}  {}",
        event.sequence(),
        look.zone.text(hlc.wall_ms())
    ))?;
    for (name, value) in lines.chain(attributes) {
        screen.whole(&format!("  {name:<15} {value}"))?;
    }
    let shown = payload(event, look.args.bytes);
    let is_json = event.payload().is_ok() && !event.is_sealed();
    match is_json.then(|| indented(&shown)).flatten() {
        Some(json) => {
            for line in json.lines() {
                screen.whole(&format!("  {line}"))?;
            }
        }
        None => screen.whole(&format!("  {shown}"))?,
    }
    screen.whole("")
}

/// The name of a kind, or its number.
fn kind(event: &EventRef<'_>) -> String {
    match event.kind_name() {
        Some(name) => name.to_string(),
        None => event.kind().to_string(),
    }
}

/// The tags of an event, each behind a `#`; nothing if it has none.
fn tags(event: &EventRef<'_>) -> Option<String> {
    let extensions = event.extensions();
    let tags: Vec<_> = extensions.tags().map(|tag| format!("#{tag}")).collect();
    (!tags.is_empty()).then(|| tags.join(" "))
}

fn ids(event: &EventRef<'_>) -> String {
    let mut ids = format!("id {}", event.id());
    if event.correlation() != event.id() {
        ids += &format!("  belongs to {}", event.correlation());
    }
    if let Some(causation) = event.causation() {
        ids += &format!("  caused by {causation}");
    }
    ids
}

/// The payload as a line of text: JSON if it can be, else its bytes as was asked.
fn payload(event: &EventRef<'_>, bytes: Bytes) -> String {
    let Ok(raw) = event.payload() else {
        let why = match event.is_redacted() {
            true => "(redacted)",
            false => "(forgotten)",
        };
        return why.to_owned();
    };
    if event.is_sealed() {
        return "(sealed)".to_owned();
    }
    payload_text(event.encoding(), raw, bytes)
}

/// Bytes of a payload as a line of text: JSON if they can be, else as was asked.
pub(crate) fn payload_text(encoding: PayloadEncoding, raw: &[u8], bytes: Bytes) -> String {
    readable_json(encoding, raw).unwrap_or_else(|| match bytes {
        Bytes::Hex => raw.iter().map(|byte| format!("{byte:02x}")).collect(),
        Bytes::Base64 => base64_text(raw),
    })
}
