//! Two writers of one log.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{Fs, MemFs};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{CommitBuffer, LogError, LogOptions, LogWriter, ScannedLog, UncheckedLog};

const DIR: &str = "/log";

fn scan(log: UncheckedLog) -> (ScannedLog, usize) {
    let mut records = 0;
    let scanned = log.scan(None, Sequence::ZERO, |frame| {
        records += frame.records().count();
        Ok::<_, Infallible>(())
    });
    (scanned.unwrap(), records)
}

fn open(fs: &Arc<dyn Fs>) -> UncheckedLog {
    let log = UncheckedLog::open(fs.clone(), Path::new(DIR), LogOptions::default());
    log.unwrap().unwrap()
}

fn append(writer: &mut LogWriter, bodies: &[&[u8]]) {
    let mut commit = CommitBuffer::default();
    for body in bodies {
        commit.push(&Hash::of(body), |out| out.extend_from_slice(body));
    }
    let next = writer.position().sequence;
    writer.append(&mut commit, next, Sequence::ZERO).unwrap();
}

/// The lock of a directory may be gone while a log is written; two who write one file would each write
/// over what the other wrote.
#[test]
fn of_two_writers_of_one_file_the_second_is_refused_before_it_changes_anything() {
    let fs: Arc<dyn Fs> = Arc::new(MemFs::new());
    let random = Random::from_seed(3);
    let log = UncheckedLog::create(fs.clone(), Path::new(DIR), LogOptions::default(), &random);
    let (mut writer, _, _) = scan(log.unwrap()).0.into_writer(&random).unwrap();
    let refuses =
        |error: LogError| assert!(matches!(error, LogError::BeingWritten { .. }), "{error}");
    for round in 1..4 {
        append(&mut writer, &[b"one", b"two"]);
        let before = fs.list(Path::new(DIR)).unwrap();
        refuses(open(&fs).lock().unwrap_err());
        let (scanned, records) = scan(open(&fs));
        assert_eq!(records, 2 * round, "a reader is not refused");
        refuses(scanned.into_writer(&random).unwrap_err());
        assert_eq!(fs.list(Path::new(DIR)).unwrap(), before);
        let sealed = writer.rotate(&random).unwrap();
        sealed.write_footer(b"a footer").unwrap();
    }
    drop(writer);
    let (scanned, records) = scan(open(&fs));
    assert_eq!(records, 6);
    scanned.into_writer(&random).unwrap();
}
