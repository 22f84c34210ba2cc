//! A term taken: from a look at who reigns to a term object that is ours, and what the terms before have left.

use super::ask::Patient;
use super::error::{ReplicateError, fenced, of_object};
use super::owner::OwnerFile;
use crate::ask::{OF_TERMS, before_newest, first_key, start_list_after};
use crate::object::{Chunk, Key, Owner, Predecessor, State, Term, TermKind, TermRecord};
use crate::protocol::{Answer, Beginning, Listing, Request, Step, Survey, Taken, after};
use bytes::Bytes;
use std::path::Path;
use strandline_core::Random;
use strandline_core::fs::{OsFs, read_file};
use strandline_segment::LogIdentity;

/// Who takes a term.
#[derive(Debug)]
pub(crate) struct Taker<'a> {
    pub(crate) identity: LogIdentity,
    /// What this machine is called.
    pub(crate) host: String,
    pub(crate) now_ms: u64,
    /// Whether the term of another writer may be ended.
    pub(crate) takes_over: bool,
    /// Whether a bucket that had terms of this directory, and has none any more, is begun anew.
    pub(crate) begins_anew: bool,
    pub(crate) random: &'a Random,
}

/// A term that is ours and has not begun: its first state is to be put.
#[derive(Debug)]
pub(crate) struct TakenTerm {
    pub(crate) machine: Beginning<Bytes>,
    pub(crate) term: Term,
    pub(crate) owner: Owner,
    /// The bytes of its object.
    pub(crate) record: Bytes,
    /// Who had the term before; `None` if this is the first.
    pub(crate) before: Option<TermRecord>,
    /// What the terms before have left.
    pub(crate) left: Option<Left>,
}

/// What the terms before have left: a state, and the chunks that follow it.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) taken: Taken,
    pub(crate) state: State,
    /// From the state's number on.
    pub(crate) chunks: Vec<Chunk>,
}

impl Left {
    /// What the next term says that it takes along.
    pub(crate) const fn predecessor(&self) -> Predecessor {
        Predecessor {
            term: self.taken.term,
            chunks: self.taken.below,
        }
    }

    /// Where the log ends that was left.
    pub(crate) fn end(&self) -> &strandline_segment::LogPosition {
        self.chunks
            .last()
            .map_or(&self.state.end, |chunk| &chunk.end)
    }
}

/// Takes the next term, and reads what the terms before have left.
///
/// What they have left is read before that too, and `may_take` asked: a term that is taken and cannot begin ends the
/// reign of another for nothing.
///
/// # Errors
///
/// [`ReplicateError::Fenced`] if another writer reigns, or was faster; [`ReplicateError::OtherLog`];
/// [`ReplicateError::BucketLost`], [`ReplicateError::TermsLost`] and [`ReplicateError::TermLost`]; what is damaged in the bucket;
/// [`ReplicateError::Stopped`].
pub(crate) fn take(
    patient: &mut Patient<'_>,
    taker: &Taker<'_>,
    owners: &mut OwnerFile,
    may_take: &dyn Fn(&Left) -> Result<(), ReplicateError>,
) -> Result<TakenTerm, ReplicateError> {
    let mut machine = Beginning::new();
    let (mut owner, mut before) = (None, None);
    let mut own = Bytes::new();
    loop {
        match machine.step() {
            Step::Ask(request) => {
                let answer = patient.ask(&request)?;
                machine.answer(answer);
            }
            Step::Name { term, reigning } => {
                match term.previous().filter(|_| reigning.is_some()) {
                    Some(newest) => check_newest(patient, newest)?,
                    None => check_is_new(patient, taker, owners)?,
                }
                let how;
                (how, before) = kind(taker, owners, term, reigning.as_ref())?;
                if let Some(left) = survey(patient, term, &taker.identity)? {
                    may_take(&left)?;
                }
                let mine = Owner(taker.random.nonce().0);
                owners.trying(mine)?;
                owner = Some(mine);
                let record = TermRecord {
                    identity: taker.identity,
                    term,
                    owner: mine,
                    host: taker.host.clone(),
                    process: std::process::id(),
                    taken_ms: taker.now_ms,
                    how,
                };
                own = record.encode().into();
                machine.take(own.clone());
            }
            Step::Compose { term, taken } => {
                let owner = owner.ok_or(ReplicateError::Stopped)?;
                owners.took(owner)?;
                let left = match taken {
                    Some(taken) => Some(read(patient, taken, &taker.identity)?),
                    None => None,
                };
                return Ok(TakenTerm {
                    machine,
                    term,
                    owner,
                    record: own,
                    before,
                    left,
                });
            }
            // Neither comes before a state is composed.
            Step::Begun { .. } => return Err(ReplicateError::Stopped),
            // A process before this one has put it, and it was done after this one had looked who reigns.
            Step::Lost { key, content } if is_own(&key, &content, taker, owners) => {
                (machine, owner, before) = (Beginning::new(), None, None);
            }
            Step::Lost { key, content } => return Err(fenced(&key, &content)),
        }
    }
}

/// Whether an object is that of a term which was taken from this directory.
fn is_own(key: &Key, content: &[u8], taker: &Taker<'_>, owners: &OwnerFile) -> bool {
    let Key::Term(term) = key else {
        return false;
    };
    TermRecord::decode(*term, content)
        .is_ok_and(|record| record.identity == taker.identity && owners.has(record.owner))
}

/// Puts the first state of a term, whose bytes are `state`, and checks that no later term was there after it.
///
/// # Errors
///
/// [`ReplicateError::Fenced`] if one was; [`ReplicateError::Stopped`].
pub(crate) fn begin(
    patient: &mut Patient<'_>,
    machine: &mut Beginning<Bytes>,
    state: Bytes,
) -> Result<(), ReplicateError> {
    machine.compose(state);
    loop {
        match machine.step() {
            Step::Ask(request) => {
                let answer = patient.ask(&request)?;
                machine.answer(answer);
            }
            Step::Begun { .. } => return Ok(()),
            Step::Lost { key, content } => return Err(fenced(&key, &content)),
            Step::Name { .. } | Step::Compose { .. } => return Err(ReplicateError::Stopped),
        }
    }
}

/// Checks that a bucket without terms is one that nobody had. Chunks and states of before would be taken for those of
/// the term that is begun there, which has the same numbers: what it acknowledges would not be found.
fn check_is_new(
    patient: &mut Patient<'_>,
    taker: &Taker<'_>,
    owners: &OwnerFile,
) -> Result<(), ReplicateError> {
    let bucket = patient.bucket.name().to_owned();
    if !taker.begins_anew && owners.knows() {
        return Err(ReplicateError::BucketLost { bucket });
    }
    let Some(key) = patient.first_under(&["log", "state"])? else {
        return Ok(());
    };
    let from = Term::FIRST;
    loop {
        match patient.ask(&Request::List(Listing::Terms { from }))? {
            Answer::Listed(terms) if terms.is_empty() => {
                return Err(ReplicateError::TermsLost { bucket, key });
            }
            // Somebody has begun it just now.
            Answer::Listed(_) => return Ok(()),
            _ => {}
        }
    }
}

/// Checks that no later term than the newest has anything: its object was deleted then, and who has it may be at work.
fn check_newest(patient: &mut Patient<'_>, newest: Term) -> Result<(), ReplicateError> {
    for folder in OF_TERMS {
        let listed = patient.listed(|bucket| start_list_after(bucket, folder, newest))?;
        let Some(key) = first_key(&listed) else {
            continue;
        };
        let from = after(newest);
        loop {
            match patient.ask(&Request::List(Listing::Terms { from }))? {
                Answer::Listed(terms) if terms.is_empty() => {
                    let bucket = patient.bucket.name().to_owned();
                    return Err(ReplicateError::TermLost { bucket, key });
                }
                // Somebody has taken it just now, and that is found next.
                Answer::Listed(_) => return Ok(()),
                _ => {}
            }
        }
    }
    Ok(())
}

/// How the next term comes to be, if it may, and who has the one before.
fn kind(
    taker: &Taker<'_>,
    owners: &OwnerFile,
    term: Term,
    reigning: Option<&Bytes>,
) -> Result<(TermKind, Option<TermRecord>), ReplicateError> {
    let Some(reigning) = reigning else {
        return Ok((TermKind::Start, None));
    };
    let before = term.previous().unwrap_or(term);
    let record = TermRecord::decode(before, reigning).map_err(of_object(Key::Term(before)))?;
    if record.identity != taker.identity {
        return Err(ReplicateError::OtherLog);
    }
    match owners.has(record.owner) {
        true => Ok((TermKind::Restart, Some(record))),
        false if taker.takes_over => Ok((TermKind::TakeOver, Some(record))),
        false => Err(ReplicateError::Fenced(Box::new(record))),
    }
}

/// What the terms before one have left by now.
fn survey(
    patient: &mut Patient<'_>,
    term: Term,
    identity: &LogIdentity,
) -> Result<Option<Left>, ReplicateError> {
    let mut survey = Survey::new(term.previous());
    while let Some(request) = survey.request() {
        let answer = patient.ask(&request)?;
        survey.answer(answer);
    }
    let taken = survey.taken().flatten();
    taken
        .map(|taken| read(patient, taken, identity))
        .transpose()
}

fn read(
    patient: &mut Patient<'_>,
    taken: Taken,
    identity: &LogIdentity,
) -> Result<Left, ReplicateError> {
    let term = taken.term;
    let (taken, state) = match read_state(patient, taken)? {
        Ok(state) => (taken, state),
        Err(damaged) => read_before(patient, taken)?.ok_or(damaged)?,
    };
    if state.identity() != identity {
        return Err(ReplicateError::OtherLog);
    }
    let mut chunks: Vec<Chunk> = Vec::new();
    for number in taken.state..taken.below {
        let key = Key::Chunk { term, number };
        let bytes = get(patient, &key)?;
        let mut chunk = Chunk::decode(term, number, &bytes).map_err(of_object(key))?;
        // The frames are not looked at: the log of the store has them, or another way was taken.
        chunk.body = Bytes::new();
        let before = chunks.last().map_or(&state.end, |before| &before.end);
        if !chunk.start.is_same_place(before) || chunk.identity() != identity {
            return Err(ReplicateError::Diverged(before.sequence));
        }
        chunks.push(chunk);
    }
    Ok(Left {
        taken,
        state,
        chunks,
    })
}

/// The state that was found; the inner error says that it is damaged.
fn read_state(
    patient: &mut Patient<'_>,
    taken: Taken,
) -> Result<Result<State, ReplicateError>, ReplicateError> {
    let Taken { term, state, .. } = taken;
    let number = state;
    let key = Key::State { term, number };
    let bytes = get(patient, &key)?;
    Ok(State::decode(term, number, &bytes).map_err(of_object(key)))
}

/// The newest state before one that is damaged from which the log can be read as well, if there is one.
fn read_before(
    patient: &mut Patient<'_>,
    taken: Taken,
) -> Result<Option<(Taken, State)>, ReplicateError> {
    let term = taken.term;
    let states = numbers(patient, Listing::States { term })?;
    let chunks = numbers(patient, Listing::Chunks { term, from: 0 })?;
    for before in before_newest(taken, states, &chunks) {
        match read_state(patient, before) {
            Ok(Ok(state)) => {
                tracing::warn!(%term, damaged = taken.state, number = before.state,
                    "the newest state is damaged, and one before it is read with the chunks after that");
                return Ok(Some((before, state)));
            }
            Ok(Err(_)) | Err(ReplicateError::Missing(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn numbers(patient: &mut Patient<'_>, listing: Listing) -> Result<Vec<u64>, ReplicateError> {
    let request = Request::List(listing);
    loop {
        if let Answer::Listed(numbers) = patient.ask(&request)? {
            return Ok(numbers);
        }
    }
}

/// An object that is there.
fn get(patient: &mut Patient<'_>, key: &Key) -> Result<Bytes, ReplicateError> {
    let request = Request::Get { key: key.clone() };
    loop {
        match patient.ask(&request)? {
            Answer::Found(content) => return Ok(content),
            Answer::Absent => return Err(ReplicateError::Missing(key.clone())),
            _ => {}
        }
    }
}

/// The name of this machine, as far as it is known.
pub(crate) fn host_name() -> String {
    // Files of the kernel under /proc have no length, so that nothing is read of them.
    let file = read_file(&OsFs, Path::new("/etc/hostname"), 256).ok();
    let file = file.and_then(|bytes| String::from_utf8(bytes).ok());
    let variables = ["HOSTNAME", "COMPUTERNAME"];
    let named = variables
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    let mut named = file.into_iter().chain(named);
    let named = named.find_map(|name| {
        let name = name.trim();
        (!name.is_empty()).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| "a host without a name".to_owned())
}
