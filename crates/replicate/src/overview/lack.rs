//! `Lack`: what a bucket is to have by what else it has, and has not, or not at the length that it has to have.
//!
//! Compares names and lengths of a listing, and reads no object.

use super::found::Found;
use crate::bucket::Listed;
use crate::object::{CHUNK_BODY_OFFSET, CHUNK_SEAL_BYTES, Chunk, FileParts, Key, State, Term};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// An object that is to be in a bucket, and is not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lack {
    /// Which.
    pub key: Key,
    /// What is wrong with it.
    pub kind: LackKind,
}

/// What is wrong with an object that is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LackKind {
    /// It is not there.
    Missing,
    /// It has not the length that it was put with.
    Length {
        /// Bytes that it has.
        bytes: u64,
        /// Bytes that it is to have.
        needed: u64,
    },
}

impl Lack {
    /// What `key`, which is to have so many bytes, lacks, where it has `bytes`, or is not there.
    pub(crate) fn of(key: &Key, needed: Needed, bytes: Option<u64>) -> Option<Self> {
        let kind = match bytes {
            None => LackKind::Missing,
            Some(bytes) if needed.fits(bytes) => return None,
            Some(bytes) => {
                let Needed { bytes: needed, .. } = needed;
                LackKind::Length { bytes, needed }
            }
        };
        let key = key.clone();
        Some(Self { key, kind })
    }

    const fn missing(key: Key) -> Self {
        let kind = LackKind::Missing;
        Self { key, kind }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match self.kind {
            LackKind::Missing => write!(f, "{key} is missing"),
            LackKind::Length { bytes, needed } => {
                write!(f, "{key} has {bytes} bytes, and was put with {needed}")
            }
        }
    }
}

/// How long an object is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needed {
    bytes: u64,
    /// It may have more: only what is before its frames is needed of it.
    is_least: bool,
}

impl Needed {
    const fn fits(self, bytes: u64) -> bool {
        bytes == self.bytes || self.is_least && bytes > self.bytes
    }
}

/// The objects that files are in, and how long these are to be.
pub(crate) fn needed_bytes<'a>(
    files: impl IntoIterator<Item = &'a FileParts>,
) -> BTreeMap<&'a Key, Needed> {
    let mut needed = BTreeMap::new();
    for part in files.into_iter().flat_map(|file| &file.parts) {
        let end = part.offset.saturating_add(part.length);
        let of = match part.key {
            // The header of the segment alone: how many frames follow is not known.
            Key::Chunk { .. } if end < CHUNK_BODY_OFFSET => Needed {
                bytes: CHUNK_BODY_OFFSET + CHUNK_SEAL_BYTES,
                is_least: true,
            },
            Key::Chunk { .. } => Needed {
                bytes: end.saturating_add(CHUNK_SEAL_BYTES),
                is_least: false,
            },
            _ => Needed {
                bytes: end,
                is_least: false,
            },
        };
        let known = needed.entry(&part.key).or_insert(of);
        if of.bytes > known.bytes {
            *known = of;
        }
    }
    needed
}

impl Found {
    /// What of the objects that a state lists is not as the state says, and the first chunk that is not there of those
    /// before one that is.
    pub(super) fn lacking(&self, state: &State) -> Vec<Lack> {
        let needed = needed_bytes(&state.files).into_iter();
        let mut lacking: Vec<_> = needed
            .filter_map(|(key, needed)| Lack::of(key, needed, self.length(key)))
            .collect();
        let (term, from) = (state.term, state.number);
        let last = self
            .chunks_from(term, from)
            .map(|(number, _)| number)
            .last();
        let whole = last.map_or(from, |last| last.saturating_add(1));
        // Who was ended by a later term may have left some of what it had under way.
        let reigns = self.terms.last() == Some(&term);
        let mut later = self.chunks.range((term, whole)..=(term, u64::MAX));
        if reigns && later.next().is_some() {
            let number = whole;
            lacking.push(Lack::missing(Key::Chunk { term, number }));
        }
        lacking
    }

    /// The state that the newest chunk tells of, if neither that nor a later one is there.
    pub(super) fn lacking_state(&self, newest: Option<&Chunk>) -> Option<Lack> {
        let (term, number) = newest.map(|chunk| (chunk.term, chunk.state))?;
        let is_there = self
            .newest_state()
            .is_some_and(|state| state >= (term, number));
        (!is_there).then(|| Lack::missing(Key::State { term, number }))
    }

    /// The objects of terms above the newest one that has its own: only who has taken a term puts something in it. None
    /// where no term is there at all.
    pub(super) fn lacking_terms(&self) -> Vec<Lack> {
        let Some(newest) = self.terms.last() else {
            return Vec::new();
        };
        let chunks = self.chunks.keys().map(|(term, _)| *term);
        let states = self.states.keys().map(|(term, _)| *term);
        let data = self.data.keys().map(Key::term);
        let all = chunks.chain(states).chain(data);
        let above: BTreeSet<Term> = all.filter(|term| term > newest).collect();
        let lacks = above.into_iter().map(|term| Lack::missing(Key::Term(term)));
        lacks.collect()
    }

    /// How long an object is that was listed.
    fn length(&self, key: &Key) -> Option<u64> {
        let length = |listed: &Listed| listed.length;
        match key {
            Key::Data { .. } => self.data.get(key).copied(),
            Key::Chunk { term, number } => self.chunks.get(&(*term, *number)).map(length),
            Key::State { term, number } => self.states.get(&(*term, *number)).map(length),
            Key::Term(_) => None,
        }
    }
}
