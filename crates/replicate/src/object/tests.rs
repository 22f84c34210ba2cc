//! Chunks and states: both ways, and whatever a bucket may have in their place.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use bytes::Bytes;
use proptest::prelude::*;
use strandline_core::codec::Writer;
use strandline_core::{Hash, Salt, Sequence};
use strandline_segment::{LogPosition, Manifest, SegmentHeader, SegmentId};

const IDENTITY: [u8; 16] = [7; 16];
const SECOND: Term = match Term::new(2) {
    Some(term) => term,
    None => Term::FIRST,
};

fn header(id: u32, first_sequence: u64) -> SegmentHeader {
    SegmentHeader {
        identity: IDENTITY,
        id: SegmentId::new(id),
        generation: 0,
        nonce: [id.to_le_bytes()[0]; 16],
        first_sequence: Sequence::new(first_sequence),
        base_log_hash: Hash::of(&first_sequence.to_le_bytes()),
        has_runs: false,
    }
}

fn position(id: u32, offset: u32, sequence: u64) -> LogPosition {
    LogPosition {
        segment: SegmentId::new(id),
        offset,
        last_frame: 0,
        sequence: Sequence::new(sequence),
        log_hash: Hash::of(&sequence.to_le_bytes()),
    }
}

/// A manifest of sealed segments that end at these offsets, ten sequences each, and an active one after them.
fn manifest(sealed: &[u32]) -> Manifest {
    let mut bytes = Vec::new();
    let mut out = Writer::new(&mut bytes);
    out.bytes(b"STRNDMAN");
    out.u32(2);
    out.bytes(&IDENTITY);
    out.u64(3);
    out.u64(0);
    out.bytes(&IDENTITY);
    out.u8(0);
    out.u32(u32::try_from(sealed.len()).unwrap() + 1);
    let mut id = 1;
    for end in sealed {
        let first = u64::from(id - 1) * 10;
        bytes.extend(header(id, first).encode());
        bytes.push(1);
        position(id, *end, first + 10).encode(&mut bytes);
        id += 1;
    }
    bytes.extend(header(id, u64::from(id - 1) * 10).encode());
    bytes.extend([0; 53]);
    let checksum = Salt::NONE.checksum(0, &bytes);
    Writer::new(&mut bytes).u64(checksum.0);
    Manifest::decode(&bytes).unwrap()
}

fn chunk(body: &[u8]) -> Chunk {
    let length = u32::try_from(body.len()).unwrap();
    Chunk {
        term: SECOND,
        number: 5,
        state: 3,
        header: header(4, 30),
        start: position(4, 512, 33),
        end: match length {
            0 => position(4, 512, 33),
            length => position(4, 512 + length, 39),
        },
        body: Bytes::copy_from_slice(body),
    }
}

fn part(from: u64, length: u64, key: Key, offset: u64) -> Part {
    Part {
        from,
        length,
        key,
        offset,
    }
}

/// The state after five chunks of the second term: a sealed segment in two parts, another whole, a merged file, and
/// the active segment in chunks.
fn state() -> State {
    let name = |name: &str| name.parse::<FileName>().unwrap();
    let data = |of: &str| Key::data(Term::FIRST, name(of), &Hash::of(of.as_bytes()));
    let chunk = |term, number| Key::Chunk { term, number };
    let (first, second) = (header(1, 0).file_name(), header(2, 10).file_name());
    let active = chunk(SECOND, 4);
    State {
        term: SECOND,
        number: 5,
        owner: Owner([9; 16]),
        predecessor: Some(Predecessor {
            term: Term::FIRST,
            chunks: 17,
        }),
        end: position(3, 1128, 28),
        manifest: manifest(&[1000, 2000]),
        files: vec![
            FileParts::whole(
                name("index-0000000001-0000000002-0000000001.idx"),
                77,
                data("x.idx"),
            ),
            FileParts {
                name: name(&first),
                length: 1000,
                parts: vec![
                    part(0, 400, data("tail-1"), 0),
                    part(400, 600, chunk(Term::FIRST, 3), 292),
                ],
            },
            FileParts::whole(name(&second), 4000, data(&second)),
            FileParts {
                name: name(&header(3, 20).file_name()),
                length: 1128,
                parts: vec![
                    part(0, 128, active.clone(), CHUNK_HEADER_OFFSET),
                    part(128, 1000, active, CHUNK_BODY_OFFSET),
                ],
            },
        ],
    }
}

fn decode_chunk(bytes: &[u8]) -> Result<Chunk, ObjectError> {
    Chunk::decode(SECOND, 5, &Bytes::copy_from_slice(bytes))
}

/// The same bytes with another hash behind, so that what they say is looked at.
fn resealed(bytes: &[u8]) -> Vec<u8> {
    let covered = &bytes[..bytes.len() - 32];
    [covered, blake3::hash(covered).as_bytes()].concat()
}

proptest! {
    #[test]
    fn a_chunk_is_read_as_it_was_written(body in proptest::collection::vec(any::<u8>(), 0..5000)) {
        let chunk = chunk(&body);
        let bytes = chunk.encode();
        prop_assert_eq!(&decode_chunk(&bytes).unwrap(), &chunk);
        let at = |offset: u64| usize::try_from(offset).unwrap();
        let header = chunk.header.encode();
        prop_assert_eq!(&bytes[at(CHUNK_HEADER_OFFSET)..][..header.len()], &header[..]);
        prop_assert_eq!(&bytes[at(CHUNK_BODY_OFFSET)..][..body.len()], &body[..]);
    }

    #[test]
    fn whatever_a_chunk_says_reading_it_does_not_panic(
        at in 0_usize..400, with in proptest::collection::vec(any::<u8>(), 1..12),
    ) {
        let mut bytes = chunk(b"some frames").encode();
        for (to, from) in bytes.iter_mut().skip(at).zip(&with) {
            *to = *from;
        }
        prop_assert!(decode_chunk(&bytes).is_err() || bytes == chunk(b"some frames").encode());
        if let Ok(read) = decode_chunk(&resealed(&bytes)) {
            prop_assert_eq!(read.encode(), resealed(&bytes));
        }
    }

    #[test]
    fn whatever_a_state_says_reading_it_does_not_panic(
        at in 0_usize..1600, with in proptest::collection::vec(any::<u8>(), 1..12),
    ) {
        let mut bytes = state().encode();
        for (to, from) in bytes.iter_mut().skip(at).zip(&with) {
            *to = *from;
        }
        prop_assert!(State::decode(SECOND, 5, &bytes).is_err() || bytes == state().encode());
        if let Ok(read) = State::decode(SECOND, 5, &resealed(&bytes)) {
            prop_assert_eq!(read.encode(), resealed(&bytes));
        }
    }
}

#[test]
fn a_state_is_read_as_it_was_written() {
    let state = state();
    assert_eq!(State::decode(SECOND, 5, &state.encode()).unwrap(), state);
    let first = State {
        predecessor: None,
        ..state
    };
    assert_eq!(State::decode(SECOND, 5, &first.encode()).unwrap(), first);
}

#[test]
fn every_flipped_bit_and_every_cut_is_an_error() {
    type Read = fn(&[u8]) -> bool;
    let states: Read = |bytes| State::decode(SECOND, 5, bytes).is_err();
    let chunks: Read = |bytes| decode_chunk(bytes).is_err();
    let all = [
        (state().encode(), states),
        (chunk(b"frames").encode(), chunks),
    ];
    for (bytes, is_refused) in all {
        assert!(!is_refused(&bytes));
        for at in 0..bytes.len() {
            assert!(is_refused(&bytes[..at]), "cut at {at}");
            // Cut, and with a hash that fits what is left.
            if at > 44 {
                assert!(
                    is_refused(&resealed(&bytes[..at])),
                    "cut at {at}, with a hash"
                );
            }
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(is_refused(&flipped), "flipped at {at}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(is_refused(&longer));
        assert!(is_refused(&resealed(&[&longer[..], &[0; 31]].concat())));
    }
}

#[test]
fn what_is_of_another_key_is_refused() {
    let bytes = Bytes::from(chunk(b"frames").encode());
    for (term, number) in [(Term::FIRST, 5), (SECOND, 4)] {
        let read = Chunk::decode(term, number, &bytes);
        assert!(matches!(read, Err(ObjectError::Misplaced { .. })));
        let read = State::decode(term, number, &state().encode());
        assert!(matches!(read, Err(ObjectError::Misplaced { .. })));
    }
    assert!(matches!(
        decode_chunk(&state().encode()),
        Err(ObjectError::NotOne { what: "chunk" })
    ));
    let mut later = chunk(b"frames").encode();
    later[8] = 2;
    let read = decode_chunk(&later);
    assert!(matches!(
        read,
        Err(ObjectError::VersionUnsupported {
            found: 2,
            supported: 1,
            ..
        })
    ));
}

#[test]
fn chunks_that_contradict_themselves_are_refused() {
    type Change = fn(&mut Chunk);
    let changes: [Change; 8] = [
        |chunk| chunk.start.offset += 1,
        |chunk| chunk.end.segment = SegmentId::new(5),
        |chunk| chunk.start.segment = SegmentId::new(3),
        |chunk| chunk.end.sequence = Sequence::new(32),
        |chunk| chunk.state = 6,
        |chunk| (chunk.start.offset, chunk.end.offset) = (120, 126),
        |chunk| (chunk.start.offset, chunk.end.offset) = (128, 134),
        |chunk| (chunk.body, chunk.end.offset) = (Bytes::new(), 512),
    ];
    for (at, change) in changes.iter().enumerate() {
        let mut chunk = chunk(b"frames");
        change(&mut chunk);
        let read = decode_chunk(&chunk.encode());
        assert!(
            matches!(read, Err(ObjectError::Contradicts { .. })),
            "{at}: {read:?}"
        );
    }
}

#[test]
fn states_that_contradict_themselves_are_refused() {
    type Change = fn(&mut State);
    let changes: [Change; 14] = [
        |state| {
            state.predecessor = Some(Predecessor {
                term: SECOND,
                chunks: 0,
            })
        },
        |state| state.files.swap(0, 1),
        |state| state.files[1].name = state.files[0].name.clone(),
        |state| drop(state.files.pop()),
        |state| state.files[1].parts.swap(0, 1),
        |state| state.files[1].parts[1].from = 399,
        |state| state.files[1].length = 1001,
        |state| state.files[2].parts[0].length = 0,
        |state| state.files[2].parts[0].offset = u64::MAX,
        |state| {
            state.files[3].parts[1].key = Key::Chunk {
                term: SECOND,
                number: 5,
            }
        },
        |state| state.files[3].parts[1].key = state.key(),
        |state| state.end = position(2, 1128, 28),
        |state| state.end = position(3, 1120, 28),
        |state| state.end.sequence = Sequence::new(19),
    ];
    for (at, change) in changes.iter().enumerate() {
        let mut state = state();
        change(&mut state);
        let read = State::decode(SECOND, 5, &state.encode());
        assert!(
            matches!(read, Err(ObjectError::Contradicts { .. })),
            "{at}: {read:?}"
        );
    }
}

#[test]
fn a_claimed_number_of_files_or_parts_allocates_no_more_than_there_are_bytes_for() {
    let bytes = state().encode();
    let manifest = state().manifest.encode().len();
    let files_at = 12 + 16 + 8 + 8 + 16 + 16 + 52 + 4 + manifest;
    let name = state().files[0].name.as_str().len();
    for at in [files_at, files_at + 4 + 1 + name + 8] {
        let mut claims = bytes.clone();
        claims[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        let read = State::decode(SECOND, 5, &resealed(&claims));
        assert!(
            matches!(
                read,
                Err(ObjectError::Value { .. } | ObjectError::Contradicts { .. })
            ),
            "{read:?}"
        );
    }
}
