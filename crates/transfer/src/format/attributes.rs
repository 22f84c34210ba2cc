//! Attributes of an event as members of an object of JSON, and back. Which names mean what, the formats know.

use super::members::{Members, text};
use super::refused_line::RefusedLine;
use crate::text::json::{compact, is_one_line_of_json, write_text};
use std::io::Write;
use strandline::{AttributeError, AttributeValue, Attributes};

/// Appends the value of an attribute.
pub(super) fn write_value(out: &mut Vec<u8>, value: &AttributeValue) {
    // Writing to a vector does not fail.
    let _ = match value {
        AttributeValue::Null => write!(out, "null"),
        AttributeValue::Boolean(is_so) => write!(out, "{is_so}"),
        AttributeValue::Integer(number) => write!(out, "{number}"),
        AttributeValue::Json(json) if is_one_line_of_json(json.as_bytes()) => {
            write!(out, "{json}")
        }
        // What says that it is JSON and is not can still be read.
        AttributeValue::Text(text) | AttributeValue::Json(text) => {
            write_text(out, text);
            Ok(())
        }
    };
}

/// Appends all attributes as an object.
pub(crate) fn write_object(out: &mut Vec<u8>, attributes: &Attributes) {
    for (number, (name, value)) in attributes.iter().enumerate() {
        out.push(if number == 0 { b'{' } else { b',' });
        write_text(out, name);
        out.push(b':');
        write_value(out, value);
    }
    out.push(b'}');
}

/// The attributes of an object.
pub(super) fn read_object(text: &str) -> Result<Attributes, RefusedLine> {
    let mut attributes = Attributes::new();
    for (name, value) in Members::parse(text)?.rest() {
        add(&mut attributes, &name, value)?;
    }
    Ok(attributes)
}

/// Adds an attribute that is written as JSON.
pub(super) fn add(attributes: &mut Attributes, name: &str, json: &str) -> Result<(), RefusedLine> {
    attributes.add(name, value(json)).map_err(refused)
}

/// Why attributes are refused.
pub(super) fn refused(error: AttributeError) -> RefusedLine {
    RefusedLine::new(error.to_string())
}

/// A value from JSON. A number is an integer if it is written as one that is.
fn value(json: &str) -> AttributeValue {
    let integer = json.parse::<i64>().ok();
    let integer = integer.filter(|number| number.to_string() == json);
    match (json, integer) {
        ("null", _) => AttributeValue::Null,
        ("true", _) => AttributeValue::Boolean(true),
        ("false", _) => AttributeValue::Boolean(false),
        (_, Some(number)) => AttributeValue::Integer(number),
        (other, None) => match text(other) {
            Some(text) => AttributeValue::Text(text.into()),
            None => AttributeValue::Json(compact(other).into()),
        },
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("1e3".to_owned()),
            Just("-0".to_owned()),
            any::<bool>().prop_map(|is_so| is_so.to_string()),
            any::<i64>().prop_map(|number| number.to_string()),
            any::<u64>().prop_map(|number| number.to_string()),
            "\\PC{0,9}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        ];
        leaf.prop_recursive(2, 9, 3, |inner| {
            proptest::collection::vec(inner, 0..3).prop_map(|all| format!("[{}]", all.join(" ,\n")))
        })
    }

    proptest! {
        #[test]
        fn values_come_back_as_they_are(values in proptest::collection::vec(json(), 0..5)) {
            let members = values.iter().enumerate();
            let members: Vec<_> = members.map(|(at, json)| format!("\"n{at}\": {json}")).collect();
            let text = format!("{{{}}}", members.join(","));
            let attributes = read_object(&text).unwrap();
            prop_assume!(!attributes.is_empty());
            let bytes = attributes.encode().unwrap();
            let attributes = Attributes::from_bytes(&bytes).unwrap();
            let mut out = Vec::new();
            write_object(&mut out, &attributes);
            let out = String::from_utf8(out).unwrap();
            let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            prop_assert_eq!(parsed(&out), parsed(&text));
            prop_assert!(!out.contains('\n'));
            prop_assert_eq!(read_object(&out).unwrap(), attributes);
        }
    }
}
