//! Texts that files are put together of: decimals and base64, of which each value has one. Knows no file.

#[cfg(any(feature = "note", feature = "event"))]
use base64::Engine as _;
#[cfg(any(feature = "note", feature = "event"))]
use base64::engine::general_purpose::STANDARD;

/// The number of a text of decimal digits without a zero before them; `None` if it is none.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let is_one = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_padded = text.len() > 1 && text.starts_with('0');
    match is_one && !is_padded {
        true => text.parse().ok(),
        false => None,
    }
}

/// Bytes as base64 with padding ([RFC 4648](https://www.rfc-editor.org/rfc/rfc4648), section 4).
#[cfg(any(feature = "note", feature = "event"))]
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a text; `None` if it is not the one that [`base64`] writes of them.
#[cfg(any(feature = "note", feature = "event"))]
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// As [`from_base64`], of as many bytes as are asked for. Allocates nothing that is longer than they are.
#[cfg(feature = "note")]
pub(crate) fn array_from_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Longer texts are not looked at.
    if text.len() != N.div_ceil(3) * 4 {
        return None;
    }
    from_base64(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_one_text() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for other in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            " 1",
            "1 ",
            "0x1",
            "１",
            "18446744073709551616",
        ] {
            assert_eq!(decimal(other), None, "{other}");
        }
    }

    #[cfg(feature = "note")]
    #[test]
    fn each_array_has_one_base64_text() {
        assert_eq!(array_from_base64(&base64(&[0xFF; 4])), Some([0xFF; 4]));
        for other in [
            "/////w=",
            "/////w",
            "/////x==",
            "____-w==",
            "/////w==\n",
            "//////8=",
        ] {
            assert_eq!(array_from_base64::<4>(other), None, "{other}");
        }
    }
}
