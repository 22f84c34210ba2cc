//! What is not of the log, or not in its place, is refused before anything is written.

use super::source::{COPY, DIR, Sent, Source, put};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use strandline_core::fs::{FileLock, Fs, FsLayer, MemFs, read_file};
use strandline_segment::{LogError, LogPosition, LogReceiver, SegmentInfo};

/// Every file of the copy.
fn files(fs: &MemFs) -> Vec<(String, Vec<u8>)> {
    let entries = fs.list(Path::new(COPY)).unwrap().into_iter();
    let read = |name: &str| read_file(fs, &Path::new(COPY).join(name), 1 << 30).unwrap();
    entries
        .map(|entry| (entry.name.clone(), read(&entry.name)))
        .collect()
}

fn receive(copy: &mut LogReceiver, sent: &Sent) -> Result<LogPosition, LogError> {
    copy.receive(&sent.header, &sent.start, &sent.bytes, &sent.end)
}

#[test]
fn every_flipped_byte_and_every_cut_is_refused_before_anything_is_written() {
    let mut source = Source::new(1);
    let fs = MemFs::new();
    let mut copy = source.begin(Arc::new(fs.clone())).unwrap();
    source.append(2, 30);
    source.note();
    source.append(1, 0);
    let frames = source.frames();
    let bytes: Vec<u8> = frames
        .iter()
        .flat_map(|frame| frame.bytes.clone())
        .collect();
    let all = Sent {
        end: frames[2].end,
        bytes,
        ..frames[0].clone()
    };
    let before = files(&fs);
    for at in 0..all.bytes.len() {
        for bit in [0, 7] {
            let mut bad = all.clone();
            bad.bytes[at] ^= 1 << bit;
            let refused = receive(&mut copy, &bad);
            assert!(
                matches!(refused, Err(LogError::Corrupt { .. })),
                "{at}: {refused:?}"
            );
        }
        let mut short = all.clone();
        short.bytes.truncate(at);
        assert!(matches!(
            receive(&mut copy, &short),
            Err(LogError::Corrupt { .. })
        ));
    }
    assert!(files(&fs) == before);
    assert_eq!(receive(&mut copy, &all).unwrap(), source.end());
}

#[test]
fn what_is_not_next_is_refused_and_what_is_there_may_come_again() {
    let mut source = Source::new(2);
    let fs = MemFs::new();
    let mut copy = source.begin(Arc::new(fs.clone())).unwrap();
    for _ in 0..3 {
        source.append(1, 10);
    }
    source.rotate(false);
    source.append(1, 20);
    let frames = source.frames();
    let before = files(&fs);
    for early in &frames[1..] {
        let refused = receive(&mut copy, early);
        assert!(
            matches!(refused, Err(LogError::OtherCourse { .. })),
            "{refused:?}"
        );
    }
    let mut elsewhere = frames[0].clone();
    elsewhere.start.offset += 8;
    assert!(receive(&mut copy, &elsewhere).is_err());
    assert!(files(&fs) == before);
    for sent in &frames {
        receive(&mut copy, sent).unwrap();
        // Again, and of a sealed segment too.
        receive(&mut copy, &frames[0]).unwrap();
        assert_eq!(receive(&mut copy, sent).unwrap(), sent.end);
    }
    // Some that are there, and more.
    source.append(1, 30);
    let again = source.frames();
    let both = Sent {
        end: again[4].end,
        bytes: [again[3].bytes.clone(), again[4].bytes.clone()].concat(),
        ..again[3].clone()
    };
    assert_eq!(receive(&mut copy, &both).unwrap(), source.end());
}

/// Two logs that were one: the file is the same up to a place, and its header.
#[test]
fn another_course_is_refused() {
    let mut source = Source::new(3);
    let fs = MemFs::new();
    let mut copy = source.begin(Arc::new(fs.clone())).unwrap();
    source.append(1, 10);
    source.ship(&fs, &mut copy, || 1).unwrap();
    let mut other = source.other(4);
    source.append(1, 20);
    source.ship(&fs, &mut copy, || 1).unwrap();
    let own = files(&fs);
    // The other one lost its last commit and went on.
    other.append(2, 40);
    other.append(2, 40);
    for frame in other.frames() {
        let refused = receive(&mut copy, &frame);
        assert!(
            matches!(refused, Err(LogError::OtherCourse { .. })),
            "{refused:?}"
        );
    }
    let manifest = other.manifest();
    other.stage(&fs, &copy.lacking(&manifest));
    let refused = copy.list(&manifest);
    assert!(
        matches!(refused, Err(LogError::OtherCourse { .. })),
        "{refused:?}"
    );
    let listed = |(name, _): &(String, Vec<u8>)| !name.ends_with(".tmp");
    assert!(files(&fs).into_iter().filter(listed).eq(own));
    // Another log altogether.
    let stranger = Source::new(99);
    assert!(matches!(
        copy.list(&stranger.manifest()),
        Err(LogError::OtherCourse { .. })
    ));
    source.append(1, 5);
    source.ship(&fs, &mut copy, || 1).unwrap();
}

#[test]
fn staged_files_that_are_not_what_is_listed_are_refused() {
    let mut source = Source::new(4);
    source.append(2, 50);
    source.rotate(true);
    source.append(2, 50);
    source.merge(0, 0);
    let manifest = source.manifest();
    for segment in manifest.segments() {
        let path = Path::new(DIR).join(segment.file_name());
        let whole = read_file(&source.fs, &path, 1 << 20).unwrap();
        let end = segment.end().unwrap_or_else(|| source.end());
        for at in (0..end.offset as usize).step_by(7) {
            let fs = MemFs::new();
            fs.create_dir_all(Path::new(COPY)).unwrap();
            source.stage(&fs, manifest.segments());
            let mut bytes = whole[..end.offset as usize].to_vec();
            bytes[at] ^= 4;
            put(
                &fs,
                &LogReceiver::staged_path(Path::new(COPY), segment.header()),
                &bytes,
            );
            let made = LogReceiver::create(Arc::new(fs.clone()), Path::new(COPY), &manifest);
            assert!(
                matches!(made, Err(LogError::Corrupt { .. })),
                "{at}: {made:?}"
            );
            let manifest = Path::new(COPY).join("MANIFEST");
            assert!(read_file(&fs, &manifest, 1 << 20).is_err());
        }
    }
    let fs = MemFs::new();
    let missing = LogReceiver::create(Arc::new(fs), Path::new(COPY), &manifest);
    assert!(matches!(missing, Err(LogError::SegmentMissing { .. })));
}

#[test]
fn a_copy_is_made_in_no_place_of_another_and_not_gone_on_with_once_it_was_written() {
    let mut source = Source::new(5);
    source.append(1, 10);
    let fs = MemFs::new();
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let copy = source.begin(shared.clone()).unwrap();
    // Two receivers of one copy.
    let busy = LogReceiver::open(shared.clone(), Path::new(COPY));
    assert!(
        matches!(busy, Err(LogError::BeingWritten { .. })),
        "{busy:?}"
    );
    drop(copy);
    let again = LogReceiver::create(shared.clone(), Path::new(COPY), &source.manifest());
    assert!(
        matches!(again, Err(LogError::OtherTarget { .. })),
        "{again:?}"
    );
    strandline_segment::Manifest::begin_epoch(
        &fs,
        Path::new(COPY),
        &strandline_core::Random::from_seed(1),
    )
    .unwrap();
    let written = LogReceiver::open(shared.clone(), Path::new(COPY));
    assert!(
        matches!(written, Err(LogError::OtherTarget { .. })),
        "{written:?}"
    );
    // The segments of a log that lost its manifest.
    fs.remove_file(&Path::new(COPY).join("MANIFEST")).unwrap();
    source.rotate(false);
    source.merge(0, 0);
    let others = source.begin(shared);
    assert!(
        matches!(others, Err(LogError::OtherTarget { .. })),
        "{others:?}"
    );
    let name = source.manifest().segments()[0].header().id.file_name();
    assert!(read_file(&fs, &PathBuf::from(COPY).join(name), 1 << 20).is_ok());
    assert!(
        LogReceiver::open(Arc::new(MemFs::new()), Path::new("/none"))
            .unwrap()
            .is_none()
    );
    let segments = source.manifest();
    assert_eq!(
        segments
            .segments()
            .iter()
            .filter(|info: &&SegmentInfo| info.is_sealed())
            .count(),
        1
    );
}

/// Has something done before the first lock is taken.
struct BeforeLock {
    below: MemFs,
    first: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl fmt::Debug for BeforeLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeforeLock").finish_non_exhaustive()
    }
}

impl FsLayer for BeforeLock {
    fn below(&self) -> &dyn Fs {
        &self.below
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        if let Some(first) = self.first.lock().unwrap().take() {
            first();
        }
        self.below.try_lock(path)
    }
}

/// The lock goes from segment to segment: who comes in between finds that of the earlier one free.
#[test]
fn a_second_receiver_is_refused_while_the_first_goes_on_in_another_file() {
    let mut source = Source::new(5);
    let fs = MemFs::new();
    let mut copy = source.begin(Arc::new(fs.clone())).unwrap();
    source.append(1, 10);
    source.ship(&fs, &mut copy, || 1).unwrap();
    source.rotate(false);
    source.append(1, 20);
    let frames = source.frames();
    let copy = Arc::new(Mutex::new(copy));
    let first = copy.clone();
    let hooked = BeforeLock {
        below: fs.clone(),
        first: Mutex::new(Some(Box::new(move || {
            receive(&mut first.lock().unwrap(), &frames[1]).unwrap();
        }))),
    };
    let second = LogReceiver::open(Arc::new(hooked), Path::new(COPY));
    assert!(
        matches!(second, Err(LogError::BeingWritten { .. })),
        "{second:?}"
    );
    let mut copy = Arc::into_inner(copy).unwrap().into_inner().unwrap();
    source.append(1, 30);
    source.ship(&fs, &mut copy, || 1).unwrap();
    copy.sync().unwrap();
    drop(copy);
    let again = LogReceiver::open(Arc::new(fs.clone()), Path::new(COPY));
    assert_eq!(again.unwrap().unwrap().end(), source.end());
}
