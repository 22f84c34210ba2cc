//! What is not proven durable is carried into a new file when the log is opened to be written to.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{Fault, FaultFs, Fs, FsFile, MemFs, OpenMode, Operation};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CarriedBodies, CommitBuffer, FrameRecord, LogError, LogFollower, LogOptions, LogReader,
    LogWriter, Manifest, Repairs, ScanError, ScannedLog, UncheckedLog,
};

const DIR: &str = "/log";
const FIRST: &str = "segment-0000000001.log";
/// Frames of 1,024 bytes.
const BODY_BYTES: usize = 1024 - 72 - 44;
/// Of 64 KiB, so 8 KiB of proven frames are a long part.
const LONG: u64 = 12;

fn options() -> LogOptions {
    LogOptions::default().segment_bytes_max(64 << 10)
}

fn random() -> Random {
    Random::from_os().unwrap()
}

fn scan(fs: Arc<dyn Fs>) -> (ScannedLog, Vec<Vec<u8>>) {
    let log = UncheckedLog::open(fs.clone(), Path::new(DIR), options()).unwrap();
    let log = log
        .unwrap_or_else(|| UncheckedLog::create(fs, Path::new(DIR), options(), &random()).unwrap());
    let mut bodies = Vec::new();
    let scanned = log.scan(None, Sequence::ZERO, |frame| {
        bodies.extend(frame.records().map(|record| record.body.to_vec()));
        Ok::<_, Infallible>(())
    });
    (scanned.unwrap(), bodies)
}

fn bodies(fs: &MemFs) -> Vec<Vec<u8>> {
    scan(Arc::new(fs.clone())).1
}

/// Bodies as they are.
#[derive(Debug, Default)]
struct Same {
    stay: usize,
    carried: usize,
    added_bytes: usize,
}

impl CarriedBodies for Same {
    type Error = Infallible;

    fn stays(&mut self, _: &FrameRecord<'_>) -> Result<(), Infallible> {
        self.stay += 1;
        Ok(())
    }

    fn carried(&mut self, record: &FrameRecord<'_>, out: &mut Vec<u8>) -> Result<(), Infallible> {
        self.carried += 1;
        out.extend_from_slice(record.body);
        out.resize(out.len() + self.added_bytes, b'+');
        Ok(())
    }
}

/// Opens to write as a store does.
fn try_open(fs: Arc<dyn Fs>) -> Result<(LogWriter, LogReader, Repairs), LogError> {
    let (mut scanned, _) = scan(fs.clone());
    if scanned.has_long_proven_part()? {
        return match scanned.carry_tail(None, &random(), &mut Same::default()) {
            Ok(Some(repairs)) => {
                let (writer, reader, then) = scan(fs).0.into_writer(&random())?;
                assert_eq!(
                    then,
                    Repairs::default(),
                    "everything is proven durable then"
                );
                Ok((writer, reader, repairs))
            }
            Ok(None) => panic!("it fits"),
            Err(ScanError::Log(error)) => Err(error),
            Err(ScanError::Visit(never)) => match never {},
        };
    }
    scanned.into_writer(&random())
}

fn open(fs: &MemFs) -> (LogWriter, LogReader, Repairs) {
    try_open(Arc::new(fs.clone())).unwrap()
}

/// Appends `count` commits. With `synced`, each says that those before it are durable.
fn append(writer: &mut LogWriter, count: u64, synced: bool) {
    for _ in 0..count {
        let next = writer.position().sequence;
        let mut body = next.to_string().into_bytes();
        body.resize(BODY_BYTES, b'.');
        let mut commit = CommitBuffer::default();
        commit.push(&Hash::of(&body), |out| out.extend_from_slice(&body));
        let durable = if synced { next } else { Sequence::ZERO };
        writer.append(&mut commit, next, durable).unwrap();
    }
}

/// A log as a killed process leaves it: `proven` commits proven durable, `more` not.
fn killed(proven: u64, more: u64) -> MemFs {
    let fs = MemFs::new();
    let (mut writer, _, _) = open(&fs);
    append(&mut writer, proven + u64::from(proven > 0), true);
    append(&mut writer, more - u64::from(proven > 0), false);
    let killed = fs.fork();
    drop(writer);
    killed
}

fn numbers(bodies: &[Vec<u8>]) -> Vec<u64> {
    let number = |body: &Vec<u8>| {
        let text = String::from_utf8(body.clone()).unwrap();
        text.trim_end_matches(['.', '+']).parse().unwrap()
    };
    bodies.iter().map(number).collect()
}

fn names(fs: &MemFs) -> Vec<String> {
    let all = fs.list(Path::new(DIR)).unwrap().into_iter();
    let mut names: Vec<_> = all.map(|entry| entry.name).collect();
    names.retain(|name| name != "MANIFEST");
    names
}

fn file(fs: &MemFs, name: &str) -> Arc<dyn FsFile> {
    fs.open(&Path::new(DIR).join(name), OpenMode::Read).unwrap()
}

fn all_bytes(file: &dyn FsFile) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_up_to(&mut bytes, 0).unwrap();
    bytes
}

/// Opening rewrote the tail in the file that it stood in, and a failed sync had marked those blocks:
/// what was appended after it stood behind a gap on the disk.
#[test]
fn the_file_of_an_unproven_tail_is_never_written_again() {
    for (proven, more) in [(0, 0), (0, 5), (2, 3), (LONG, 1), (LONG, 7)] {
        let fs = killed(proven, more);
        let old = file(&fs, FIRST);
        let before = all_bytes(&*old);
        let (mut writer, reader, repairs) = open(&fs);
        if (proven, more) == (0, 0) {
            assert_eq!(repairs, Repairs::default(), "nothing is there");
            continue;
        }
        assert_eq!(repairs.rewritten_bytes, more * 1024);
        let is_whole = proven < LONG;
        let expected: &[&str] = match is_whole {
            true => &["segment-0000000001-0000000001.log"],
            false => &[FIRST, "segment-0000000002.log"],
        };
        assert_eq!(names(&fs), expected);
        assert_eq!(repairs.carried_to.as_deref(), expected.last().copied());
        assert_eq!(repairs.carried_from.is_some(), is_whole);
        append(&mut writer, 30, true);
        writer.active().sync().unwrap();
        assert_eq!(reader.view().segments(), expected.len());
        drop(writer);
        assert_eq!(all_bytes(&*old), before, "{proven} and {more}");
        assert!(numbers(&bodies(&fs)).into_iter().eq(0..proven + more + 30));
    }
}

#[test]
fn what_was_carried_is_proven_and_gone_on_with() {
    for proven in [0, LONG] {
        let fs = killed(proven, 4);
        let (writer, _, _) = open(&fs);
        drop(writer);
        let before = names(&fs);
        let (_, _, again) = open(&fs);
        assert_eq!(again, Repairs::default());
        assert_eq!(names(&fs), before);
        let (scanned, _) = scan(Arc::new(fs));
        assert_eq!(scanned.proven_durable(), Sequence::new(proven + 4));
    }
}

#[test]
fn space_that_was_set_aside_and_a_second_name_are_reasons_to_carry() {
    let fs = killed(0, 3);
    drop(open(&fs));
    let name = names(&fs)[0].clone();
    let path = Path::new(DIR).join(&name);
    let longer = fs.fork();
    let end = file(&longer, &name).len().unwrap();
    let open_file = longer.open(&path, OpenMode::Append { end }).unwrap();
    open_file.set_len(end + 4096).unwrap();
    let linked = fs.fork();
    linked.link(&path, Path::new("/log/other")).unwrap();
    for fs in [longer, linked] {
        let (_, _, repairs) = open(&fs);
        assert_eq!(repairs.carried_from.as_deref(), Some(name.as_str()));
        assert_eq!(repairs.rewritten_bytes, 0, "all of it was proven durable");
        assert_eq!(numbers(&bodies(&fs)), [0, 1, 2]);
    }
}

#[test]
fn a_tail_that_grows_too_long_is_carried_with_its_segment() {
    let fs = killed(LONG, 4);
    let (mut scanned, _) = scan(Arc::new(fs.clone()));
    assert!(scanned.has_long_proven_part().unwrap());
    let mut bodies_that_grow = Same {
        added_bytes: 32 << 10,
        ..Same::default()
    };
    let carried = scanned.carry_tail(None, &random(), &mut bodies_that_grow);
    assert!(carried.unwrap().is_none());
    assert_eq!(names(&fs), [FIRST], "nothing is left of it");
    let (_, _, repairs) = scanned.into_writer(&random()).unwrap();
    assert_eq!(repairs.rewritten_bytes, 4 * 1024);
    assert_eq!(names(&fs), ["segment-0000000001-0000000001.log"]);
    assert!(numbers(&bodies(&fs)).into_iter().eq(0..LONG + 4));
}

#[test]
fn what_stays_is_told_before_what_is_carried() {
    let fs = killed(LONG, 4);
    let (mut scanned, _) = scan(Arc::new(fs));
    let mut told = Same::default();
    scanned
        .carry_tail(None, &random(), &mut told)
        .unwrap()
        .unwrap();
    assert_eq!((told.stay, told.carried), (12, 4));
}

/// The bytes after the end of a segment that was sealed where it was proven durable are no footer, torn
/// or not.
#[test]
fn frames_behind_a_sealed_segment_are_no_footer() {
    for torn in [false, true] {
        let fs = killed(LONG, 4);
        if torn {
            let old = Path::new(DIR).join(FIRST);
            let bytes = all_bytes(&*file(&fs, FIRST));
            fs.remove_file(&old).unwrap();
            let cut = fs.open(&old, OpenMode::Create).unwrap();
            cut.write_all_at(&bytes[..bytes.len() - 3500], 0).unwrap();
        }
        let shared: Arc<dyn Fs> = Arc::new(fs.clone());
        let log = UncheckedLog::open(shared, Path::new(DIR), options()).unwrap();
        // As a checkpoint says.
        let proven = Sequence::new(LONG);
        let scanned = log.unwrap().scan(None, proven, |_| Ok::<_, Infallible>(()));
        let carried = scanned
            .unwrap()
            .carry_tail(None, &random(), &mut Same::default());
        let repairs = carried.unwrap().unwrap();
        assert_eq!(repairs.torn_tail_kept_as.is_some(), torn);
        let log = UncheckedLog::open(Arc::new(fs), Path::new(DIR), options());
        let log = log.unwrap().unwrap();
        let first = log.segments()[0];
        assert_eq!(first.end().unwrap().sequence, Sequence::new(LONG));
        assert!(log.footer(first.id()).unwrap().is_none());
    }
}

/// Cut short after any operation, an opening leaves all events to the next, and no file that is nobody's.
#[test]
fn an_opening_that_is_cut_short_anywhere_is_completed_by_the_next() {
    let operations = [
        Operation::Write,
        Operation::Sync,
        Operation::Create,
        Operation::Rename,
        Operation::SyncDir,
    ];
    for (proven, operation) in [0, LONG]
        .into_iter()
        .flat_map(|proven| operations.map(|operation| (proven, operation)))
    {
        let mut failed = 0;
        for after in 0.. {
            let mem = killed(proven, 4);
            let fs = FaultFs::new(Arc::new(mem.clone()));
            fs.fail(
                operation,
                Fault {
                    after,
                    times: u64::MAX,
                    error: io::ErrorKind::Other,
                    partial_bytes: 100,
                },
            );
            let opened = try_open(Arc::new(fs));
            let is_open = opened.is_ok();
            let mem = mem.fork();
            assert!(numbers(&bodies(&mem)).into_iter().eq(0..proven + 4));
            let (mut writer, _, _) = open(&mem);
            append(&mut writer, 1, true);
            drop(writer);
            assert!(numbers(&bodies(&mem)).into_iter().eq(0..proven + 5));
            let expected = if proven == 0 { 1 } else { 2 };
            assert_eq!(names(&mem).len(), expected, "{operation:?} after {after}");
            if is_open {
                break;
            }
            failed += 1;
        }
        assert!(failed > 0, "{operation:?}");
    }
}

fn follower(fs: &MemFs) -> (LogReader, LogFollower) {
    let (scanned, _) = scan(Arc::new(fs.clone()));
    scanned.into_follower().unwrap()
}

fn follow(follower: &mut LogFollower) -> Result<Vec<u64>, LogError> {
    let mut found = Vec::new();
    let followed = follower.follow(|frame| {
        found.extend(frame.records().map(|record| record.body.to_vec()));
        Ok::<_, Infallible>(())
    });
    match followed {
        Ok(_) => Ok(numbers(&found)),
        Err(ScanError::Log(error)) => Err(error),
        Err(ScanError::Visit(never)) => match never {},
    }
}

/// A follower that had read the unproven commits called the log damaged once they were in another file.
#[test]
fn a_follower_goes_on_in_the_file_that_the_end_was_carried_into() {
    for proven in [0, LONG] {
        let fs = killed(proven, 4);
        let end = proven + 4;
        let (reader, mut ahead) = follower(&fs);
        assert_eq!(ahead.position().sequence, Sequence::new(end));
        let before = reader.view();
        let (mut writer, _, _) = open(&fs);
        // Those that were carried into another segment come once more, in their new place.
        let again: Vec<u64> = (proven.max(1)..end).filter(|_| proven > 0).collect();
        assert_eq!(follow(&mut ahead).unwrap(), again);
        assert_eq!(follow(&mut ahead).unwrap(), Vec::<u64>::new());
        append(&mut writer, 2, false);
        assert_eq!(follow(&mut ahead).unwrap(), [end, end + 1]);
        writer.rotate(&random()).unwrap();
        append(&mut writer, 1, false);
        assert_eq!(follow(&mut ahead).unwrap(), [end + 2]);
        let visited = reader
            .view()
            .scan(ahead.position(), None, |_| Ok::<_, Infallible>(()));
        assert_eq!(visited.unwrap(), ahead.position());
        drop((before, writer));
    }
}

#[test]
fn a_follower_that_had_read_less_goes_on_too() {
    for proven in [0, LONG] {
        let fs = MemFs::new();
        let (mut writer, _, _) = open(&fs);
        append(&mut writer, 1, true);
        let (_, mut behind) = follower(&fs);
        append(&mut writer, proven, true);
        append(&mut writer, 3, false);
        let killed = fs.fork();
        drop(writer);
        // The follower's files are those of the killed process's directory.
        let (_, mut there) = follower(&killed);
        let (mut writer, _, _) = open(&killed);
        append(&mut writer, 1, false);
        let all = follow(&mut there).unwrap();
        assert_eq!(all.last(), Some(&(proven + 4)));
        let (_, _, _) = open(&fs);
        let all = follow(&mut behind).unwrap();
        let end = proven + 4;
        // Read in the old file, and told again where they are now.
        let again = if proven == 0 { end..end } else { proven..end };
        assert!(all.into_iter().eq((1..end).chain(again)));
    }
}

#[test]
fn a_follower_that_had_read_what_the_log_lost_is_told() {
    for proven in [0, LONG] {
        let fs = killed(proven, 4);
        let (_, mut ahead) = follower(&fs);
        // What the disk kept ends two commits earlier.
        let old = file(&fs, FIRST);
        let kept = all_bytes(&*old);
        let path = Path::new(DIR).join(FIRST);
        fs.remove_file(&path).unwrap();
        let cut = fs.open(&path, OpenMode::Create).unwrap();
        cut.write_all_at(&kept[..kept.len() - 2048], 0).unwrap();
        let (mut writer, _, _) = open(&fs);
        for body in [b"other", b"event", b"again"] {
            let mut commit = CommitBuffer::default();
            commit.push(&Hash::of(body), |out| out.extend_from_slice(body));
            let next = writer.position().sequence;
            writer.append(&mut commit, next, next).unwrap();
        }
        let told = follow(&mut ahead).unwrap_err();
        assert!(matches!(told, LogError::OtherCourse { .. }), "{told}");
    }
}

#[test]
fn torn_bytes_are_kept_before_their_file_is_left() {
    for proven in [0, LONG] {
        let fs = killed(proven, 4);
        let path = Path::new(DIR).join(FIRST);
        let end = file(&fs, FIRST).len().unwrap();
        let torn = fs.open(&path, OpenMode::Append { end }).unwrap();
        torn.write_all_at(b"half a frame", end).unwrap();
        let (_, _, repairs) = open(&fs);
        let kept = repairs.torn_tail_kept_as.unwrap();
        assert_eq!(all_bytes(&*file(&fs, &kept)), b"half a frame");
        assert!(numbers(&bodies(&fs)).into_iter().eq(0..proven + 4));
    }
}

/// Processes that are killed again and again leave few segments.
#[test]
fn segments_do_not_become_many_where_processes_are_killed() {
    let mut fs = MemFs::new();
    let mut appended = 0;
    for _ in 0..100 {
        let (mut writer, _, _) = open(&fs);
        append(&mut writer, 2, true);
        append(&mut writer, 1, false);
        appended += 3;
        let killed = fs.fork();
        drop(writer);
        fs = killed;
    }
    assert!(numbers(&bodies(&fs)).into_iter().eq(0..appended));
    let manifest = Manifest::read(&fs, Path::new(DIR)).unwrap().unwrap();
    let bytes = appended * 1024;
    let most = bytes / (8 << 10) + 1;
    let segments = manifest.segments().len() as u64;
    assert!(segments <= most, "{segments} segments of {bytes} bytes");
}

/// With an older manifest put back, a file that the log had gone on in was taken for one whose frames
/// were being carried over, and removed.
#[test]
fn what_was_appended_after_a_carry_is_kept_where_an_older_manifest_is_put_back() {
    for proven in [0, LONG] {
        let fs = killed(proven, 4);
        let path = Path::new(DIR).join("MANIFEST");
        let manifest = all_bytes(&*fs.open(&path, OpenMode::Read).unwrap());
        let first = names(&fs).remove(0);
        let segment = all_bytes(&*file(&fs, &first));
        let (mut writer, _, _) = open(&fs);
        append(&mut writer, 3, true);
        drop(writer);
        strandline_core::fs::replace_file(&fs, &path, &manifest).unwrap();
        if proven == 0 {
            // It was removed once it was carried as a whole.
            strandline_core::fs::replace_file(&fs, &Path::new(DIR).join(&first), &segment).unwrap();
        }
        let (_, _, repairs) = open(&fs);
        assert!(numbers(&bodies(&fs)).into_iter().eq(0..proven + 4));
        assert_eq!(repairs.removed_superseded, [""; 0]);
        assert_eq!(repairs.set_aside.len(), 1, "{repairs:?}");
    }
}
