//! Rules of a compaction in a file: read, and what each comes to as a line.

use crate::files::Input;
use crate::outcome::WrongUsage;
use crate::terminal::count;
use serde_json::{Value, json};
use std::path::Path;
use strandline::maintenance::{Retention, RuleEffect};
use strandline_control::AskedRetention;

/// The longest file that is read.
const BYTES_MAX: u64 = 1 << 20;

/// The rules of a file.
///
/// # Errors
///
/// `WrongUsage` with the file, the line, what is there and what may be there.
pub(super) fn read_rules(file: &Path) -> Result<AskedRetention, WrongUsage> {
    let wrong = |error: &dyn std::fmt::Display| {
        WrongUsage(format!(
            "the rules of {} are refused: {error}",
            file.display()
        ))
    };
    let bytes = Input::open(file)?.read_all(BYTES_MAX);
    let text = String::from_utf8(bytes.map_err(|error| wrong(&error))?);
    let text = text.map_err(|_| wrong(&"it is no text in UTF-8"))?;
    Retention::from_toml(&text).map_err(|error| wrong(&error))?;
    Ok(AskedRetention::of_toml(text))
}

/// What a rule comes to; `removed` is the verb.
pub(super) fn line_of_effect(effect: &RuleEffect, removed: &str) -> String {
    let RuleEffect {
        name,
        matching,
        decided,
        events,
        headers,
        ..
    } = effect;
    let about = match (*matching, *decided) {
        (0, _) => return format!("  {name}: there is no event of it"),
        (_, 0) => {
            let all = count(*matching, "event");
            return format!("  {name}: rules before it decide about all of its {all}");
        }
        (matching, decided) if matching > decided => {
            format!("{} of {}", decided, count(matching, "event"))
        }
        (_, decided) => count(decided, "event"),
    };
    let what = match (*events, *headers) {
        (0, 0) => "keeps all".to_owned(),
        (events, 0) => format!("{removed} {}", count(events, "event")),
        (0, headers) => format!("{removed} the payloads of {}", count(headers, "event")),
        (events, headers) => format!(
            "{removed} {} and the payloads of {}",
            count(events, "event"),
            count(headers, "event")
        ),
    };
    format!("  {name}: decides about {about}, {what}")
}

pub(super) fn effects_json(effects: &[RuleEffect]) -> Vec<Value> {
    let json = |effect: &RuleEffect| {
        json!({
            "rule": effect.name,
            "events": effect.matching,
            "events_decided": effect.decided,
            "events_removed": effect.events,
            "payloads_removed": effect.headers,
        })
    };
    effects.iter().map(json).collect()
}
