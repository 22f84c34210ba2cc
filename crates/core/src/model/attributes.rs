//! `Attributes`: what an event of another system had beside what an event has here, and its bytes in an
//! extension. Knows no format of another system.

use super::name::{NameError, check_name};
use crate::codec::{DecodeError, Reader, Writer};
use std::collections::BTreeMap;

/// Most bytes of the attributes of an event, as [`Attributes::encode`] writes them. With tags they have to
/// fit among the [extensions](super::Extensions) of the event.
pub const ATTRIBUTES_BYTES_MAX: usize = 3584;

/// What an attribute says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AttributeValue {
    /// Nothing, and that was said.
    Null,
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(Box<str>),
    /// Any other value, as JSON that is kept as it was written.
    Json(Box<str>),
}

/// Why an attribute was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttributeError {
    /// Its name is none: the rules are those of a coordinate's names.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There are two of the name.
    #[error("the attribute {0} is there twice")]
    Twice(Box<str>),
    /// All of them together are too long.
    #[error(
        "the attributes have {0} bytes, the limit is {ATTRIBUTES_BYTES_MAX} (ATTRIBUTES_BYTES_MAX)"
    )]
    TooLong(usize),
}

/// Named values that an event brought from another system: a CloudEvents event its id, and its extension
/// attributes. They are part of the event, covered by its hash, and found by no query.
///
/// A redaction removes payloads alone, so attributes stay: what may have to be removed one day, such as a
/// name or an address of a person, belongs into the payload.
///
/// ```
/// use strandline_core::{AttributeValue, Attributes};
///
/// let mut attributes = Attributes::new();
/// attributes.add("traceparent", AttributeValue::Text("00-0af7651916cd43dd-01".into()))?;
/// attributes.add("sampledrate", AttributeValue::Integer(30))?;
/// let bytes = attributes.encode()?;
/// assert_eq!(Attributes::from_bytes(&bytes)?, attributes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Attributes(BTreeMap<Box<str>, AttributeValue>);

/// Which value follows a name.
mod code {
    pub(super) const NULL: u8 = 0;
    pub(super) const BOOLEAN: u8 = 1;
    pub(super) const INTEGER: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const JSON: u8 = 4;
}

impl Attributes {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds one.
    ///
    /// # Errors
    ///
    /// [`AttributeError`] if the name is none, or there already.
    pub fn add(&mut self, name: &str, value: AttributeValue) -> Result<(), AttributeError> {
        check_name("name of an attribute", name)?;
        if self.0.contains_key(name) {
            return Err(AttributeError::Twice(name.into()));
        }
        self.0.insert(name.into(), value);
        Ok(())
    }

    /// Takes one out.
    pub fn remove(&mut self, name: &str) -> Option<AttributeValue> {
        self.0.remove(name)
    }

    /// The value of one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.0.get(name)
    }

    /// The text of one; none if it has another value.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(AttributeValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Each with its name, in the order of the names' bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &AttributeValue)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their bytes in an extension: for each, in the order of the names, the name's length (u8) and UTF-8, a
    /// code (u8) and the value: nothing, a u8, an i64, or a length (u16) and UTF-8.
    ///
    /// # Errors
    ///
    /// [`AttributeError::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, AttributeError> {
        let texts = self.iter().map(|(_, value)| match value {
            AttributeValue::Text(text) | AttributeValue::Json(text) => text.len(),
            _ => 0,
        });
        let texts: usize = texts.sum();
        // So that every length has its number.
        if texts > ATTRIBUTES_BYTES_MAX {
            return Err(AttributeError::TooLong(texts));
        }
        let mut bytes = Vec::new();
        let mut out = Writer::new(&mut bytes);
        for (name, value) in self.iter() {
            out.u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
            out.bytes(name.as_bytes());
            match value {
                AttributeValue::Null => out.u8(code::NULL),
                AttributeValue::Boolean(is_so) => {
                    out.u8(code::BOOLEAN);
                    out.u8(u8::from(*is_so));
                }
                AttributeValue::Integer(number) => {
                    out.u8(code::INTEGER);
                    out.bytes(&number.to_le_bytes());
                }
                AttributeValue::Text(text) => {
                    out.u8(code::TEXT);
                    out.short_bytes(text.as_bytes());
                }
                AttributeValue::Json(text) => {
                    out.u8(code::JSON);
                    out.short_bytes(text.as_bytes());
                }
            }
        }
        match bytes.len() {
            ..=ATTRIBUTES_BYTES_MAX => Ok(bytes),
            length => Err(AttributeError::TooLong(length)),
        }
    }

    /// Attributes from their bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if there are more bytes than [`ATTRIBUTES_BYTES_MAX`], they are cut short, or have
    /// what [`encode`](Self::encode) does not write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if bytes.len() > ATTRIBUTES_BYTES_MAX {
            return Err(reader.invalid("attributes", "more than 3584 bytes"));
        }
        let mut all: BTreeMap<Box<str>, AttributeValue> = BTreeMap::new();
        while reader.left() > 0 {
            let length = reader.u8("length of a name")?;
            let name = text(reader.bytes("name", length.into())?, &reader)?;
            if check_name("name of an attribute", name).is_err() {
                return Err(reader.invalid("name of an attribute", "breaks a rule for names"));
            }
            let last = all.last_key_value();
            if last.is_some_and(|(last, _)| **last >= *name) {
                return Err(reader.invalid("name of an attribute", "names do not ascend"));
            }
            let value = match reader.u8("code of a value")? {
                code::NULL => AttributeValue::Null,
                code::BOOLEAN => match reader.u8("boolean")? {
                    0 => AttributeValue::Boolean(false),
                    1 => AttributeValue::Boolean(true),
                    _ => return Err(reader.invalid("boolean", "is neither 0 nor 1")),
                },
                code::INTEGER => {
                    AttributeValue::Integer(i64::from_le_bytes(reader.array("integer")?))
                }
                code::TEXT => {
                    AttributeValue::Text(text(reader.short_bytes("text")?, &reader)?.into())
                }
                code::JSON => {
                    AttributeValue::Json(text(reader.short_bytes("JSON")?, &reader)?.into())
                }
                _ => return Err(reader.invalid("code of a value", "is not known")),
            };
            all.insert(name.into(), value);
        }
        Ok(Self(all))
    }
}

fn text<'a>(bytes: &'a [u8], reader: &Reader<'_>) -> Result<&'a str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|_| reader.invalid("text", "is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = AttributeValue> {
        prop_oneof![
            Just(AttributeValue::Null),
            any::<bool>().prop_map(AttributeValue::Boolean),
            any::<i64>().prop_map(AttributeValue::Integer),
            "\\PC{0,40}".prop_map(|text| AttributeValue::Text(text.into())),
            "\\PC{0,40}".prop_map(|text| AttributeValue::Json(text.into())),
        ]
    }

    proptest! {
        #[test]
        fn attributes_come_back_and_every_cut_is_an_error_or_fewer(
            given in proptest::collection::btree_map("[a-z]{1,20}", value(), 0..9),
        ) {
            let mut attributes = Attributes::default();
            for (name, value) in &given {
                attributes.add(name, value.clone()).unwrap();
            }
            let bytes = attributes.encode().unwrap();
            prop_assert_eq!(&Attributes::from_bytes(&bytes).unwrap(), &attributes);
            for length in 0..bytes.len() {
                let cut = Attributes::from_bytes(&bytes[..length]);
                prop_assert!(cut.is_err() || cut.unwrap().len() < attributes.len());
            }
        }

        #[test]
        fn any_bytes_decode_to_themselves_or_not_at_all(
            bytes in proptest::collection::vec(0..6_u8, 0..60),
        ) {
            if let Ok(attributes) = Attributes::from_bytes(&bytes) {
                prop_assert_eq!(attributes.encode().unwrap(), bytes);
            }
        }
    }

    #[test]
    fn what_is_no_attribute_is_refused() {
        let mut attributes = Attributes::default();
        for name in ["", "a\n"] {
            let refused = attributes.add(name, AttributeValue::Null);
            assert!(matches!(refused, Err(AttributeError::Name(_))));
        }
        attributes.add("a", AttributeValue::Null).unwrap();
        let twice = attributes.add("a", AttributeValue::Integer(1));
        assert_eq!(twice, Err(AttributeError::Twice("a".into())));
        let most = ATTRIBUTES_BYTES_MAX - "1a0".len() - "1b0".len() - 2;
        let mut of = |length: usize| {
            attributes.remove("b");
            let text = "x".repeat(length).into();
            attributes.add("b", AttributeValue::Text(text)).unwrap();
            attributes.encode().map(|bytes| bytes.len())
        };
        assert_eq!(of(most), Ok(ATTRIBUTES_BYTES_MAX));
        assert_eq!(
            of(most + 1),
            Err(AttributeError::TooLong(ATTRIBUTES_BYTES_MAX + 1))
        );
        assert_eq!(of(1 << 17), Err(AttributeError::TooLong(1 << 17)));
        assert!(Attributes::from_bytes(&[0; ATTRIBUTES_BYTES_MAX + 1]).is_err());
        let hostile: [&[u8]; 6] = [
            &[1, b'b', 0, 1, b'a', 0],
            &[1, b'a', 0, 1, b'a', 0],
            &[1, b'a', 5],
            &[1, b'a', 1, 2],
            &[1, 0xFF, 0],
            &[1, b'a', 3, 1, 0, 0xFF],
        ];
        for bytes in hostile {
            assert!(Attributes::from_bytes(bytes).is_err(), "{bytes:?}");
        }
    }
}
