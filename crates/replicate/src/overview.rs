//! `Overview`: what is in a bucket, for people and for who watches it. Only reads, decides nothing: what counts and
//! what may be done is `protocol`'s.

use crate::bucket::{Bucket, BucketError, Listed};
use crate::object::{Chunk, Key, ObjectError, State, Term, TermRecord};
use std::collections::{BTreeMap, BTreeSet};
use strandline_segment::LogPosition;

/// How often a state that was deleted while it was asked for is looked for anew.
pub(crate) const TRIES: usize = 5;

/// What is in a bucket.
#[derive(Debug)]
#[non_exhaustive]
pub struct Overview {
    /// The newest terms, the newest last.
    pub terms: Vec<TermOverview>,
    /// How many terms there are.
    pub terms_count: u64,
    /// How many terms below the newest one have no object. None ever should: who deletes one takes away what stops an
    /// old writer.
    pub terms_missing: u64,
    /// The log as the newest term has it that has a state; `None` if none has.
    pub log: Option<LogOverview>,
    /// Objects by kind.
    pub objects: ObjectAmounts,
    /// Chunks, states and files that a reader which begins now does not need: they are deleted after their grace.
    pub superseded: Amount,
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

/// Objects of a bucket, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ObjectAmounts {
    /// Who reigns.
    pub terms: Amount,
    /// Frames as they were shipped.
    pub chunks: Amount,
    /// Lists of what there is.
    pub states: Amount,
    /// Whole files of segments.
    pub segments: Amount,
    /// Chunks that were joined.
    pub tails: Amount,
    /// Merged files of the index.
    pub indexes: Amount,
    /// What has no key of a log. Nobody reads or deletes it.
    pub others: Amount,
}

impl ObjectAmounts {
    /// All kinds together.
    #[must_use]
    pub fn total(&self) -> Amount {
        let kinds = [
            self.terms,
            self.chunks,
            self.states,
            self.segments,
            self.tails,
            self.indexes,
            self.others,
        ];
        kinds.iter().fold(Amount::default(), |sum, kind| Amount {
            objects: sum.objects.saturating_add(kind.objects),
            bytes: sum.bytes.saturating_add(kind.bytes),
        })
    }

    fn of(&mut self, key: Option<&Key>) -> &mut Amount {
        match key {
            Some(Key::Term(_)) => &mut self.terms,
            Some(Key::Chunk { .. }) => &mut self.chunks,
            Some(Key::State { .. }) => &mut self.states,
            Some(Key::Data { name, .. }) => match name.as_str() {
                name if name.starts_with("tail-") => &mut self.tails,
                name if name.starts_with("index-") => &mut self.indexes,
                _ => &mut self.segments,
            },
            None => &mut self.others,
        }
    }
}

/// A number of objects, and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Objects.
    pub objects: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Amount {
    fn add(&mut self, bytes: u64) {
        self.objects = self.objects.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }
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

impl Overview {
    /// Looks through a bucket. Lists all of it, a request for each 1,000 objects, and reads the newest `terms_max`
    /// terms, the newest state and the last chunk.
    ///
    /// # Errors
    ///
    /// [`OverviewError`]. A term that is damaged is none: it is told.
    pub fn read(bucket: &Bucket, terms_max: usize) -> Result<Self, OverviewError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::once(bucket, terms_max) {
                Err(OverviewError::Gone(_)) if tries < TRIES => {}
                read => return read,
            }
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
        };
        if let Some((term, state)) = found.newest_state() {
            let state = read_state(bucket, term, state)?;
            overview.log = Some(log(bucket, &found, &state)?);
            overview.superseded = found.superseded(&state);
        }
        Ok(overview)
    }
}

/// A listing, by kind.
#[derive(Default)]
pub(crate) struct Found {
    terms: BTreeSet<Term>,
    pub(crate) states: BTreeMap<(Term, u64), Listed>,
    pub(crate) chunks: BTreeMap<(Term, u64), Listed>,
    pub(crate) data: BTreeMap<Key, u64>,
    pub(crate) amounts: ObjectAmounts,
}

impl Found {
    pub(crate) fn list(bucket: &Bucket) -> Result<Self, BucketError> {
        let mut found = Self::default();
        for listed in bucket.list("", None)? {
            let key = listed.key.parse::<Key>().ok();
            found.amounts.of(key.as_ref()).add(listed.length);
            match key {
                Some(Key::Term(term)) => {
                    found.terms.insert(term);
                }
                Some(Key::State { term, number }) => {
                    found.states.insert((term, number), listed);
                }
                Some(Key::Chunk { term, number }) => {
                    found.chunks.insert((term, number), listed);
                }
                Some(key @ Key::Data { .. }) => {
                    found.data.insert(key, listed.length);
                }
                None => {}
            }
        }
        Ok(found)
    }

    pub(crate) fn newest_state(&self) -> Option<(Term, u64)> {
        self.states.last_key_value().map(|(place, _)| *place)
    }

    fn has_state(&self, term: Term) -> bool {
        let mut states = self.states.range((term, 0)..=(term, u64::MAX));
        states.next().is_some()
    }

    /// The chunks of a term from `number` on, up to the first that is not there.
    pub(crate) fn chunks_from(
        &self,
        term: Term,
        number: u64,
    ) -> impl Iterator<Item = (u64, &Listed)> {
        let after = self.chunks.range((term, number)..=(term, u64::MAX));
        let numbered = after.zip(number..);
        let whole = numbered.take_while(|(((_, found), _), wanted)| found == wanted);
        whole.map(|(((_, found), listed), _)| (*found, listed))
    }

    /// What the state does not need, of that which is not after it.
    fn superseded(&self, state: &State) -> Amount {
        let parts = state.files.iter().flat_map(|file| &file.parts);
        let needed: BTreeSet<_> = parts.map(|part| &part.key).collect();
        let place = (state.term, state.number);
        let mut amount = Amount::default();
        for listed in self.states.range(..place).map(|(_, listed)| listed) {
            amount.add(listed.length);
        }
        for ((term, number), listed) in self.chunks.range(..place) {
            let key = Key::Chunk {
                term: *term,
                number: *number,
            };
            if !needed.contains(&key) {
                amount.add(listed.length);
            }
        }
        // What is put for a later state is put before that.
        let data = self.data.iter().filter(|(key, _)| key.term() < state.term);
        for (_, length) in data.filter(|(key, _)| !needed.contains(key)) {
            amount.add(*length);
        }
        amount
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

fn log(bucket: &Bucket, found: &Found, state: &State) -> Result<LogOverview, OverviewError> {
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
    if let Some(number) = last {
        let key = Key::Chunk { term, number };
        let bytes = bucket.get(&key.to_string())?;
        let bytes = bytes.ok_or_else(|| OverviewError::Gone(key.clone()))?;
        let chunk = Chunk::decode(term, number, &bytes);
        log.end = chunk
            .map_err(|source| OverviewError::Object { key, source })?
            .end;
    }
    Ok(log)
}
