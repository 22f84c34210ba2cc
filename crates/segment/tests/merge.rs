//! Merging sealed segments: one file with the commits of all, and numbers that are left out.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{Fs, MemFs};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CommitBuffer, LogError, LogFollower, LogOptions, LogPosition, LogReader, LogWriter,
    MANIFEST_FILE, Manifest, RewrittenSegment, SegmentId, UncheckedLog,
};

const DIR: &str = "/log";

fn open(fs: &MemFs, options: LogOptions) -> UncheckedLog {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    let log = UncheckedLog::open(fs.clone(), Path::new(DIR), options.clone()).unwrap();
    log.unwrap_or_else(|| {
        UncheckedLog::create(fs, Path::new(DIR), options, &Random::from_seed(3)).unwrap()
    })
}

/// The bodies of the log, its end, and its writer and reader.
fn reopen(fs: &MemFs) -> (Vec<Vec<u8>>, LogPosition, LogWriter, LogReader, Vec<String>) {
    let mut bodies = Vec::new();
    let scanned = open(fs, LogOptions::default()).scan(None, Sequence::ZERO, |frame| {
        bodies.extend(frame.records().map(|record| record.body.to_vec()));
        Ok::<_, Infallible>(())
    });
    let scanned = scanned.unwrap();
    let end = scanned.end();
    let (writer, reader, repairs) = scanned.into_writer(&Random::from_seed(9)).unwrap();
    assert!(repairs.set_aside.is_empty(), "{repairs:?}");
    (bodies, end, writer, reader, repairs.removed_superseded)
}

fn append(writer: &mut LogWriter, body: &[u8]) {
    let mut commit = CommitBuffer::default();
    commit.push(&Hash::of(body), |out| out.extend_from_slice(body));
    let sequence = writer.position().sequence;
    let appended = writer.append(&mut commit, sequence, sequence);
    appended.unwrap();
}

/// Appends a commit and a note, and seals the segment.
fn seal(writer: &mut LogWriter, body: &[u8]) {
    append(writer, body);
    let durable = writer.position().sequence;
    writer
        .append_note(body, durable, |sync| sync.sync())
        .unwrap();
    writer.rotate(&Random::from_seed(4)).unwrap();
}

/// A log of four sealed segments and an active one.
fn four(fs: &MemFs) -> (LogWriter, LogReader) {
    let (_, _, mut writer, reader, _) = reopen(fs);
    for body in [b"one", b"two", b"six", b"ten"] {
        seal(&mut writer, body);
    }
    append(&mut writer, b"end");
    (writer, reader)
}

fn merged(writer: &LogWriter, first: u32, last: u32) -> RewrittenSegment {
    let range = SegmentId::new(first)..=SegmentId::new(last);
    let merge = writer.merge(range, &Random::from_seed(5)).unwrap();
    let written = merge.write(|record, out| {
        out.push(record.body[0]);
        Ok::<_, Infallible>(())
    });
    written.unwrap()
}

fn switch(writer: &mut LogWriter, merged: RewrittenSegment) {
    let switched = writer.switch_to(vec![merged]).unwrap();
    switched.show().remove().unwrap();
}

fn names(fs: &MemFs) -> Vec<String> {
    let entries = fs.list(Path::new(DIR)).unwrap().into_iter();
    let names = entries.map(|entry| entry.name);
    names.filter(|name| name.starts_with("segment-")).collect()
}

/// The version of the MANIFEST, and the numbers of the segments in it.
fn listed(fs: &MemFs) -> (u8, Vec<u32>) {
    let bytes = strandline_core::fs::read_file(fs, &Path::new(DIR).join(MANIFEST_FILE), 1 << 20);
    let manifest = Manifest::read(fs, Path::new(DIR)).unwrap().unwrap();
    let ids = manifest.segments().iter().map(|info| info.id().get());
    (bytes.unwrap()[8], ids.collect())
}

#[test]
fn merged_segments_are_one_with_the_same_chain() {
    let fs = MemFs::new();
    let (mut writer, reader) = four(&fs);
    let (before, end) = (reader.view(), writer.position());
    assert_eq!(listed(&fs), (2, vec![1, 2, 3, 4, 5]));
    let new = merged(&writer, 2, 4);
    assert_eq!(
        new.replaces().map(SegmentId::get).collect::<Vec<_>>(),
        [2, 3, 4]
    );
    // What is being merged is not rewritten beside that.
    let refused = writer.rewrite(SegmentId::new(3), &Random::from_seed(1));
    assert!(matches!(
        refused.unwrap_err(),
        LogError::BeingRewritten { .. }
    ));
    switch(&mut writer, new);
    assert_eq!(listed(&fs), (3, vec![1, 2, 5]));
    assert_eq!(reader.view().segments(), 3);
    assert_eq!(writer.position(), end);
    let all = |view: &strandline_segment::LogView| {
        let (mut bodies, mut notes) = (Vec::new(), 0);
        let scanned = view.scan_written(|frame| {
            bodies.extend(frame.records().map(|record| record.body.to_vec()));
            notes += usize::from(frame.note().is_some());
            Ok::<_, Infallible>(())
        });
        scanned.unwrap();
        (bodies.concat(), notes)
    };
    assert_eq!(all(&before), (b"onetwosixtenend".to_vec(), 4));
    assert_eq!(all(&reader.view()), (b"onetstend".to_vec(), 4));
    append(&mut writer, b"new");
    let end = writer.position();
    drop(writer);
    let (bodies, found, mut writer, _, removed) = reopen(&fs);
    assert_eq!(bodies.concat(), b"onetstendnew");
    assert_eq!(
        (found.sequence, found.log_hash),
        (end.sequence, end.log_hash)
    );
    assert!(removed.is_empty());
    // What was merged is merged again, with the one before.
    let new = merged(&writer, 1, 2);
    switch(&mut writer, new);
    assert_eq!(listed(&fs), (3, vec![1, 5]));
    drop(writer);
    let (bodies, found, ..) = reopen(&fs);
    assert_eq!(bodies.concat(), b"otstendnew");
    assert_eq!(
        (found.sequence, found.log_hash),
        (end.sequence, end.log_hash)
    );
}

#[test]
fn files_of_an_interrupted_merge_are_removed() {
    let fs = MemFs::new();
    let (writer, _) = four(&fs);
    std::mem::forget(merged(&writer, 1, 3));
    drop(writer);
    let (bodies, _, mut writer, _, removed) = reopen(&fs);
    assert_eq!(bodies.concat(), b"onetwosixtenend");
    assert_eq!(removed, ["segment-0000000001-0000000001.log"]);
    // The old files stay after the switch.
    let new = merged(&writer, 1, 3);
    let _ = writer.switch_to(vec![new]).unwrap().show();
    drop(writer);
    let (bodies, .., removed) = reopen(&fs);
    assert_eq!(bodies.concat(), b"otstenend");
    let old = [1, 2, 3].map(|id| SegmentId::new(id).file_name());
    assert_eq!(removed, old);
    assert_eq!(names(&fs).len(), 3);
    assert!(fs.list(Path::new("/log/quarantine")).is_err());
}

#[test]
fn a_position_in_a_merged_segment_says_no_more_than_its_sequence() {
    let fs = MemFs::new();
    let (mut writer, reader) = four(&fs);
    let of_third = reader.view().infos().nth(2).unwrap().end().unwrap();
    let new = merged(&writer, 2, 4);
    switch(&mut writer, new);
    drop(writer);
    let mut log = open(&fs, LogOptions::default());
    log.note_durable(&of_third).unwrap();
    let beyond = LogPosition {
        sequence: Sequence::new(9),
        ..of_third
    };
    assert!(log.check_position(&beyond).is_err());
    let elsewhere = LogPosition {
        segment: SegmentId::new(7),
        ..of_third
    };
    assert!(log.check_position(&elsewhere).is_err());
    // It cannot be read from.
    let read = log.scan(Some(of_third), Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    assert!(read.is_err());
}

fn follower(fs: &MemFs) -> LogFollower {
    let log = open(fs, LogOptions::default().beside_writer());
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    scanned.unwrap().into_follower().unwrap().1
}

fn follow(follower: &mut LogFollower) -> Result<Vec<u8>, LogError> {
    let mut bodies = Vec::new();
    let followed = follower.follow(|frame| {
        bodies.extend(frame.records().flat_map(|record| record.body.to_vec()));
        Ok::<_, Infallible>(())
    });
    match followed {
        Ok(_) => Ok(bodies),
        Err(strandline_segment::ScanError::Log(error)) => Err(error),
        Err(strandline_segment::ScanError::Visit(never)) => match never {},
    }
}

#[test]
fn a_follower_goes_on_after_what_was_merged() {
    let fs = MemFs::new();
    let (mut writer, _) = four(&fs);
    let mut reader = follower(&fs);
    let mut late = follower(&fs);
    for (number, last) in (5..8).zip(["b", "c", "d"]) {
        append(&mut writer, b"a");
        seal(&mut writer, last.as_bytes());
        let new = merged(&writer, if number == 5 { 3 } else { 1 }, number);
        reader.check().unwrap();
        switch(&mut writer, new);
        reader.check().unwrap();
        append(&mut writer, b"e");
        let expected = format!("a{last}e");
        assert_eq!(follow(&mut reader).unwrap(), expected.as_bytes());
        assert_eq!(reader.position(), writer.position());
    }
    let refused = follow(&mut late).unwrap_err();
    assert!(matches!(refused, LogError::OtherCourse { .. }), "{refused}");
}
