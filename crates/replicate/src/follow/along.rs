//! What the terms of a bucket have left, taken into a copy: all of it, and nothing that comes later.

use super::copy::Copy;
use super::decode::{decode_chunk, decode_state};
use super::error::FollowError;
use crate::ask::ask;
use crate::bucket::Bucket;
use crate::object::{Key, Term};
use crate::protocol::{Answer, Listing, Request, Survey, Taken, after};
use bytes::Bytes;
use strandline_segment::LogIdentity;

/// What the terms of a bucket have left; `None` if none has begun.
pub(crate) fn survey(bucket: &Bucket) -> Result<Option<Taken>, FollowError> {
    survey_to(bucket, newest(bucket)?)
}

/// What the terms of a bucket have left, as [`survey`] gives it, if all later terms go on from that: it is of the
/// newest term, and no later one was there after it was seen.
pub(crate) enum Lasting {
    /// They do.
    Yes(Taken),
    /// The newest term has not begun. It may go on from less, and so may those after it.
    Unbegun(Taken),
    /// A later term was taken meanwhile: look again.
    Over,
}

/// As [`survey`], with whether it lasts.
pub(crate) fn lasting(bucket: &Bucket) -> Result<Option<Lasting>, FollowError> {
    let newest = newest(bucket)?;
    let (Some(newest), Some(taken)) = (newest, survey_to(bucket, newest)?) else {
        return Ok(None);
    };
    if taken.term != newest {
        return Ok(Some(Lasting::Unbegun(taken)));
    }
    let key = Key::Term(after(newest));
    // Begun once all was seen that is taken.
    Ok(Some(match ask(bucket, &Request::Get { key })? {
        Answer::Absent => Lasting::Yes(taken),
        _ => Lasting::Over,
    }))
}

fn newest(bucket: &Bucket) -> Result<Option<Term>, FollowError> {
    let from = Term::FIRST;
    let terms = ask(bucket, &Request::List(Listing::Terms { from }))?;
    Ok(match terms {
        Answer::Listed(terms) => terms.into_iter().max().and_then(Term::new),
        _ => None,
    })
}

fn survey_to(bucket: &Bucket, newest: Option<Term>) -> Result<Option<Taken>, FollowError> {
    let mut survey = Survey::new(newest);
    while let Some(request) = survey.request::<Bytes>() {
        survey.answer(ask(bucket, &request)?);
    }
    Ok(survey.taken().flatten())
}

/// Brings a copy to what a term has left: its newest state, and the chunks that follow it.
pub(crate) fn take_along(
    bucket: &Bucket,
    copy: &mut Copy,
    taken: &Taken,
) -> Result<(), FollowError> {
    let (term, number) = (taken.term, taken.state);
    let bytes = get(bucket, &Key::State { term, number })?;
    copy.take_state(&decode_state(term, number, &bytes)?)?;
    for number in taken.state..taken.below {
        let bytes = get(bucket, &Key::Chunk { term, number })?;
        copy.take_chunk(&decode_chunk(term, number, &bytes)?)?;
    }
    Ok(())
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

fn get(bucket: &Bucket, key: &Key) -> Result<Bytes, FollowError> {
    let key = key.to_string();
    bucket.get(&key)?.ok_or(FollowError::Gone { key })
}
