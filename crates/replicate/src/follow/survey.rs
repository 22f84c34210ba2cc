//! What the terms of a bucket have left, and its newest state, read. Takes nothing into a copy.

use super::decode::decode_state;
use super::error::FollowError;
use crate::ask::ask;
use crate::bucket::Bucket;
use crate::object::{Key, State, Term};
use crate::protocol::{Answer, Listing, Request, Survey, Taken};
use bytes::Bytes;

/// How often it is looked anew if what was found is swept meanwhile.
const TRIES: u32 = 8;

/// What the terms of a bucket have left; `None` if none has begun.
pub(crate) fn survey(bucket: &Bucket) -> Result<Option<Taken>, FollowError> {
    let from = Term::FIRST;
    let terms = ask(bucket, &Request::List(Listing::Terms { from }))?;
    let newest = match terms {
        Answer::Listed(terms) => terms.into_iter().max().and_then(Term::new),
        _ => None,
    };
    let mut survey = Survey::new(newest);
    while let Some(request) = survey.request::<Bytes>() {
        survey.answer(ask(bucket, &request)?);
    }
    Ok(survey.taken().flatten())
}

/// The newest state of what the terms of a bucket have left.
pub(super) fn newest_state(bucket: &Bucket) -> Result<State, FollowError> {
    let mut tries_left = TRIES;
    loop {
        let taken = survey(bucket)?.ok_or(FollowError::Empty)?;
        let (term, number) = (taken.term, taken.state);
        match get(bucket, &Key::State { term, number }) {
            Err(FollowError::Gone { .. }) if tries_left > 0 => tries_left -= 1,
            bytes => return decode_state(term, number, &bytes?),
        }
    }
}

/// An object that is listed.
pub(super) fn get(bucket: &Bucket, key: &Key) -> Result<Bytes, FollowError> {
    let key = key.to_string();
    bucket.get(&key)?.ok_or(FollowError::Gone { key })
}
