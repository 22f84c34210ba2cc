//! The first line: which log it is.

use crate::format::fields::object;
use crate::format::refused_line::{RefusedLine, shown};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use strandline::maintenance::LogOrigin;
use strandline::{Epoch, Hash, Hex, Sequence};

const FORMAT: &str = "strandline exact";
/// The latest version, which is written of a log with runs, and else the one before.
const VERSION: u32 = 2;
const WITHOUT_RUNS: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    log: Fields<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    version: u32,
    #[serde(borrow)]
    identity: Cow<'a, str>,
    epoch: Epoch,
    base: Hash,
    #[serde(skip_serializing_if = "Option::is_none")]
    unrecorded_before: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    runs: bool,
}

/// Appends the first line to `out`.
pub(crate) fn write_head(out: &mut Vec<u8>, origin: &LogOrigin) {
    let identity = Hex(origin.identity).to_string();
    let line = Line {
        log: Fields {
            format: FORMAT.into(),
            version: match origin.has_runs {
                true => VERSION,
                false => WITHOUT_RUNS,
            },
            identity: identity.into(),
            epoch: origin.epoch,
            base: origin.base_log_hash,
            unrecorded_before: origin.unrecorded_before.map(Sequence::get),
            runs: origin.has_runs,
        },
    };
    // Writing to a vector does not fail.
    let _ = serde_json::to_writer(&mut *out, &line);
    out.push(b'\n');
}

/// Whether a line is the first one of an exact export.
pub(crate) fn is_head(text: &str) -> bool {
    let rest = text.strip_prefix('{').unwrap_or_default().trim_start();
    rest.starts_with("\"log\"")
}

/// Reads the first line.
pub(crate) fn parse_head(text: &str) -> Result<LogOrigin, RefusedLine> {
    if !is_head(text) {
        return Err(RefusedLine::new(
            "this is no exact export: it does not begin with the line of a log".to_owned(),
        ));
    }
    let Line { log }: Line<'_> = object(text)?;
    let version = match log.runs {
        true => VERSION,
        false => WITHOUT_RUNS,
    };
    if log.format != FORMAT || log.version != version {
        return Err(RefusedLine::new(format!(
            "it is {} of version {}, and this program reads {FORMAT:?} of version {version}",
            shown(&log.format),
            log.version
        )));
    }
    let identity = log.identity.parse::<Hex<16>>().map_err(|_| {
        RefusedLine::new("the identity of a log has 32 hexadecimal digits".to_owned())
    })?;
    Ok(LogOrigin {
        identity: identity.0,
        epoch: log.epoch,
        base_log_hash: log.base,
        unrecorded_before: log.unrecorded_before.map(Sequence::new),
        has_runs: log.runs,
    })
}
