//! `Catalog`: which files of the store are in the bucket, and where, as of the last chunk that is confirmed.
//!
//! Puts nothing there itself.

use crate::object::{
    CHUNK_BODY_OFFSET, CHUNK_HEADER_OFFSET, Chunk, FileName, FileParts, Key, Part, State, Tail,
    Term,
};
use crate::overview::{Needed, needed_bytes};
use std::collections::BTreeMap;
use strandline_segment::{LogPosition, Manifest, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentInfo};

/// How many parts of a level are joined into one of the next.
pub(crate) const JOINED: usize = 16;

/// The files in the bucket.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    files: BTreeMap<FileName, Entry>,
}

#[derive(Debug)]
struct Entry {
    file: FileParts,
    /// Of a segment.
    header: Option<SegmentHeader>,
    /// It is one object, put as a whole.
    is_whole: bool,
    /// How often the bytes of each part were joined.
    levels: Vec<u8>,
}

/// What a chunk has, but for its frames.
#[derive(Debug, Clone)]
pub(crate) struct Shipped {
    pub(crate) key: Key,
    pub(crate) header: SegmentHeader,
    pub(crate) start: LogPosition,
    pub(crate) end: LogPosition,
}

/// Parts of a segment's file that are to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Join {
    pub(crate) header: SegmentHeader,
    pub(crate) from: u64,
    pub(crate) to: u64,
    level: u8,
}

/// What an object has of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InObject {
    /// A file as a whole, which may be of a segment.
    Whole {
        name: FileName,
        header: Option<SegmentHeader>,
    },
    /// A part of one.
    Part(Join),
}

impl Shipped {
    pub(crate) fn of(chunk: &Chunk) -> Self {
        Self {
            key: chunk.key(),
            header: chunk.header,
            start: chunk.start,
            end: chunk.end,
        }
    }
}

impl Catalog {
    /// What a state lists.
    pub(crate) fn of(state: &State) -> Self {
        let segments = state.manifest.segments();
        let header = |name: &FileName| {
            let named = |info: &&SegmentInfo| info.file_name() == name.as_str();
            segments.iter().find(named).map(|info| *info.header())
        };
        let entry = |file: &FileParts| Entry {
            header: header(&file.name),
            is_whole: file.is_one_object(),
            levels: file
                .parts
                .iter()
                .map(|part| u8::from(is_tail(&part.key)))
                .collect(),
            file: file.clone(),
        };
        let files = state
            .files
            .iter()
            .map(|file| (file.name.clone(), entry(file)));
        Self {
            files: files.collect(),
        }
    }

    /// Adds the frames of a chunk, which is the next one. One without frames has the header of its segment.
    pub(crate) fn add_chunk(&mut self, chunk: &Shipped) {
        let Ok(name) = chunk.header.file_name().parse::<FileName>() else {
            return;
        };
        let length = u64::from(chunk.end.offset).saturating_sub(u64::from(chunk.start.offset));
        let header_bytes = u64::from(SEGMENT_HEADER_BYTES);
        let entry = self.files.entry(name.clone()).or_insert_with(|| Entry {
            file: FileParts {
                name,
                length: header_bytes,
                parts: vec![Part {
                    from: 0,
                    length: header_bytes,
                    key: chunk.key.clone(),
                    offset: CHUNK_HEADER_OFFSET,
                }],
            },
            header: Some(chunk.header),
            is_whole: false,
            levels: vec![0],
        });
        if length == 0 || entry.file.length != u64::from(chunk.start.offset) {
            return;
        }
        entry.file.parts.push(Part {
            from: entry.file.length,
            length,
            key: chunk.key.clone(),
            offset: CHUNK_BODY_OFFSET,
        });
        entry.levels.push(0);
        entry.file.length = entry.file.length.saturating_add(length);
    }

    /// Adds an object with the bytes of a segment's file from `from` to `to`, in place of the parts that it covers.
    /// Says whether it fits: it may begin and end where parts do, or go on at the end.
    pub(crate) fn add_tail(&mut self, join: &Join, key: Key) -> bool {
        let Ok(name) = join.header.file_name().parse::<FileName>() else {
            return false;
        };
        let entry = self.files.entry(name.clone()).or_insert_with(|| Entry {
            file: FileParts {
                name,
                length: 0,
                parts: Vec::new(),
            },
            header: Some(join.header),
            is_whole: false,
            levels: Vec::new(),
        });
        let parts = &mut entry.file.parts;
        let first = parts.partition_point(|part| part.from < join.from);
        let after = parts.partition_point(|part| part.from < join.to);
        let begins = parts.get(first).map_or(entry.file.length, |part| part.from) == join.from;
        let end = parts.get(after).map_or(entry.file.length, |part| part.from);
        if entry.is_whole || !begins || join.to < end || join.to > end && after < parts.len() {
            return false;
        }
        let part = Part {
            from: join.from,
            length: join.to.saturating_sub(join.from),
            key,
            offset: 0,
        };
        parts.splice(first..after, [part]);
        entry.levels.splice(first..after, [join.level]);
        entry.file.length = entry.file.length.max(join.to);
        true
    }

    /// Adds a file that is one object.
    pub(crate) fn add_whole(
        &mut self,
        name: FileName,
        length: u64,
        key: Key,
        header: Option<SegmentHeader>,
    ) {
        let file = FileParts::whole(name.clone(), length, key);
        let entry = Entry {
            file,
            header,
            is_whole: true,
            levels: vec![u8::MAX],
        };
        self.files.insert(name, entry);
    }

    /// The objects that the files are in, and how long these are to be.
    pub(crate) fn needed(&self) -> BTreeMap<Key, Needed> {
        let files = self.files.values().map(|entry| &entry.file);
        let needed = needed_bytes(files).into_iter();
        needed.map(|(key, needed)| (key.clone(), needed)).collect()
    }

    /// What an object has that is to be put anew; none if nothing is in it any more. O(files and parts).
    pub(crate) fn in_object(&self, key: &Key) -> Option<InObject> {
        let entry = self.files.values().find(|entry| entry.has(key))?;
        let is_it = |part: &&Part| part.key == *key;
        match entry.header.filter(|_| !entry.is_whole) {
            None => Some(InObject::Whole {
                name: entry.file.name.clone(),
                header: entry.header,
            }),
            Some(header) => {
                let mut parts = entry.file.parts.iter().filter(is_it);
                let first = parts.next()?;
                let last = parts.next_back().unwrap_or(first);
                let at = entry.file.parts.iter().position(|part| is_it(&part))?;
                Some(InObject::Part(Join {
                    header,
                    from: first.from,
                    to: last.from.saturating_add(last.length),
                    level: entry.levels.get(at).copied()?,
                }))
            }
        }
    }

    /// Drops a file, which is to be put anew.
    pub(crate) fn forget(&mut self, name: &FileName) {
        self.files.remove(name);
    }

    /// Drops what `keep` does not want.
    pub(crate) fn retain(
        &mut self,
        mut keep: impl FnMut(&FileName, Option<&SegmentHeader>) -> bool,
    ) {
        self.files
            .retain(|name, entry| keep(name, entry.header.as_ref()));
    }

    /// Whether it has a segment that the manifest has otherwise, or not any more: it was rewritten.
    pub(crate) fn is_superseded(&self, manifest: &Manifest) -> bool {
        let mut headers = self.files.values().filter_map(|entry| entry.header);
        headers.any(|header| !manifest.lists(&header))
    }

    /// Length of a file that is one object, put as a whole.
    pub(crate) fn whole(&self, name: &str) -> Option<u64> {
        let entry = self.find(name)?;
        entry.is_whole.then_some(entry.file.length)
    }

    /// How much of a segment's file is there.
    pub(crate) fn length(&self, header: &SegmentHeader) -> Option<u64> {
        let entry = self.find(&header.file_name())?;
        (entry.header == Some(*header)).then_some(entry.file.length)
    }

    /// The files of a manifest, and the merged files among `beside`, as a state lists them; `None` if a segment is
    /// not there whole, or the active one not up to `end`.
    pub(crate) fn files_of(
        &self,
        manifest: &Manifest,
        end: &LogPosition,
        beside: &[FileName],
    ) -> Option<Vec<FileParts>> {
        let mut files = Vec::new();
        for info in manifest.segments() {
            let file = &self.find(&info.file_name())?;
            let is_there = match info.end() {
                Some(end) => file.file.length >= u64::from(end.offset),
                None => file.file.length == u64::from(end.offset) && end.segment == info.id(),
            };
            if file.header != Some(*info.header()) || !is_there {
                return None;
            }
            files.push(file.file.clone());
        }
        let merged = beside.iter().filter_map(|name| self.files.get(name));
        files.extend(
            merged
                .filter(|entry| entry.header.is_none())
                .map(|entry| entry.file.clone()),
        );
        files.sort_by(|left, right| left.name.cmp(&right.name));
        Some(files)
    }

    /// Parts of a segment's file that are to be joined, the smallest first, if there are so many of a level in a row.
    pub(crate) fn to_join(&self) -> Option<Join> {
        let entries = self.files.values().filter(|entry| !entry.is_whole);
        entries
            .filter_map(Entry::to_join)
            .min_by_key(|join| join.level)
    }

    fn find(&self, name: &str) -> Option<&Entry> {
        self.files.get(&name.parse::<FileName>().ok()?)
    }
}

impl Join {
    /// Bytes of a segment's file that no part has yet.
    pub(crate) const fn of(header: SegmentHeader, from: u64, to: u64) -> Self {
        Self {
            header,
            from,
            to,
            level: 1,
        }
    }

    /// The key of these bytes, whose hash is `content`.
    pub(crate) fn key(&self, term: Term, content: &strandline_core::Hash) -> Option<Key> {
        let (id, generation) = (self.header.id, self.header.generation);
        let name = Tail::name(id, generation, self.from, self.to);
        Some(Key::data(term, name.parse().ok()?, content))
    }
}

impl Entry {
    fn has(&self, key: &Key) -> bool {
        self.file.parts.iter().any(|part| part.key == *key)
    }

    /// The first run of [`JOINED`] parts of one level, as parts are added at the end: levels descend.
    fn to_join(&self) -> Option<Join> {
        let header = self.header?;
        let mut level = *self.levels.last()?;
        let mut end = self.levels.len();
        loop {
            let before = self.levels.get(..end)?;
            let first = before
                .iter()
                .rposition(|of| *of != level)
                .map_or(0, |at| at.saturating_add(1));
            if end.saturating_sub(first) >= JOINED {
                let from = self.file.parts.get(first)?.from;
                let to = self
                    .file
                    .parts
                    .get(end)
                    .map_or(self.file.length, |part| part.from);
                return Some(Join {
                    header,
                    from,
                    to,
                    level: level.saturating_add(1),
                });
            }
            end = first;
            level = *self.levels.get(..end)?.last()?;
        }
    }
}

fn is_tail(key: &Key) -> bool {
    matches!(key, Key::Data { name, .. } if name.as_str().starts_with("tail-"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use strandline_core::{Hash, Sequence};
    use strandline_segment::SegmentId;

    fn header() -> SegmentHeader {
        SegmentHeader {
            identity: [1; 16],
            id: SegmentId::FIRST,
            generation: 0,
            nonce: [2; 16],
            first_sequence: Sequence::ZERO,
            base_log_hash: Hash::ZERO,
            has_runs: false,
        }
    }

    fn at(offset: u32) -> LogPosition {
        LogPosition {
            offset,
            sequence: Sequence::new(u64::from(offset) - 128),
            ..header().start()
        }
    }

    #[test]
    fn joining_keeps_a_file_complete_and_its_parts_few() {
        let mut catalog = Catalog::default();
        let mut most = 0;
        let chunks = 3000_u32;
        for number in 0..chunks {
            let key = Key::Chunk {
                term: Term::FIRST,
                number: u64::from(number),
            };
            catalog.add_chunk(&Shipped {
                key,
                header: header(),
                start: at(128 + 8 * number),
                end: at(136 + 8 * number),
            });
            while let Some(join) = catalog.to_join() {
                let key = join.key(Term::FIRST, &Hash::ZERO).unwrap();
                assert!(catalog.add_tail(&join, key));
            }
            let file = &catalog.find(&header().file_name()).unwrap().file;
            assert!(file.is_complete());
            most = most.max(file.parts.len());
        }
        assert_eq!(catalog.length(&header()), Some(u64::from(128 + 8 * chunks)));
        assert!(most <= 3 * JOINED, "{most} parts");
    }

    #[test]
    fn a_tail_that_does_not_fit_the_parts_is_not_taken() {
        let mut catalog = Catalog::default();
        for (number, start) in [(0, 128), (1, 200)] {
            let key = Key::Chunk {
                term: Term::FIRST,
                number,
            };
            catalog.add_chunk(&Shipped {
                key,
                header: header(),
                start: at(start),
                end: at(start + 72),
            });
        }
        let key = || Key::data(Term::FIRST, "tail-x".parse().unwrap(), &Hash::ZERO);
        for (from, to) in [(129, 272), (0, 271), (128, 199), (273, 280), (400, 500)] {
            assert!(
                !catalog.add_tail(&Join::of(header(), from, to), key()),
                "{from} to {to}"
            );
        }
        for (from, to) in [(0, 272), (272, 300), (0, 400)] {
            assert!(
                catalog.add_tail(&Join::of(header(), from, to), key()),
                "{from} to {to}"
            );
        }
        let file = &catalog.find(&header().file_name()).unwrap().file;
        assert_eq!(
            (file.parts.len(), file.length, file.is_complete()),
            (1, 400, true)
        );
    }
}
