//! What the terms of a bucket have left, and its newest state, read. Takes nothing into a copy.

use super::decode::decode_state;
use super::error::FollowError;
use crate::ask::{OF_TERMS, ask, first_key, start_list_after};
use crate::bucket::Bucket;
use crate::object::{Key, State, Term, TermRecord};
use crate::protocol::{Answer, Listing, Request, Survey, Taken, after};
use bytes::Bytes;

/// How often it is looked anew if what was found is swept meanwhile.
const TRIES: u32 = 8;

/// What the terms of a bucket have left; `None` if none has begun.
pub(crate) fn survey(bucket: &Bucket) -> Result<Option<Taken>, FollowError> {
    survey_to(bucket, newest_checked(bucket)?)
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
    let newest = newest_checked(bucket)?;
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
    terms_from(bucket, from)
}

/// The newest term, from one on.
fn terms_from(bucket: &Bucket, from: Term) -> Result<Option<Term>, FollowError> {
    let terms = ask(bucket, &Request::List(Listing::Terms { from }))?;
    Ok(match terms {
        Answer::Listed(terms) => terms.into_iter().max().and_then(Term::new),
        _ => None,
    })
}

/// As [`newest`], and checks that no later term has anything: the log of a term whose object was deleted would be passed
/// over, and that of the one before it be taken for all that there is. Three listings more.
fn newest_checked(bucket: &Bucket) -> Result<Option<Term>, FollowError> {
    let Some(mut newest) = newest(bucket)? else {
        return Ok(None);
    };
    for folder in OF_TERMS {
        let listed = start_list_after(bucket, folder, newest).wait()?;
        let Some(key) = first_key(&listed) else {
            continue;
        };
        // It may have been taken since.
        match terms_from(bucket, after(newest))? {
            Some(later) if later >= key.term() => newest = later,
            _ => return Err(FollowError::TermLost { key }),
        }
    }
    Ok(Some(newest))
}

/// Checks that no term has lost its object, while others of it are there.
pub(super) fn check_terms(bucket: &Bucket) -> Result<(), FollowError> {
    newest_checked(bucket).map(drop)
}

fn survey_to(bucket: &Bucket, newest: Option<Term>) -> Result<Option<Taken>, FollowError> {
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
        let newest = newest(bucket)?;
        let Some(taken) = survey_to(bucket, newest)? else {
            return Err(unbegun(bucket, newest)?);
        };
        let (term, number) = (taken.term, taken.state);
        match get(bucket, &Key::State { term, number }) {
            Err(FollowError::Gone { .. }) if tries_left > 0 => tries_left -= 1,
            bytes => return decode_state(term, number, &bytes?),
        }
    }
}

/// Why nothing is left: nobody has taken a term, or whoever has it has not begun it.
fn unbegun(bucket: &Bucket, newest: Option<Term>) -> Result<FollowError, FollowError> {
    let Some(term) = newest else {
        return Ok(FollowError::Empty);
    };
    let key = Key::Term(term);
    let record = TermRecord::decode(term, &get(bucket, &key)?);
    let record = record.map_err(|error| FollowError::object(&key, error))?;
    Ok(FollowError::NotBegun(Box::new(record)))
}

/// An object that is listed.
pub(super) fn get(bucket: &Bucket, key: &Key) -> Result<Bytes, FollowError> {
    let key = key.to_string();
    bucket.get(&key)?.ok_or(FollowError::Gone { key })
}
