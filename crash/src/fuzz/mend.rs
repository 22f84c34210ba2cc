//! Checksums that are made right after the bytes under them were changed, so that a change gets past
//! them.

use strandline_core::{Hash, LogHasher, Salt, log_hash_of_note, note_digest};
use strandline_segment::{FRAME_HEADER_BYTES, RECORD_HEADER_BYTES, SegmentHeader};

/// Where the frames of a segment begin.
pub(super) const FRAMES_AT: usize = 128;
/// The fields of a manifest before its entries, and the length of an entry.
const MANIFEST_FIXED_BYTES: usize = 65;
const MANIFEST_ENTRY_BYTES: usize = 181;
/// The header of a segment without its checksum.
const SEGMENT_HEADER_BYTES: usize = 120;
/// The header of a block before its table of sections, and the length of an entry there.
const BLOCK_FIXED_BYTES: usize = 8 + 40 + 16 + 32 + 16;
const BLOCK_SECTION_BYTES: usize = 32;
/// How many sections a block of version 4 has, and the length of a piece of one.
const BLOCK_SECTIONS: usize = 41;
const PIECE_BYTES: usize = 1 << 16;
const TRAILER_BYTES: usize = 64;
const CHECKPOINT_FIXED_BYTES: usize = 32;

/// A manifest: each of its entries, and the whole.
pub(super) fn manifest(bytes: &mut [u8]) {
    let Some(end) = bytes.len().checked_sub(8) else {
        return;
    };
    for entry in (MANIFEST_FIXED_BYTES..end).step_by(MANIFEST_ENTRY_BYTES) {
        right(bytes, Salt::NONE, 0, entry, entry + SEGMENT_HEADER_BYTES);
    }
    right(bytes, Salt::NONE, 0, 0, end);
}

/// The header of a segment.
pub(super) fn segment_header(bytes: &mut [u8]) {
    right(bytes, Salt::NONE, 0, 0, SEGMENT_HEADER_BYTES);
}

/// The block that begins at `start`: its pieces, the lists of these, and the header.
pub(super) fn block(bytes: &mut [u8], start: usize) {
    let version = bytes.get(start + 4);
    let is_whole = version == Some(&3);
    let sections = if is_whole { 35 } else { 41 };
    let covered = BLOCK_FIXED_BYTES + sections * BLOCK_SECTION_BYTES;
    if !is_whole {
        pieces(bytes, start, covered);
    }
    right(bytes, Salt::NONE, 0, start, start + covered);
}

/// The checksums of the pieces of a block's sections, which are the last section, and of their lists.
fn pieces(bytes: &mut [u8], start: usize, covered: usize) -> Option<()> {
    let lengths: Vec<_> = (0..BLOCK_SECTIONS)
        .map(|section| {
            let at = start + BLOCK_FIXED_BYTES + section * BLOCK_SECTION_BYTES;
            number(bytes, at).map(u64::from_le_bytes)
        })
        .collect();
    let mut begins = Vec::new();
    let mut at = start + covered + 8;
    for length in lengths {
        let length = usize::try_from(length?).ok()?;
        begins.push(at..at.checked_add(length)?);
        at = at.checked_add(length)?;
    }
    let mut list_at = begins.last()?.start;
    for (section, place) in begins.iter().enumerate() {
        let from = list_at;
        let list = if section + 1 == BLOCK_SECTIONS {
            place.clone()
        } else {
            for (piece, range) in place.clone().step_by(PIECE_BYTES).enumerate() {
                let covered = bytes.get(range..place.end.min(range + PIECE_BYTES))?;
                let offset = (section as u64) << 32 | piece as u64;
                let sum = Salt::NONE.checksum(offset, covered).0.to_le_bytes();
                bytes.get_mut(list_at..list_at + 8)?.copy_from_slice(&sum);
                list_at += 8;
            }
            from..list_at
        };
        let sum = Salt::NONE.checksum(section as u64, bytes.get(list)?).0;
        let entry = start + BLOCK_FIXED_BYTES + section * BLOCK_SECTION_BYTES + 8;
        let to = bytes.get_mut(entry..entry + 8)?;
        to.copy_from_slice(&sum.to_le_bytes());
    }
    Some(())
}

/// A merged file of the index: its head, the list of removed heads, and its block.
pub(super) fn merged(bytes: &mut [u8]) {
    let count = length(bytes, 12).unwrap_or(0);
    let head = count.saturating_mul(40).saturating_add(64);
    let heads = number(bytes, 48).map_or(0, u64::from_le_bytes);
    let heads = usize::try_from(heads).unwrap_or(usize::MAX);
    if head > bytes.len() {
        return;
    }
    let list = head + 8;
    let start = list.saturating_add(heads);
    if let Some(covered) = bytes.get(list + 8..start) {
        let sum = Salt::NONE.checksum(0, covered).0.to_le_bytes();
        bytes[list..list + 8].copy_from_slice(&sum);
    }
    if start <= bytes.len() {
        let length = (bytes.len() - start) as u64;
        bytes[56..64].copy_from_slice(&length.to_le_bytes());
        block(bytes, start);
    }
    right(bytes, Salt::NONE, 0, 0, head);
}

/// A segment: its header, its frames, and what stands behind them.
pub(super) fn segment(bytes: &mut [u8], mends_header: bool) {
    if mends_header {
        segment_header(bytes);
    }
    let Ok(header) = SegmentHeader::decode("", bytes.get(..FRAMES_AT).unwrap_or_default()) else {
        return;
    };
    let salt = header.salt();
    let frames_end = frames(bytes, salt, header.start().log_hash);
    let Some(trailer) = bytes.len().checked_sub(TRAILER_BYTES) else {
        return;
    };
    right(bytes, Salt::NONE, 0, frames_end, frames_end + 16);
    block(bytes, frames_end + 24);
    if let Some(footer) = bytes.get(frames_end..trailer) {
        let sum = salt.checksum(frames_end as u64, footer).0.to_le_bytes();
        if bytes
            .get(trailer + 48..)
            .is_some_and(|rest| rest.starts_with(b"STRNDFTR"))
            && let Some(to) = bytes.get_mut(trailer + 40..trailer + 48)
        {
            to.copy_from_slice(&sum);
            right(bytes, salt, trailer, trailer, trailer + 56);
        }
    }
}

/// Makes every checksum of the frames right, and the chain through them; gives where they end.
pub(super) fn frames(bytes: &mut [u8], salt: Salt, mut previous: Hash) -> usize {
    let mut frame = FRAMES_AT;
    while bytes
        .get(frame..)
        .is_some_and(|rest| rest.starts_with(b"FRAM"))
    {
        let Some(frame_bytes) = length(bytes, frame + 4) else {
            break;
        };
        let records = number(bytes, frame + 24).map_or(0, u16::from_le_bytes);
        let is_note = number(bytes, frame + 26).map(u16::from_le_bytes) == Some(1);
        let mut note = Hash::ZERO;
        let mut hasher = LogHasher::default();
        let mut checksums = Vec::new();
        let mut at = frame + FRAME_HEADER_BYTES;
        for _ in 0..records {
            let Some(body) = length(bytes, at + 8) else {
                break;
            };
            let end = at.saturating_add(RECORD_HEADER_BYTES).saturating_add(body);
            if is_note && let Some(body) = bytes.get(at + RECORD_HEADER_BYTES..end) {
                note = note_digest(body);
                bytes[at + 12..at + 44].copy_from_slice(note.as_bytes());
            }
            let Some(covered) = bytes.get(at + 8..end) else {
                break;
            };
            let sum = salt.checksum(at as u64, covered).0.to_le_bytes();
            if let Some(digest) = number(bytes, at + 12) {
                hasher.add(&Hash::from_bytes(digest));
            }
            bytes[at..at + 8].copy_from_slice(&sum);
            checksums.extend(sum);
            at = end;
        }
        previous = match is_note {
            true => log_hash_of_note(&previous, &note),
            false => hasher.hash(&previous),
        };
        let sum = salt.checksum(frame as u64, &checksums).0.to_le_bytes();
        if bytes.len() < frame + FRAME_HEADER_BYTES {
            break;
        }
        bytes[frame + 28..frame + 32].copy_from_slice(&sum[..4]);
        bytes[frame + 32..frame + 64].copy_from_slice(previous.as_bytes());
        right(bytes, salt, frame, frame, frame + 64);
        if frame_bytes < FRAME_HEADER_BYTES {
            break;
        }
        frame = frame.saturating_add(frame_bytes);
    }
    frame.min(bytes.len())
}

/// A checkpoint: the table of its sections, and each of them.
pub(super) fn checkpoint(bytes: &mut [u8]) {
    let count = length(bytes, 12).unwrap_or(0).min(8);
    let mut sections = Vec::new();
    let mut at = CHECKPOINT_FIXED_BYTES;
    for _ in 0..count {
        let Some(name) = number(bytes, at).map(u16::from_le_bytes) else {
            return;
        };
        let lengths = at + 2 + usize::from(name);
        let Some(length) = number(bytes, lengths).map(u64::from_le_bytes) else {
            return;
        };
        sections.push((lengths + 8, usize::try_from(length).unwrap_or(usize::MAX)));
        at = lengths + 16;
    }
    let mut start = at + 8;
    for (sum_at, length) in sections {
        let Some(end) = start.checked_add(length).filter(|end| *end <= bytes.len()) else {
            break;
        };
        if bytes[start..end].starts_with(b"STBK") {
            block(&mut bytes[..end], start);
        }
        let sum = Salt::NONE
            .checksum(start as u64, &bytes[start..end])
            .0
            .to_le_bytes();
        if let Some(to) = bytes.get_mut(sum_at..sum_at + 8) {
            to.copy_from_slice(&sum);
        }
        start = end;
    }
    right(bytes, Salt::NONE, 0, 0, at);
}

/// Makes the checksum at `place` right, of everything from `start` to it.
fn right(bytes: &mut [u8], salt: Salt, offset: usize, start: usize, place: usize) {
    let Some(covered) = bytes.get(start..place) else {
        return;
    };
    let sum = salt.checksum(offset as u64, covered).0.to_le_bytes();
    if let Some(to) = bytes.get_mut(place..place + sum.len()) {
        to.copy_from_slice(&sum);
    }
}

/// The bytes of a number, if it is there.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// A length of 32 bits, if it is there.
fn length(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(number(bytes, at)?)).ok()
}
