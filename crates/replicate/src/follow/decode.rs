//! Chunks and states from bytes, with the keys under which they were found in what is said of damaged ones.

use super::error::FollowError;
use crate::object::{Chunk, Key, State, Term};
use bytes::Bytes;

pub(crate) fn decode_chunk(term: Term, number: u64, bytes: &Bytes) -> Result<Chunk, FollowError> {
    let chunk = Chunk::decode(term, number, bytes);
    chunk.map_err(|error| FollowError::object(&Key::Chunk { term, number }, error))
}

pub(crate) fn decode_state(term: Term, number: u64, bytes: &[u8]) -> Result<State, FollowError> {
    let state = State::decode(term, number, bytes);
    state.map_err(|error| FollowError::object(&Key::State { term, number }, error))
}
