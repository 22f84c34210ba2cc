//! `Annotator`: goes through a file of a store and tells what its bytes are, in damaged files too.
//!
//! Everything is read by the codecs that the store itself reads with; what they refuse is shown as
//! bytes, with their reason. Which file, and from where on, it is told.

use super::annotation::{Annotation, Emit};
use super::meaning::{meaning, note_meaning, plain, removed_meaning, summary_meaning};
use crate::maintenance::progress::cancelled;
use crate::rows::footer;
use crate::{Error, ErrorKind};
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;
use strandline_checkpoint::Checkpoint;
use strandline_core::fs::{Fs, FsFile, OpenMode, read_file};
use strandline_core::record::{RecordView, RemovalNote, RemovedRecord};
use strandline_segment::{
    Examiner, FRAME_HEADER_BYTES, FRAME_HEADER_LAYOUT, FooterFound, FrameHeader, FrameRecord,
    MANIFEST_ENTRY_LAYOUT, MANIFEST_HEAD_LAYOUT, Manifest, Piece, RECORD_HEADER_BYTES,
    RECORD_HEADER_LAYOUT, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_LAYOUT, TRAILER_BYTES,
    TRAILER_LAYOUT,
};

/// Most bytes of a part that are shown.
const SHOWN_BYTES: usize = 16;
/// Most bytes of a manifest or checkpoint that is shown.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// A file that is shown, part by part.
pub(super) struct Annotator<'a> {
    file: Arc<dyn FsFile>,
    /// What ends here or before is passed over.
    from: u64,
    emit: Emit<'a>,
}

impl<'a> Annotator<'a> {
    pub(super) fn open(
        fs: &dyn Fs,
        dir: &Path,
        name: &str,
        from: u64,
        emit: Emit<'a>,
    ) -> Result<Self, Error> {
        let path = dir.join(name);
        let file = fs.open(&path, OpenMode::Read).map_err(|error| {
            if error.kind() == std::io::ErrorKind::NotFound {
                let message = format!("there is no file {name} in {}", dir.display());
                return Error::new(ErrorKind::NotFound, message);
            }
            Error::io("open", &path, error)
        })?;
        Ok(Self { file, from, emit })
    }

    fn heading(
        &mut self,
        (offset, length): (u64, u64),
        depth: u8,
        name: &str,
        value: String,
        problem: Option<String>,
    ) -> Result<(), Error> {
        if self.is_before((offset, length)) {
            return Ok(());
        }
        self.emit(Annotation {
            offset,
            length,
            bytes: Vec::new(),
            depth,
            name: name.to_owned(),
            value,
            problem,
        })
    }

    /// Whether something is passed over because it ends before what is asked for. A damaged record has no length.
    fn is_before(&self, (offset, length): (u64, u64)) -> bool {
        self.from > 0 && offset.saturating_add(length.max(1)) <= self.from
    }

    fn emit(&mut self, annotation: Annotation) -> Result<(), Error> {
        match (self.emit)(annotation) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(cancelled()),
        }
    }

    /// A part with its bytes; `value` makes text of them.
    fn part(
        &mut self,
        (offset, length): (u64, u64),
        depth: u8,
        name: &str,
        value: impl FnOnce(&[u8]) -> String,
    ) -> Result<(), Error> {
        if self.is_before((offset, length)) {
            return Ok(());
        }
        let shown = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(SHOWN_BYTES);
        let mut bytes = vec![0; shown];
        let read = self.file.read_up_to(&mut bytes, offset);
        bytes.truncate(read.unwrap_or(0));
        let value = value(&bytes);
        self.emit(Annotation {
            offset,
            length,
            bytes,
            depth,
            name: name.to_owned(),
            value,
            problem: None,
        })
    }

    /// The parts of a fixed layout from `offset` on.
    fn layout(
        &mut self,
        mut offset: u64,
        depth: u8,
        layout: &[(&str, usize)],
    ) -> Result<(), Error> {
        for (name, length) in layout {
            self.part((offset, *length as u64), depth, name, |bytes| {
                plain(name, bytes)
            })?;
            offset += *length as u64;
        }
        Ok(())
    }

    pub(super) fn segment(&mut self, examiner: &Examiner) -> Result<(), Error> {
        self.segment_header(examiner)?;
        examiner.pieces(|piece| self.piece(&piece))?;
        match examiner.footer() {
            FooterFound::None => Ok(()),
            FooterFound::Whole { offset, bytes } => {
                let length = bytes.len() as u64;
                let whole = (*offset, length + TRAILER_BYTES as u64);
                self.heading(
                    whole,
                    0,
                    "footer",
                    "the rows of the segment".to_owned(),
                    None,
                )?;
                self.footer(*offset, bytes)?;
                self.layout(offset + length, 1, &TRAILER_LAYOUT)
            }
            FooterFound::Damaged { offset, reason } => {
                let length = self.file.len().unwrap_or(*offset).saturating_sub(*offset);
                let problem = Some(reason.clone());
                self.heading((*offset, length), 0, "footer", String::new(), problem)?;
                self.part((*offset, length), 1, "bytes", |_| String::new())
            }
        }
    }

    pub(super) fn segment_header(&mut self, examiner: &Examiner) -> Result<(), Error> {
        let problem = examiner.file_problem().map(ToString::to_string);
        let place = (0, u64::from(SEGMENT_HEADER_BYTES));
        self.heading(place, 0, "segment header", String::new(), problem)?;
        self.layout(0, 1, &SEGMENT_HEADER_LAYOUT)
    }

    /// What the store has in a footer.
    fn footer(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let Ok(head) = footer::head(bytes) else {
            return self.part((offset, bytes.len() as u64), 1, "rows", |_| String::new());
        };
        let place = |range: Range<usize>| (offset + range.start as u64, range.len() as u64);
        self.part(place(0..head.summary.start), 1, "head", |_| String::new())?;
        if !head.summary.is_empty() {
            let said = match head.summary(bytes) {
                Ok(summary) => summary_meaning(&summary),
                Err(error) => error.to_string(),
            };
            self.part(place(head.summary), 1, "names and positions", |_| said)?;
        }
        if !head.heads.is_empty() {
            let place = place(head.heads.clone());
            self.part(place, 1, "ends of streams", |_| String::new())?;
        }
        self.part(place(head.block), 1, "rows", |_| String::new())?;
        match head.tree.is_empty() {
            true => Ok(()),
            false => self.part(place(head.tree), 1, "tree", |_| String::new()),
        }
    }

    pub(super) fn piece(&mut self, piece: &Piece<'_>) -> Result<(), Error> {
        match piece {
            Piece::Frame { frame, follows } => {
                let stray = *follows == Some(false);
                let problem = stray.then(|| "it does not follow the frame before".to_owned());
                let start = frame.start().offset;
                if self.is_before((u64::from(start), frame.bytes().len() as u64)) {
                    return Ok(());
                }
                self.frame(start, frame.header(), problem)?;
                let mut end = u64::from(start) + FRAME_HEADER_BYTES as u64;
                if let Some(note) = frame.note() {
                    self.note(end, note)?;
                    end += RECORD_HEADER_BYTES as u64 + note.len() as u64;
                }
                if let Some(bytes) = frame.run_bytes() {
                    let own = bytes as u64;
                    self.heading((end, own), 1, "run", String::new(), None)?;
                    self.layout(end, 2, &RECORD_HEADER_LAYOUT)?;
                    let head = RECORD_HEADER_BYTES as u64;
                    let place = (end + head, own.saturating_sub(head));
                    self.part(place, 2, "what it says of itself", |_| String::new())?;
                    end += own;
                }
                for record in frame.records() {
                    self.record(&record)?;
                    end = u64::from(record.position.offset) + record_bytes(&record);
                }
                let left = u64::from(frame.end().offset).saturating_sub(end);
                if left == 0 {
                    return Ok(());
                }
                self.part((end, left), 1, "padding", |_| String::new())
            }
            Piece::BrokenFrame {
                offset,
                header,
                reason,
            } => self.frame(*offset, header, Some((*reason).to_owned())),
            Piece::Record(record) => self.record(record),
            Piece::BrokenRecords {
                sequence,
                count,
                position,
                reason,
            } => {
                let value = match count {
                    1 => format!("sequence {sequence}"),
                    _ => format!("{count} records from sequence {sequence}"),
                };
                let place = (u64::from(position.offset), 0);
                self.heading(place, 1, "damaged", value, Some((*reason).to_owned()))
            }
            Piece::Damaged {
                offset,
                bytes,
                reason,
            } => {
                let place = (*offset, *bytes);
                let problem = Some((*reason).to_owned());
                self.heading(place, 0, "damaged", String::new(), problem)?;
                self.part(place, 1, "bytes", |_| String::new())
            }
            Piece::Unreadable { offset, bytes } => {
                let problem = Some("the disk does not give them back".to_owned());
                let value = format!("{bytes} bytes, taken for zeros above");
                self.heading((*offset, *bytes), 0, "unreadable", value, problem)
            }
            Piece::Zeros { offset, bytes } => {
                let value = "space that was set aside".to_owned();
                self.heading((*offset, *bytes), 0, "zeros", value, None)
            }
            _ => Ok(()),
        }
    }

    fn frame(
        &mut self,
        offset: u32,
        header: &FrameHeader,
        problem: Option<String>,
    ) -> Result<(), Error> {
        let value = match (header.is_note, header.is_run) {
            (true, _) => format!("a note, at sequence {}", header.first_sequence),
            (_, true) => format!(
                "a run of {} removed events from sequence {}",
                header.sequences(),
                header.first_sequence
            ),
            _ => format!(
                "{} records from sequence {}",
                header.records, header.first_sequence
            ),
        };
        let place = (u64::from(offset), u64::from(header.frame_bytes));
        self.heading(place, 0, "frame", value, problem)?;
        let length = FRAME_HEADER_BYTES as u64;
        self.heading((place.0, length), 1, "frame header", String::new(), None)?;
        self.layout(place.0, 2, &FRAME_HEADER_LAYOUT)
    }

    pub(super) fn record(&mut self, record: &FrameRecord<'_>) -> Result<(), Error> {
        let offset = u64::from(record.position.offset);
        let body = offset + RECORD_HEADER_BYTES as u64;
        let length = record_bytes(record);
        if RemovedRecord::is_one(record.body) {
            return self.removed(record, (offset, length), body);
        }
        let parsed = RecordView::parse(record.body);
        let problem = parsed.as_ref().err().map(ToString::to_string);
        let value = format!("sequence {}", record.sequence);
        self.heading((offset, length), 1, "record", value, problem)?;
        self.layout(offset, 2, &RECORD_HEADER_LAYOUT)?;
        match parsed {
            Ok(view) => view.layout().into_iter().try_for_each(|(name, part)| {
                let place = (body + part.start as u64, part.len() as u64);
                let whole = record.body.get(part).unwrap_or_default();
                self.part(place, 2, name, |_| meaning(&view, name, whole))
            }),
            Err(_) => {
                let place = (body, record.body.len() as u64);
                self.part(place, 2, "body", |_| String::new())
            }
        }
    }

    /// The note at `offset`, whose frame is right.
    fn note(&mut self, offset: u64, body: &[u8]) -> Result<(), Error> {
        let length = RECORD_HEADER_BYTES as u64 + body.len() as u64;
        let (value, problem) = match RemovalNote::is_one(body).then(|| RemovalNote::decode(body)) {
            None => ("of a kind that this program does not know".to_owned(), None),
            Some(Err(error)) => (String::new(), Some(error.to_string())),
            Some(Ok(note)) => (note_meaning(&note), None),
        };
        self.heading((offset, length), 1, "note", value, problem)?;
        self.layout(offset, 2, &RECORD_HEADER_LAYOUT)?;
        let place = (offset + RECORD_HEADER_BYTES as u64, body.len() as u64);
        self.part(place, 2, "body", |_| String::new())
    }

    fn removed(&mut self, at: &FrameRecord<'_>, place: (u64, u64), body: u64) -> Result<(), Error> {
        let problem = RemovedRecord::decode(at.body).err();
        let value = format!("sequence {}, its event was removed", at.sequence);
        self.heading(
            place,
            1,
            "record",
            value,
            problem.map(|error| error.to_string()),
        )?;
        self.layout(place.0, 2, &RECORD_HEADER_LAYOUT)?;
        let parts = RemovedRecord::layout(at.body).into_iter();
        let mut parts =
            parts.map(|(name, part)| (name, body + part.start as u64, part.len() as u64));
        let removed = RemovedRecord::decode(at.body).ok();
        parts.try_for_each(|(name, start, bytes)| {
            let removed = removed.as_ref();
            self.part((start, bytes), 2, name, |bytes| {
                removed_meaning(name, removed).unwrap_or_else(|| plain(name, bytes))
            })
        })
    }

    pub(super) fn manifest(&mut self, fs: &dyn Fs, dir: &Path) -> Result<(), Error> {
        let length = self.file.len().unwrap_or(0);
        let manifest = Manifest::read(fs, dir);
        let problem = manifest.as_ref().err().map(ToString::to_string);
        self.heading((0, length), 0, "manifest", String::new(), problem)?;
        let mut head = MANIFEST_HEAD_LAYOUT.to_vec();
        let mut version = [0; 4];
        let read = self.file.read_up_to(&mut version, 8).unwrap_or(0);
        if read == version.len() && u32::from_le_bytes(version) < 2 {
            // It has no such fields.
            let later = ["removals have records from", "epoch", "is a copy"];
            head.retain(|(name, _)| !later.contains(name));
        }
        self.layout(0, 1, &head)?;
        let bytes = |layout: &[(&str, usize)]| -> u64 {
            layout.iter().map(|(_, bytes)| *bytes as u64).sum()
        };
        let entry = u64::from(SEGMENT_HEADER_BYTES) + bytes(&MANIFEST_ENTRY_LAYOUT);
        let mut offset = bytes(&head);
        while offset + entry + 8 <= length {
            self.heading((offset, entry), 1, "segment", String::new(), None)?;
            self.layout(offset, 2, &SEGMENT_HEADER_LAYOUT)?;
            let rest = offset + u64::from(SEGMENT_HEADER_BYTES);
            self.layout(rest, 2, &MANIFEST_ENTRY_LAYOUT)?;
            offset += entry;
        }
        let left = length.saturating_sub(offset);
        self.part((offset, left), 1, "checksum", |bytes| {
            plain("checksum", bytes)
        })
    }

    pub(super) fn checkpoint(&mut self, fs: &dyn Fs, dir: &Path, name: &str) -> Result<(), Error> {
        let path = dir.join(name);
        let bytes = read_file(fs, &path, FILE_BYTES_MAX)
            .map_err(|error| Error::io("read", &path, error))?;
        let length = bytes.len() as u64;
        match Checkpoint::decode(bytes) {
            Err(error) => {
                let problem = Some(error.to_string());
                self.heading((0, length), 0, "checkpoint", String::new(), problem)?;
                self.part((0, length), 1, "bytes", |_| String::new())
            }
            Ok(checkpoint) => {
                let value = format!("number {}", checkpoint.number());
                self.heading((0, length), 0, "checkpoint", value, None)?;
                let sections: Vec<_> = checkpoint
                    .sections()
                    .filter_map(|name| Some((name, checkpoint.section(name)?.len() as u64)))
                    .collect();
                // The sections stand one after the other at the end of the file.
                let mut offset = length - sections.iter().map(|(_, bytes)| bytes).sum::<u64>();
                self.part((0, offset), 1, "header and table", |_| String::new())?;
                sections.into_iter().try_for_each(|(name, length)| {
                    self.part((offset, length), 1, name, |_| String::new())?;
                    offset += length;
                    Ok(())
                })
            }
        }
    }
}

/// Length of a record, header included.
const fn record_bytes(record: &FrameRecord<'_>) -> u64 {
    RECORD_HEADER_BYTES as u64 + record.body.len() as u64
}
