//! The frame of a record, found from its position.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use strandline_core::fs::{Fs, FsFile, FsFileLayer, FsLayer, MemFs, OpenMode};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CommitBuffer, FRAME_HEADER_BYTES, LogOptions, LogReader, LogWriter, RecordPosition,
    UncheckedLog,
};

/// Counts the reads of files.
#[derive(Debug, Default)]
struct CountedFs {
    below: MemFs,
    reads: Arc<AtomicUsize>,
}

impl FsLayer for CountedFs {
    fn below(&self) -> &dyn Fs {
        &self.below
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let below = self.below.open(path, mode)?;
        let reads = self.reads.clone();
        Ok(Arc::new(CountedFile { below, reads }))
    }
}

#[derive(Debug)]
struct CountedFile {
    below: Arc<dyn FsFile>,
    reads: Arc<AtomicUsize>,
}

impl FsFileLayer for CountedFile {
    fn below(&self) -> &dyn FsFile {
        &*self.below
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.below.read_at(buffer, offset)
    }
}

fn create(is_mapped: bool) -> (MemFs, LogWriter, LogReader) {
    let fs = MemFs::new();
    let (writer, reader) = create_in(Arc::new(fs.clone()), is_mapped);
    (fs, writer, reader)
}

fn create_in(fs: Arc<dyn Fs>, is_mapped: bool) -> (LogWriter, LogReader) {
    let options = LogOptions::default().segment_bytes_max(8 << 20);
    let options = if is_mapped {
        options
    } else {
        options.no_mapped_reads()
    };
    let random = Random::from_seed(3);
    let log = UncheckedLog::create(fs, Path::new("/log"), options, &random);
    let scanned = log
        .unwrap()
        .scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let (writer, reader, _) = scanned.unwrap().into_writer(&random).unwrap();
    (writer, reader)
}

/// Appends a commit, and gives the positions of its records.
fn append(writer: &mut LogWriter, bodies: &[Vec<u8>]) -> Vec<RecordPosition> {
    let mut commit = CommitBuffer::default();
    for body in bodies {
        commit.push(&Hash::of(body), |out| out.extend_from_slice(body));
    }
    let next = writer.position().sequence;
    let appended = writer.append(&mut commit, next, Sequence::ZERO).unwrap();
    commit.positions(appended.start).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn every_record_is_told_its_sequence(
        commits in prop::collection::vec(prop::collection::vec(0..70_000_usize, 1..5), 1..12),
        is_mapped: bool,
        off_by in 1..60_u32,
    ) {
        let (_fs, mut writer, reader) = create(is_mapped);
        let mut all = Vec::new();
        for sizes in &commits {
            let bodies: Vec<_> = sizes.iter().map(|size| vec![7; *size]).collect();
            all.extend(append(&mut writer, &bodies));
        }
        let view = reader.view();
        for (sequence, position) in all.iter().enumerate() {
            let frame = view.frame_of(*position).unwrap().unwrap();
            prop_assert_eq!(frame.sequence_of(*position), Some(Sequence::new(sequence as u64)));
            let wrong = RecordPosition { offset: position.offset + off_by, ..*position };
            if !all.contains(&wrong) {
                prop_assert_eq!(frame.sequence_of(wrong), None);
                prop_assert!(view.frame_of(wrong).unwrap().is_none());
            }
        }
    }
}

/// A header is valid at its offset alone, so bytes of a frame in a record are no frame.
#[test]
fn a_record_that_holds_a_frame_is_not_taken_for_one() {
    let (fs, mut writer, reader) = create(true);
    let lone = append(&mut writer, &[b"one".to_vec()]);
    let path = Path::new("/log").join(lone[0].segment.file_name());
    let file = strandline_core::fs::read_file(&fs, &path, 1 << 30).unwrap();
    let start = lone[0].offset as usize - FRAME_HEADER_BYTES;
    let frame = file[start..].to_vec();
    let positions = append(
        &mut writer,
        &[frame.repeat(40), frame.clone(), b"last".to_vec()],
    );
    let view = reader.view();
    for (sequence, position) in (1..).zip(positions) {
        let frame = view.frame_of(position).unwrap().unwrap();
        assert_eq!(frame.sequence_of(position), Some(Sequence::new(sequence)));
    }
}

/// A lone note has a record too, and no sequence.
#[test]
fn what_is_no_event_has_no_frame() {
    let (_fs, mut writer, reader) = create(false);
    let positions = append(&mut writer, &[b"one".to_vec()]);
    let mut note = CommitBuffer::default();
    note.set_note(b"a note");
    let at = writer.position().sequence;
    let noted = writer.append(&mut note, at, Sequence::ZERO).unwrap();
    let view = reader.view();
    for position in note.positions(noted.start) {
        assert!(view.read(position).is_ok());
        assert!(view.frame_of(position).unwrap().is_none());
    }
    for offset in [0, 1, 8, 71, 128, 127, u32::MAX] {
        let position = RecordPosition {
            offset,
            ..positions[0]
        };
        assert!(view.frame_of(position).unwrap().is_none(), "{offset}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn every_sequence_is_told_its_commit(
        commits in prop_oneof![
            prop::collection::vec((prop::collection::vec(0..9_000_usize, 1..5), 0..2_u8), 1..12),
            // So many that one is not found by reading a few headers.
            prop::collection::vec((prop::collection::vec(0..900_usize, 1..5), 0..2_u8), 40..120),
            prop::collection::vec((prop::collection::vec(0..90_000_usize, 1..3), 0..2_u8), 20..40),
        ],
        is_mapped: bool,
        back in 0..90_usize,
    ) {
        let (_fs, mut writer, reader) = create(is_mapped);
        let (mut all, mut ends) = (Vec::new(), Vec::new());
        for (sizes, notes) in &commits {
            let bodies: Vec<_> = sizes.iter().map(|size| vec![7; *size]).collect();
            let first = writer.position().sequence;
            all.extend(append(&mut writer, &bodies));
            let end = writer.position();
            ends.extend(sizes.iter().map(|_| (first, end.sequence, end.log_hash)));
            if *notes == 1 {
                let mut note = CommitBuffer::default();
                note.set_note(b"a note");
                writer.append(&mut note, end.sequence, Sequence::ZERO).unwrap();
            }
        }
        let view = reader.view();
        for (sequence, expected) in ends.iter().enumerate() {
            let at = Sequence::new(sequence as u64);
            for near in [None, Some(all[sequence]), Some(all[sequence.saturating_sub(back)])] {
                let commit = view.commit_at(at, near).unwrap().unwrap();
                prop_assert_eq!((commit.first, commit.end, commit.log_hash), *expected);
            }
        }
        let end = writer.position().sequence;
        prop_assert_eq!(view.commit_at(end, all.last().copied()).unwrap(), None);
    }
}

/// Where all events before it were removed, nothing tells where in the segment a commit is.
#[test]
fn a_commit_is_found_in_few_reads_wherever_it_is() {
    let fs = CountedFs::default();
    let reads = fs.reads.clone();
    let (mut writer, reader) = create_in(Arc::new(fs), false);
    let commits = 5_000;
    for _ in 0..commits {
        append(&mut writer, &[vec![7; 100]]);
    }
    let view = reader.view();
    for at in [0, 1, 15, 16, 17, 2_500, 4_900, 4_998, 4_999] {
        let before = reads.load(Ordering::Relaxed);
        let commit = view.commit_at(Sequence::new(at), None).unwrap().unwrap();
        assert_eq!(commit.first, Sequence::new(at));
        let reads = reads.load(Ordering::Relaxed) - before;
        assert!(reads <= 60, "{reads} reads for {at} of {commits}");
    }
}
