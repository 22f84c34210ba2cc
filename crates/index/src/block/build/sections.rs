//! `Sections`: a block as it grows, a section after the other, its header last. What the numbers and
//! names in them are is the caller's.

use super::source::count;
use crate::block::format::{
    ALIGNMENT, HEADER_BYTES, Header, PASS_ENTRIES, Place, Section, TableShape, pack,
    piece_checksums, section_checksum,
};

/// Bytes of a row in most blocks, at most.
const ROW_BYTES: usize = 40;

/// A block as it grows, after bytes that are not its own.
pub(super) struct Sections {
    bytes: Vec<u8>,
    /// Where the block begins.
    start: usize,
    places: [Place; Section::COUNT],
    /// Those of the pieces of the sections so far.
    checksums: Vec<u8>,
    /// How many entries of a table are sorted at a time.
    pub(super) pass_entries: u32,
}

impl Sections {
    /// A block of `rows` rows that begins where `bytes` end.
    pub(super) fn after(mut bytes: Vec<u8>, rows: usize) -> Self {
        let start = bytes.len();
        bytes.reserve_exact(HEADER_BYTES + rows * ROW_BYTES);
        bytes.resize(start + HEADER_BYTES, 0);
        Self {
            bytes,
            start,
            places: [Place::NONE; Section::COUNT],
            checksums: Vec::new(),
            pass_entries: PASS_ENTRIES,
        }
    }

    fn note(&mut self, section: Section, start: usize, base: u64, width: u8) {
        let length = (self.bytes.len() - self.start).next_multiple_of(ALIGNMENT);
        self.bytes.resize(self.start + length, 0);
        let bytes = self.bytes.get(start..).unwrap_or_default();
        let checksum = if section == Section::PieceChecksums {
            section_checksum(section, bytes)
        } else {
            let before = self.checksums.len();
            piece_checksums(section, bytes, &mut self.checksums);
            section_checksum(section, self.checksums.get(before..).unwrap_or_default())
        };
        let place = Place {
            start,
            bytes: bytes.len(),
            checksum,
            base,
            width,
        };
        if let Some(own) = self.places.get_mut(section.at()) {
            *own = place;
        }
    }

    pub(super) fn numbers(&mut self, section: Section, numbers: impl Iterator<Item = u64> + Clone) {
        let start = self.bytes.len();
        let (base, width) = pack(&mut self.bytes, numbers);
        self.note(section, start, base, width);
    }

    pub(super) fn raw(&mut self, section: Section, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.note(section, start, 0, 0);
    }

    /// The slots of a table of `entries` entries.
    pub(super) fn table(&mut self, section: Section, entries: usize, slots: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(slots);
        let width = TableShape::of(count(entries)).width();
        self.note(section, start, 0, if slots.is_empty() { 0 } else { width });
    }

    /// Sorted names: where each ends, and then all of them.
    pub(super) fn names<'n>(
        &mut self,
        (ends, names): (Section, Section),
        list: impl Iterator<Item = &'n str> + Clone,
    ) {
        let lengths = list.clone().map(str::len);
        self.numbers(ends, ends_of(lengths));
        self.raw(names, |bytes| {
            for name in list {
                bytes.extend_from_slice(name.as_bytes());
            }
        });
    }

    /// Sections were written in their order; those that were not have no bytes.
    pub(super) fn finish(mut self, mut header: Header) -> Vec<u8> {
        let checksums = std::mem::take(&mut self.checksums);
        self.raw(Section::PieceChecksums, |bytes| {
            bytes.extend_from_slice(&checksums);
        });
        for section in Section::ALL {
            if let Some(place) = self.places.get_mut(section.at())
                && place.bytes == 0
            {
                place.checksum = section_checksum(section, &[]);
            }
        }
        header.places = self.places;
        let place = self.bytes.get_mut(self.start..self.start + HEADER_BYTES);
        if let Some(place) = place {
            place.copy_from_slice(&header.encode());
        }
        self.bytes
    }
}

/// Where each of several things ends that follow each other.
pub(super) fn ends_of(
    lengths: impl Iterator<Item = usize> + Clone,
) -> impl Iterator<Item = u64> + Clone {
    lengths.scan(0, |end, length| {
        *end += length as u64;
        Some(*end)
    })
}

/// Rows by key, ascending for each, where `of_rows` gives each row's key.
pub(super) fn write_list(
    out: &mut Sections,
    (ends, list): (Section, Section),
    keys: usize,
    of_rows: impl Iterator<Item = u32> + Clone,
) {
    let mut counts = vec![0_u32; keys];
    for key in of_rows.clone() {
        if let Some(count) = counts.get_mut(key as usize) {
            *count += 1;
        }
    }
    let mut next = 0;
    for count in &mut counts {
        (*count, next) = (next, next + *count);
    }
    let mut by_key = vec![0_u32; next as usize];
    for (row, key) in (0..).zip(of_rows) {
        if let Some(next) = counts.get_mut(key as usize) {
            if let Some(slot) = by_key.get_mut(*next as usize) {
                *slot = row;
            }
            *next += 1;
        }
    }
    out.numbers(ends, counts.iter().map(|end| u64::from(*end)));
    out.numbers(list, by_key.iter().map(|row| u64::from(*row)));
}
