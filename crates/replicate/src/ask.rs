//! What the machines of `protocol` ask, made of a `Bucket`, and its answers as theirs. Waits for no second try.

use crate::bucket::{Bucket, BucketError, Listed, Pending, PutAnswer};
use crate::object::{Key, Prefix, Term};
use crate::protocol::{Answer, Listing, Request, Taken};
use bytes::Bytes;
use std::collections::BTreeSet;

/// Makes one request, and waits for its answer.
///
/// # Errors
///
/// Those of the bucket. Nothing is told to the machine then: it asks the same again. A PUT whose outcome is not
/// known is no error but an answer, unless it is refused in a way that waiting does not mend; then it may have
/// been done all the same, and the same machine has to go on with it.
pub(crate) fn ask(bucket: &Bucket, request: &Request<Bytes>) -> Result<Answer<Bytes>, BucketError> {
    Ok(match request {
        Request::Put { key, content } => match bucket.put_new(&key.to_string(), content.clone()) {
            PutAnswer::Created => Answer::Created,
            PutAnswer::Exists => Answer::Exists,
            PutAnswer::Unclear(error) if error.kind().is_passing() => Answer::Unclear,
            PutAnswer::Unclear(error) => return Err(error),
        },
        Request::Get { key } => match bucket.get(&key.to_string())? {
            Some(content) => Answer::Found(content),
            None => Answer::Absent,
        },
        Request::List(listing) => Answer::Listed(numbers(&start_list(bucket, listing).wait()?)),
    })
}

/// Starts a listing.
pub(crate) fn start_list(
    bucket: &Bucket,
    listing: &Listing,
) -> Pending<Result<Vec<Listed>, BucketError>> {
    let (prefix, before) = match listing {
        Listing::Terms { from } => (Prefix::Terms, from.previous().map(Key::Term)),
        Listing::Chunks { term, from } => {
            let before = from.checked_sub(1);
            let before = before.map(|number| Key::Chunk {
                term: *term,
                number,
            });
            (Prefix::Log(*term), before)
        }
        Listing::States { term } => (Prefix::States(*term), None),
    };
    let before = before.map(|key| key.to_string());
    bucket.start_list(&prefix.to_string(), before.as_deref())
}

/// The states of a term before the newest from which the log can be read as well, the newest first: all chunks are there
/// from the state's number to that of the newest. `states` and `chunks` are the numbers of those that are there.
///
/// What is read so is the same log, so nothing else follows from it than from the newest state. For where that is damaged.
pub(crate) fn before_newest(newest: Taken, mut states: Vec<u64>, chunks: &[u64]) -> Vec<Taken> {
    let chunks: BTreeSet<u64> = chunks.iter().copied().collect();
    let is_whole = |from: u64| (from..newest.state).all(|number| chunks.contains(&number));
    states.retain(|state| *state < newest.state);
    states.sort_unstable();
    let before = states.into_iter().rev();
    let before = before.map(|state| Taken { state, ..newest });
    before.take_while(|taken| is_whole(taken.state)).collect()
}

/// Where objects are that only who has taken their term puts.
pub(crate) const OF_TERMS: [&str; 3] = ["log", "state", "data"];

/// Starts a listing of what is under `folder`, one of [`OF_TERMS`], of terms after this one.
pub(crate) fn start_list_after(
    bucket: &Bucket,
    folder: &str,
    term: Term,
) -> Pending<Result<Vec<Listed>, BucketError>> {
    // A digit comes behind the slash that follows the term in every key of it.
    let after = format!("{folder}/{:020}0", term.get());
    bucket.start_list(folder, Some(&after))
}

/// The first object of a listing that is one of a log.
pub(crate) fn first_key(listed: &[Listed]) -> Option<Key> {
    listed.iter().find_map(|one| one.key.parse().ok())
}

/// The numbers of a listing. What has no key of such an object is of somebody else, and passed over.
pub(crate) fn numbers(listed: &[Listed]) -> Vec<u64> {
    let number = |key: &str| match key.parse().ok()? {
        Key::Term(term) => Some(term.get()),
        Key::Chunk { number, .. } | Key::State { number, .. } => Some(number),
        Key::Data { .. } => None,
    };
    listed.iter().filter_map(|one| number(&one.key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_before_the_newest_is_read_if_no_chunk_between_them_lacks() {
        let term = Term::FIRST;
        let of = |state| Taken {
            term,
            state,
            below: 9,
        };
        let before = |states: &[u64], chunks: &[u64]| {
            let before = before_newest(of(8), states.to_vec(), chunks);
            before.iter().map(|taken| taken.state).collect::<Vec<_>>()
        };
        assert_eq!(before(&[2, 8, 5, 9], &[2, 3, 4, 5, 6, 7, 8]), [5, 2]);
        assert_eq!(before(&[2, 5, 8], &[2, 3, 5, 6, 7, 8]), [5]);
        assert_eq!(before(&[2, 5, 8], &[5, 6, 8]), [0; 0]);
        assert_eq!(before_newest(of(8), vec![7], &[7]), [of(7)]);
    }
}
