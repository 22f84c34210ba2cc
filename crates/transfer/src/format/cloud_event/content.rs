//! How a payload is encoded, as `datacontenttype` says it.

use crate::format::refused_line::{RefusedLine, shown};
use strandline::PayloadEncoding;

const JSON: &str = "application/json";
const MESSAGE_PACK: &str = "application/msgpack";
const RAW: &str = "application/octet-stream";
const OTHER_PREFIX: &str = "application/x-strandline-encoding-";

/// What an export says of an encoding.
pub(super) fn content_type(encoding: PayloadEncoding) -> String {
    match encoding {
        PayloadEncoding::JSON => JSON.to_owned(),
        PayloadEncoding::MESSAGE_PACK => MESSAGE_PACK.to_owned(),
        PayloadEncoding::RAW => RAW.to_owned(),
        other => format!("{OTHER_PREFIX}{}", other.code()),
    }
}

/// The encoding of a payload that comes with a content type, as JSON or not.
pub(super) fn encoding(
    content_type: Option<&str>,
    is_json: bool,
) -> Result<PayloadEncoding, RefusedLine> {
    let Some(content_type) = content_type else {
        // The specification's default.
        return Ok(if is_json {
            PayloadEncoding::JSON
        } else {
            PayloadEncoding::RAW
        });
    };
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if let Some(code) = essence.strip_prefix(OTHER_PREFIX) {
        return code.parse().map(PayloadEncoding::from_code).map_err(|_| {
            let code = shown(code);
            RefusedLine::new(format!(
                "datacontenttype has no encoding of 0 to 255: {code}"
            ))
        });
    }
    // Names of media types have no case (RFC 6838, section 4.2).
    let essence = essence.to_ascii_lowercase();
    Ok(match &*essence {
        JSON => PayloadEncoding::JSON,
        MESSAGE_PACK => PayloadEncoding::MESSAGE_PACK,
        essence if essence.ends_with("+json") || essence.ends_with("/json") => {
            PayloadEncoding::JSON
        }
        _ if is_json => PayloadEncoding::JSON,
        _ => PayloadEncoding::RAW,
    })
}
