//! What the terms of a bucket have left, taken into a copy: all of it, and nothing that comes later.

use super::copy::Copy;
use super::decode::{decode_chunk, decode_state};
use super::error::FollowError;
use super::survey::get;
use crate::ask::{ask, before_newest};
use crate::bucket::Bucket;
use crate::object::{Key, State};
use crate::protocol::{Answer, Listing, Request, Taken};
use strandline_core::Sequence;
use strandline_segment::LogIdentity;

/// Brings a copy to what a term has left: its newest state, and the chunks that follow it. Gives where the state ends.
pub(crate) fn take_along(
    bucket: &Bucket,
    copy: &mut Copy,
    taken: &Taken,
) -> Result<Sequence, FollowError> {
    let (taken, state) = readable(bucket, *taken)?;
    let term = taken.term;
    copy.take_state(&state)?;
    for number in taken.state..taken.below {
        let bytes = get(bucket, &Key::Chunk { term, number })?;
        copy.take_chunk(&decode_chunk(term, number, &bytes)?)?;
    }
    Ok(state.end.sequence)
}

/// The newest state; where that is damaged the one before it from which the log can be read as well, if there is one.
fn readable(bucket: &Bucket, newest: Taken) -> Result<(Taken, State), FollowError> {
    let read = |taken: Taken| {
        let Taken { term, state, .. } = taken;
        let bytes = get(
            bucket,
            &Key::State {
                term,
                number: state,
            },
        )?;
        decode_state(term, state, &bytes).map(|state| (taken, state))
    };
    let damaged = match read(newest) {
        Err(error @ FollowError::Object { .. }) => error,
        read => return read,
    };
    let term = newest.term;
    let listed = |listing| {
        ask(bucket, &Request::List(listing)).map(|answer| match answer {
            Answer::Listed(numbers) => numbers,
            _ => Vec::new(),
        })
    };
    let states = listed(Listing::States { term })?;
    let chunks = listed(Listing::Chunks { term, from: 0 })?;
    for before in before_newest(newest, states, &chunks) {
        match read(before) {
            Err(FollowError::Object { .. } | FollowError::Gone { .. }) => {}
            read => return read,
        }
    }
    Err(damaged)
}

/// Checks that a copy, if it has anything, is of the log of a state, and says which that is. One that has nothing has
/// its directory to itself then.
pub(crate) fn identity_of(
    bucket: &Bucket,
    copy: &mut Copy,
    taken: &Taken,
) -> Result<LogIdentity, FollowError> {
    let (_, state) = readable(bucket, *taken)?;
    copy.check_log(state.identity())?;
    copy.claim()?;
    Ok(*state.identity())
}
