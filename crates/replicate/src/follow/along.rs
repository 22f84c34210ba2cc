//! What the terms of a bucket have left, taken into a copy: all of it, and nothing that comes later.

use super::copy::Copy;
use super::decode::{decode_chunk, decode_state};
use super::error::FollowError;
use super::survey::get;
use crate::bucket::Bucket;
use crate::object::Key;
use crate::protocol::Taken;
use strandline_core::Sequence;
use strandline_segment::LogIdentity;

/// Brings a copy to what a term has left: its newest state, and the chunks that follow it. Gives where the state ends.
pub(crate) fn take_along(
    bucket: &Bucket,
    copy: &mut Copy,
    taken: &Taken,
) -> Result<Sequence, FollowError> {
    let (term, number) = (taken.term, taken.state);
    let bytes = get(bucket, &Key::State { term, number })?;
    let state = decode_state(term, number, &bytes)?;
    copy.take_state(&state)?;
    for number in taken.state..taken.below {
        let bytes = get(bucket, &Key::Chunk { term, number })?;
        copy.take_chunk(&decode_chunk(term, number, &bytes)?)?;
    }
    Ok(state.end.sequence)
}

/// Checks that a copy, if it has anything, is of the log of a state, and says which that is. One that has nothing has
/// its directory to itself then.
pub(crate) fn identity_of(
    bucket: &Bucket,
    copy: &mut Copy,
    taken: &Taken,
) -> Result<LogIdentity, FollowError> {
    let (term, number) = (taken.term, taken.state);
    let bytes = get(bucket, &Key::State { term, number })?;
    let state = decode_state(term, number, &bytes)?;
    copy.check_log(state.identity())?;
    copy.claim()?;
    Ok(*state.identity())
}
