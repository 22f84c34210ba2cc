//! Texts within a URI: percent-encoding ([RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-2.1)).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;

/// Every byte but letters, digits and `-._~/:`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':');

/// A text with every byte but letters, digits and `-._~/:` as `%` and two digits.
pub(crate) fn encode(text: &str) -> impl fmt::Display {
    utf8_percent_encode(text, ENCODED)
}

/// The text that was encoded; `None` if a `%` is not followed by two digits, or there is no UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let is_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    // The library leaves a `%` as it is that encodes nothing.
    let mut encoded = text.split('%').skip(1);
    if !encoded.all(|after| after.as_bytes().get(..2).is_some_and(is_hex)) {
        return None;
    }
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        for text in ["eu/payments", "a b%", "größe", "?#\"\\"] {
            assert_eq!(decode(&encode(text).to_string()).unwrap(), text);
        }
        assert_eq!(encode("a b").to_string(), "a%20b");
        for wrong in ["%", "%2", "%zz", "%+1", "%ff"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
