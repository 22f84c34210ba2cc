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
/// up to the next one; more than 4 MiB of that, or of zeros, in several parts.
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

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use crate::maintenance::{Retention, compact, unwatched};
    use crate::{Coordinate, Durability, Event, EventKind, Store, StoreOptions};
    use std::sync::Arc;
    use strandline_core::fs::{MemFs, read_file, replace_file};

    const DIR: &str = "/orders.strand";

    fn store(fs: &MemFs) -> Store {
        let options = StoreOptions::new().fs(Arc::new(fs.clone()));
        let options = options.durability(Durability::Written);
        options.segment_bytes_max(64 << 10).open(DIR).unwrap()
    }

    fn append(store: &Store, count: usize) -> Vec<EventId> {
        let at = |number: usize| Coordinate::new(format!("order:{}", number % 4), "eu").unwrap();
        let event = || Event::bytes(EventKind::new(1, 1), vec![b'x'; 300]);
        (0..count)
            .map(|number| store.append(&at(number), event()).unwrap().id)
            .collect()
    }

    fn frames(fs: &MemFs, segment: u32, place: (u32, u64)) -> Vec<Annotation> {
        let mut all = Vec::new();
        annotate_frames(fs, Path::new(DIR), segment, place, &mut |one| {
            all.push(one);
            ControlFlow::Continue(())
        })
        .unwrap();
        all
    }

    #[test]
    fn the_place_of_each_event_is_where_its_record_and_frame_are_shown() {
        let fs = MemFs::new();
        let store = store(&fs);
        let ids = append(&store, 200);
        let now = store.snapshot();
        let mut segments = Vec::new();
        for (number, id) in ids.iter().enumerate() {
            let place = now.place_of(*id).unwrap().unwrap();
            segments.push(place.segment);
            let own = frames(&fs, place.segment, (place.frame.unwrap(), 0));
            assert_eq!(
                (own[0].name.as_str(), own[0].offset),
                ("frame", place.frame.unwrap().into())
            );
            let record = own.iter().find(|one| one.name == "record").unwrap();
            assert_eq!(record.offset, u64::from(place.record));
            assert_eq!(record.value, format!("sequence {number}"));
            // From the record on its fields come first, under their headings.
            let own = frames(
                &fs,
                place.segment,
                (place.frame.unwrap(), place.record.into()),
            );
            let shown: Vec<_> = own.iter().map(|one| one.name.as_str()).take(3).collect();
            assert_eq!(shown, ["frame", "record", "checksum"]);
        }
        segments.dedup();
        assert!(segments.len() > 1 && segments.is_sorted());
        let other = store.append(
            &Coordinate::new("a", "b").unwrap(),
            Event::bytes(EventKind::new(1, 1), *b"x"),
        );
        assert_eq!(now.place_of(other.unwrap().id).unwrap(), None);
    }

    #[test]
    fn a_run_of_removed_events_is_shown_by_its_name() {
        let fs = MemFs::new();
        let store = store(&fs);
        append(&store, 400);
        let rules = Retention::new().keep_newest(1).forget_digests();
        compact(&store, &rules, &mut unwatched).unwrap();
        let all = frames(&fs, 1, (0, 0));
        assert_eq!(all[0].name, "segment header");
        let at = all
            .iter()
            .position(|one| one.value.starts_with("a run of "));
        let frame = &all[at.unwrap()];
        assert_eq!(frame.name, "frame");
        let within = |one: &&Annotation| {
            (frame.offset..frame.offset + frame.length).contains(&one.offset) && one.name == "run"
        };
        let run = all.iter().find(within).unwrap();
        assert_eq!(run.depth, 1);
        assert!(all.iter().all(|one| one.problem.is_none()));
        // Of a run no event has a place.
        let offset = u32::try_from(frame.offset).unwrap();
        assert_eq!(frames(&fs, 1, (offset, 0))[0], *frame);
    }

    #[test]
    fn what_is_damaged_is_shown_with_what_is_wrong() {
        let fs = MemFs::new();
        let store = store(&fs);
        let ids = append(&store, 9);
        let now = store.snapshot();
        let place = now.place_of(ids[4]).unwrap().unwrap();
        let next = now.place_of(ids[5]).unwrap().unwrap();
        drop((now, store));
        let path = Path::new(DIR).join(SegmentId::new(1).file_name());
        let whole = read_file(&fs, &path, 1 << 20).unwrap();
        let strike = |at: u32| {
            let mut bytes = whole.clone();
            bytes[at as usize] ^= 0x40;
            replace_file(&fs, &path, &bytes).unwrap();
        };
        strike(place.record + 100);
        let own = frames(&fs, 1, (place.frame.unwrap(), 0));
        let wrong = own.iter().find(|one| one.name == "damaged").unwrap();
        assert_eq!((wrong.offset, wrong.length), (place.record.into(), 0));
        assert!(wrong.problem.is_some());
        strike(place.frame.unwrap());
        let own = frames(&fs, 1, (place.frame.unwrap(), 0));
        let length = u64::from(next.frame.unwrap() - place.frame.unwrap());
        assert_eq!((own[0].name.as_str(), own[0].length), ("damaged", length));
        assert!(
            own.iter()
                .any(|one| one.name == "frame" && one.offset == u64::from(next.frame.unwrap()))
        );
        let mut seen = 0;
        let ended = annotate_frames(&fs, Path::new(DIR), 1, (0, 0), &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        });
        assert_eq!((ended.unwrap_err().kind(), seen), (ErrorKind::Cancelled, 1));
    }
}
