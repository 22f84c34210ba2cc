//! What was added to a file of keys since it was replaced: blocks of records, each with a sign behind it that it was durable.
//! Forgets nothing: what is to be gone is replaced. Opens no file.
//!
//! A block is written and synced, and then its sign is written, which the next block's sync makes durable. So a block that
//! is not right, and has no sign behind it or behind a later one, is what a crash left of an append that nobody was told
//! of; any other that is not right is damage, and loses no key silently.

use super::mark::{Mark, NoKeyFile};
use super::record::{RECORD_BYTES_MIN, read_record, write_record};
use super::secret::Secret;
use crate::keys::{KeyRecord, Table};
use std::collections::HashSet;
use strandline::SealKeyId;
use strandline_core::Salt;
use strandline_core::codec::{Reader, Writer};

/// Bytes of the sign behind a block.
pub(super) const SIGN_BYTES: usize = 8;
/// Bytes of a block beside its records: their length, and the checksum.
const FRAME_BYTES: usize = 4 + 8;

/// Where a file ends as far as it was read.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    /// Behind the last sign, or where there is no block behind what the file was replaced by.
    pub(super) end: u64,
    /// Whether a block may be written at `end`: nothing is behind it.
    pub(super) is_whole: bool,
    /// Keys of a block that has no sign: they open, and count for new payloads only once the file was replaced, as a power
    /// cut may take them back.
    pub(super) unproven: HashSet<SealKeyId>,
}

impl Tail {
    /// Of a file that ends with what it was replaced by.
    pub(super) fn of_base(mark: &Mark, end: usize) -> Self {
        Self {
            end: end as u64,
            is_whole: mark.has_tail(),
            unproven: HashSet::new(),
        }
    }
}

/// A block of records at an offset of a file, without its sign.
pub(super) fn block(mark: &Mark, at: u64, records: &[(KeyRecord, Secret)]) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    let mut out = Writer::new(&mut bytes);
    for (record, secret) in records {
        write_record(&mut out, record, secret);
    }
    // The file that they go into has a limit below it.
    let length = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
    if let Some(place) = bytes.first_chunk_mut() {
        *place = length.to_le_bytes();
    }
    let checksum = checksum(mark, at, &bytes);
    Writer::new(&mut bytes).u64(checksum);
    bytes
}

/// The sign at an offset: that all before it is durable.
pub(super) fn sign(mark: &Mark, at: u64) -> [u8; SIGN_BYTES] {
    (checksum(mark, 0, b"durable") ^ at).to_le_bytes()
}

/// Of this state of this file alone.
fn checksum(mark: &Mark, at: u64, bytes: &[u8]) -> u64 {
    let mut covered = mark.bound();
    covered.extend_from_slice(&mark.generation.to_le_bytes());
    covered.extend_from_slice(bytes);
    Salt::NONE.checksum(at, &covered).0
}

impl Tail {
    /// Takes the bytes behind those that were read, from the end on, and what they add to the keys.
    pub(super) fn take(
        &mut self,
        mark: &Mark,
        table: &mut Table<Secret>,
        bytes: &[u8],
    ) -> Result<(), NoKeyFile> {
        let mut rest = bytes;
        loop {
            if rest.is_empty() {
                self.is_whole = self.unproven.is_empty();
                return Ok(());
            }
            let Some((records, length)) = self.read_block(mark, rest)? else {
                return self.end_torn(mark, rest);
            };
            let after = self.end + length as u64;
            let sign = sign(mark, after);
            let behind = rest.get(length..).unwrap_or_default();
            let is_proven = behind.starts_with(&sign);
            let has_more = !is_proven && has_sign(mark, behind, after);
            for (record, secret) in records {
                let id = record.id;
                let was_unproven = self.unproven.remove(&id);
                if !was_unproven && !table.add(record, secret) {
                    return Err(damaged(rest, "is of a key that is there already"));
                }
                if !is_proven {
                    self.unproven.insert(id);
                }
            }
            if has_more {
                return Err(damaged(rest, "has no sign behind it, and a later one has"));
            }
            if !is_proven {
                self.is_whole = false;
                return Ok(());
            }
            rest = behind.get(SIGN_BYTES..).unwrap_or_default();
            self.end = after + SIGN_BYTES as u64;
        }
    }

    /// The records of the block that bytes begin with, and its length; `None` if they begin with no whole one.
    #[expect(clippy::type_complexity, reason = "records and how long they are")]
    fn read_block(
        &self,
        mark: &Mark,
        bytes: &[u8],
    ) -> Result<Option<(Vec<(KeyRecord, Secret)>, usize)>, NoKeyFile> {
        let Some((length, _)) = bytes.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some(whole) = length.checked_add(FRAME_BYTES) else {
            return Ok(None);
        };
        let block = bytes
            .get(..whole)
            .and_then(|block| block.split_last_chunk());
        let Some((covered, said)) = block else {
            return Ok(None);
        };
        let is_right = checksum(mark, self.end, covered) == u64::from_le_bytes(*said);
        if !is_right || length < RECORD_BYTES_MIN {
            return Ok(None);
        }
        let mut reader = Reader::new(covered);
        reader.u32("length of a block")?;
        let mut records = Vec::new();
        while reader.left() > 0 {
            records.push(read_record(&mut reader)?);
        }
        Ok(Some((records, whole)))
    }

    /// Ends where a block is not right: as a crash leaves it, or an error.
    fn end_torn(&mut self, mark: &Mark, rest: &[u8]) -> Result<(), NoKeyFile> {
        if has_sign(mark, rest, self.end) {
            return Err(damaged(rest, "is of other bytes"));
        }
        self.is_whole = false;
        Ok(())
    }
}

/// Whether a sign stands anywhere in bytes that begin at this offset.
fn has_sign(mark: &Mark, bytes: &[u8], at: u64) -> bool {
    let base = u64::from_le_bytes(sign(mark, 0));
    let mut words = bytes.windows(SIGN_BYTES).zip(at..);
    words.any(|(word, at)| word == (base ^ at).to_le_bytes())
}

fn damaged(bytes: &[u8], reason: &'static str) -> NoKeyFile {
    Reader::new(bytes).invalid("a block of keys", reason).into()
}

#[cfg(test)]
mod tests {
    use super::super::format::KeyFile;
    use super::super::mark::VERSION;
    use super::*;
    use crate::subject::Subject;

    fn record(n: u8) -> (KeyRecord, Secret) {
        let name = format!("customer:{n}");
        let record = KeyRecord::new(SealKeyId::from_bytes([n; 16]), Subject::Entity(&name), 10);
        (record, Secret::read([n; 72]))
    }

    fn empty() -> KeyFile {
        let mark = Mark {
            version: VERSION,
            identity: [9; 16],
            generation: 7,
        };
        let file = KeyFile {
            mark,
            check: [5; 72],
            table: Table::new(),
            tail: Tail::of_base(&mark, 0),
        };
        KeyFile::decode(&file.encode()).unwrap()
    }

    /// A file with blocks of so many keys, each with its sign, and the ends of the blocks and of the signs.
    fn with_blocks(blocks: &[u8]) -> (Vec<u8>, Vec<(usize, usize)>) {
        let file = empty();
        let (mut bytes, mut ends, mut next) = (file.encode(), Vec::new(), 0);
        for keys in blocks {
            let records: Vec<_> = (next..next + keys).map(record).collect();
            next += keys;
            bytes.extend(block(&file.mark, bytes.len() as u64, &records));
            let end = bytes.len();
            bytes.extend(sign(&file.mark, end as u64));
            ends.push((end, bytes.len()));
        }
        (bytes, ends)
    }

    fn keys(file: &KeyFile) -> usize {
        file.table.iter().len()
    }

    #[test]
    fn blocks_are_read_at_once_and_one_by_one() {
        let (bytes, ends) = with_blocks(&[1, 3, 2]);
        let whole = KeyFile::decode(&bytes).unwrap();
        assert_eq!((keys(&whole), whole.tail.end), (6, bytes.len() as u64));
        assert!(whole.tail.is_whole);
        let mut more = empty();
        for (_, end) in ends {
            let from = usize::try_from(more.tail.end).unwrap();
            more.take_tail(&bytes[from..end]).unwrap();
        }
        assert_eq!(keys(&more), 6);
        // Replaced, it has all of them without a tail.
        assert_eq!(keys(&KeyFile::decode(&whole.encode()).unwrap()), 6);
    }

    /// A cut leaves the blocks before it. One without its sign opens, and is not proven.
    #[test]
    fn a_cut_leaves_what_is_before_it() {
        let (bytes, ends) = with_blocks(&[1, 2]);
        let base = empty().encode().len();
        for cut in base..bytes.len() {
            for fill in [0, 3] {
                let mut bytes = bytes[..cut].to_vec();
                bytes.resize(cut + fill, 0);
                let file = KeyFile::decode(&bytes).unwrap();
                let whole = |end: usize| usize::from(cut >= end);
                let expected = whole(ends[0].0) + 2 * whole(ends[1].0);
                assert_eq!(keys(&file), expected, "{cut}");
                let is_end = (cut == base || cut == ends[0].1) && fill == 0;
                assert_eq!(file.tail.is_whole, is_end, "{cut}");
                let proven = whole(ends[0].1) + 2 * whole(ends[1].1);
                assert_eq!(file.tail.unproven.len(), expected - proven, "{cut}");
            }
        }
    }

    /// A flip anywhere is told, but in the last sign, and in a last block that has none: there it is what a crash leaves.
    #[test]
    fn a_flip_in_what_was_durable_is_damage() {
        let (bytes, ends) = with_blocks(&[1, 2]);
        for place in 0..ends[1].0 {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[place] ^= 1 << bit;
                assert!(
                    KeyFile::decode(&flipped).is_err(),
                    "bit {bit} of byte {place}"
                );
            }
        }
        let mut flipped = bytes.clone();
        flipped[ends[1].0] ^= 1;
        let file = KeyFile::decode(&flipped).unwrap();
        assert_eq!((keys(&file), file.tail.unproven.len()), (3, 2));
        let mut unsigned = bytes[..ends[1].0].to_vec();
        unsigned[ends[1].0 - 1] ^= 1;
        let file = KeyFile::decode(&unsigned).unwrap();
        assert_eq!((keys(&file), file.tail.is_whole), (1, false));
    }

    /// A block is of its file, its state and its place.
    #[test]
    fn a_block_of_elsewhere_is_none() {
        let (bytes, ends) = with_blocks(&[1, 1]);
        let base = empty().encode().len();
        let mut again = bytes.clone();
        again.extend_from_slice(&bytes[base..ends[0].1]);
        let file = KeyFile::decode(&again).unwrap();
        assert_eq!((keys(&file), file.tail.is_whole), (2, false));
        let mut other = empty();
        other.mark.generation += 1;
        other.take_tail(&bytes[base..]).unwrap();
        assert_eq!((keys(&other), other.tail.is_whole), (0, false));
    }
}
