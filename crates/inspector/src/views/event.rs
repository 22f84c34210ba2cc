//! `event`: one event with all that is known of it.

use super::context::Context;
use super::events::table;
use super::fault::Fault;
use super::row::{EventRow, encoding_name};
use super::same::Same;
use super::view::View;
use crate::asked::{Asked, Wrong};
use crate::text::Table;
use serde::Serialize;
use strandline::{AttributeValue, EventId, Region, Snapshot, StoredEvent};
use strandline_transfer::readable_json;

/// What may be asked.
pub(crate) const EVENT: &[&str] = &["id", "sequence", "form"];

/// How much of a payload a page has, in bytes.
const SHOWN_MAX: usize = 256 << 10;
/// How much of it in hexadecimal digits, which take more room.
const HEX_MAX: usize = 16 << 10;
/// Longest JSON that is laid out in lines.
const LAID_OUT_MAX: usize = 1 << 20;

/// A payload as a page shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Payload {
    pub(crate) bytes: usize,
    pub(crate) encoding: &'static str,
    /// `json`, `text` or `hex`.
    pub(crate) form: &'static str,
    pub(crate) text: String,
    /// Whether there is more.
    pub(crate) is_cut: bool,
}

/// What is beside an event.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Links {
    /// The events before and after it in the stream of its entity, and in the store.
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
    pub(crate) previous_sequence: Option<u64>,
    pub(crate) next_sequence: Option<u64>,
    /// How many events it has caused, and how many belong to it.
    pub(crate) caused: u64,
    pub(crate) correlated: u64,
}

/// An event with all that is known of it.
#[derive(Debug, Serialize)]
pub(crate) struct EventView {
    pub(crate) event: EventRow,
    pub(crate) version: u16,
    pub(crate) counter: u32,
    pub(crate) attributes: Vec<(String, String)>,
    /// Bytes of extensions, by their numbers.
    pub(crate) extensions: Vec<(u16, usize)>,
    pub(crate) tracking: Option<(String, u64)>,
    pub(crate) hash: String,
    pub(crate) previous_hash: Option<String>,
    pub(crate) payload_hash: Option<String>,
    /// Why the hash was not made again from what is stored, if it was not.
    pub(crate) unproven: Option<String>,
    /// None if it was removed.
    pub(crate) payload: Option<Payload>,
    pub(crate) links: Links,
    /// By what a proof can be signed: a key, or a head that was signed.
    pub(crate) signs: Option<&'static str>,
    pub(crate) same: Same,
}

/// The event that is asked for, by its id or sequence.
///
/// # Errors
///
/// [`Fault`].
pub(crate) fn event(context: &Context, asked: &Asked) -> Result<EventView, Fault> {
    let opened = context.opened()?;
    let now = opened.store.snapshot();
    let id = id(&now, asked)?;
    let not_there = || {
        Fault::NotThere(format!(
            "no event has the id {id}; a compaction may have removed it"
        ))
    };
    // Read once, as it may be long, unless its hash is not that of what is stored.
    let (stored, hashes, unproven) = match now.get_whole(id) {
        Ok(whole) => {
            let whole = whole.ok_or_else(not_there)?;
            let hashes = (whole.previous.to_string(), whole.payload_hash.to_string());
            (whole.event, Some(hashes), None)
        }
        Err(error) => {
            let stored = now.get(id)?.ok_or_else(not_there)?;
            (stored, None, Some(error.to_string()))
        }
    };
    let (previous_hash, payload_hash) = hashes.unzip();
    let row = now.get_with(id, |event| EventRow::of(&event))?;
    let row = row.ok_or_else(|| Fault::NotThere(format!("no event has the id {id}")))?;
    let attributes = stored.attributes();
    let tracking = stored.extensions.tracking();
    let text = id.to_string();
    let rust = format!("let event = store.snapshot().get(\"{text}\".parse()?)?;");
    Ok(EventView {
        event: row,
        version: stored.version(),
        counter: stored.hlc.counter(),
        attributes: attributes
            .iter()
            .map(|(name, value)| (name.to_owned(), attribute(value)))
            .collect(),
        extensions: stored
            .extensions
            .iter()
            .map(|(number, bytes)| (number, bytes.len()))
            .collect(),
        tracking: tracking.map(|(source, position)| (source.to_owned(), position)),
        hash: stored.hash.to_string(),
        previous_hash,
        payload_hash,
        unproven,
        payload: payload(&stored, asked)?,
        links: links(&now, &stored),
        signs: match (&context.signer, &context.held) {
            (Some(_), _) => Some("by the key that was given"),
            (None, Some(_)) => Some("by the newest head that is kept"),
            (None, None) => None,
        },
        same: Same::new("inspect", &context.dir, ["--event", &text], rust),
    })
}

/// The id of the event that is asked for.
pub(crate) fn id(now: &Snapshot, asked: &Asked) -> Result<EventId, Fault> {
    if let Some(id) = asked.value("id")? {
        return Ok(id);
    }
    let Some(sequence) = asked.value::<u64>("sequence")? else {
        return Err(Wrong("an event is asked for by `id` or `sequence`".to_owned()).into());
    };
    let row = now.rows(Region::all().sequence(sequence..=sequence)).next();
    let row = row.ok_or_else(|| {
        let visible = now.visible();
        Fault::NotThere(match sequence < visible.get() {
            true => format!("event {sequence} was removed by a compaction"),
            false => format!("there is no event {sequence} yet: sequences go below {visible}"),
        })
    });
    Ok(row?.id())
}

fn attribute(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Null => "null".to_owned(),
        AttributeValue::Boolean(value) => value.to_string(),
        AttributeValue::Integer(value) => value.to_string(),
        AttributeValue::Text(value) | AttributeValue::Json(value) => value.to_string(),
    }
}

fn payload(stored: &StoredEvent, asked: &Asked) -> Result<Option<Payload>, Wrong> {
    let Ok(bytes) = stored.payload() else {
        return Ok(None);
    };
    let form = match asked.one("form") {
        None => None,
        Some(form @ ("json" | "text" | "hex")) => Some(form),
        Some(other) => {
            return Err(Wrong::of(
                "form",
                format!("{other:?} is none of `json`, `text` and `hex`"),
            ));
        }
    };
    let json = || {
        (bytes.len() <= LAID_OUT_MAX)
            .then(|| readable_json(stored.encoding, bytes))
            .flatten()
    };
    let made = |form, (text, is_cut): (String, bool)| Payload {
        bytes: bytes.len(),
        encoding: encoding_name(stored.encoding),
        form,
        text,
        is_cut,
    };
    if matches!(form, None | Some("json"))
        && let Some(json) = json()
    {
        return Ok(Some(made("json", cut(&laid_out(&json)))));
    }
    // What is cut may end within a character.
    let beginning = bytes.get(..bytes.len().min(SHOWN_MAX)).unwrap_or_default();
    let is_text = match std::str::from_utf8(beginning) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && bytes.len() > SHOWN_MAX,
    };
    if form == Some("text") || form != Some("hex") && is_text {
        let text = String::from_utf8_lossy(beginning).into_owned();
        return Ok(Some(made("text", (text, bytes.len() > SHOWN_MAX))));
    }
    let beginning = bytes.get(..bytes.len().min(HEX_MAX)).unwrap_or_default();
    Ok(Some(made("hex", (hex(beginning), bytes.len() > HEX_MAX))))
}

/// As much of a text as is shown, and whether there is more.
fn cut(text: &str) -> (String, bool) {
    let end = (0..=text.len().min(SHOWN_MAX))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    let shown = text.get(..end.unwrap_or_default()).unwrap_or_default();
    (shown.to_owned(), shown.len() < text.len())
}

/// JSON in lines. Its numbers and texts stay as they are written: it goes through no value.
pub(super) fn laid_out(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    let mut letters = json.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        // Deeper than that nothing is read by its place in the line.
        out.extend(std::iter::repeat_n("  ", depth.min(40)));
    };
    while let Some(letter) = letters.next() {
        if is_text {
            out.push(letter);
            is_text = is_escaped || letter != '"';
            is_escaped = letter == '\\' && !is_escaped;
            continue;
        }
        match letter {
            ' ' => {}
            '"' => {
                is_text = true;
                out.push('"');
            }
            '{' | '[' => {
                out.push(letter);
                if !letters.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                if !out.ends_with(['{', '[']) {
                    depth = depth.saturating_sub(1);
                    line(&mut out, depth);
                }
                out.push(letter);
            }
            ',' => {
                out.push(',');
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            other => out.push(other),
        }
    }
    out
}

/// Bytes as lines of 16: where, in hexadecimal digits, and as text.
fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (at, line) in bytes.chunks(16).enumerate() {
        let digits: String = line.iter().map(|byte| format!("{byte:02x} ")).collect();
        let letter = |byte: &u8| {
            if byte.is_ascii_graphic() || *byte == b' ' {
                char::from(*byte)
            } else {
                '.'
            }
        };
        let letters: String = line.iter().map(letter).collect();
        out.push_str(&format!("{:08x}  {digits:<48} {letters}\n", at * 16));
    }
    out
}

fn links(now: &Snapshot, stored: &StoredEvent) -> Links {
    let entity = Region::all().entity(stored.coordinate.entity());
    let id = |row: strandline::RowView<'_>| row.id().to_string();
    let all = Region::all();
    let mut before = now.rows(entity.clone().before(stored.sequence));
    let mut after = now.rows(entity.after(stored.sequence));
    Links {
        previous: before.next_back().map(id),
        next: after.next().map(id),
        previous_sequence: now
            .rows(all.clone().before(stored.sequence))
            .next_back()
            .map(|row| row.sequence().get()),
        next_sequence: now
            .rows(all.after(stored.sequence))
            .next()
            .map(|row| row.sequence().get()),
        caused: now.rows(Region::all().caused_by(stored.id)).count() as u64,
        correlated: now
            .rows(Region::all().correlation(stored.correlation))
            .count() as u64,
    }
}

impl View for EventView {
    fn title(&self) -> String {
        format!("Event {}", self.event.sequence)
    }

    fn table(&self) -> Table {
        table(std::slice::from_ref(&self.event))
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laid_out_json_is_the_same_json() {
        for json in [
            "{\"a\":[1,{}],\"b\":[],\"c\":\"x{\\\"[,:\\\\\"}",
            "[[[]]]",
            "1e400",
            "\"\\\\\"",
        ] {
            let lines = laid_out(json);
            let back: String = lines
                .lines()
                .map(str::trim_start)
                .collect::<String>()
                .replace("\": ", "\":");
            assert_eq!(back, json);
        }
        assert_eq!(
            laid_out("{\"a\":[1,2]}"),
            "{\n  \"a\": [\n    1,\n    2\n  ]\n}"
        );
        assert!(laid_out(&"[".repeat(100_000)).len() < 10_000_000);
    }

    #[test]
    fn bytes_stand_beside_what_they_are_as_text() {
        assert!(hex(b"ab\0").starts_with("00000000  61 62 00 "));
        assert!(hex(b"ab\0").ends_with(" ab.\n"));
    }
}
