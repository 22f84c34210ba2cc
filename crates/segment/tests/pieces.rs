//! What is found in a damaged segment: everything but what the damage struck, each in its place.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{MemFs, read_file, replace_file};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CommitBuffer, Examiner, FRAME_HEADER_BYTES, LogOptions, Piece, RECORD_HEADER_BYTES,
    UncheckedLog,
};

const DIR: &str = "/log";
const FILE: &str = "/log/segment-0000000001.log";

/// A log of commits of so many records, whose bodies have other lengths each; of none is a note. Gives where
/// each record begins and ends.
fn log_of(fs: &MemFs, commits: &[usize]) -> Vec<(u64, u64)> {
    let random = Random::from_seed(3);
    let shared = Arc::new(fs.clone());
    let log = UncheckedLog::create(shared, Path::new(DIR), LogOptions::default(), &random).unwrap();
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let mut writer = scanned.unwrap().into_writer(&random).unwrap().0;
    let mut commit = CommitBuffer::default();
    let mut next = 0;
    let mut places = Vec::new();
    for records in commits {
        commit.clear();
        if *records == 0 {
            writer
                .append_note(b"a note", Sequence::ZERO, |active| active.sync())
                .unwrap();
            continue;
        }
        for number in 0..*records {
            let body = vec![b'a' + ((next + number as u64) % 26) as u8; 3 + (7 * number) % 40];
            commit.push(&Hash::of(&body), |out| out.extend_from_slice(&body));
        }
        let appended = writer
            .append(&mut commit, Sequence::new(next), Sequence::ZERO)
            .unwrap();
        for (number, position) in commit.positions(appended.start).enumerate() {
            let begin = u64::from(position.offset);
            let body = 3 + (7 * number as u64) % 40;
            places.push((begin, begin + RECORD_HEADER_BYTES as u64 + body));
        }
        next += *records as u64;
    }
    writer.active().sync().unwrap();
    places
}

/// What is found: sequences with offsets of records that are right, and sequences that are said to be
/// broken.
fn found(fs: &MemFs) -> (Vec<(u64, u64)>, Vec<u64>) {
    let examiner = Examiner::open(fs, Path::new(FILE), None).unwrap();
    let (mut right, mut broken) = (Vec::new(), Vec::new());
    let place = |record: &strandline_segment::FrameRecord<'_>| {
        (record.sequence.get(), u64::from(record.position.offset))
    };
    let walked = examiner.pieces(|piece| {
        match piece {
            Piece::Frame { frame, .. } => right.extend(frame.records().map(|one| place(&one))),
            Piece::Record(record) => right.push(place(&record)),
            Piece::BrokenRecords {
                sequence, count, ..
            } => broken.extend(sequence.get()..sequence.get() + count),
            _ => {}
        }
        Ok::<_, Infallible>(())
    });
    walked.unwrap();
    (right, broken)
}

fn bytes(fs: &MemFs) -> Vec<u8> {
    read_file(fs, Path::new(FILE), 1 << 30).unwrap()
}

fn damaged(whole: &[u8], places: impl IntoIterator<Item = u64>, value: Option<u8>) -> MemFs {
    let mut bytes = whole.to_vec();
    for place in places {
        let byte = &mut bytes[place as usize];
        *byte = value.unwrap_or(*byte ^ 0x41);
    }
    let fs = MemFs::new();
    replace_file(&fs, Path::new(FILE), &bytes).unwrap();
    fs
}

/// A damaged length hid all records after it in its frame, up to 65,534 of them.
#[test]
fn one_damaged_byte_costs_the_record_that_it_is_in() {
    let fs = MemFs::new();
    let places = log_of(&fs, &[1, 9, 2]);
    let all: Vec<_> = (0..).zip(places.iter().map(|(begin, _)| *begin)).collect();
    assert_eq!(found(&fs).0, all);
    let whole = bytes(&fs);
    for place in places[0].0 - FRAME_HEADER_BYTES as u64..places[11].1 {
        let struck = places
            .iter()
            .position(|(begin, end)| (*begin..*end).contains(&place));
        let (right, broken) = found(&damaged(&whole, [place], None));
        let mut expected = all.clone();
        if let Some(struck) = struck {
            expected.remove(struck);
        }
        assert_eq!(right, expected, "{place}");
        let struck: Vec<_> = struck.into_iter().map(|struck| struck as u64).collect();
        assert_eq!(broken, struck, "{place}");
    }
}

#[test]
fn what_stands_around_two_damaged_records_keeps_its_sequence() {
    let fs = MemFs::new();
    let places = log_of(&fs, &[12]);
    let all: Vec<_> = (0..).zip(places.iter().map(|(begin, _)| *begin)).collect();
    let whole = bytes(&fs);
    for (first, second) in [(0, 1), (3, 4), (2, 9), (0, 11), (10, 11)] {
        // Bodies alone: their lengths lead on.
        let bodies = [first, second].map(|number: usize| places[number].1 - 1);
        let (right, broken) = found(&damaged(&whole, bodies, None));
        let is_right =
            |(sequence, _): &&(u64, u64)| ![first as u64, second as u64].contains(sequence);
        let expected: Vec<_> = all.iter().filter(is_right).copied().collect();
        assert_eq!(
            (right, broken),
            (expected, vec![first as u64, second as u64])
        );
        // All of both and what is between them, as a bad sector does it.
        let stretch = places[first].0..places[second].1;
        for value in [0, 0xff] {
            let (right, broken) = found(&damaged(&whole, stretch.clone(), Some(value)));
            let is_right =
                |(sequence, _): &&(u64, u64)| !(first as u64..=second as u64).contains(sequence);
            let expected: Vec<_> = all.iter().filter(is_right).copied().collect();
            assert_eq!(right, expected, "{first} {second} {value}");
            assert_eq!(broken, (first as u64..=second as u64).collect::<Vec<_>>());
        }
    }
}

/// The search read a mebibyte anew for each damaged place, so many small ones took for ever.
#[test]
fn damage_everywhere_is_gone_through_once() {
    let fs = MemFs::new();
    let places = log_of(&fs, &[1; 20_000]);
    let whole = bytes(&fs);
    let headers = places
        .iter()
        .map(|(begin, _)| begin - FRAME_HEADER_BYTES as u64);
    let every_second = headers.step_by(2).skip(1);
    let fs = damaged(&whole, every_second, None);
    let counted = Arc::new(strandline_core::fs::FaultFs::new(Arc::new(fs)));
    let examiner = Examiner::open(&*counted, Path::new(FILE), None).unwrap();
    let mut records = 0;
    let walked = examiner.pieces(|piece| {
        match piece {
            Piece::Frame { frame, .. } => records += frame.len(),
            Piece::Record(_) => records += 1,
            _ => {}
        }
        Ok::<_, Infallible>(())
    });
    walked.unwrap();
    assert_eq!(records, 20_000);
    let reads = counted.calls(strandline_core::fs::Operation::Read);
    assert!(reads < 20, "{reads} reads of {} bytes", whole.len());
}

/// Zeros over whole frames and into another one ended the search at their end.
#[test]
fn records_behind_zeros_over_several_frames_are_found() {
    let fs = MemFs::new();
    let places = log_of(&fs, &[10, 10, 10, 10]);
    let all: Vec<_> = (0..).zip(places.iter().map(|(begin, _)| *begin)).collect();
    let whole = bytes(&fs);
    for (first, last) in [(3, 24), (3, 29), (10, 12), (0, 28), (9, 20)] {
        let stretch = places[first].0 + 20..places[last].1 - 1;
        let (right, _) = found(&damaged(&whole, stretch, Some(0)));
        let is_right =
            |(sequence, _): &&(u64, u64)| !(first as u64..=last as u64).contains(sequence);
        let expected: Vec<_> = all.iter().filter(is_right).copied().collect();
        assert_eq!(right, expected, "{first} {last}");
    }
}

/// Between two damaged headers nothing said what the records were, though they follow each other.
#[test]
fn records_of_several_frames_with_damaged_headers_are_found() {
    let fs = MemFs::new();
    let commits = [3, 1, 2, 5, 4, 1];
    let places = log_of(&fs, &commits);
    let all: Vec<_> = (0..).zip(places.iter().map(|(begin, _)| *begin)).collect();
    let whole = bytes(&fs);
    let firsts = commits.iter().scan(0, |next, records| {
        let first = *next;
        *next += records;
        Some(places[first].0 - FRAME_HEADER_BYTES as u64)
    });
    let headers: Vec<_> = firsts.collect();
    for (first, last) in [(0, 1), (1, 2), (1, 4), (3, 4), (0, 4), (3, 5), (0, 5)] {
        for at in [0, 4, 16, 71] {
            let struck = headers[first..=last].iter().map(|header| header + at);
            let (right, broken) = found(&damaged(&whole, struck, None));
            assert_eq!(right, all, "{first} {last} {at}");
            assert_eq!(broken, [0; 0]);
        }
    }
}

/// A note took the number of the event after it, where both headers were damaged.
#[test]
fn notes_between_frames_with_damaged_headers_have_no_numbers() {
    let fs = MemFs::new();
    let places = log_of(&fs, &[2, 0, 1, 0, 0, 3, 0, 1]);
    let all: Vec<_> = (0..).zip(places.iter().map(|(begin, _)| *begin)).collect();
    let whole = bytes(&fs);
    let magics = |at: &usize| whole[*at..].starts_with(b"FRAM");
    let headers: Vec<_> = (0..whole.len()).step_by(8).filter(magics).collect();
    assert_eq!(headers.len(), 8);
    for first in 0..8 {
        for last in first..8 {
            let struck = headers[first..=last]
                .iter()
                .map(|header| *header as u64 + 2);
            let (right, broken) = found(&damaged(&whole, struck, None));
            assert_eq!(right, all, "{first} {last}");
            assert_eq!(broken, [0; 0]);
        }
    }
}

/// Whatever is struck, nothing is found in another place than its own, or twice.
#[test]
fn what_is_found_stands_where_it_stood() {
    let fs = MemFs::new();
    let places = log_of(&fs, &[2, 0, 1, 7, 30, 0, 1, 1, 1, 0, 3, 1, 12, 1, 1]);
    let all: Vec<_> = (0..).zip(places.iter().map(|(begin, _)| *begin)).collect();
    let whole = bytes(&fs);
    let end = places.last().unwrap().1 as usize;
    let mut state = 9_u64;
    let mut below = |most: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % most
    };
    let start = places[0].0 as usize - FRAME_HEADER_BYTES;
    for round in 0..3000 {
        let mut bytes = whole.clone();
        let mut struck = Vec::new();
        for _ in 0..=below(5) {
            let at = start + below(end - start);
            let length = if below(3) == 0 { below(400) } else { 1 };
            let value = [0, 0xFF, below(256) as u8][below(3)];
            let after = end.min(at + length);
            bytes[at..after].fill(value);
            struck.push(at as u64..after as u64);
        }
        let fs = MemFs::new();
        replace_file(&fs, Path::new(FILE), &bytes).unwrap();
        let (right, broken) = found(&fs);
        for pair in right.windows(2) {
            assert!(pair[0] < pair[1], "{round}: {struck:?} {pair:?}");
        }
        for one in &right {
            assert!(all.contains(one), "{round}: {struck:?} {one:?}");
            assert!(!broken.contains(&one.0), "{round}: {struck:?} {one:?}");
        }
    }
}

/// Bytes that claim a header and a long record at each of many places that lengths lead to: what is looked at
/// there grew with their square.
#[test]
#[allow(clippy::disallowed_methods, reason = "what takes long is measured")]
fn headers_that_are_none_are_not_followed_again_and_again() {
    const BYTES: usize = 8 << 20;
    let fs = MemFs::new();
    let places = log_of(&fs, &[1]);
    let mut bytes = bytes(&fs);
    let start = places[0].0 as usize;
    bytes.truncate(start);
    bytes[start - FRAME_HEADER_BYTES + 2] ^= 1;
    for at in (0..BYTES).step_by(48) {
        let mut piece = [0; 48];
        piece[..4].copy_from_slice(b"FRAM");
        piece[8] = 4;
        let long = BYTES.saturating_sub(at + 200) as u32;
        piece[32..36].copy_from_slice(&long.to_le_bytes());
        bytes.extend_from_slice(&piece);
    }
    let fs = MemFs::new();
    replace_file(&fs, Path::new(FILE), &bytes).unwrap();
    let look = || {
        let begun = std::time::Instant::now();
        assert_eq!(found(&fs), (Vec::new(), Vec::new()));
        begun.elapsed()
    };
    // Part of a second where nobody else has the processor.
    assert!((0..5).any(|_| look().as_secs() < 20));
}
