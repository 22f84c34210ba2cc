//! Texts as JSON, and JSON that a line can hold as it is.

use serde::de::IgnoredAny;
use std::borrow::Cow;

/// A text with its quotes.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    // Writing a text to a vector does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// Texts as an array.
pub(crate) fn write_texts<'a>(out: &mut Vec<u8>, texts: impl Iterator<Item = &'a str>) {
    for (number, text) in texts.enumerate() {
        out.push(if number == 0 { b'[' } else { b',' });
        write_text(out, text);
    }
    out.push(b']');
}

/// Whether bytes are JSON that a line can hold as it is, and that is read back as it is.
pub(crate) fn is_one_line_of_json(bytes: &[u8]) -> bool {
    let ends = [bytes.first(), bytes.last()];
    let padded = ends.iter().flatten().any(|byte| byte.is_ascii_whitespace());
    let broken = bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
    // Skipping a value does not check that its texts are UTF-8.
    let is_json = |text| serde_json::from_str::<IgnoredAny>(text).is_ok();
    !padded && !broken && std::str::from_utf8(bytes).is_ok_and(is_json)
}

/// JSON in one line: what has several loses what is between its tokens, and no more.
pub(crate) fn compact(json: &str) -> Cow<'_, str> {
    if !json.contains(['\n', '\r']) {
        return json.into();
    }
    let (mut is_text, mut is_escaped) = (false, false);
    let is_token = |character: &char| {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = is_text,
            '"' => is_text = !is_text,
            ' ' | '\t' | '\n' | '\r' => return is_text,
            _ => {}
        }
        true
    };
    json.chars().filter(is_token).collect::<String>().into()
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_tokens_goes_and_only_from_several_lines() {
        for (json, expected) in [
            ("{\"a b\": 1 }", "{\"a b\": 1 }"),
            ("{\r\n\t\"a b\" : [1, 2]\n}", "{\"a b\":[1,2]}"),
            ("[\n\"\\\" \\\\\" , \" x\"]", "[\"\\\" \\\\\",\" x\"]"),
        ] {
            assert_eq!(compact(json), expected);
        }
    }

    #[test]
    fn json_that_a_line_cannot_hold_is_told_apart() {
        for fine in ["{}", "[1, 2]", "\"a b\"", "1e3"] {
            assert!(is_one_line_of_json(fine.as_bytes()), "{fine}");
        }
        for not in ["", " {}", "{} ", "{\n}", "{", "\"\\q\""] {
            assert!(!is_one_line_of_json(not.as_bytes()), "{not}");
        }
        assert!(!is_one_line_of_json(b"\"\xff\""));
    }
}
