//! JSON text as MessagePack: the same value, or the reason why MessagePack has not the same.

use super::value::message_pack;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// The MessagePack of a JSON text.
///
/// # Errors
///
/// A text that says why: a whole number of more than 64 bits, which would become a float; a key that is
/// there twice; nesting that is too deep; a float beyond the largest.
pub(crate) fn json_as_message_pack(json: &str) -> Result<Vec<u8>, String> {
    if let Some(number) = wide_number(json) {
        return Err(format!(
            "{number} has more than 64 bits, for which MessagePack has no number"
        ));
    }
    let value: Any = serde_json::from_str(json).map_err(|error| error.to_string())?;
    message_pack(&value).map_err(|error| error.to_string())
}

/// The first whole number of a JSON text that has more than 64 bits.
fn wide_number(json: &str) -> Option<&str> {
    let (mut is_text, mut is_escaped) = (false, false);
    let mut outside = json.split(|character: char| {
        if is_text {
            is_text = character != '"' || is_escaped;
            is_escaped = character == '\\' && !is_escaped;
            // What a text has between its quotes is cut into characters, none of which is long enough.
            return true;
        }
        is_text = character == '"';
        !matches!(character, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')
    });
    outside.find(|part| {
        let digits = part.strip_prefix('-').unwrap_or(part);
        digits.len() > 18
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<i64>().is_err()
            && part.parse::<u64>().is_err()
    })
}

/// A value of JSON, with its keys in their order and as often as they are there.
enum Any {
    Null,
    Bool(bool),
    Negative(i64),
    Whole(u64),
    Float(f64),
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Negative(value) => serializer.serialize_i64(*value),
            Self::Whole(value) => serializer.serialize_u64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key, value)))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Any, E> {
        Ok(Any::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Any, E> {
        Ok(Any::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Any, E> {
        Ok(Any::Negative(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Any, E> {
        Ok(Any::Whole(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Any, E> {
        Ok(Any::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Any, E> {
        Ok(Any::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Any, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element()? {
            values.push(value);
        }
        Ok(Any::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Any, A::Error> {
        let mut values = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            values.push(entry);
        }
        Ok(Any::Object(values))
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn json_becomes_the_same_value() {
        for value in [
            json!(null),
            json!({ "b": [1, -1, 0.1, u64::MAX, i64::MIN, true, "ß\"", {}], "a": null, "": [] }),
            json!("123456789012345678901234567890"),
            json!("\\\" 123456789012345678901234567890"),
        ] {
            let bytes = json_as_message_pack(&value.to_string()).unwrap();
            assert_eq!(rmp_serde::from_slice::<Value>(&bytes).unwrap(), value);
        }
    }

    /// A number of 30 digits went through a float, and of a key that is there twice one was lost.
    #[test]
    fn what_message_pack_has_not_is_refused() {
        for (json, reason) in [
            ("[1, 18446744073709551616]", "18446744073709551616 has"),
            ("{\"a\":-9223372036854775809}", "-9223372036854775809 has"),
            ("{\"a\":1,\"a\":2}", "twice"),
            ("1e400", "out of range"),
            (&("[".repeat(200) + &"]".repeat(200)), "recursion limit"),
        ] {
            let error = json_as_message_pack(json).unwrap_err();
            assert!(error.contains(reason), "{json}: {error}");
        }
    }
}
