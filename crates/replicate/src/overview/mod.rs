//! `Overview`: what is in a bucket, for people and for who watches it. Only reads, decides nothing: what counts and
//! what may be done is `protocol`'s.

mod amounts;
mod found;
mod lack;
mod lacking;

pub use amounts::{Amount, ObjectAmounts};
pub(crate) use found::Found;
pub use lack::{Lack, LackKind};
pub(crate) use lack::{Needed, needed_bytes};

use crate::bucket::{Bucket, BucketError};
use crate::object::{Chunk, Key, ObjectError, State, Term, TermRecord};
use std::collections::BTreeSet;
use std::time::Duration;
use strandline_core::sync::thread;
use strandline_segment::LogPosition;

/// How often a state that was deleted while it was asked for is looked for anew.
pub(crate) const TRIES: usize = 5;
/// How often it is looked before something is said to be lacking, and how long it is between two looks: what was listed
/// before another thing was put, or is on its way, is there then.
const LOOKS: usize = 3;
const PAUSE: Duration = Duration::from_millis(400);

/// What is in a bucket.
#[derive(Debug)]
#[non_exhaustive]
pub struct Overview {
    /// The newest terms, the newest last.
    pub terms: Vec<TermOverview>,
    /// How many terms there are.
    pub terms_count: u64,
    /// How many terms below the newest one have no object. None ever should: who deletes one takes away what stops an
    /// old writer. Of those above it whose objects are there [`lacking`](Self::lacking) tells.
    pub terms_missing: u64,
    /// The log as the newest term has it that has a state; `None` if none has.
    pub log: Option<LogOverview>,
    /// Objects by kind.
    pub objects: ObjectAmounts,
    /// Chunks, states and files that a reader which begins now does not need: they are deleted after their grace.
    pub superseded: Amount,
    /// What is to be there by what else is there, and is not, or has another length: what the newest state lists, a
    /// state that a chunk tells of, a chunk before one that is there, the object of a term that has others. By keys.
    ///
    /// Names and lengths are compared, so that bytes that were changed are not seen. Nor is it that the newest chunks
    /// of a term are gone.
    pub lacking: Vec<Lack>,
}

/// A term.
#[derive(Debug)]
#[non_exhaustive]
pub struct TermOverview {
    /// Its number.
    pub term: Term,
    /// Who took it; or why its object cannot be read.
    pub record: Result<TermRecord, ObjectError>,
    /// Whether a state of it is there: its writer has put what it begins with. Of an older one they may be deleted.
    pub has_state: bool,
}

/// The log of the newest term that has a state. If a later one was taken, that may go on with less of it: whether a term
/// has begun only a reader finds out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogOverview {
    /// The term.
    pub term: Term,
    /// Number of its newest state.
    pub state: u64,
    /// Its chunks below this number are there, those that the state covers included.
    pub chunks: u64,
    /// Where the log ends that these make. More may be among it than was acknowledged.
    pub end: LogPosition,
    /// Segments of the log.
    pub segments: usize,
    /// Bytes that a reader has to fetch to have all of it.
    pub bytes: u64,
    /// When the newest chunk of the term, or its newest state, was written: milliseconds since 1970, by the clock of the
    /// object store.
    pub written_ms: u64,
}

/// Why a bucket cannot be looked through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OverviewError {
    /// A request failed.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The newest state, or the newest chunk after it, is not what it should be.
    #[error("{key} cannot be used: {source}")]
    Object {
        /// Which.
        key: Key,
        /// What is wrong with it.
        source: ObjectError,
    },
    /// An object that was listed is not there any more, several times over: the bucket is written and swept faster than
    /// it can be looked through, or somebody else deletes from it.
    #[error(
        "{0} was listed and is not there; if it stays so, somebody else deletes from the bucket"
    )]
    Gone(Key),
}

/// What was left by writers that were killed while they put objects into a directory that serves as a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Unfinished {
    /// The files that were removed.
    pub removed: Vec<String>,
    /// The first thousand of those that are there still: of the newest term that has begun, or a later one, so that a
    /// writer that lives may be at them.
    pub left: Vec<String>,
}

/// Removes what writers of earlier terms than the newest that has begun were putting into a directory when they were
/// killed. Nothing where the bucket is no directory, or nobody has begun a term. So does who begins a term.
///
/// # Errors
///
/// [`OverviewError::Bucket`].
pub fn remove_unfinished(bucket: &Bucket) -> Result<Unfinished, OverviewError> {
    let begun = Found::list(bucket)?.newest_state();
    let removed = match begun {
        Some((term, _)) => bucket.remove_unfinished(term)?,
        None => Vec::new(),
    };
    let left = bucket.unfinished()?;
    Ok(Unfinished { removed, left })
}

impl Overview {
    /// Looks through a bucket. Lists all of it, a request for each 1,000 objects, and reads the newest `terms_max`
    /// terms, the newest state and the last chunk. Where something lacks it does so three times in all, with 0.4 s
    /// between, and tells of what lacked each time: it may be on its way.
    ///
    /// # Errors
    ///
    /// [`OverviewError`]. A term that is damaged is none: it is told.
    pub fn read(bucket: &Bucket, terms_max: usize) -> Result<Self, OverviewError> {
        let (mut tries, mut looks) = (0, 0);
        let mut lacked: Option<BTreeSet<Key>> = None;
        loop {
            let mut overview = match Self::once(bucket, terms_max) {
                Err(OverviewError::Gone(_)) if tries < TRIES => {
                    tries += 1;
                    continue;
                }
                read => read?,
            };
            looks += 1;
            if let Some(lacked) = lacked {
                overview.lacking.retain(|lack| lacked.contains(&lack.key));
            }
            if overview.lacking.is_empty() || looks >= LOOKS {
                return Ok(overview);
            }
            lacked = Some(
                overview
                    .lacking
                    .iter()
                    .map(|lack| lack.key.clone())
                    .collect(),
            );
            thread::sleep(PAUSE);
        }
    }

    fn once(bucket: &Bucket, terms_max: usize) -> Result<Self, OverviewError> {
        let found = Found::list(bucket)?;
        let highest = found.terms.last().map_or(0, |term| term.get());
        let terms_count = u64::try_from(found.terms.len()).unwrap_or(u64::MAX);
        let mut overview = Self {
            terms: terms(bucket, &found, terms_max)?,
            terms_count,
            terms_missing: highest.saturating_sub(terms_count),
            log: None,
            objects: found.amounts,
            superseded: Amount::default(),
            lacking: found.lacking_terms(),
        };
        let newest = newest_chunk(bucket, &found)?;
        overview
            .lacking
            .extend(found.lacking_state(newest.as_ref()));
        if let Some((term, state)) = found.newest_state() {
            let state = read_state(bucket, term, state)?;
            overview.log = Some(log(bucket, &found, &state, newest)?);
            overview.superseded = found.superseded(&state);
            overview.lacking.extend(found.lacking(&state));
        }
        overview
            .lacking
            .sort_unstable_by(|one, other| one.key.cmp(&other.key));
        Ok(overview)
    }
}

fn terms(bucket: &Bucket, found: &Found, most: usize) -> Result<Vec<TermOverview>, OverviewError> {
    let newest = found.terms.iter().rev().take(most);
    let asked: Vec<_> = newest
        .map(|term| (*term, bucket.start_get(&Key::Term(*term).to_string())))
        .collect();
    let mut terms = Vec::with_capacity(asked.len());
    for (term, answer) in asked.into_iter().rev() {
        let bytes = answer.wait()?.ok_or(OverviewError::Gone(Key::Term(term)))?;
        terms.push(TermOverview {
            term,
            record: TermRecord::decode(term, &bytes),
            has_state: found.has_state(term),
        });
    }
    Ok(terms)
}

/// A state that was listed.
pub(crate) fn read_state(bucket: &Bucket, term: Term, number: u64) -> Result<State, OverviewError> {
    let key = Key::State { term, number };
    let bytes = bucket.get(&key.to_string())?;
    let bytes = bytes.ok_or_else(|| OverviewError::Gone(key.clone()))?;
    let state = State::decode(term, number, &bytes);
    state.map_err(|source| OverviewError::Object { key, source })
}

/// The newest chunk of the newest term that has any, if that may follow the newest state. One that cannot be read is none:
/// whoever reads the log finds that.
fn newest_chunk(bucket: &Bucket, found: &Found) -> Result<Option<Chunk>, OverviewError> {
    let Some((term, number)) = found.chunks.last_key_value().map(|(place, _)| *place) else {
        return Ok(None);
    };
    if found
        .newest_state()
        .is_some_and(|state| state > (term, number))
    {
        return Ok(None);
    }
    let key = Key::Chunk { term, number };
    let bytes = bucket.get(&key.to_string())?;
    let bytes = bytes.ok_or(OverviewError::Gone(key))?;
    Ok(Chunk::decode(term, number, &bytes).ok())
}

fn log(
    bucket: &Bucket,
    found: &Found,
    state: &State,
    newest: Option<Chunk>,
) -> Result<LogOverview, OverviewError> {
    let (term, from) = (state.term, state.number);
    let listed = found.states.get(&(term, from));
    let files = state.files.iter().map(|file| file.length);
    let mut log = LogOverview {
        term,
        state: from,
        chunks: from,
        end: state.end,
        segments: state.manifest.segments().len(),
        bytes: files.fold(0, u64::saturating_add),
        written_ms: listed.map_or(0, |listed| listed.modified_ms),
    };
    let mut last = None;
    for (number, listed) in found.chunks_from(term, from) {
        log.chunks = number.saturating_add(1);
        log.bytes = log.bytes.saturating_add(listed.length);
        log.written_ms = log.written_ms.max(listed.modified_ms);
        last = Some(number);
    }
    let Some(number) = last else {
        return Ok(log);
    };
    let key = Key::Chunk { term, number };
    log.end = match newest.filter(|chunk| chunk.key() == key) {
        Some(chunk) => chunk.end,
        None => {
            let bytes = bucket.get(&key.to_string())?;
            let bytes = bytes.ok_or_else(|| OverviewError::Gone(key.clone()))?;
            let chunk = Chunk::decode(term, number, &bytes);
            let chunk = chunk.map_err(|source| OverviewError::Object { key, source });
            chunk?.end
        }
    };
    Ok(log)
}
