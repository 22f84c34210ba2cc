//! A log that is read while another process writes it: files that change between two reads.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use parking_lot::Mutex;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{
    DirEntry, Fs, FsFile, FsFileLayer, FsLayer, Mapping, MemFs, OpenMode, read_file, replace_file,
};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CommitBuffer, LogError, LogOptions, LogWriter, ScanError, ScannedLog, SegmentId, UncheckedLog,
};

const DIR: &str = "/log";

/// Called with a file's name and the offset before it is read there, with `None` before it is opened, and
/// for lists without a name.
type Hook = Box<dyn FnMut(&str, Option<u64>) + Send>;

/// Lets others act between two reads.
struct HookFs {
    files: MemFs,
    hook: Arc<Mutex<Hook>>,
}

impl std::fmt::Debug for HookFs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HookFs")
    }
}

impl HookFs {
    fn shared(files: &MemFs, hook: impl FnMut(&str, Option<u64>) + Send + 'static) -> Arc<dyn Fs> {
        Arc::new(Self {
            files: files.clone(),
            hook: Arc::new(Mutex::new(Box::new(hook))),
        })
    }
}

impl FsLayer for HookFs {
    fn below(&self) -> &dyn Fs {
        &self.files
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (self.hook.lock())(&name, None);
        Ok(Arc::new(HookFile {
            file: self.files.open(path, mode)?,
            name,
            hook: self.hook.clone(),
        }))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        (self.hook.lock())("", None);
        self.files.list(path)
    }
}

struct HookFile {
    file: Arc<dyn FsFile>,
    name: String,
    hook: Arc<Mutex<Hook>>,
}

impl std::fmt::Debug for HookFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl FsFileLayer for HookFile {
    fn below(&self) -> &dyn FsFile {
        &*self.file
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (self.hook.lock())(&self.name, Some(offset));
        self.file.read_at(buffer, offset)
    }

    fn map(&self, _: u64) -> Option<Mapping> {
        None
    }
}

fn create(fs: &MemFs) -> LogWriter {
    let (fs, dir) = (Arc::new(fs.clone()), Path::new(DIR));
    let log = UncheckedLog::create(fs, dir, LogOptions::default(), &Random::from_seed(3)).unwrap();
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    scanned
        .unwrap()
        .into_writer(&Random::from_seed(9))
        .unwrap()
        .0
}

/// Appends a commit that says that everything before it is durable.
fn append(writer: &mut LogWriter, body: &[u8]) {
    let mut commit = CommitBuffer::default();
    commit.push(&Hash::of(body), |out| out.extend_from_slice(body));
    let next = writer.position().sequence;
    writer.append(&mut commit, next, next).unwrap();
}

fn scan(fs: Arc<dyn Fs>) -> Result<(ScannedLog, Vec<Vec<u8>>), LogError> {
    let options = LogOptions::default().beside_writer();
    let log = UncheckedLog::open(fs, Path::new(DIR), options)?.unwrap();
    let mut bodies = Vec::new();
    let scanned = log.scan(None, Sequence::ZERO, |frame| {
        bodies.extend(frame.records().map(|record| record.body.to_vec()));
        Ok::<_, Infallible>(())
    });
    match scanned {
        Ok(scanned) => Ok((scanned, bodies)),
        Err(ScanError::Log(error)) => Err(error),
        Err(ScanError::Visit(never)) => match never {},
    }
}

/// Acts once, before the first read of the first segment at or after `from`.
fn once_at(from: u32, mut act: impl FnMut() + Send) -> impl FnMut(&str, Option<u64>) + Send {
    let mut done = false;
    move |name, offset| {
        let is_there = offset.is_some_and(|offset| offset >= u64::from(from));
        if name == SegmentId::FIRST.file_name() && is_there && !done {
            done = true;
            act();
        }
    }
}

/// Space was set aside, and the writer filled it between two reads: the first saw zeros, the second
/// a commit that was proof of what the first had not seen.
#[test]
fn commits_that_are_written_between_two_reads_are_no_damage() {
    let fs = MemFs::new();
    let mut writer = create(&fs);
    append(&mut writer, b"one");
    writer.active().sync().unwrap();
    let end = writer.position().offset;
    let hooked = HookFs::shared(
        &fs,
        once_at(end, move || {
            append(&mut writer, b"two");
            append(&mut writer, b"three");
        }),
    );
    let (scanned, bodies) = scan(hooked).unwrap();
    assert_eq!(bodies, [b"one".as_slice(), b"two", b"three"]);
    assert_eq!(scanned.torn_tail(), None);
    assert_eq!(scanned.proven_durable(), Sequence::new(2));
    let refused = scanned.into_writer(&Random::from_seed(9)).unwrap_err();
    assert!(matches!(refused, LogError::Changed { .. }), "{refused}");
}

/// A writer that never rests would keep a reader busy for ever.
#[test]
fn a_reader_stops_at_what_it_saw() {
    let fs = MemFs::new();
    let mut writer = create(&fs);
    append(&mut writer, b"first");
    writer.active().sync().unwrap();
    let start = u64::from(writer.position().offset);
    let hooked = HookFs::shared(&fs, move |name, offset| {
        if name == SegmentId::FIRST.file_name() && offset.is_some_and(|offset| offset >= start) {
            append(&mut writer, &[7; 5000]);
        }
    });
    let (scanned, bodies) = scan(hooked).unwrap();
    assert_eq!(scanned.torn_tail(), None);
    assert!(bodies.len() < 10, "{}", bodies.len());
}

#[test]
fn damage_is_told_though_a_writer_is_at_work() {
    let fs = MemFs::new();
    let mut writer = create(&fs);
    append(&mut writer, b"one");
    let damaged = writer.position().offset;
    append(&mut writer, b"two");
    append(&mut writer, b"three");
    let path = Path::new(DIR).join(SegmentId::FIRST.file_name());
    let file = fs.open(&path, OpenMode::Append { end: 0 }).unwrap();
    file.write_all_at(b"?", u64::from(damaged) + 90).unwrap();
    let hooked = HookFs::shared(&fs, move |name, _| {
        if name == SegmentId::FIRST.file_name() {
            append(&mut writer, b"more");
        }
    });
    match scan(hooked).unwrap_err() {
        LogError::Corrupt { offset, .. } => assert_eq!(offset, u64::from(damaged)),
        error => panic!("{error}"),
    }
}

#[test]
fn a_commit_that_is_half_written_is_waited_for() {
    let fs = MemFs::new();
    let mut writer = create(&fs);
    append(&mut writer, b"one");
    let half = writer.position().offset + 80;
    append(&mut writer, &[2; 5000]);
    let path = Path::new(DIR).join(SegmentId::FIRST.file_name());
    let whole = read_file(&fs, &path, 1 << 20).unwrap();
    replace_file(&fs, &path, &whole[..half as usize]).unwrap();
    let file = fs.open(&path, OpenMode::Append { end: 0 }).unwrap();
    let mut looks = 0;
    let hooked = HookFs::shared(&fs, move |name, _| {
        if name == SegmentId::FIRST.file_name() {
            looks += 1;
            if looks == 6 {
                file.write_all_at(&whole, 0).unwrap();
            }
        }
    });
    let (scanned, bodies) = scan(hooked).unwrap();
    assert_eq!((scanned.torn_tail(), bodies.len()), (None, 2));
    // Where nobody writes on, it is torn.
    let whole = read_file(&fs, &path, 1 << 20).unwrap();
    replace_file(&fs, &path, &whole[..half as usize]).unwrap();
    let (scanned, bodies) = scan(Arc::new(fs)).unwrap();
    assert_eq!(bodies.len(), 1);
    assert!(scanned.torn_tail().is_some());
}

/// Scans beside a writer that is stopped in the middle of its second commit until after the last look, and
/// then writes the rest, or something else there, and seals the segment.
fn scan_before_a_seal(is_damaged: bool) -> Result<(ScannedLog, Vec<Vec<u8>>), LogError> {
    let fs = MemFs::new();
    let mut writer = create(&fs);
    append(&mut writer, b"one");
    let half = writer.position().offset as usize + 80;
    append(&mut writer, &[2; 5000]);
    let path = Path::new(DIR).join(SegmentId::FIRST.file_name());
    let mut whole = read_file(&fs, &path, 1 << 20).unwrap();
    replace_file(&fs, &path, &whole[..half]).unwrap();
    whole[half + 1000] ^= u8::from(is_damaged);
    let file = fs.open(&path, OpenMode::Append { end: 0 }).unwrap();
    let (mut looks, mut writer) = (0, Some(writer));
    scan(HookFs::shared(&fs, move |name, _| {
        looks += u32::from(name == SegmentId::FIRST.file_name());
        // It is asked for before the first look too.
        if name == "MANIFEST"
            && looks > 90
            && let Some(mut writer) = writer.take()
        {
            file.write_all_at(&whole, 0).unwrap();
            drop(writer.rotate(&Random::from_seed(4)).unwrap());
            append(&mut writer, b"three");
        }
    }))
}

/// It was told as damage.
#[test]
fn a_commit_that_is_finished_and_sealed_after_the_last_look_is_no_damage() {
    let (scanned, bodies) = scan_before_a_seal(false).unwrap();
    assert!(bodies == [b"one".to_vec(), vec![2; 5000]]);
    assert_eq!(scanned.torn_tail(), None);
    let damaged = scan_before_a_seal(true).unwrap_err();
    assert!(matches!(damaged, LogError::Corrupt { .. }), "{damaged}");
}

/// The footer stood where the next frame was looked for.
#[test]
fn a_segment_that_is_sealed_meanwhile_is_not_torn() {
    let fs = MemFs::new();
    let mut writer = create(&fs);
    append(&mut writer, b"one");
    writer.active().sync().unwrap();
    let end = writer.position().offset;
    let mut writer = Some(writer);
    let hooked = HookFs::shared(
        &fs,
        once_at(end, move || {
            let mut writer = writer.take().unwrap();
            let sealed = writer.rotate(&Random::from_seed(4)).unwrap();
            sealed.write_footer(&[1; 300]).unwrap();
            append(&mut writer, b"two");
        }),
    );
    let (scanned, bodies) = scan(hooked).unwrap();
    assert_eq!(bodies, [b"one"]);
    assert_eq!(scanned.torn_tail(), None);
}

#[test]
fn a_log_that_is_made_meanwhile_is_found() {
    let fs = MemFs::new();
    fs.create_dir_all(Path::new(DIR)).unwrap();
    let files = fs.clone();
    let mut writer = None;
    let hooked = HookFs::shared(&fs, move |name, _| {
        if name.is_empty() && writer.is_none() {
            append(writer.insert(create(&files)), b"one");
        }
    });
    assert_eq!(scan(hooked).unwrap().1, [b"one"]);
}

#[test]
fn a_footer_that_is_being_written_is_not_there_yet() {
    let fs = MemFs::new();
    let mut writer = create(&fs);
    append(&mut writer, b"one");
    let sealed = writer.rotate(&Random::from_seed(4)).unwrap();
    sealed.write_footer(&[1; 300]).unwrap();
    let path = Path::new(DIR).join(SegmentId::FIRST.file_name());
    let whole = read_file(&fs, &path, 1 << 20).unwrap();
    let footer = |fs: Arc<dyn Fs>| {
        let log = UncheckedLog::open(fs, Path::new(DIR), LogOptions::default());
        log.unwrap().unwrap().footer(SegmentId::FIRST)
    };
    let cut = whole.len() - 20;
    replace_file(&fs, &path, &whole[..cut]).unwrap();
    let damaged = footer(Arc::new(fs.clone()));
    assert!(matches!(damaged, Err(LogError::FooterDamaged { .. })));
    let file = fs.open(&path, OpenMode::Append { end: 0 }).unwrap();
    let end = sealed.info().end().unwrap().offset;
    let mut written = cut;
    let hooked = HookFs::shared(&fs, move |name, offset| {
        let reads_footer = offset.is_some_and(|offset| offset >= u64::from(end));
        if name == SegmentId::FIRST.file_name() && reads_footer {
            file.write_all_at(&whole[written..=written], written as u64)
                .unwrap();
            written += 1;
        }
    });
    assert!(footer(hooked).unwrap().is_none());
}
