//! A line as an event.

use super::content::encoding;
use super::names::{
    CONTENT_TYPE, DATA, DATA_BASE64, ID, KIND, SOURCE, SOURCE_PREFIX, SPECVERSION, SUBJECT, TIME,
    TYPE, TYPE_PREFIX,
};
use crate::format::attributes::{add, read_object, refused};
use crate::format::fields::{parse_id, parse_time};
use crate::format::ids::foreign_id;
use crate::format::imported_event::ImportedEvent;
use crate::format::members::Members;
use crate::format::refused_line::{RefusedLine, shown};
use crate::text::json::{compact, is_one_line_of_json};
use crate::text::{base64, percent};
use std::borrow::Cow;
use std::str::FromStr;
use strandline::{AttributeValue, Attributes, EventId, PayloadEncoding};

/// Reads a line.
pub(crate) fn parse_cloud_event(text: &str) -> Result<ImportedEvent<'_>, RefusedLine> {
    let mut members = Members::parse(text)?;
    let version = members.needed(SPECVERSION)?;
    if version != "1.0" {
        return Err(RefusedLine::new(format!(
            "specversion is {}; 1.0 is read",
            shown(&version)
        )));
    }
    let id = named(&mut members, ID)?;
    let source = named(&mut members, SOURCE)?;
    let kind = named(&mut members, TYPE)?;
    let ours = Ours::take(&mut members)?;
    match source.strip_prefix(SOURCE_PREFIX) {
        Some(encoded) => {
            let scope = percent::decode(encoded).ok_or_else(|| {
                RefusedLine::new(
                    "source has `%` without two hexadecimal digits of UTF-8".to_owned(),
                )
            })?;
            of_an_export(members, ours, (id, &source, scope), kind)
        }
        None => foreign(members, ours, (id, source), kind),
    }
}

/// The id that an event has here which another program calls by a source and an id: the `source` and `id` of a
/// CloudEvents event. No store is asked whether it has it.
///
/// ```
/// use strandline_transfer::cloud_event_id;
///
/// let id = cloud_event_id("https://example.com/a", "A234-1234");
/// assert_ne!(id, cloud_event_id("https://example.com/b", "A234-1234"));
/// // What was exported here has its own id there.
/// assert_eq!(cloud_event_id("strandline:eu", &id.to_string()), id);
/// ```
#[must_use]
pub fn cloud_event_id(source: &str, id: &str) -> EventId {
    let own = id.parse::<EventId>().ok();
    let own = own.filter(|own| source.starts_with(SOURCE_PREFIX) && own.to_string() == id);
    own.unwrap_or_else(|| foreign_id(source, id))
}

/// The id of an event, and its source if it has one, whatever else is wrong with it; none if it has no id, or
/// is no JSON.
pub(crate) fn cloud_event_name(text: &str) -> Option<(String, Option<String>)> {
    let members = Members::parse(text).ok()?;
    let of = |name| members.peek_text(name).ok().flatten().map(Cow::into_owned);
    Some((of(ID)?, of(SOURCE)))
}

/// An attribute that has to be there, and say something.
fn named<'a>(members: &mut Members<'a>, name: &str) -> Result<Cow<'a, str>, RefusedLine> {
    match members.needed(name)? {
        text if text.is_empty() => Err(RefusedLine::new(format!("{name} is empty"))),
        text => Ok(text),
    }
}

/// What an export says in attributes of its own.
struct Ours {
    wall_ms: Option<u64>,
    counter: Option<u32>,
    correlation: Option<EventId>,
    causation: Option<EventId>,
    version: Option<u16>,
    tags: Vec<String>,
    attributes: Attributes,
    is_redacted: bool,
    seal: Option<String>,
}

impl Ours {
    fn take(members: &mut Members<'_>) -> Result<Self, RefusedLine> {
        // The importing store gives its own.
        members.take("strandsequence");
        let tags = match members.text("strandtags")? {
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                RefusedLine::json(error, &text).within("strandtags is no array of texts in a text")
            })?,
            None => Vec::new(),
        };
        let attributes = match members.text("strandattributes")? {
            Some(text) => {
                read_object(&text).map_err(|refused| refused.within("strandattributes"))?
            }
            None => Attributes::new(),
        };
        Ok(Self {
            wall_ms: number(members, "strandwallms")?,
            counter: number(members, "strandcounter")?,
            correlation: link(members, "strandcorrelation")?,
            causation: link(members, "strandcausation")?,
            version: number(members, "strandversion")?,
            tags,
            attributes,
            is_redacted: members.take("strandredacted") == Some("true"),
            seal: members.text("strandseal")?.map(Cow::into_owned),
        })
    }
}

/// An event that an export wrote, or that says so.
fn of_an_export<'a>(
    mut members: Members<'a>,
    ours: Ours,
    (id, source, scope): (Cow<'a, str>, &str, String),
    kind: Cow<'a, str>,
) -> Result<ImportedEvent<'a>, RefusedLine> {
    // Its own, or another program's, unique within its source and nowhere else (CloudEvents 1.0, `source`).
    let event_id = cloud_event_id(source, &id);
    let subject = members.text(SUBJECT)?;
    let wall_ms = match (members.text(TIME)?, ours.wall_ms) {
        (Some(_), Some(_)) => {
            let reason = "an event has `time` or `strandwallms`, not both";
            return Err(RefusedLine::new(reason.to_owned()));
        }
        (Some(time), None) => Some(parse_time(TIME, &time)?),
        (None, wall_ms) => wall_ms,
    };
    let (number, name) = match (members.text(KIND)?, kind.strip_prefix(TYPE_PREFIX)) {
        (None, Some(number)) => (Some(Cow::Owned(number.to_owned())), None),
        // With a number beside it, it is a name whatever it looks like.
        (number, _) => (number, Some(kind)),
    };
    let json = members.take(DATA);
    let base64 = members.text(DATA_BASE64)?;
    let content_type = members.text(CONTENT_TYPE)?;
    let mut attributes = ours.attributes;
    for (name, value) in members.rest() {
        add(&mut attributes, &name, value)?;
    }
    Ok(ImportedEvent {
        entity: subject.unwrap_or_else(|| source.to_owned().into()),
        scope: scope.into(),
        id: Some(event_id),
        kind: number,
        kind_number: None,
        kind_name: name,
        wall_ms,
        counter: ours.counter,
        correlation: ours.correlation,
        causation: ours.causation,
        version: ours.version,
        encoding: encoding(content_type.as_deref(), json.is_some())?,
        json: json.map(Cow::Borrowed),
        base64,
        tags: ours.tags,
        attributes,
        is_redacted: ours.is_redacted,
        seal: ours.seal.map(Cow::Owned),
    })
}

/// An event of another program, with all that it has.
fn foreign<'a>(
    mut members: Members<'a>,
    ours: Ours,
    (id, source): (Cow<'a, str>, Cow<'a, str>),
    kind: Cow<'a, str>,
) -> Result<ImportedEvent<'a>, RefusedLine> {
    let mut attributes = ours.attributes;
    let mut keep = |name: &str, value| attributes.add(name, value).map_err(refused);
    keep(ID, AttributeValue::Text((*id).into()))?;
    let has_subject = members.has(SUBJECT);
    let subject = members.text(SUBJECT)?;
    match &subject {
        None if has_subject => keep(SUBJECT, AttributeValue::Null)?,
        // Without it the entity is the source.
        Some(subject) if *subject == source => {
            keep(SUBJECT, AttributeValue::Text((**subject).into()))?;
        }
        _ => {}
    }
    let json = members.take(DATA);
    let has_base64 = members.has(DATA_BASE64);
    let base64 = members.text(DATA_BASE64)?;
    let content_type = members.peek_text(CONTENT_TYPE)?;
    let encoding = match json {
        // What is no JSON by its type comes as a text of JSON.
        Some(_) => PayloadEncoding::JSON,
        None => encoding(content_type.as_deref(), false)?,
    };
    match base64.as_deref() {
        None if has_base64 => keep(DATA_BASE64, AttributeValue::Null)?,
        Some(text) if ours.seal.is_none() && looks_otherwise(text, encoding) => {
            keep(DATA_BASE64, AttributeValue::Boolean(true))?;
        }
        _ => {}
    }
    let time = members.peek_text(TIME)?;
    let time = time.map(|time| parse_time(TIME, &time)).transpose()?;
    if time.is_some() && ours.wall_ms.is_some() {
        let reason = "an event has `time` or `strandwallms`, not both";
        return Err(RefusedLine::new(reason.to_owned()));
    }
    for (name, value) in members.rest() {
        add(&mut attributes, &name, value)?;
    }
    Ok(ImportedEvent {
        entity: subject.unwrap_or_else(|| source.clone()),
        id: Some(foreign_id(&source, &id)),
        scope: source,
        // The form that export gives to numbers says nothing where another program has it.
        kind: None,
        kind_number: None,
        kind_name: Some(kind),
        wall_ms: time.or(ours.wall_ms),
        counter: ours.counter,
        correlation: ours.correlation,
        causation: ours.causation,
        version: ours.version,
        encoding,
        json: json.map(compact),
        base64,
        tags: ours.tags,
        attributes,
        is_redacted: ours.is_redacted,
        seal: ours.seal.map(Cow::Owned),
    })
}

/// Whether a payload that comes as base64 would be written in another way, or not at all.
fn looks_otherwise(text: &str, encoding: PayloadEncoding) -> bool {
    let Some(payload) = base64::decode(text) else {
        return false;
    };
    payload.is_empty() || (encoding == PayloadEncoding::JSON && is_one_line_of_json(&payload))
}

/// The number that an attribute has, as a text.
fn number<T: FromStr>(members: &mut Members<'_>, name: &str) -> Result<Option<T>, RefusedLine> {
    let text = members.text(name)?;
    let parsed = text.as_deref().map(str::parse).transpose();
    parsed.map_err(|_| {
        let text = shown(text.as_deref().unwrap_or_default());
        RefusedLine::new(format!("{name} is no number that an export writes: {text}"))
    })
}

fn link(members: &mut Members<'_>, name: &str) -> Result<Option<EventId>, RefusedLine> {
    let text = members.text(name)?;
    text.map(|text| parse_id(name, &text)).transpose()
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_another_program_is_read() {
        let text = r#"{"specversion":"1.0","id":"A234-1234-1234","source":"https://example.com/a",
            "type":"com.example.someevent","time":"2018-04-05T17:31:00Z","comexampleextension":"x",
            "datacontenttype":"application/cloudevents+json","data":{"a":1}}"#;
        let event = parse_cloud_event(text).unwrap();
        assert_eq!(event.entity, "https://example.com/a");
        assert_eq!(event.encoding, PayloadEncoding::JSON);
        assert_eq!(event.json.as_deref(), Some("{\"a\":1}"));
        let id = foreign_id("https://example.com/a", "A234-1234-1234");
        assert_eq!((event.id, event.kind), (Some(id), None));
        assert_eq!(event.kind_name.as_deref(), Some("com.example.someevent"));
        assert_eq!(event.wall_ms, Some(1_522_949_460_000));
        let kept: Vec<_> = event.attributes.iter().map(|(name, _)| name).collect();
        let expected = [CONTENT_TYPE, ID, TIME];
        assert_eq!(kept, [&["comexampleextension"], &expected[..]].concat());
    }
}
