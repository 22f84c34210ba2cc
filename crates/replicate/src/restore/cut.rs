//! A copy of a log that ends earlier. Asks no bucket.

use crate::follow::FollowError;
use std::path::Path;
use std::sync::Arc;
use strandline::Sequence;
use strandline_core::fs::{Fs, OpenMode};
use strandline_segment::{
    LogOptions, LogPosition, LogReceiver, MANIFEST_FILE, Manifest, ScanError, SegmentInfo,
    UncheckedLog,
};

/// How much is copied at once.
const PIECE_BYTES: u64 = 1 << 20;

/// Makes a copy in `to` of the log in `from`, of the commits whose events are all below `until`, and of the notes
/// between them. Linear in the bytes that are not linked: the segment that is cut.
pub(super) fn cut(
    fs: &Arc<dyn Fs>,
    from: &Path,
    to: &Path,
    until: Sequence,
) -> Result<(), FollowError> {
    let manifest = Manifest::read(&**fs, from)?.ok_or(FollowError::Empty)?;
    let segments = manifest.segments();
    let holds = |info: &&SegmentInfo| info.end().is_none_or(|end| end.sequence > until);
    let last = segments.iter().find(holds).ok_or(FollowError::Empty)?;
    let end = end_below(fs, from, last, until)?;
    let manifest = manifest.ending_in(last.id()).ok_or(FollowError::Empty)?;
    fs.create_dir_all(to)
        .map_err(|error| FollowError::io("make", to, error))?;
    for info in manifest.segments() {
        let source = from.join(info.file_name());
        let staged = LogReceiver::staged_path(to, info.header());
        let _ = fs.remove_file(&staged);
        let staged_so = match info.is_sealed() {
            true => fs
                .link(&source, &staged)
                .or_else(|_| copy(&**fs, &source, &staged, u64::MAX)),
            false => copy(&**fs, &source, &staged, end.offset.into()),
        };
        staged_so.map_err(|error| FollowError::io("copy", &source, error))?;
    }
    let mut copy = LogReceiver::create(fs.clone(), to, &manifest)?;
    // Whoever opens it to write carries nothing of it into another file then.
    copy.sync()?;
    Ok(())
}

/// Where the last commit of a segment ends whose events are all below `until`.
fn end_below(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    info: &SegmentInfo,
    until: Sequence,
) -> Result<LogPosition, FollowError> {
    let log = UncheckedLog::open(fs.clone(), dir, LogOptions::default())?;
    let log = log.ok_or_else(|| {
        let error = std::io::ErrorKind::NotFound.into();
        FollowError::io("open", &dir.join(MANIFEST_FILE), error)
    })?;
    let start = info.start();
    let mut end = start;
    let scanned = log.scan(Some(start), start.sequence, |frame| {
        let next = frame.end();
        match next.segment == info.id() && next.sequence <= until {
            true => {
                end = next;
                Ok(())
            }
            false => Err(Reached),
        }
    });
    match scanned {
        Ok(_) | Err(ScanError::Visit(Reached)) => Ok(end),
        Err(ScanError::Log(error)) => Err(error.into()),
    }
}

/// The end of what is wanted was reached.
struct Reached;

fn copy(fs: &dyn Fs, from: &Path, to: &Path, until: u64) -> std::io::Result<()> {
    let from = fs.open(from, OpenMode::Read)?;
    let to = fs.open(to, OpenMode::Create)?;
    let until = until.min(from.len()?);
    let (mut offset, mut piece) = (0, Vec::new());
    while offset < until {
        let length = (until - offset).min(PIECE_BYTES);
        piece.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
        if from.read_up_to(&mut piece, offset)? < piece.len() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all_at(&piece, offset)?;
        offset += length;
    }
    Ok(())
}
