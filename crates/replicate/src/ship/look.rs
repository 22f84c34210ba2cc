//! A look at a bucket: whether what was put there is there still, at the length that it was put with.
//!
//! Puts again the object of the writer's own term, which nobody else may take, and nothing else: what is done about the
//! rest decides who asked.

use super::ask::Stop;
use super::error::{ReplicateError, fenced};
use super::source::Source;
use crate::bucket::{Bucket, Listed, PutAnswer};
use crate::object::{Key, State, Term};
use crate::overview::{Lack, Needed};
use bytes::Bytes;
use std::collections::BTreeMap;
use strandline_core::fs::FileIdentity;
use strandline_segment::MANIFEST_FILE;

/// The folders in which objects of files are.
pub(crate) const FOLDERS: [&str; 2] = ["log", "data"];

/// What is looked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) objects: BTreeMap<Key, Needed>,
    /// Number of the newest acknowledged state.
    pub(crate) state: u64,
    /// The object of the term.
    pub(crate) record: Bytes,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// What is missing or cut off.
    pub(crate) lacking: Vec<Lack>,
    /// Why the newest state cannot be read, if it cannot, and no later one has overtaken it.
    pub(crate) state: Option<String>,
    /// The object of the term was not there, and is again.
    pub(crate) term_again: bool,
}

/// Looks for what is wanted: a listing of all chunks and files, and two objects read.
///
/// # Errors
///
/// Those of the bucket; [`ReplicateError::Fenced`] and its like if the object of the term is another's;
/// [`ReplicateError::Stopped`].
pub(crate) fn look(
    bucket: &Bucket,
    stop: &Stop,
    term: Term,
    wanted: &Wanted,
) -> Result<Looked, ReplicateError> {
    let mut looked = Looked {
        term_again: has_term_again(bucket, stop, term, &wanted.record)?,
        ..Looked::default()
    };
    let number = wanted.state;
    let key = Key::State { term, number };
    let bytes = stop.during(bucket.start_get(&key.to_string()))?;
    looked.state = match bytes {
        None => Some(format!("{key} is missing")),
        Some(bytes) => {
            let error = State::decode(term, number, &bytes).err();
            error.map(|error| format!("{key} cannot be read: {error}"))
        }
    };
    let mut listed = Vec::new();
    for folder in FOLDERS {
        listed.extend(stop.during(bucket.start_list(folder, None))?);
    }
    looked.lacking = lacking(&wanted.objects, &listed);
    Ok(looked)
}

/// What of these objects a listing of all has not, or has otherwise.
pub(crate) fn lacking(wanted: &BTreeMap<Key, Needed>, listed: &[Listed]) -> Vec<Lack> {
    let keys = listed.iter().filter_map(|one| {
        let key = one.key.parse::<Key>().ok()?;
        Some((key, one.length))
    });
    let there: BTreeMap<Key, u64> = keys.filter(|(key, _)| wanted.contains_key(key)).collect();
    let lacks = wanted.iter().filter_map(|(key, needed)| {
        let bytes = there.get(key).copied();
        Lack::of(key, *needed, bytes)
    });
    lacks.collect()
}

/// Has the object of the term be there: as it was made, or not at all. Says whether it had to be put again.
///
/// Whoever takes a term creates its object only if there is none, so this takes no term from anybody, and finds if
/// somebody has taken it meanwhile.
fn has_term_again(
    bucket: &Bucket,
    stop: &Stop,
    term: Term,
    record: &Bytes,
) -> Result<bool, ReplicateError> {
    let key = Key::Term(term);
    let name = key.to_string();
    if stop
        .during(bucket.start_get(&name))?
        .is_some_and(|found| found == *record)
    {
        return Ok(false);
    }
    let put = bucket.start_put(&name, record.clone());
    let put = put.wait_unless(&|| stop.is_stopped());
    match put.ok_or(ReplicateError::Stopped)? {
        PutAnswer::Created => Ok(true),
        PutAnswer::Unclear(error) => Err(error.into()),
        PutAnswer::Exists => match stop.during(bucket.start_get(&name))? {
            Some(found) if found == *record => Ok(false),
            Some(found) => Err(fenced(&key, &found)),
            None => Err(ReplicateError::Contradictory(key)),
        },
    }
}

/// Where a file of the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In its directory.
    Here,
    /// In the bucket alone.
    Bucket,
    /// Nowhere: it was rewritten or merged since.
    Nowhere,
}

impl Place {
    /// The place of a file.
    pub(crate) fn of(source: &Source, name: &str) -> Self {
        // A file system of which some files are in a bucket gives these a device of their own.
        let device = |name: &str| {
            let found = source.fs().identity(&source.dir().join(name));
            found.ok().map(|FileIdentity { device, .. }| device)
        };
        match device(name) {
            None => Self::Nowhere,
            of if of == device(MANIFEST_FILE) => Self::Here,
            Some(_) => Self::Bucket,
        }
    }
}
