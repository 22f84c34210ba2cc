//! `Lack`: what a bucket is to have by what else it has, and has not, or not at the length that it has to have.
//!
//! Compares names and lengths of a listing, and reads no object.

use crate::object::{CHUNK_BODY_OFFSET, CHUNK_SEAL_BYTES, FileParts, Key};
use std::collections::BTreeMap;
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

    pub(super) const fn missing(key: Key) -> Self {
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
