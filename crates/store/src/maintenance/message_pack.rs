//! JSON that a line has for a payload of MessagePack: encoded so that it says the same, or refused.

use super::imported::RefusedLine;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::HashSet;
use std::fmt;

/// The payload that `json` stands for: members of objects in their order, integers exact.
pub(super) fn message_pack(json: &str) -> Result<Vec<u8>, RefusedLine> {
    if let Some(number) = integers(json).find(|number| !fits(number)) {
        return Err(RefusedLine::new(format!(
            "the number {} does not fit in 64 bits, and MessagePack has no longer ones",
            super::imported::shown(number)
        )));
    }
    let value: Value = serde_json::from_str(json).map_err(RefusedLine::json)?;
    rmp_serde::to_vec_named(&value).map_err(|error| RefusedLine::new(error.to_string()))
}

/// The numbers of a text of JSON that have neither fraction nor exponent.
fn integers(json: &str) -> impl Iterator<Item = &str> {
    let mut rest = json;
    std::iter::from_fn(move || {
        loop {
            let (at, first) = rest
                .char_indices()
                .find(|(_, c)| *c == '"' || *c == '-' || c.is_ascii_digit())?;
            rest = rest.get(at..)?;
            if first == '"' {
                rest = rest.get(text_bytes(rest)..)?;
                continue;
            }
            let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            rest = after;
            if !number.contains(['.', 'e', 'E']) {
                return Some(number);
            }
        }
    })
}

/// Length of the text, quotes included, with which `json` begins.
fn text_bytes(json: &str) -> usize {
    let mut escaped = true;
    for (at, byte) in json.bytes().enumerate() {
        match byte {
            // The first quote is passed over as if it were escaped.
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

fn fits(integer: &str) -> bool {
    integer.parse::<u64>().is_ok() || integer.parse::<i64>().is_ok()
}

/// A value of JSON with the members of its objects in their order.
enum Value {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(values) => values.serialize(serializer),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Signed(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let (mut members, mut names) = (Vec::new(), HashSet::new());
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if !names.insert(name.clone()) {
                let name = super::imported::shown(&name);
                return Err(A::Error::custom(format!("an object has {name} twice")));
            }
            members.push((name, value));
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_says_the_same() {
        for json in [
            "null",
            "[true,false,0,-1,18446744073709551615,-9223372036854775808]",
            r#"{"b":1,"a":{"":[]},"\"12345678901234567890123":"\\"}"#,
            "[1.5,1e30,12345678901234567890123.0]",
        ] {
            let encoded = message_pack(json).unwrap();
            let value: serde_json::Value = rmp_serde::from_slice(&encoded).unwrap();
            let expected: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(value, expected, "{json}");
        }
        // The order of names is that of the text.
        assert_eq!(
            message_pack(r#"{"b":1,"a":2}"#).unwrap(),
            *b"\x82\xa1b\x01\xa1a\x02"
        );
    }

    #[test]
    fn what_cannot_be_encoded_is_refused() {
        for (json, reason) in [
            ("18446744073709551616", "64 bits"),
            ("[\"\\\\\",-9223372036854775809]", "64 bits"),
            (r#"{"a":1,"b":{"c":1,"c":1}}"#, "\"c\" twice"),
            ("1e999", "out of range"),
        ] {
            let RefusedLine(refused) = message_pack(json).unwrap_err();
            assert!(refused.contains(reason), "{json}: {refused}");
        }
    }
}
