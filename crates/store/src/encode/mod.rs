//! `encode`: values as JSON or MessagePack, or the reason why they would not come back as they are.
//!
//! The one place where values become payloads. What a format cannot hold is refused here, when it is
//! appended, since nobody could mend it when it is read. Holds no decoding but the one that settles
//! doubts.

mod checked;
mod compound;
mod from_json;
mod keys;
mod refusal;
mod state;

pub(crate) use from_json::json_as_message_pack;
pub(crate) use refusal::Refusal;

use checked::Checked;
use serde::Serialize;
use state::State;

/// Most levels of arrays, maps and variants in each other: what `serde_json` reads. `rmp_serde` reads 1,023,
/// with which a thread of 2 MiB overflows its stack in a build for debugging, both ways.
const LEVELS_MAX: usize = 127;

/// What a format can hold.
#[derive(Debug, Clone, Copy)]
struct Format {
    name: &'static str,
    /// Whether every key is a text, and no number is infinite or none.
    is_json: bool,
}

const JSON: Format = Format {
    name: "JSON",
    is_json: true,
};
const MESSAGE_PACK: Format = Format {
    name: "MessagePack",
    is_json: false,
};

/// What is done where the written form alone does not say whether the value comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubtful {
    /// Refused, where hardly a type would read it back.
    Refuse,
    /// Counted, for whoever can decode the value to see.
    Count,
}

/// What was met while a value was written that comes back for some types only. Counts and a sum, so that
/// the order of what has none does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Doubts {
    /// `Some` of what is written as null.
    some_null: u64,
    /// Maps with two entries of one key.
    equal_keys: u64,
    /// Keys that are numbers, and become texts.
    number_keys: u64,
    /// Sum of the numbers of 128 bits, which no buffer of serde holds.
    wide: u128,
    wide_count: u64,
}

/// A value as JSON.
///
/// # Errors
///
/// [`Refusal`] for a number that is not finite, nesting that is too deep to be read, an option that holds
/// null, a map with equal keys, and what the type's `Serialize` refuses.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Refusal> {
    write_json(value, Doubtful::Refuse).map(|(bytes, _)| bytes)
}

/// A value as MessagePack, structs as maps with their field names.
///
/// # Errors
///
/// As [`json`], but that MessagePack holds every number.
pub(crate) fn message_pack<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Refusal> {
    write_message_pack(value, Doubtful::Refuse).map(|(bytes, _)| bytes)
}

/// A value as JSON, which is decoded once if something is in it that not every type reads back.
pub(crate) fn json_with<T: Serialize, E: std::error::Error + Send + Sync + 'static>(
    value: &T,
    decode: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<Vec<u8>, Refusal> {
    settled(&JSON, value, write_json, decode)
}

/// A value as MessagePack, which is decoded once if something is in it that not every type reads back.
pub(crate) fn message_pack_with<T: Serialize, E: std::error::Error + Send + Sync + 'static>(
    value: &T,
    decode: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<Vec<u8>, Refusal> {
    settled(&MESSAGE_PACK, value, write_message_pack, decode)
}

fn settled<T, E: std::error::Error + Send + Sync + 'static>(
    format: &Format,
    value: &T,
    write: impl Fn(&T, Doubtful) -> Result<(Vec<u8>, Doubts), Refusal>,
    decode: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<Vec<u8>, Refusal> {
    let (bytes, doubts) = write(value, Doubtful::Count)?;
    if doubts == Doubts::default() {
        return Ok(bytes);
    }
    // A refusal that names the place is better than one that says what decoding found.
    let named = || write(value, Doubtful::Refuse).err();
    match decode(&bytes) {
        Err(error) => Err(named().unwrap_or_else(|| Refusal::undecodable(format, error))),
        Ok(decoded) => match write(&decoded, Doubtful::Count) {
            Ok((_, found)) if found == doubts => Ok(bytes),
            _ => Err(named().unwrap_or_else(|| Refusal::differs(format))),
        },
    }
}

fn write_json<T: Serialize + ?Sized>(
    value: &T,
    doubtful: Doubtful,
) -> Result<(Vec<u8>, Doubts), Refusal> {
    let mut bytes = Vec::with_capacity(128);
    let state = State::new(&JSON, doubtful);
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    let written = value.serialize(Checked::new(&mut serializer, &state));
    state.outcome(written).map(|doubts| (bytes, doubts))
}

fn write_message_pack<T: Serialize + ?Sized>(
    value: &T,
    doubtful: Doubtful,
) -> Result<(Vec<u8>, Doubts), Refusal> {
    let mut bytes = Vec::with_capacity(128);
    let state = State::new(&MESSAGE_PACK, doubtful);
    let mut serializer = rmp_serde::Serializer::new(&mut bytes).with_struct_map();
    let written = value.serialize(Checked::new(&mut serializer, &state));
    state.outcome(written).map(|doubts| (bytes, doubts))
}
