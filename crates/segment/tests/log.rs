//! The log through its public interface: round trips, cuts, damage, failing disks.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use proptest::prelude::*;
use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fault, FaultFs, Fs, MemFs, Operation, read_file, replace_file};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    AppendError, CommitBuffer, FRAME_HEADER_BYTES, LogError, LogOptions, LogPosition, LogReader,
    LogWriter, Repairs, SEGMENT_HEADER_BYTES, ScanError, ScannedLog, SegmentId, TRAILER_BYTES,
    UncheckedLog,
};

const DIR: &str = "/log";

type Record = (u64, Vec<u8>);

fn options() -> LogOptions {
    LogOptions::default().segment_bytes_max(64 << 10)
}

fn create(fs: &Shared) -> (LogWriter, LogReader) {
    let random = Random::from_seed(3);
    let log = UncheckedLog::create(fs.clone(), Path::new(DIR), options(), &random).unwrap();
    let scanned = log
        .scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()))
        .unwrap();
    let (writer, reader, _) = scanned.into_writer(&Random::from_seed(9)).unwrap();
    (writer, reader)
}

type Shared = Arc<dyn Fs>;

fn shared(fs: &MemFs) -> Shared {
    Arc::new(fs.clone())
}

fn scan(fs: &MemFs) -> Result<(ScannedLog, Vec<Record>), LogError> {
    let log = UncheckedLog::open(shared(fs), Path::new(DIR), options())?.unwrap();
    let mut records = Vec::new();
    let scanned = log.scan(None, Sequence::ZERO, |frame| {
        for record in frame.records() {
            records.push((record.sequence.get(), record.body.to_vec()));
        }
        Ok::<_, Infallible>(())
    });
    match scanned {
        Ok(scanned) => Ok((scanned, records)),
        Err(ScanError::Log(error)) => Err(error),
        Err(ScanError::Visit(never)) => match never {},
    }
}

/// Opens the log; its writer is gone by then, or was killed: that is what a fork of the files is for.
fn open(fs: &MemFs) -> (LogWriter, LogReader, Repairs, Vec<Record>) {
    let (scanned, records) = scan(fs).unwrap();
    let (writer, reader, repairs) = scanned.into_writer(&Random::from_seed(9)).unwrap();
    (writer, reader, repairs, records)
}

fn commit(bodies: &[&[u8]]) -> CommitBuffer {
    let mut commit = CommitBuffer::default();
    for body in bodies {
        commit.push(&Hash::of(body), |out| out.extend_from_slice(body));
    }
    commit
}

fn append(writer: &mut LogWriter, bodies: &[&[u8]]) {
    let next = writer.position().sequence;
    writer
        .append(&mut commit(bodies), next, Sequence::ZERO)
        .unwrap();
}

fn segment(number: u32) -> PathBuf {
    Path::new(DIR).join(SegmentId::new(number).file_name())
}

fn bytes(fs: &MemFs, path: &Path) -> Vec<u8> {
    read_file(fs, path, 1 << 30).unwrap()
}

fn flat(records: &[Record]) -> Vec<&[u8]> {
    records.iter().map(|(_, body)| body.as_slice()).collect()
}

#[test]
fn commits_are_read_back_in_order_and_alone() {
    let fs = MemFs::new();
    let (mut writer, reader) = create(&shared(&fs));
    let mut one = commit(&[b"one"]);
    let first = writer
        .append(&mut one, Sequence::ZERO, Sequence::ZERO)
        .unwrap();
    append(&mut writer, &[b"two", b"", b"four"]);
    let position = one.positions(first.start).next().unwrap();
    assert_eq!(reader.view().read(position).unwrap().body, b"one");
    assert_eq!(
        reader.view().read(position).unwrap().digest,
        Hash::of(b"one")
    );
    let (_, _, repairs, records) = open(&fs.fork());
    assert_eq!(flat(&records), [b"one".as_slice(), b"two", b"", b"four"]);
    assert_eq!(records[3].0, 3);
    assert!(repairs.notices().is_empty());
}

#[test]
fn every_cut_leaves_whole_commits_and_a_log_that_goes_on() {
    let fs = MemFs::new();
    let (mut writer, _) = create(&shared(&fs));
    for n in 0..5_u8 {
        append(&mut writer, &[&[n; 9], &[n; 20]]);
    }
    let whole = bytes(&fs, &segment(1));
    for length in SEGMENT_HEADER_BYTES as usize..whole.len() {
        let copy = fs.fork();
        replace_file(&copy, &segment(1), &whole[..length]).unwrap();
        let (mut writer, _, repairs, records) = open(&copy);
        assert_eq!(records.len() % 2, 0, "cut at {length}");
        let at_a_boundary = writer.position().offset as usize == length;
        let is_kept = repairs.torn_tail_kept_as.is_some();
        assert_ne!(is_kept, at_a_boundary, "cut at {length}");
        append(&mut writer, &[b"more"]);
        let (_, _, again, after) = open(&copy.fork());
        let notices = again.notices();
        assert!(notices.is_empty(), "cut at {length}: {notices:?}");
        assert_eq!(after.len(), records.len() + 1);
    }
}

#[test]
fn every_flipped_bit_is_an_error_or_a_reported_shorter_log() {
    let fs = MemFs::new();
    let (mut writer, _) = create(&shared(&fs));
    append(&mut writer, &[b"first", b"second"]);
    writer
        .rotate(&Random::from_seed(4))
        .unwrap()
        .write_footer(b"a footer")
        .unwrap();
    append(&mut writer, &[b"third"]);
    append(&mut writer, &[b"fourth"]);
    // What is set aside for more is as long as all of it.
    drop(writer);
    let (_, whole) = scan(&fs).unwrap();
    for path in [segment(1), segment(2), Path::new(DIR).join("MANIFEST")] {
        let good = bytes(&fs, &path);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let copy = fs.fork();
            replace_file(&copy, &path, &bad).unwrap();
            let what = format!("{} bit {bit}", path.display());
            let log = UncheckedLog::open(shared(&copy), Path::new(DIR), options());
            let footer = log.and_then(|log| log.unwrap().footer(SegmentId::FIRST));
            let footer_damaged = match footer {
                Ok(footer) => footer.is_some_and(|footer| !footer.is_intact()),
                Err(error) => matches!(error, LogError::FooterDamaged { .. }),
            };
            match scan(&copy) {
                Err(error) => assert!(
                    error.is_corruption() || matches!(error, LogError::VersionUnsupported { .. }),
                    "{what}: {error}"
                ),
                Ok((scanned, records)) if records == whole => {
                    assert!(
                        footer_damaged || scanned.torn_tail().is_some(),
                        "{what}: unnoticed"
                    );
                }
                Ok((scanned, records)) => {
                    assert!(scanned.torn_tail().is_some(), "{what}: lost in silence");
                    assert_eq!(records[..], whole[..records.len()], "{what}");
                }
            }
        }
    }
}

#[test]
fn a_bad_frame_below_what_was_durable_is_refused_with_file_and_offset() {
    let fs = MemFs::new();
    let (mut writer, _) = create(&shared(&fs));
    append(&mut writer, &[b"the first"]);
    let second = writer.position();
    append(&mut writer, &[b"the second"]);
    // Its header says that both before it were durable.
    let third = writer.position().sequence;
    writer
        .append(&mut commit(&[b"the third"]), third, third)
        .unwrap();
    let mut bad = bytes(&fs, &segment(1));
    bad[second.offset as usize + FRAME_HEADER_BYTES + 50] ^= 1;
    replace_file(&fs, &segment(1), &bad).unwrap();
    match scan(&fs) {
        Err(LogError::Corrupt { file, offset, .. }) => {
            assert_eq!(file, SegmentId::FIRST.file_name());
            assert_eq!(offset, u64::from(second.offset));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_frame_after_a_gap_is_never_data() {
    let fs = MemFs::new();
    let (mut writer, _) = create(&shared(&fs));
    append(&mut writer, &[b"kept"]);
    let torn = writer.position();
    append(&mut writer, &[b"lost"]);
    append(&mut writer, &[b"whole, and after the gap"]);
    let mut bad = bytes(&fs, &segment(1));
    bad[torn.offset as usize + 80] ^= 1;
    replace_file(&fs, &segment(1), &bad).unwrap();
    let (scanned, records) = scan(&fs).unwrap();
    let tail = scanned.torn_tail().unwrap();
    assert_eq!((tail.offset, tail.frames_after_gap), (torn.offset, 1));
    assert_eq!(flat(&records), [b"kept"]);
    let (.., repairs) = scanned.into_writer(&Random::from_seed(9)).unwrap();
    let kept = repairs.torn_tail_kept_as.unwrap();
    let kept = bytes(&fs, &Path::new(DIR).join(kept));
    assert_eq!(
        kept,
        bad[torn.offset as usize..],
        "the torn bytes were kept"
    );
}

#[test]
fn a_frame_is_not_taken_at_another_place_or_from_a_payload() {
    let fs = MemFs::new();
    let (mut writer, _) = create(&shared(&fs));
    append(&mut writer, &[b"one"]);
    let end = writer.position().offset as usize;
    let file = bytes(&fs, &segment(1));
    let frame = &file[SEGMENT_HEADER_BYTES as usize..end];
    // The same bytes once more, and then as a payload.
    let twice = [&file[..], frame].concat();
    let copy = fs.fork();
    replace_file(&copy, &segment(1), &twice).unwrap();
    let (scanned, records) = scan(&copy).unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(scanned.torn_tail().unwrap().frames_after_gap, 0);
    append(&mut writer, &[frame]);
    let torn = bytes(&fs, &segment(1));
    replace_file(&fs, &segment(1), &torn[..torn.len() - 1]).unwrap();
    let (scanned, records) = scan(&fs).unwrap();
    assert_eq!(
        (records.len(), scanned.torn_tail().unwrap().frames_after_gap),
        (1, 0)
    );
}

#[test]
fn a_record_is_only_read_where_it_is() {
    let fs = MemFs::new();
    let (mut writer, reader) = create(&shared(&fs));
    let mut buffer = commit(&[b"one", &[7; 5000]]);
    let appended = writer
        .append(&mut buffer, Sequence::ZERO, Sequence::ZERO)
        .unwrap();
    let positions: Vec<_> = buffer.positions(appended.start).collect();
    assert_eq!(reader.view().read(positions[1]).unwrap().body, [7; 5000]);
    for offset in 0..200 {
        let mut place = positions[0];
        place.offset = offset;
        assert_eq!(
            reader.view().read(place).is_ok(),
            offset == positions[0].offset,
            "{offset}"
        );
    }
}

#[test]
fn a_cursor_gives_what_single_reads_give_in_any_order() {
    let fs = MemFs::new();
    let (mut writer, reader) = create(&shared(&fs));
    let mut places = Vec::new();
    for n in 0..300_usize {
        let body = vec![n as u8; (n * 37) % 700];
        let mut buffer = commit(&[&body]);
        let next = writer.position().sequence;
        if !writer.fits(body.len(), 1) {
            writer.rotate(&Random::from_seed(n as u64)).unwrap();
        }
        let appended = writer.append(&mut buffer, next, Sequence::ZERO).unwrap();
        places.extend(buffer.positions(appended.start));
    }
    assert!(reader.view().segments() > 1);
    let mut jumps: Vec<_> = (0..300).map(|n| (n * 91) % 300).collect();
    jumps.extend(0..300);
    jumps.extend((0..300).rev());
    jumps.extend((0..300).step_by(7));
    let mut cursor = reader.view().cursor();
    for at in jumps {
        let alone = reader.view().read(places[at]).unwrap();
        let record = cursor.read(places[at]).unwrap();
        assert_eq!(
            (record.digest, record.body),
            (alone.digest, alone.body.as_slice()),
            "{at}"
        );
    }
}

#[test]
fn a_full_disk_takes_the_commit_once_there_is_room() {
    let memory = MemFs::new();
    let fs = FaultFs::new(Arc::new(memory.clone()));
    let (mut writer, _) = create(&(Arc::new(fs.clone()) as Arc<dyn Fs>));
    append(&mut writer, &[b"before"]);
    let fault = |partial_bytes| Fault {
        after: 0,
        times: 1,
        error: io::ErrorKind::StorageFull,
        partial_bytes,
    };
    for partial in [0, 30, 90] {
        fs.fail(Operation::Write, fault(partial));
        let next = writer.position().sequence;
        let refused = writer.append(&mut commit(&[b"refused"]), next, Sequence::ZERO);
        assert!(matches!(refused, Err(AppendError::NotWritten(_))));
    }
    append(&mut writer, &[b"after"]);
    assert_eq!(
        flat(&open(&memory.fork()).3),
        [b"before".as_slice(), b"after"]
    );
    fs.fail(Operation::Write, fault(30));
    fs.fail(Operation::SetLen, fault(0));
    let next = writer.position().sequence;
    let unknown = writer.append(&mut commit(&[b"unknown"]), next, Sequence::ZERO);
    assert!(matches!(unknown, Err(AppendError::Unknown(_))));
    let refused = writer.append(&mut commit(&[b"no more"]), next, Sequence::ZERO);
    let refused = refused.unwrap_err();
    assert!(matches!(
        refused,
        AppendError::NotWritten(LogError::Stopped)
    ));
}

#[test]
fn sealed_segments_have_their_footer_and_damage_to_it_is_told() {
    let fs = MemFs::new();
    let (mut writer, _) = create(&shared(&fs));
    append(&mut writer, &[b"one"]);
    let sealed = writer.rotate(&Random::from_seed(1)).unwrap();
    let footer = |fs: &MemFs| {
        let log = UncheckedLog::open(shared(fs), Path::new(DIR), options())
            .unwrap()
            .unwrap();
        log.footer(SegmentId::FIRST)
    };
    assert!(footer(&fs).unwrap().is_none());
    sealed.write_footer(b"index").unwrap();
    for found in [footer(&fs), sealed.footer(false), sealed.footer(true)] {
        let found = found.unwrap().unwrap();
        assert_eq!(found.as_ref(), b"index");
        assert!(found.is_intact());
    }
    let good = bytes(&fs, &segment(1));
    let trailer = good.len() - TRAILER_BYTES;
    for at in trailer..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        replace_file(&fs, &segment(1), &changed).unwrap();
        let told = matches!(footer(&fs), Err(LogError::FooterDamaged { .. }));
        assert!(told, "byte {at}");
    }
    for at in trailer - b"index".len()..trailer {
        let mut changed = good.clone();
        changed[at] ^= 1;
        replace_file(&fs, &segment(1), &changed).unwrap();
        assert!(!footer(&fs).unwrap().unwrap().is_intact(), "byte {at}");
    }
    replace_file(&fs, &segment(1), &good[..good.len() - 1]).unwrap();
    assert!(matches!(footer(&fs), Err(LogError::FooterDamaged { .. })));
    assert_eq!(flat(&scan(&fs).unwrap().1), [b"one"]);
}

#[test]
fn a_log_that_ends_before_a_known_position_is_told() {
    let fs = MemFs::new();
    let (mut writer, _) = create(&shared(&fs));
    append(&mut writer, &[b"one"]);
    let older = bytes(&fs, &segment(1));
    append(&mut writer, &[b"two"]);
    let position = writer.position();
    let from = |fs: &MemFs, position: LogPosition, durable: u64| {
        let log = UncheckedLog::open(shared(fs), Path::new(DIR), options())
            .unwrap()
            .unwrap();
        let visit = |_: &strandline_segment::Frame<'_>| Ok::<_, Infallible>(());
        log.scan(Some(position), Sequence::new(durable), visit)
            .map(|scanned| scanned.end())
    };
    assert_eq!(from(&fs, position, 2).unwrap(), position);
    let behind = |outcome| matches!(outcome, Err(ScanError::Log(LogError::LogBehind { .. })));
    let other = LogPosition {
        log_hash: Hash::ZERO,
        ..position
    };
    assert!(behind(from(&fs, other, 0)));
    assert!(behind(from(&fs, position, 3)));
    replace_file(&fs, &segment(1), &older).unwrap();
    assert!(behind(from(&fs, position, 0)));
}

#[test]
fn sequences_with_gaps_are_kept_and_never_go_back() {
    let fs = MemFs::new();
    let (mut writer, _) = create(&shared(&fs));
    for first in [0, 5, 1000] {
        let mut buffer = commit(&[b"x", b"y"]);
        writer
            .append(&mut buffer, Sequence::new(first), Sequence::ZERO)
            .unwrap();
    }
    let back = writer.append(&mut commit(&[b"z"]), Sequence::new(1001), Sequence::ZERO);
    assert!(matches!(
        back,
        Err(AppendError::NotWritten(LogError::OutOfOrder { .. }))
    ));
    let (.., records) = open(&fs.fork());
    let sequences: Vec<_> = records.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, [0, 1, 5, 6, 1000, 1001]);
}

#[test]
fn a_tail_of_zeros_is_the_end() {
    let fs = MemFs::new();
    let (mut writer, _) = create(&shared(&fs));
    append(&mut writer, &[b"one"]);
    let mut longer = bytes(&fs, &segment(1));
    longer.resize(longer.len() + 5000, 0);
    replace_file(&fs, &segment(1), &longer).unwrap();
    let (_, _, repairs, records) = open(&fs.fork());
    assert_eq!(records.len(), 1);
    assert!(repairs.notices().is_empty());
}

#[test]
fn a_later_format_is_named() {
    let fs = MemFs::new();
    create(&shared(&fs));
    for (path, at) in [(segment(1), 8), (Path::new(DIR).join("MANIFEST"), 8)] {
        let copy = fs.fork();
        let mut later = bytes(&fs, &path);
        later[at] = 9;
        replace_file(&copy, &path, &later).unwrap();
        let error = scan(&copy).unwrap_err();
        assert!(error.to_string().contains("format version 9"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_commits_survive_reopening(
        runs in proptest::collection::vec(
            proptest::collection::vec(
                proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..2000), 1..6),
                0..20,
            ),
            1..5,
        ),
    ) {
        let mut fs = MemFs::new();
        let (mut writer, _) = create(&shared(&fs));
        let mut expected: Vec<Vec<u8>> = Vec::new();
        for commits in runs {
            for bodies in commits {
                let bodies: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
                if !writer.fits(bodies.iter().map(|body| body.len()).sum(), bodies.len()) {
                    writer.rotate(&Random::from_seed(expected.len() as u64)).unwrap();
                }
                append(&mut writer, &bodies);
                expected.extend(bodies.iter().map(|body| body.to_vec()));
            }
            fs = fs.fork();
            let (again, _, repairs, records) = open(&fs);
            prop_assert!(repairs.notices().is_empty());
            prop_assert_eq!(again.position(), writer.position());
            prop_assert_eq!(records.into_iter().map(|(_, body)| body).collect::<Vec<_>>(), expected.clone());
            writer = again;
        }
    }
}
