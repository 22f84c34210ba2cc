//! `annotate_file`, `annotate_frame`, `annotate_frames` and `annotate_event`: which bytes of which file are shown. What they mean is
//! `Annotator`'s to tell.

use super::annotation::Annotation;
use super::annotator::Annotator;
use crate::maintenance::damaged::{SegmentFiles, examiner};
use crate::open::refuse_elsewhere;
use crate::{Error, ErrorKind, EventId};
use std::ops::ControlFlow;
use std::path::Path;
use strandline_core::fs::{Fs, OpenMode};
use strandline_core::record::RecordView;
use strandline_segment::{FrameRecord, MANIFEST_FILE, Piece, SegmentId};

/// Shows a file of a store: a segment, the manifest or a checkpoint; of it what ends after the
/// offset `from`.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] for a file of another kind, or if sealed segments are in a bucket, [`ErrorKind::NotFound`], [`ErrorKind::Io`],
/// [`ErrorKind::Cancelled`] where `emit` breaks off. Damage is no error.
pub fn annotate_file(
    fs: &dyn Fs,
    dir: &Path,
    name: &str,
    from: u64,
    emit: &mut dyn FnMut(Annotation) -> ControlFlow<()>,
) -> Result<(), Error> {
    refuse_elsewhere(fs, dir)?;
    if name == MANIFEST_FILE {
        return Annotator::open(fs, dir, name, from, emit)?.manifest(fs, dir);
    }
    if name.ends_with(".ckpt") {
        return Annotator::open(fs, dir, name, from, emit)?.checkpoint(fs, dir, name);
    }
    if name.starts_with("segment-") {
        let mut annotator = Annotator::open(fs, dir, name, from, emit)?;
        let examiner = examiner(fs, dir, name)?.patient();
        return annotator.segment(&examiner);
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!("{name} is no segment, manifest or checkpoint; these are what can be shown"),
    ))
}

/// Shows the frame that begins at `offset` of a segment.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if no frame begins there, [`ErrorKind::Corrupt`] if its header is wrong;
/// as [`annotate_file`].
pub fn annotate_frame(
    fs: &dyn Fs,
    dir: &Path,
    segment: u32,
    offset: u32,
    emit: &mut dyn FnMut(Annotation) -> ControlFlow<()>,
) -> Result<(), Error> {
    refuse_elsewhere(fs, dir)?;
    let name = file_name(fs, dir, segment)?;
    let mut annotator = Annotator::open(fs, dir, &name, 0, emit)?;
    let examiner = examiner(fs, dir, &name)?;
    let shown = examiner.frame_at(offset, |piece| annotator.piece(&piece));
    shown.map_err(Error::from)
}

/// Shows the frames of a segment from the one on that begins at `offset`; of it what ends after the offset `from`. With
/// an offset of 0 the header of the segment comes first. Where no right frame begins, what stands there is shown as damaged,
/// up to the next one.
///
/// [`Snapshot::place_of`](crate::Snapshot::place_of) says where the frame of an event begins. Linear in what is shown until
/// `emit` breaks off, and in the footer of the segment.
///
/// # Errors
///
/// As [`annotate_file`].
pub fn annotate_frames(
    fs: &dyn Fs,
    dir: &Path,
    segment: u32,
    (offset, from): (u32, u64),
    emit: &mut dyn FnMut(Annotation) -> ControlFlow<()>,
) -> Result<(), Error> {
    refuse_elsewhere(fs, dir)?;
    let name = file_name(fs, dir, segment)?;
    let mut annotator = Annotator::open(fs, dir, &name, from, emit)?;
    let examiner = examiner(fs, dir, &name)?;
    if offset == 0 {
        annotator.segment_header(&examiner)?;
    }
    let shown = examiner.pieces_from(offset, |piece| annotator.piece(&piece));
    shown.map_err(Error::from)
}

/// The bytes of the file of a segment from `offset` on: at most so many.
///
/// # Errors
///
/// As [`annotate_file`].
pub fn segment_bytes(
    fs: &dyn Fs,
    dir: &Path,
    segment: u32,
    offset: u64,
    bytes_max: usize,
) -> Result<Vec<u8>, Error> {
    refuse_elsewhere(fs, dir)?;
    let path = dir.join(file_name(fs, dir, segment)?);
    let read = || -> std::io::Result<Vec<u8>> {
        let file = fs.open(&path, OpenMode::Read)?;
        let left = file.len()?.saturating_sub(offset);
        let mut bytes = vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(bytes_max)];
        let read = file.read_up_to(&mut bytes, offset)?;
        bytes.truncate(read);
        Ok(bytes)
    };
    read().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            let message = format!("there is no segment {segment} in {}", dir.display());
            Error::new(ErrorKind::NotFound, message)
        }
        _ => Error::io("read", &path, error),
    })
}

/// The name of the file of a segment that counts.
fn file_name(fs: &dyn Fs, dir: &Path, segment: u32) -> Result<String, Error> {
    let id = SegmentId::new(segment);
    let files = SegmentFiles::choose(fs, dir)?;
    Ok(files.of(id).map_or_else(|| id.file_name(), str::to_owned))
}

/// Shows the record of an event, wherever it is: reads the segments until it finds the id. Gives
/// segment and offset, or `None` if no record that is right has the id. Of a segment of which a crash
/// left several generations, only the one that counts is read, as by [`salvage`](crate::maintenance::salvage()).
///
/// ```
/// use strandline::maintenance::annotate_event;
/// use strandline::{Coordinate, Event, EventKind, Store};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("orders.strand");
/// let store = Store::open(&path)?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// let receipt = store.append(&order, Event::bytes(EventKind::new(1, 1), *b"placed"))?;
/// store.close()?;
///
/// let mut names = Vec::new();
/// let place = annotate_event(&strandline::fs::OsFs, &path, receipt.id, &mut |part| {
///     names.push(part.name);
///     std::ops::ControlFlow::Continue(())
/// })?;
/// assert_eq!(place.map(|(segment, _)| segment), Some(1));
/// assert!(names.iter().any(|name| name == "payload"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`annotate_file`].
pub fn annotate_event(
    fs: &dyn Fs,
    dir: &Path,
    id: EventId,
    emit: &mut dyn FnMut(Annotation) -> ControlFlow<()>,
) -> Result<Option<(u32, u32)>, Error> {
    refuse_elsewhere(fs, dir)?;
    let has_id = |body: &[u8]| RecordView::parse(body).is_ok_and(|record| record.id() == id);
    for name in SegmentFiles::choose(fs, dir)?.chosen {
        let examiner = match examiner(fs, dir, &name) {
            Ok(examiner) => examiner,
            Err(error) if error.kind() == ErrorKind::Io => return Err(error),
            // Without its header none of its checksums can be looked at.
            Err(_) => continue,
        };
        let mut annotator = Annotator::open(fs, dir, &name, 0, emit)?;
        let mut found = None;
        let mut look = |record: &FrameRecord<'_>| -> Result<(), Error> {
            if found.is_none() && has_id(record.body) {
                found = Some((record.position.segment.get(), record.position.offset));
                annotator.record(record)?;
            }
            Ok(())
        };
        examiner.pieces(|piece| match piece {
            Piece::Frame { frame, .. } => frame.records().try_for_each(|record| look(&record)),
            Piece::Record(record) => look(&record),
            _ => Ok(()),
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
