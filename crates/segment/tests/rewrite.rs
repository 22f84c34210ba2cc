//! Rewriting sealed segments: what stays, what views keep, and what openings clean up.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use strandline_core::fs::{Fs, FsFile, FsLayer, MemFs, OpenMode};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CommitBuffer, CopiedLog, CopyMode, LogError, LogOptions, LogReader, LogWriter, RecordPosition,
    RewrittenSegment, ScanError, SealedSegment, SegmentId, UncheckedLog,
};

const DIR: &str = "/log";
const FIRST: SegmentId = SegmentId::FIRST;

fn options() -> LogOptions {
    LogOptions::default().segment_bytes_max(64 << 10)
}

fn open(fs: &MemFs) -> Option<UncheckedLog> {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    UncheckedLog::open(fs, Path::new(DIR), options()).unwrap()
}

/// A record: sequence and body.
type Record = (u64, Vec<u8>);

/// Every record, the log's writer and reader, and what the opening removed of rewritings.
fn reopen(fs: &MemFs) -> (Vec<Record>, LogWriter, LogReader, Vec<String>) {
    let log = open(fs).unwrap_or_else(|| {
        let fs: Arc<dyn Fs> = Arc::new(fs.clone());
        UncheckedLog::create(fs, Path::new(DIR), options(), &Random::from_seed(3)).unwrap()
    });
    let mut records = Vec::new();
    let scanned = log.scan(None, Sequence::ZERO, |frame| {
        let of_frame = frame.records();
        records.extend(of_frame.map(|record| (record.sequence.get(), record.body.to_vec())));
        Ok::<_, Infallible>(())
    });
    let (writer, reader, repairs) = scanned.unwrap().into_writer(&Random::from_seed(9)).unwrap();
    (records, writer, reader, repairs.removed_superseded)
}

fn append(writer: &mut LogWriter, bodies: &[&[u8]]) -> Vec<RecordPosition> {
    let mut commit = CommitBuffer::default();
    for body in bodies {
        commit.push(&Hash::of(body), |out| out.extend_from_slice(body));
    }
    let sequence = writer.position().sequence;
    let appended = writer
        .append(&mut commit, sequence, Sequence::ZERO)
        .unwrap();
    commit.positions(appended.start).collect()
}

/// A log whose first segment is sealed and has two commits.
fn sealed(fs: &MemFs) -> (LogWriter, LogReader, Vec<RecordPosition>, SealedSegment) {
    let (_, mut writer, reader, _) = reopen(fs);
    let mut positions = append(&mut writer, &[b"one", b"two"]);
    positions.extend(append(&mut writer, &[b"three"]));
    let segment = writer.rotate(&Random::from_seed(4)).unwrap();
    append(&mut writer, &[b"four"]);
    (writer, reader, positions, segment)
}

/// The first segment with shorter bodies.
fn shorter(writer: &LogWriter) -> RewrittenSegment {
    let rewrite = writer.rewrite(FIRST, &Random::from_seed(5)).unwrap();
    let written = rewrite.write(|record, out| {
        out.push(record.body[0]);
        Ok::<_, Infallible>(())
    });
    written.unwrap()
}

fn names(fs: &MemFs) -> Vec<String> {
    let mut names: Vec<_> = fs.list(Path::new(DIR)).unwrap();
    names.retain(|entry| entry.name.starts_with("segment-"));
    names.into_iter().map(|entry| entry.name).collect()
}

#[test]
fn a_rewritten_segment_has_other_bodies_and_the_same_chain() {
    let fs = MemFs::new();
    let (mut writer, reader, old_positions, segment) = sealed(&fs);
    let before = reader.view();
    let rewritten = shorter(&writer);
    let (old, new) = (*segment.info(), *rewritten.info());
    assert_eq!(old.start(), new.start());
    let (old_end, new_end) = (old.end().unwrap(), new.end().unwrap());
    assert_eq!(
        (old_end.sequence, old_end.log_hash),
        (new_end.sequence, new_end.log_hash)
    );
    assert!(new_end.offset < old_end.offset);
    let mut positions = Vec::new();
    let frames = rewritten.sealed().frames().unwrap();
    let visited = frames.visit(|frame| {
        positions.extend(frame.records().map(|record| record.position));
        Ok::<_, Infallible>(())
    });
    visited.unwrap();

    let superseded = writer.switch_to(vec![rewritten]).unwrap().show();
    assert_eq!(superseded.len(), 1);
    superseded.remove().unwrap();
    let view = reader.view();
    assert_eq!(view.read(positions[1]).unwrap().body, b"t");
    assert_eq!(view.read(positions[1]).unwrap().digest, Hash::of(b"two"));
    assert!(view.read(old_positions[1]).is_err());
    assert_eq!(before.read(old_positions[1]).unwrap().body, b"two");
    assert!(before.read(positions[1]).is_err());

    append(&mut writer, &[b"five"]);
    drop(writer);
    let (records, _, _, removed) = reopen(&fs);
    let bodies: Vec<_> = records.iter().map(|(_, body)| body.as_slice()).collect();
    assert_eq!(bodies, [b"o" as &[u8], b"t", b"t", b"four", b"five"]);
    let sequences: Vec<_> = records.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, [0, 1, 2, 3, 4]);
    assert!(removed.is_empty());
    assert_eq!(
        names(&fs),
        [
            "segment-0000000001-0000000001.log",
            "segment-0000000002-0000000001.log"
        ],
        "the active one was carried into a new file"
    );
}

#[test]
fn a_segment_can_be_rewritten_again() {
    let fs = MemFs::new();
    let (mut writer, _, _, _) = sealed(&fs);
    for generation in 1..=2 {
        let rewritten = shorter(&writer);
        assert_eq!(rewritten.info().header().generation, generation);
        writer
            .switch_to(vec![rewritten])
            .unwrap()
            .show()
            .remove()
            .unwrap();
    }
    drop(writer);
    assert_eq!(reopen(&fs).0.len(), 4);
}

#[test]
fn files_of_an_interrupted_rewriting_are_removed() {
    let fs = MemFs::new();
    let (mut writer, _, _, _) = sealed(&fs);
    // Ended before the switch: as if nothing had been written.
    std::mem::forget(shorter(&writer));
    assert_eq!(names(&fs).len(), 3);
    drop(writer);
    let (records, reopened, _, removed) = reopen(&fs);
    writer = reopened;
    assert_eq!(records[1].1, b"two");
    assert_eq!(removed, ["segment-0000000001-0000000001.log"]);

    // Ended after the switch: the old file goes, and is not kept in the quarantine.
    let _ = writer.switch_to(vec![shorter(&writer)]).unwrap().show();
    assert_eq!(names(&fs).len(), 3);
    drop(writer);
    let (records, _, _, removed) = reopen(&fs);
    assert_eq!(records[1].1, b"t");
    assert_eq!(removed, ["segment-0000000001.log"]);
    assert_eq!(names(&fs).len(), 2);
    assert!(fs.list(Path::new("/log/quarantine")).is_err());
}

#[test]
fn a_segment_is_rewritten_once_at_a_time() {
    let fs = MemFs::new();
    let (mut writer, _, _, _) = sealed(&fs);
    let first = shorter(&writer);
    let again = |writer: &LogWriter| writer.rewrite(FIRST, &Random::from_seed(5)).map(drop);
    let refused = again(&writer).unwrap_err();
    assert!(matches!(refused, LogError::BeingRewritten { .. }));
    writer
        .switch_to(vec![first])
        .unwrap()
        .show()
        .remove()
        .unwrap();
    again(&writer).unwrap();
    drop(shorter(&writer));
    again(&writer).unwrap();
    assert_eq!(names(&fs).len(), 2);
}

#[test]
fn an_error_of_the_caller_leaves_nothing() {
    let fs = MemFs::new();
    let (writer, _, _, _) = sealed(&fs);
    let rewrite = writer.rewrite(FIRST, &Random::from_seed(5)).unwrap();
    assert!(rewrite.write(|_, _| Err("no")).is_err());
    assert_eq!(names(&fs).len(), 2);
    let active = SegmentId::new(2);
    assert!(matches!(
        writer.rewrite(active, &Random::from_seed(5)),
        Err(LogError::SegmentMissing { .. })
    ));
}

#[test]
fn a_follower_goes_on_past_a_segment_that_was_rewritten() {
    let fs = MemFs::new();
    let (_, mut writer, _, _) = reopen(&fs);
    append(&mut writer, &[b"one"]);
    let scanned = open(&fs)
        .unwrap()
        .scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let (_, mut follower) = scanned.unwrap().into_follower().unwrap();
    // In the segment that it reads, after where it is.
    append(&mut writer, &[b"two"]);
    writer.rotate(&Random::from_seed(4)).unwrap();
    append(&mut writer, &[b"three"]);
    writer
        .switch_to(vec![shorter(&writer)])
        .unwrap()
        .show()
        .remove()
        .unwrap();
    let mut bodies = Vec::new();
    let followed = follower.follow(|frame| {
        bodies.extend(frame.records().map(|record| record.body.to_vec()));
        Ok::<_, Infallible>(())
    });
    assert_eq!(followed.unwrap().sequence, Sequence::new(3));
    assert_eq!(bodies, [b"two".to_vec(), b"three".to_vec()]);
}

/// What a follower is told that had read `before`, of which the next writer carried the segment into another
/// file, went on in that, sealed it and gave its records the bodies `after`. A record that it had read is there
/// still, whatever it is told.
fn follow_carried_and_rewritten(before: [&[u8]; 4], after: [&[u8]; 4]) -> Result<(), LogError> {
    let fs = MemFs::new();
    let (_, mut writer, _, _) = reopen(&fs);
    let mut positions = append(&mut writer, &before[..3]);
    positions.extend(append(&mut writer, &before[3..]));
    let scanned = open(&fs)
        .unwrap()
        .scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let (reader, mut follower) = scanned.unwrap().into_follower().unwrap();
    drop(writer);
    let (_, mut writer, _, _) = reopen(&fs);
    append(&mut writer, &[b"more"]);
    writer.rotate(&Random::from_seed(4)).unwrap();
    append(&mut writer, &[b"active"]);
    let rewrite = writer.rewrite(FIRST, &Random::from_seed(5)).unwrap();
    let mut bodies = after.iter();
    let rewritten = rewrite.write(|record, out| {
        out.extend_from_slice(bodies.next().unwrap_or(&record.body));
        Ok::<_, Infallible>(())
    });
    let switched = writer.switch_to(vec![rewritten.unwrap()]).unwrap();
    switched.show().remove().unwrap();
    let followed = match follower.follow(|_| Ok::<_, Infallible>(())) {
        Ok(end) => {
            assert_eq!(end.sequence, Sequence::new(6));
            Ok(())
        }
        Err(ScanError::Log(error)) => Err(error),
        Err(ScanError::Visit(never)) => match never {},
    };
    for (position, body) in positions.into_iter().zip(before) {
        let found = reader.view().read(position).unwrap();
        assert_eq!((found.digest, &*found.body), (Hash::of(body), body));
    }
    followed
}

/// A follower took a rewritten file for a copy of its own, as its last frame stood there where it had stood. Of
/// the records that it had read some were not there any more, and in the place of one was another.
#[test]
fn a_follower_takes_no_rewritten_file_for_a_copy() {
    let [long, half, twice] = [100, 28, 244].map(|length| vec![b'x'; length]);
    let before: [&[u8]; 4] = [&long, &long, &long, b"last"];
    let rewritings: [[&[u8]; 4]; 4] = [
        // Within the padding of their frame.
        [&long[1..], &long, &long, b"last"],
        // The third one begins where the second one did.
        [&half, &half, &twice, b"last"],
        // Other bodies, as long.
        [&[b'y'; 100], &long, &long, b"last"],
        [&long, &long, &long, b"LAST"],
    ];
    for after in rewritings {
        let told = follow_carried_and_rewritten(before, after).unwrap_err();
        assert!(matches!(told, LogError::OtherCourse { .. }), "{told}");
    }
    follow_carried_and_rewritten(before, before).unwrap();
}

type Hook = Box<dyn FnMut() + Send>;

/// Calls a hook before the file of the second segment is opened.
struct Hooked(MemFs, Mutex<Option<Hook>>);

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooked")
    }
}

impl FsLayer for Hooked {
    fn below(&self) -> &dyn Fs {
        &self.0
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        if path.to_string_lossy().contains("segment-0000000002")
            && let Some(hook) = &mut *self.1.lock().unwrap()
        {
            hook();
        }
        self.0.open(path, mode)
    }
}

/// What a follower reads that meets a second segment which is rewritten `times` times, each time
/// between its reading of the manifest and its opening of the file.
fn follow_rewritten(times: u32) -> Result<Vec<Vec<u8>>, LogError> {
    let fs = MemFs::new();
    let (_, mut writer, _, _) = reopen(&fs);
    append(&mut writer, &[b"one"]);
    let hooked = Arc::new(Hooked(fs.clone(), Mutex::new(None)));
    let log = UncheckedLog::open(hooked.clone(), Path::new(DIR), options());
    let scanned = log
        .unwrap()
        .unwrap()
        .scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let (_, mut follower) = scanned.unwrap().into_follower().unwrap();
    for body in [b"two", b"six"] {
        writer.rotate(&Random::from_seed(4)).unwrap();
        append(&mut writer, &[body]);
    }
    let mut left = times;
    *hooked.1.lock().unwrap() = Some(Box::new(move || {
        if left > 0 {
            left -= 1;
            let rewrite = writer.rewrite(SegmentId::new(2), &Random::from_seed(5));
            let rewritten = rewrite.unwrap().write(|_, out| {
                out.push(b't');
                Ok::<_, Infallible>(())
            });
            let switched = writer.switch_to(vec![rewritten.unwrap()]).unwrap();
            switched.show().remove().unwrap();
        }
    }));
    let mut bodies = Vec::new();
    let followed = follower.follow(|frame| {
        bodies.extend(frame.records().map(|record| record.body.to_vec()));
        Ok::<_, Infallible>(())
    });
    match followed {
        Ok(_) => Ok(bodies),
        Err(ScanError::Log(error)) => Err(error),
        Err(ScanError::Visit(never)) => match never {},
    }
}

#[test]
fn a_follower_meets_a_segment_that_is_being_rewritten() {
    for times in [1, 3] {
        let bodies = follow_rewritten(times).unwrap();
        assert_eq!(bodies, [b"t".to_vec(), b"six".to_vec()]);
    }
    // Not for ever.
    let given_up = follow_rewritten(u32::MAX).unwrap_err();
    assert!(matches!(given_up, LogError::Corrupt { .. }), "{given_up}");
}

#[test]
fn a_follower_says_that_the_next_segment_is_missing() {
    let fs = MemFs::new();
    let (_, mut writer, _, _) = reopen(&fs);
    let scanned = open(&fs)
        .unwrap()
        .scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let (_, mut follower) = scanned.unwrap().into_follower().unwrap();
    append(&mut writer, &[b"one"]);
    writer.rotate(&Random::from_seed(4)).unwrap();
    let second = SegmentId::new(2).file_name();
    fs.remove_file(&Path::new(DIR).join(second)).unwrap();
    let missing = follower.follow(|_| Ok::<_, Infallible>(())).unwrap_err();
    assert!(matches!(
        missing,
        ScanError::Log(LogError::SegmentMissing { .. })
    ));
}

#[test]
fn a_copy_that_was_rewritten_is_not_replaced() {
    let fs = MemFs::new();
    let (mut writer, _, _, _) = sealed(&fs);
    let target = Path::new("/copy");
    let copy = || -> Result<CopiedLog, ScanError<Infallible>> {
        let log = open(&fs).unwrap();
        log.copy_to(target, CopyMode::Copy, |_| Ok(()))
    };
    copy().unwrap();
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let log = UncheckedLog::open(shared, target, options()).unwrap();
    let scanned = log
        .unwrap()
        .scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let (mut of_copy, _, _) = scanned.unwrap().into_writer(&Random::from_seed(9)).unwrap();
    let switched = of_copy.switch_to(vec![shorter(&of_copy)]).unwrap();
    switched.show().remove().unwrap();
    drop(of_copy);
    // So that the target's manifest is not the newer one.
    for _ in 0..2 {
        writer.rotate(&Random::from_seed(6)).unwrap();
        append(&mut writer, &[b"more"]);
    }
    let names = || fs.list(target).unwrap().len();
    let before = names();
    let refused = copy().unwrap_err().to_string();
    assert!(
        refused.contains("was written to after it was copied"),
        "{refused}"
    );
    assert_eq!(names(), before);

    // The other way around it is brought up to date.
    let fresh = Path::new("/fresh");
    let log = || open(&fs).unwrap();
    let bring = || log().copy_to(fresh, CopyMode::Copy, |_| Ok::<_, Infallible>(()));
    bring().unwrap();
    let switched = writer.switch_to(vec![shorter(&writer)]).unwrap();
    switched.show().remove().unwrap();
    assert_eq!(bring().unwrap().kept, 3, "the active one too");
}
