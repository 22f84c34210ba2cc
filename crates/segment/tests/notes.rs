//! Notes: in the chain of the log, beside its commits, and of no sequence.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fs, MemFs, read_file, replace_file};
use strandline_core::{Hash, Random, Salt, Sequence, note_digest, recorded_log_base};
use strandline_segment::{
    CommitBuffer, CopyMode, FRAME_HEADER_BYTES, LogError, LogOptions, LogPosition, LogWriter,
    MANIFEST_FILE, Manifest, RewrittenSegment, ScanError, ScannedLog, SegmentId, UncheckedLog,
};

const DIR: &str = "/log";

fn options() -> LogOptions {
    LogOptions::default().segment_bytes_max(64 << 10)
}

fn shared(fs: &MemFs) -> Arc<dyn Fs> {
    Arc::new(fs.clone())
}

fn create(fs: &MemFs) -> LogWriter {
    let random = Random::from_seed(3);
    let log = UncheckedLog::create(shared(fs), Path::new(DIR), options(), &random).unwrap();
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    scanned
        .unwrap()
        .into_writer(&strandline_core::Random::from_seed(9))
        .unwrap()
        .0
}

fn log(fs: &MemFs) -> UncheckedLog {
    UncheckedLog::open(shared(fs), Path::new(DIR), options())
        .unwrap()
        .unwrap()
}

/// What stands in a log: a commit by its first sequence and bodies, a note by its body.
#[derive(Debug, Clone, PartialEq)]
enum Entry {
    Commit(u64, Vec<Vec<u8>>),
    Note(Vec<u8>),
}

fn commit(first: u64, bodies: &[&[u8]]) -> Entry {
    Entry::Commit(first, bodies.iter().map(|body| body.to_vec()).collect())
}

fn note(body: &[u8]) -> Entry {
    Entry::Note(body.to_vec())
}

fn entry(frame: &strandline_segment::Frame<'_>) -> Entry {
    match frame.note() {
        Some(body) => {
            assert_eq!((frame.records().count(), frame.len()), (0, 0));
            assert_eq!(frame.end().sequence, frame.first_sequence());
            note(body)
        }
        None => {
            let bodies = frame.records().map(|record| record.body.to_vec());
            Entry::Commit(frame.first_sequence().get(), bodies.collect())
        }
    }
}

fn scan(fs: &MemFs, from: Option<LogPosition>) -> Result<(ScannedLog, Vec<Entry>), LogError> {
    let mut entries = Vec::new();
    let scanned = log(fs).scan(from, Sequence::ZERO, |frame| {
        entries.push(entry(frame));
        Ok::<_, Infallible>(())
    });
    match scanned {
        Ok(scanned) => Ok((scanned, entries)),
        Err(ScanError::Log(error)) => Err(error),
        Err(ScanError::Visit(never)) => match never {},
    }
}

fn append(writer: &mut LogWriter, bodies: &[&[u8]], durable: u64) {
    let mut commit = CommitBuffer::default();
    for body in bodies {
        commit.push(&Hash::of(body), |out| out.extend_from_slice(body));
    }
    let next = writer.position().sequence;
    writer
        .append(&mut commit, next, Sequence::new(durable))
        .unwrap();
}

fn append_note(writer: &mut LogWriter, body: &[u8], durable: u64) {
    writer
        .append_note(body, Sequence::new(durable), |active| active.sync())
        .unwrap();
}

fn first_segment() -> PathBuf {
    Path::new(DIR).join(SegmentId::FIRST.file_name())
}

/// Two commits, with notes before, between and after them.
fn noted(fs: &MemFs) -> (LogWriter, Vec<Entry>) {
    let mut writer = create(fs);
    append_note(&mut writer, b"first", 0);
    append(&mut writer, &[b"one", b"two"], 0);
    append_note(&mut writer, b"between", 0);
    append_note(&mut writer, b"", 0);
    append(&mut writer, &[b"three"], 0);
    append_note(&mut writer, b"last", 3);
    let entries = vec![
        note(b"first"),
        commit(0, &[b"one", b"two"]),
        note(b"between"),
        note(b""),
        commit(2, &[b"three"]),
        note(b"last"),
    ];
    (writer, entries)
}

#[test]
fn notes_are_read_where_they_were_written() {
    let fs = MemFs::new();
    let (mut writer, mut entries) = noted(&fs);
    assert_eq!(writer.position().sequence.get(), 3);
    let within = writer.position();
    writer.rotate(&Random::from_seed(4)).unwrap();
    append_note(&mut writer, b"of the second segment", 3);
    append(&mut writer, &[b"four"], 3);
    entries.extend([note(b"of the second segment"), commit(3, &[b"four"])]);
    let end = writer.position();
    drop(writer);
    let (scanned, found) = scan(&fs, None).unwrap();
    assert_eq!((scanned.end(), &found), (end, &entries));
    // From after a note, which ends at the sequence where the commit before it does.
    assert_eq!(scan(&fs, Some(within)).unwrap().1, entries[6..]);
}

#[test]
fn a_note_is_in_the_chain_of_the_log() {
    let fs = MemFs::new();
    let mut writer = create(&fs);
    let base = writer.position().log_hash;
    assert_eq!(base, recorded_log_base(log(&fs).identity()));
    append_note(&mut writer, b"note", 0);
    let after = writer.position();
    assert_eq!(after.sequence, Sequence::ZERO);
    let mut formula = b"strandline/log/note/1".to_vec();
    formula.extend(base.as_bytes());
    formula.extend(Hash::of(b"strandline/note/1note").as_bytes());
    assert_eq!(after.log_hash, Hash::of(&formula));
}

/// Changes the first frame, whose checksums are made right.
fn forged(fs: &MemFs, change: impl FnOnce(&mut Vec<u8>)) -> Result<(), LogError> {
    let path = first_segment();
    let mut bytes = read_file(fs, &path, 1 << 20).unwrap();
    let header = strandline_segment::SegmentHeader::decode("", &bytes[..128]).unwrap();
    change(&mut bytes);
    let sum = header.salt().checksum(128, &bytes[128..192]).0;
    bytes[192..200].copy_from_slice(&sum.to_le_bytes());
    replace_file(fs, &path, &bytes).unwrap();
    let (scanned, _) = scan(fs, None)?;
    match scanned.torn_tail() {
        Some(torn) => Err(LogError::Corrupt {
            file: String::new(),
            offset: u64::from(torn.offset),
            reason: torn.reason.to_owned(),
        }),
        None => Ok(()),
    }
}

#[test]
fn neither_a_commit_nor_a_note_is_taken_for_the_other() {
    const FLAGS: usize = 128 + 26;
    for (is_note, flags, reason) in [
        (true, 0, "does not follow"),
        (false, 1, "digest is not that"),
        (false, 2, "a run has"),
        (false, 4, "does not know"),
        (true, 3, "does not know"),
    ] {
        let fs = MemFs::new();
        let mut writer = create(&fs);
        match is_note {
            true => append_note(&mut writer, b"body", 0),
            false => append(&mut writer, &[b"body"], 0),
        }
        drop(writer);
        forged(&fs, |_| ()).unwrap();
        let error = forged(&fs, |bytes| bytes[FLAGS] = flags).unwrap_err();
        assert!(error.to_string().contains(reason), "{flags}: {error}");
    }
    // With the digest of a note, a commit still is in another domain of the chain.
    let fs = MemFs::new();
    let mut writer = create(&fs);
    let mut buffer = CommitBuffer::default();
    buffer.push(&note_digest(b"body"), |out| out.extend_from_slice(b"body"));
    writer
        .append(&mut buffer, Sequence::ZERO, Sequence::ZERO)
        .unwrap();
    drop(writer);
    let error = forged(&fs, |bytes| bytes[FLAGS] = 1).unwrap_err();
    assert!(error.to_string().contains("does not follow"), "{error}");
}

#[test]
fn a_cut_note_is_a_torn_tail() {
    let fs = MemFs::new();
    let (writer, entries) = noted(&fs);
    let end = writer.position();
    drop(writer);
    let bytes = read_file(&fs, &first_segment(), 1 << 20).unwrap();
    for cut in end.last_frame + 1..end.offset {
        let fs = fs.fork();
        replace_file(&fs, &first_segment(), &bytes[..cut as usize]).unwrap();
        let (scanned, found) = scan(&fs, None).unwrap();
        assert_eq!(found, entries[..5], "{cut}");
        let (mut writer, _, repairs) = scanned
            .into_writer(&strandline_core::Random::from_seed(9))
            .unwrap();
        assert!(repairs.torn_tail_kept_as.is_some());
        append_note(&mut writer, b"again", 3);
        drop(writer);
        assert_eq!(scan(&fs, None).unwrap().1[5..], [note(b"again")]);
    }
}

#[test]
fn a_durable_sequence_does_not_prove_the_note_after_it() {
    let rewritten = |write: fn(&mut LogWriter)| {
        let fs = MemFs::new();
        let mut writer = create(&fs);
        append(&mut writer, &[b"one"], 0);
        write(&mut writer);
        drop(writer);
        let (scanned, _) = scan(&fs, None).unwrap();
        assert_eq!(scanned.proven_durable(), Sequence::new(1));
        scanned
            .into_writer(&strandline_core::Random::from_seed(9))
            .unwrap()
            .2
            .rewritten_bytes
    };
    let note_bytes = (FRAME_HEADER_BYTES + 44 + 4).next_multiple_of(8) as u64;
    let proven_by_itself = rewritten(|writer| append_note(writer, b"note", 1));
    assert_eq!(proven_by_itself, note_bytes);
    let before = rewritten(|writer| {
        append_note(writer, b"note", 0);
        append_note(writer, b"note", 1);
    });
    assert_eq!(before, 2 * note_bytes);
}

/// The first segment with bodies of one byte.
fn shortened(writer: &LogWriter) -> RewrittenSegment {
    let random = Random::from_seed(5);
    let rewrite = writer.rewrite(SegmentId::FIRST, &random).unwrap();
    let rewritten = rewrite.write(|record, out| {
        out.extend(&record.body[..1]);
        Ok::<_, Infallible>(())
    });
    rewritten.unwrap()
}

#[test]
fn notes_stay_in_rewritten_segments_and_copies() {
    let fs = MemFs::new();
    let (mut writer, entries) = noted(&fs);
    writer.rotate(&Random::from_seed(4)).unwrap();
    let switched = writer.switch_to(vec![shortened(&writer)]).unwrap();
    let _ = switched.show();
    append_note(&mut writer, b"in the active one", 3);
    drop(writer);
    let mut expected = entries;
    expected[1] = commit(0, &[b"o", b"t"]);
    expected[4] = commit(2, &[b"t"]);
    expected.push(note(b"in the active one"));
    assert_eq!(scan(&fs, None).unwrap().1, expected);
    let to = Path::new("/copy");
    let copied = log(&fs).copy_to(to, CopyMode::Copy, |_| Ok::<_, Infallible>(()));
    let copy = UncheckedLog::open(shared(&fs), to, options())
        .unwrap()
        .unwrap();
    let mut found = Vec::new();
    let scanned = copy.scan(None, Sequence::ZERO, |frame| {
        found.push(entry(frame));
        Ok::<_, Infallible>(())
    });
    assert_eq!(found, expected);
    assert_eq!(scanned.unwrap().end(), copied.unwrap().end);
}

#[test]
fn a_follower_reads_a_note_at_the_end_of_a_sealed_segment() {
    let fs = MemFs::new();
    let mut writer = create(&fs);
    append(&mut writer, &[b"one"], 0);
    let (_, mut follower) = scan(&fs, None).unwrap().0.into_follower().unwrap();
    append_note(&mut writer, b"at the end", 1);
    writer.rotate(&Random::from_seed(4)).unwrap();
    append(&mut writer, &[b"two"], 1);
    let mut found = Vec::new();
    let position = follower.follow(|frame| {
        found.push(entry(frame));
        Ok::<_, Infallible>(())
    });
    assert_eq!(found, [note(b"at the end"), commit(1, &[b"two"])]);
    assert_eq!(position.unwrap(), writer.position());
}

#[test]
fn a_copy_never_has_a_note_without_the_rewriting_that_it_tells_of() {
    let fs = MemFs::new();
    let (mut writer, mut entries) = noted(&fs);
    writer.rotate(&Random::from_seed(4)).unwrap();
    append(&mut writer, &[b"four"], 3);
    let to = Path::new("/copy");
    let mut pieces = 0;
    let copied = log(&fs).copy_to(to, CopyMode::Copy, |_| {
        pieces += 1;
        if pieces == 1 {
            // The sealed segment was copied, and the active one was not read.
            let switched = writer.switch_to(vec![shortened(&writer)]).unwrap();
            switched.show().remove().unwrap();
            append_note(&mut writer, b"rewritten", 3);
        }
        Ok::<_, Infallible>(())
    });
    let copied = copied.unwrap();
    entries[1] = commit(0, &[b"o", b"t"]);
    entries[4] = commit(2, &[b"t"]);
    entries.extend([commit(3, &[b"four"]), note(b"rewritten")]);
    let copy = UncheckedLog::open(shared(&fs), to, options());
    let mut found = Vec::new();
    let scanned = copy.unwrap().unwrap().scan(None, Sequence::ZERO, |frame| {
        found.push(entry(frame));
        Ok::<_, Infallible>(())
    });
    assert_eq!(found, entries);
    assert_eq!(scanned.unwrap().end(), copied.end);
    let names = fs.list(to).unwrap().into_iter().map(|entry| entry.name);
    let names: Vec<_> = names.collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn an_earlier_program_refuses_a_log_before_it_has_a_note() {
    let fs = MemFs::new();
    drop(create(&fs));
    let path = Path::new(DIR).join(MANIFEST_FILE);
    let mut first = read_file(&fs, &path, 1 << 20).unwrap();
    // As version 1, which has neither a start of the records nor an epoch.
    first[8..12].copy_from_slice(&1_u32.to_le_bytes());
    first.drain(36..61);
    let end = first.len() - 8;
    let sum = Salt::NONE.checksum(0, &first[..end]).0;
    first[end..].copy_from_slice(&sum.to_le_bytes());
    replace_file(&fs, &path, &first).unwrap();
    let read = || Manifest::read(&fs, Path::new(DIR)).unwrap().unwrap();
    assert_eq!(read().unrecorded_before(), None);
    assert_eq!(read().epoch().as_bytes(), read().identity());
    let (mut writer, ..) = scan(&fs, None)
        .unwrap()
        .0
        .into_writer(&strandline_core::Random::from_seed(9))
        .unwrap();
    append(&mut writer, &[b"one", b"two"], 0);
    assert_eq!(read().unrecorded_before(), None);
    append_note(&mut writer, b"note", 0);
    // What was written since the opening was written by a program that records.
    assert_eq!(read().unrecorded_before(), Some(Sequence::ZERO));
    assert_eq!(read_file(&fs, &path, 1 << 20).unwrap()[8], 2);
}
