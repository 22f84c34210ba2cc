//! Base64 as of [RFC 4648](https://www.rfc-editor.org/rfc/rfc4648), section 4, with padding. One text for the
//! same bytes: no other is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Appends the text of `bytes` to `out`.
pub(crate) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let begin = out.len();
    out.resize(begin + 4 * bytes.len().div_ceil(3), b'=');
    let text = out.get_mut(begin..).unwrap_or_default();
    // There is as much room as it takes.
    let _ = STANDARD.encode_slice(bytes, text);
}

/// Bytes as base64 text ([RFC 4648](https://www.rfc-editor.org/rfc/rfc4648), section 4).
#[must_use]
pub fn base64_text(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a text; `None` if it is not what [`encode`] writes.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        encode(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_are_those_of_the_standard() {
        for (bytes, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(text(bytes.as_bytes()), expected);
            assert_eq!(decode(expected).as_deref(), Some(bytes.as_bytes()));
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&text(&all)), Some(all));
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in [
            "Zg", "Zg=", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm9\n", "Zm-v",
        ] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
