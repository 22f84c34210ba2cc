//! A log that is written, and what is sent of it.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{Fs, MemFs, OpenMode, read_file};
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{
    CarriedBodies, CommitBuffer, FrameRecord, LogError, LogOptions, LogPosition, LogReceiver,
    LogWriter, Manifest, ScannedLog, SegmentHeader, SegmentId, SegmentInfo, UncheckedLog,
};

pub(crate) const DIR: &str = "/log";
pub(crate) const COPY: &str = "/copy";

pub(crate) fn options() -> LogOptions {
    LogOptions::default().segment_bytes_max(64 << 10)
}

/// A log with its writer.
pub(crate) struct Source {
    pub(crate) fs: MemFs,
    /// Of a log that stands still there is none.
    writer: Option<LogWriter>,
    end: LogPosition,
    random: Random,
}

/// A frame as it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) header: SegmentHeader,
    pub(crate) start: LogPosition,
    pub(crate) end: LogPosition,
    pub(crate) bytes: Vec<u8>,
}

struct Same;

impl CarriedBodies for Same {
    type Error = Infallible;

    fn stays(&mut self, _: &FrameRecord<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn carried(&mut self, record: &FrameRecord<'_>, out: &mut Vec<u8>) -> Result<(), Infallible> {
        out.extend_from_slice(record.body);
        Ok(())
    }
}

fn scan(fs: &MemFs, random: &Random) -> ScannedLog {
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let log = UncheckedLog::open(shared.clone(), Path::new(DIR), options()).unwrap();
    let log = log.unwrap_or_else(|| {
        UncheckedLog::create(shared, Path::new(DIR), options(), random).unwrap()
    });
    log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()))
        .unwrap()
}

fn open(fs: &MemFs, random: &Random) -> LogWriter {
    let mut scanned = scan(fs, random);
    if scanned.has_long_proven_part().unwrap() {
        let carried = scanned.carry_tail(None, random, &mut Same).unwrap();
        assert!(carried.is_some(), "it fits");
        scanned = scan(fs, random);
    }
    scanned.into_writer(random).unwrap().0
}

impl Source {
    pub(crate) fn new(seed: u64) -> Self {
        let (fs, random) = (MemFs::new(), Random::from_seed(seed));
        let writer = open(&fs, &random);
        Self {
            end: writer.position(),
            writer: Some(writer),
            fs,
            random,
        }
    }

    /// The log as it is now, which stays so.
    pub(crate) fn frozen(&self) -> Self {
        Self {
            fs: self.fs.fork(),
            writer: None,
            end: self.end(),
            random: Random::from_seed(0),
        }
    }

    /// Another log, which goes on from what this one was.
    pub(crate) fn other(&self, seed: u64) -> Self {
        let mut other = self.frozen();
        other.random = Random::from_seed(seed);
        other.crash();
        other
    }

    fn writer(&mut self) -> &mut LogWriter {
        self.writer.as_mut().unwrap()
    }

    /// Appends a commit of some records with bodies of so many bytes.
    pub(crate) fn append(&mut self, records: u8, body_bytes: usize) {
        let mut commit = CommitBuffer::default();
        let next = self.end().sequence;
        for record in 0..records.max(1) {
            let mut body = format!("{next} {record}").into_bytes();
            body.resize(body_bytes.max(body.len()), b'.');
            commit.push(&Hash::of(&body), |out| out.extend_from_slice(&body));
        }
        self.writer().append(&mut commit, next, next).unwrap();
    }

    /// Appends a commit that says of nothing that it is durable.
    pub(crate) fn append_unproven(&mut self, body_bytes: usize) {
        let mut commit = CommitBuffer::default();
        let next = self.end().sequence;
        commit.push(&Hash::of(b"x"), |out| {
            out.resize(out.len() + body_bytes, b'x')
        });
        self.writer()
            .append(&mut commit, next, Sequence::ZERO)
            .unwrap();
    }

    pub(crate) fn note(&mut self) {
        let durable = self.end().sequence;
        let note = self
            .writer()
            .append_note(b"a note", durable, |sync| sync.sync());
        note.unwrap();
    }

    /// Seals the active segment, with a footer or without.
    pub(crate) fn rotate(&mut self, with_footer: bool) {
        let sealed = self.writer.as_mut().unwrap().rotate(&self.random).unwrap();
        if with_footer {
            sealed.write_footer(b"what the rows are").unwrap();
        }
    }

    /// Writes sealed segments anew: those at these places of the manifest, as one.
    pub(crate) fn merge(&mut self, first: usize, last: usize) {
        let sealed: Vec<SegmentId> = self
            .manifest()
            .segments()
            .iter()
            .map(SegmentInfo::id)
            .collect();
        let sealed = &sealed[..sealed.len() - 1];
        if sealed.is_empty() {
            return;
        }
        let (first, last) = (first % sealed.len(), last % sealed.len());
        let range = sealed[first.min(last)]..=sealed[first.max(last)];
        let merge = self
            .writer
            .as_ref()
            .unwrap()
            .merge(range, &self.random)
            .unwrap();
        let written = merge.write(|record, out| {
            out.extend(record.body.iter().take(3));
            Ok::<_, Infallible>(())
        });
        let switched = self.writer().switch_to(vec![written.unwrap()]).unwrap();
        switched.show().remove().unwrap();
    }

    /// Kills the process and opens the log again: what is not proven is carried into another file.
    pub(crate) fn crash(&mut self) {
        // What a killed process has written is there, and the old writer still holds its lock.
        self.fs = self.fs.fork();
        self.writer = Some(open(&self.fs, &self.random));
    }

    pub(crate) fn manifest(&self) -> Manifest {
        manifest(&self.fs, DIR)
    }

    pub(crate) fn frames(&self) -> Vec<Sent> {
        frames(&self.fs, DIR)
    }

    pub(crate) fn end(&self) -> LogPosition {
        self.writer.as_ref().map_or(self.end, LogWriter::position)
    }

    /// Puts what a copy lacks of a manifest where it is looked for.
    pub(crate) fn stage(&self, fs: &dyn Fs, lacking: &[SegmentInfo]) {
        for info in lacking {
            let path = Path::new(DIR).join(info.file_name());
            let mut bytes = read_file(&self.fs, &path, 1 << 30).unwrap();
            if !info.is_sealed() {
                bytes.truncate(self.end().offset as usize);
            }
            put(
                fs,
                &LogReceiver::staged_path(Path::new(COPY), info.header()),
                &bytes,
            );
        }
    }

    /// Begins a copy of what is there, or an empty one of a log that is.
    pub(crate) fn begin(&self, fs: Arc<dyn Fs>) -> Result<LogReceiver, LogError> {
        let manifest = self.manifest();
        fs.create_dir_all(Path::new(COPY)).unwrap();
        self.stage(&*fs, manifest.segments());
        LogReceiver::create(fs, Path::new(COPY), &manifest)
    }

    /// Brings a copy to where the log ends, `frames_each` frames at once, and takes over its manifest
    /// where the frames do not go on.
    pub(crate) fn ship(
        &self,
        fs: &dyn Fs,
        copy: &mut LogReceiver,
        mut frames_each: impl FnMut() -> usize,
    ) -> Result<(), LogError> {
        let frames = self.frames();
        let from = frames
            .iter()
            .position(|frame| is_same(&frame.start, &copy.end()));
        let mut rest = &frames[from.unwrap_or(frames.len())..];
        while let Some(first) = rest.first() {
            let most = frames_each().max(1);
            let own = rest.iter().take_while(|frame| frame.header == first.header);
            let chunk: Vec<Sent> = own.take(most).cloned().collect();
            rest = &rest[chunk.len()..];
            let bytes: Vec<u8> = chunk.iter().flat_map(|frame| frame.bytes.clone()).collect();
            let end = chunk.last().unwrap().end;
            match copy.receive(&first.header, &first.start, &bytes, &end) {
                Err(LogError::OtherCourse { .. }) => return self.list(fs, copy),
                received => assert_eq!(received?, end),
            }
        }
        let manifest = self.manifest();
        let active = manifest.segments().last().unwrap();
        match copy.manifest().segments().last().unwrap().header() == active.header() {
            true => Ok(()),
            // An empty one.
            false => {
                let (header, start) = (active.header(), active.start());
                match copy.receive(header, &start, &[], &start) {
                    Err(LogError::OtherCourse { .. }) => self.list(fs, copy),
                    received => received.map(drop),
                }
            }
        }
    }

    /// Has a copy take over the manifest.
    pub(crate) fn list(&self, fs: &dyn Fs, copy: &mut LogReceiver) -> Result<(), LogError> {
        let manifest = self.manifest();
        self.stage(fs, &copy.lacking(&manifest));
        copy.list(&manifest).map(drop)
    }
}

pub(crate) fn is_same(one: &LogPosition, other: &LogPosition) -> bool {
    (one.sequence, one.log_hash) == (other.sequence, other.log_hash)
}

pub(crate) fn put(fs: &dyn Fs, path: &Path, bytes: &[u8]) {
    let _ = fs.remove_file(path);
    let file = fs.open(path, OpenMode::Create).unwrap();
    file.write_all_at(bytes, 0).unwrap();
}

pub(crate) fn manifest(fs: &dyn Fs, dir: &str) -> Manifest {
    Manifest::read(fs, Path::new(dir)).unwrap().unwrap()
}

/// The frames of the log in a directory, read as one that nobody writes.
pub(crate) fn frames<F: Fs + Clone + 'static>(fs: &F, dir: &str) -> Vec<Sent> {
    let manifest = manifest(fs, dir);
    let log = UncheckedLog::open(Arc::new(fs.clone()), Path::new(dir), options());
    let mut frames = Vec::new();
    let start = manifest.segments()[0].start();
    let log = log.unwrap().unwrap();
    let scanned = log.scan(Some(start), Sequence::ZERO, |frame| {
        let id = frame.start().segment;
        let info = manifest.segments().iter().find(|info| info.id() == id);
        frames.push(Sent {
            header: *info.unwrap().header(),
            start: frame.start(),
            end: frame.end(),
            bytes: frame.bytes().to_vec(),
        });
        Ok::<_, Infallible>(())
    });
    scanned.unwrap();
    frames
}

/// Checks that a copy is its source, byte for byte.
pub(crate) fn assert_equal<F: Fs + Clone + 'static>(source: &Source, fs: &F) {
    let (one, other) = (source.manifest(), manifest(fs, COPY));
    assert_eq!(one.segments(), other.segments());
    assert!(other.is_copy());
    let (one, other) = (source.frames(), frames(fs, COPY));
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(&other) {
        assert_eq!((one.start, one.end), (other.start, other.end));
        assert!(one.bytes == other.bytes, "at {:?}", one.start);
    }
    // Nothing is left of what was.
    let listed: Vec<String> = source
        .manifest()
        .segments()
        .iter()
        .map(SegmentInfo::file_name)
        .collect();
    for entry in fs.list(Path::new(COPY)).unwrap() {
        assert!(
            entry.name == "MANIFEST" || listed.contains(&entry.name),
            "{}",
            entry.name
        );
    }
}
