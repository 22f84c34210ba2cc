//! The pieces of a segment from an offset on.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{FaultFs, MemFs, Operation, read_file, replace_file};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CommitBuffer, Examiner, FRAME_HEADER_BYTES, LogOptions, Piece, ScanError, UncheckedLog,
};

const DIR: &str = "/log";
const FILE: &str = "/log/segment-0000000001.log";
/// More than is told of at once.
const LONG: usize = 10 << 20;

/// A log of so many commits of a record. Gives where each frame begins, and where the last ends.
fn log_of(fs: &MemFs, commits: u64) -> Vec<u32> {
    let random = Random::from_seed(3);
    let shared = Arc::new(fs.clone());
    let log = UncheckedLog::create(shared, Path::new(DIR), LogOptions::default(), &random).unwrap();
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let mut writer = scanned.unwrap().into_writer(&random).unwrap().0;
    let mut commit = CommitBuffer::default();
    let mut places = Vec::new();
    for number in 0..commits {
        commit.clear();
        let body = vec![b'a'; 1_000];
        commit.push(&Hash::of(&body), |out| out.extend_from_slice(&body));
        let appended = writer
            .append(&mut commit, Sequence::new(number), Sequence::ZERO)
            .unwrap();
        let record = commit.positions(appended.start).next().unwrap().offset;
        places.push(record - FRAME_HEADER_BYTES as u32);
    }
    writer.active().sync().unwrap();
    let own = FRAME_HEADER_BYTES as u32 + 1_000 + strandline_segment::RECORD_HEADER_BYTES as u32;
    places.push(places.last().unwrap() + own.next_multiple_of(8));
    places
}

/// The file with a stretch of another value.
fn with(fs: &MemFs, stretch: Range<usize>, value: u8) -> MemFs {
    let mut bytes = read_file(fs, Path::new(FILE), 1 << 30).unwrap();
    if bytes.len() < stretch.end {
        bytes.resize(stretch.end, 0);
    }
    bytes[stretch].fill(value);
    let fs = MemFs::new();
    replace_file(&fs, Path::new(FILE), &bytes).unwrap();
    fs
}

/// What each piece is, where it begins, and how long it is.
fn pieces(fs: &MemFs, offset: u32) -> Vec<(&'static str, u64, u64)> {
    let examiner = Examiner::open(fs, Path::new(FILE), None).unwrap();
    let mut all = Vec::new();
    let walked = examiner.pieces_from(offset, |piece| {
        all.push(match piece {
            Piece::Frame { frame, .. } => (
                "frame",
                frame.start().offset.into(),
                frame.bytes().len() as u64,
            ),
            Piece::Damaged { offset, bytes, .. } => ("damaged", offset, bytes),
            Piece::Zeros { offset, bytes } => ("zeros", offset, bytes),
            _ => ("other", 0, 0),
        });
        Ok::<_, Infallible>(())
    });
    walked.unwrap();
    all
}

#[test]
fn from_each_frame_on_there_are_the_frames_that_follow() {
    let fs = MemFs::new();
    let places = log_of(&fs, 9);
    let all = pieces(&fs, 0);
    let frames = |from: usize| -> Vec<u64> {
        let own = all.iter().filter(|piece| piece.0 == "frame");
        own.map(|piece| piece.1).skip(from).collect()
    };
    let expected: Vec<_> = places[..9].iter().map(|place| u64::from(*place)).collect();
    assert_eq!(frames(0), expected);
    for (number, place) in places[..9].iter().enumerate() {
        let own = pieces(&fs, *place);
        assert!(all.ends_with(&own), "{own:?}");
        let begins: Vec<_> = own.iter().filter(|one| one.0 == "frame").collect();
        assert_eq!(begins.len(), frames(number).len());
    }
    // Between two frames what is there is no frame, up to the next one.
    let between = pieces(&fs, places[3] + 8);
    let left = u64::from(places[4] - places[3] - 8);
    assert_eq!(between[0], ("damaged", u64::from(places[3] + 8), left));
    assert_eq!(between[1].1, u64::from(places[4]));
    // Behind the end there is nothing, wherever that is.
    for offset in [1 << 31, u32::MAX - 7, u32::MAX] {
        assert_eq!(pieces(&fs, offset), []);
    }
}

#[test]
fn long_damage_and_zeros_come_in_several_pieces_that_join() {
    let fs = MemFs::new();
    let commits = (LONG / 1_000) as u64 + 2_000;
    let places = log_of(&fs, commits);
    let end = *places.last().unwrap();
    let first = places[7] as usize;
    let struck = with(&fs, first + 3..first + LONG, 0x5a);
    let zeros = with(&fs, end as usize..end as usize + LONG, 0);
    let zeros_between = with(&fs, first..first + LONG, 0);
    for (fs, from, what) in [
        (&struck, places[7], "damaged"),
        (&zeros, end, "zeros"),
        (&zeros_between, places[7], "zeros"),
    ] {
        let all = pieces(fs, from);
        let own = all.iter().take_while(|piece| piece.0 == what).count();
        assert!((2..5).contains(&own), "{what}: {:?}", all.get(..6));
        let mut at = u64::from(from);
        for (_, offset, bytes) in &all {
            assert_eq!(*offset, at);
            assert!(*bytes <= 4 << 20);
            at += bytes;
        }
        assert!(at >= u64::from(end));
        // From where a piece ends it goes on as if all were told at once.
        let (_, offset, bytes) = all[0];
        assert_eq!(pieces(fs, (offset + bytes) as u32), all[1..]);
        if what == "damaged" {
            let last = all.iter().rev().find(|piece| piece.0 == "frame");
            assert_eq!(last.unwrap().1, u64::from(places[places.len() - 2]));
        }
    }
}

#[test]
fn whoever_ends_it_after_a_piece_has_not_read_what_is_behind_long_damage() {
    let fs = MemFs::new();
    log_of(&fs, 2);
    let fs = with(&fs, 200..64 << 20, 0x5a);
    let counted = Arc::new(FaultFs::new(Arc::new(fs)));
    let examiner = Examiner::open(&*counted, Path::new(FILE), None).unwrap();
    let before = counted.calls(Operation::Read);
    let walked = examiner.pieces_from(200, |_| Err("enough"));
    assert!(matches!(walked, Err(ScanError::Visit("enough"))));
    // A mebibyte each.
    let reads = counted.calls(Operation::Read) - before;
    assert!(reads <= 7, "{reads}");
}
