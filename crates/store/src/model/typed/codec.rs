//! `Codec`: how values of a type become payloads, and back.

use crate::model::encode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use strandline_core::PayloadEncoding;

/// Whatever a codec says when it fails.
pub type CodecError = Box<dyn std::error::Error + Send + Sync>;

/// Turns values of `T` into payloads, and payloads into values.
///
/// [`Json`] and [`MessagePack`] do so for what serde knows. Others take a code of their own, from
/// 128, so that what one wrote is never read by another.
///
/// ```
/// use strandline::{Codec, CodecError, EventKind, EventPayload, PayloadEncoding};
///
/// struct BigEndian;
///
/// impl Codec<Count> for BigEndian {
///     const ENCODING: PayloadEncoding = PayloadEncoding::from_code(128);
///
///     fn encode(value: &Count) -> Result<Vec<u8>, CodecError> {
///         Ok(value.0.to_be_bytes().to_vec())
///     }
///
///     fn decode(bytes: &[u8]) -> Result<Count, CodecError> {
///         Ok(Count(u32::from_be_bytes(bytes.try_into()?)))
///     }
/// }
///
/// struct Count(u32);
///
/// impl EventPayload for Count {
///     type Codec = BigEndian;
///     const KIND: EventKind = EventKind::new(0x1, 0x001);
///     const NAME: &'static str = "count";
/// }
/// ```
pub trait Codec<T> {
    /// What stands with each payload to say how it is encoded.
    const ENCODING: PayloadEncoding;

    /// The bytes of a value.
    ///
    /// # Errors
    ///
    /// What the format says of a value that it cannot hold.
    fn encode(value: &T) -> Result<Vec<u8>, CodecError>;

    /// The value of bytes that may be damaged or of another type.
    ///
    /// # Errors
    ///
    /// What the format says of bytes that are no value of `T`.
    fn decode(bytes: &[u8]) -> Result<T, CodecError>;
}

/// JSON text. Values come back equal, floats to the bit, or are refused when they are encoded.
///
/// What is refused is what [`Event::json`](crate::Event::json) refuses; but what some types read back and
/// others do not, `Some(None)` or a number of 128 bits say, is decoded once to see, and refused only if it
/// is another value then. Most values have none of that and are not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json;

impl<T: Serialize + DeserializeOwned> Codec<T> for Json {
    const ENCODING: PayloadEncoding = PayloadEncoding::JSON;

    fn encode(value: &T) -> Result<Vec<u8>, CodecError> {
        Ok(encode::json_with(value, |bytes| {
            serde_json::from_slice(bytes)
        })?)
    }

    fn decode(bytes: &[u8]) -> Result<T, CodecError> {
        Ok(serde_json::from_slice(bytes)?)
    }
}

/// MessagePack, structs as maps with their field names. Values come back as those of [`Json`] do, and NaN and
/// the infinities too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagePack;

impl MessagePack {
    /// The MessagePack of a JSON text: the same value, keys in their order.
    ///
    /// ```
    /// use strandline::{Codec, MessagePack};
    ///
    /// let bytes = MessagePack::of_json("{\"total\": 4200}")?;
    /// let value: std::collections::BTreeMap<String, u32> = MessagePack::decode(&bytes)?;
    /// assert_eq!(value["total"], 4200);
    /// assert!(MessagePack::of_json("18446744073709551616").is_err());
    /// # Ok::<(), strandline::CodecError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Why MessagePack has not the same: a whole number of more than 64 bits, which would become a float; a
    /// key that is there twice; nesting that is too deep; a float beyond the largest. And what is no JSON.
    pub fn of_json(json: &str) -> Result<Vec<u8>, CodecError> {
        Ok(encode::json_as_message_pack(json)?)
    }
}

impl<T: Serialize + DeserializeOwned> Codec<T> for MessagePack {
    const ENCODING: PayloadEncoding = PayloadEncoding::MESSAGE_PACK;

    fn encode(value: &T) -> Result<Vec<u8>, CodecError> {
        Ok(encode::message_pack_with(value, |bytes| {
            rmp_serde::from_slice(bytes)
        })?)
    }

    fn decode(bytes: &[u8]) -> Result<T, CodecError> {
        Ok(rmp_serde::from_slice(bytes)?)
    }
}
