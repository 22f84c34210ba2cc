//! A value as JSON or MessagePack: written once, and decoded once where the written form alone does not say
//! whether it comes back.

use super::checked::Checked;
use super::doubts::{Doubtful, Doubts};
use super::format::{Format, JSON, MESSAGE_PACK};
use super::refusal::Refusal;
use super::state::State;
use serde::Serialize;

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
