//! Payloads as JSON in one line, for people to read: what was written, and nothing rounded.
//!
//! Works on text: a number that went through a float would come out as another.

use super::base64;
use super::json::{is_one_line_of_json, write_text};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::Write;
use strandline::PayloadEncoding;

/// Levels of MessagePack that are shown; deeper ones are shown as bytes. Showing takes a part of the stack
/// for each.
const LEVELS_MAX: usize = 200;

/// A payload as one line of JSON for people to read; `None` if it is neither JSON nor MessagePack.
///
/// JSON is what was written, number for number, without line ends and, if it has some, without the spaces
/// between its parts. Of MessagePack byte strings are base64, and so are numbers of 128 bits, which are
/// written as 16 bytes; NaN and the infinities are texts.
#[must_use]
pub fn readable_json(encoding: PayloadEncoding, payload: &[u8]) -> Option<String> {
    match encoding {
        PayloadEncoding::JSON if is_one_line_of_json(payload) => {
            Some(String::from_utf8_lossy(payload).into_owned())
        }
        PayloadEncoding::JSON => one_line(payload),
        PayloadEncoding::MESSAGE_PACK => message_pack(payload),
        _ => None,
    }
}

/// JSON as one line: without the spaces and line ends between its parts. `None` if it is no JSON, whose texts
/// are UTF-8. Takes no stack, however deep it is.
fn one_line(json: &[u8]) -> Option<String> {
    let json = std::str::from_utf8(json).ok()?;
    // Skipping a value takes no stack and turns no number into a float.
    serde_json::from_str::<IgnoredAny>(json).ok()?;
    let mut line = String::with_capacity(json.len());
    let mut is_text = false;
    let mut is_escaped = false;
    for character in json.chars() {
        let is_space = matches!(character, ' ' | '\n' | '\r' | '\t');
        if is_space && !is_text {
            continue;
        }
        line.push(character);
        is_text ^= character == '"' && !is_escaped;
        is_escaped = is_text && character == '\\' && !is_escaped;
    }
    Some(line)
}

/// MessagePack as JSON in one line; `None` if it is none.
///
/// Byte strings are base64 texts, and so is a number of 128 bits, which is written as 16 bytes and nothing to
/// tell them apart from others. An extension is its number and its bytes. Floats that JSON has not are the
/// texts `NaN`, `Infinity` and `-Infinity`, and keys that are no texts the text of their JSON.
fn message_pack(bytes: &[u8]) -> Option<String> {
    let mut out = Vec::new();
    let mut rest = bytes;
    let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
    let value = Shown {
        out: &mut out,
        levels: LEVELS_MAX,
    };
    value.deserialize(&mut deserializer).ok()?;
    drop(deserializer);
    if !rest.is_empty() {
        return None;
    }
    String::from_utf8(out).ok()
}

/// Shows a value of any self-describing format.
struct Shown<'a> {
    out: &'a mut Vec<u8>,
    levels: usize,
}

impl<'de> DeserializeSeed<'de> for Shown<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Shown<'_> {
    // Writing to a vector does not fail.
    fn write(&mut self, text: impl fmt::Display) {
        let _ = write!(self.out, "{text}");
    }

    fn inner(&mut self) -> Shown<'_> {
        Shown {
            out: self.out,
            levels: self.levels - 1,
        }
    }

    /// Takes a level, so that [`inner`](Self::inner) may be called.
    fn enter<E: Error>(&self) -> Result<(), E> {
        match self.levels {
            0 => Err(E::custom("nested too deep to be shown")),
            _ => Ok(()),
        }
    }

    fn float(&mut self, is_finite: bool, number: impl serde::Serialize + fmt::Display) {
        if is_finite {
            let _ = serde_json::to_writer(&mut *self.out, &number);
            return;
        }
        let name = match number.to_string().as_str() {
            "inf" => "\"Infinity\"",
            "-inf" => "\"-Infinity\"",
            _ => "\"NaN\"",
        };
        self.write(name);
    }
}

impl<'de> Visitor<'de> for Shown<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.write("null");
        Ok(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(mut self, inner: D) -> Result<(), D::Error> {
        // How an extension type comes: its number and bytes.
        self.enter()?;
        inner.deserialize_any(self.inner())
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<(), E> {
        self.write(value);
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<(), E> {
        self.write(value);
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<(), E> {
        self.write(value);
        Ok(())
    }

    fn visit_f32<E>(mut self, value: f32) -> Result<(), E> {
        self.float(value.is_finite(), value);
        Ok(())
    }

    fn visit_f64<E>(mut self, value: f64) -> Result<(), E> {
        self.float(value.is_finite(), value);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        write_text(self.out, value);
        Ok(())
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<(), E> {
        self.out.push(b'"');
        base64::encode(value, self.out);
        self.out.push(b'"');
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.enter()?;
        self.out.push(b'[');
        let first = self.out.len();
        loop {
            let before = self.out.len();
            if before > first {
                self.out.push(b',');
            }
            if items.next_element_seed(self.inner())?.is_none() {
                self.out.truncate(before);
                break;
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.enter()?;
        self.out.push(b'{');
        let first = self.out.len();
        loop {
            let before = self.out.len();
            if before > first {
                self.out.push(b',');
            }
            let key_at = self.out.len();
            if entries.next_key_seed(self.inner())?.is_none() {
                self.out.truncate(before);
                break;
            }
            if self.out.get(key_at) != Some(&b'"') {
                let key = self.out.split_off(key_at);
                write_text(self.out, &String::from_utf8_lossy(&key));
            }
            self.out.push(b':');
            entries.next_value_seed(self.inner())?;
        }
        self.out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A number that went through a float is shown as another: `123456789012345678901234567890` as
    /// `1.2345678901234568e+29`.
    #[test]
    fn json_of_several_lines_is_shown_as_it_was_written() {
        for (json, line) in [
            (
                "{\n  \"id\": 123456789012345678901234567890\n}\n",
                "{\"id\":123456789012345678901234567890}",
            ),
            ("[1e400, -0, 0.10, 1E+2 ] ", "[1e400,-0,0.10,1E+2]"),
            (
                "{\"b\": 1, \"a\": 2,\t\"b\": 3}",
                "{\"b\":1,\"a\":2,\"b\":3}",
            ),
            (
                "\r\n[\" a \\\" b\\\\\" ,\n\"\\\\\\\" \"]",
                "[\" a \\\" b\\\\\",\"\\\\\\\" \"]",
            ),
            ("\"\\ud800 \"", "\"\\ud800 \""),
            (" null", "null"),
        ] {
            assert_eq!(one_line(json.as_bytes()).as_deref(), Some(line));
        }
        for not in ["", " ", "{", "[1 2]", "1 2", "\"\n\"", "{\"a\" 1}", "nul"] {
            assert_eq!(one_line(not.as_bytes()), None, "{not}");
        }
        assert_eq!(one_line(b"\"\xff\" "), None);
    }

    #[test]
    fn nesting_of_any_depth_is_shown() {
        for levels in [150, 100_000] {
            let json = "[ ".repeat(levels) + &"] ".repeat(levels);
            let line = "[".repeat(levels) + &"]".repeat(levels);
            assert_eq!(one_line(json.as_bytes()), Some(line));
        }
        // A byte for each level: an array of one item. The innermost is nil.
        let nested = |levels| [vec![0x91; levels], vec![0xc0]].concat();
        let shown = message_pack(&nested(150)).unwrap();
        assert_eq!(shown, "[".repeat(150) + "null" + &"]".repeat(150));
        for levels in [201, 100_000] {
            assert_eq!(message_pack(&nested(levels)), None);
        }
    }

    #[test]
    fn message_pack_is_shown_as_it_was_written() {
        #[derive(serde::Serialize)]
        struct All {
            single: f32,
            double: f64,
            nan: f64,
            infinity: f32,
            large: u64,
            small: i64,
            wide: u128,
            texts: BTreeMap<u8, &'static str>,
            empty: ([u8; 0], BTreeMap<u8, u8>),
        }
        let all = All {
            single: 0.1,
            double: 0.1,
            nan: f64::NAN,
            infinity: f32::NEG_INFINITY,
            large: u64::MAX,
            small: i64::MIN,
            wide: 1,
            texts: BTreeMap::from([(1, "a\"\n"), (2, "")]),
            empty: ([], BTreeMap::new()),
        };
        let bytes = rmp_serde::to_vec_named(&all).unwrap();
        let shown = message_pack(&bytes).unwrap();
        assert_eq!(
            shown,
            "{\"single\":0.1,\"double\":0.1,\"nan\":\"NaN\",\"infinity\":\"-Infinity\",\
             \"large\":18446744073709551615,\"small\":-9223372036854775808,\
             \"wide\":\"AAAAAAAAAAAAAAAAAAAAAQ==\",\"texts\":{\"1\":\"a\\\"\\n\",\"2\":\"\"},\
             \"empty\":[[],{}]}"
        );
        assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok());
        // An extension of type 5 with one byte, and bytes after a value.
        assert_eq!(
            message_pack(&[0xd4, 5, 255]).as_deref(),
            Some("[5,\"/w==\"]")
        );
        assert_eq!(message_pack(&[1, 2]), None);
    }
}
