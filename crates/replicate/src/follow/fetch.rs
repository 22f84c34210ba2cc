//! Files of a state, fetched whole into a directory. Checks that all bytes came and no more; what they say is
//! checked by who puts them into a log.

use super::error::FollowError;
use crate::bucket::{Bucket, BucketError, Pending};
use crate::object::FileParts;
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{Fs, FsFile, OpenMode};

/// How much is asked for at once.
const PIECE_BYTES: u64 = 4 << 20;
/// How many requests are under way at once. Memory is bounded by both.
const PIECES_IN_FLIGHT: usize = 4;

/// A request that is under way: where in the file its bytes go, and of which object they are. A bucket gives all of
/// them or an error.
struct Piece {
    from: u64,
    key: String,
    answer: Pending<Result<Option<Bytes>, BucketError>>,
}

/// Writes a file of a state at `path`, in place of one that is there. The bytes before `known` are those of
/// `local`, which has as many. Not synced. Requests are in proportion to the parts and to the bytes from `known`
/// on; memory is 16 MiB at most.
///
/// # Errors
///
/// [`FollowError::Gone`] if an object is not there any more; [`FollowError::Bucket`], [`FollowError::Io`].
pub(crate) fn fetch(
    bucket: &Bucket,
    fs: &dyn Fs,
    parts: &FileParts,
    path: &Path,
    (local, known): (&Path, u64),
) -> Result<(), FollowError> {
    match fs.remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(FollowError::io("remove", path, error));
        }
        _ => {}
    }
    let file = fs.open(path, OpenMode::Create);
    let file = file.map_err(|error| FollowError::io("create", path, error))?;
    if known > 0 {
        copy(fs, local, &*file, known).map_err(|error| FollowError::io("copy", local, error))?;
    }
    let mut in_flight = VecDeque::new();
    for (from, length, key, offset) in pieces(parts, known) {
        if in_flight.len() >= PIECES_IN_FLIGHT
            && let Some(piece) = in_flight.pop_front()
        {
            write(&*file, path, piece)?;
        }
        let end = offset.saturating_add(length);
        in_flight.push_back(Piece {
            from,
            answer: bucket.start_get_range(&key, offset..end),
            key,
        });
    }
    for piece in in_flight {
        write(&*file, path, piece)?;
    }
    Ok(())
}

/// What is to be asked for, from `known` on: where in the file, how much, of which object and where in that.
fn pieces(parts: &FileParts, known: u64) -> impl Iterator<Item = (u64, u64, String, u64)> {
    parts.parts.iter().flat_map(move |part| {
        let skipped = known.saturating_sub(part.from).min(part.length);
        let key = part.key.to_string();
        let mut at = skipped;
        std::iter::from_fn(move || {
            let left = part.length.checked_sub(at).filter(|left| *left > 0)?;
            let length = left.min(PIECE_BYTES);
            let piece = (
                part.from.saturating_add(at),
                length,
                key.clone(),
                part.offset.saturating_add(at),
            );
            at += length;
            Some(piece)
        })
    })
}

fn write(file: &dyn FsFile, path: &Path, piece: Piece) -> Result<(), FollowError> {
    let Some(bytes) = piece.answer.wait()? else {
        return Err(FollowError::Gone { key: piece.key });
    };
    let written = file.write_all_at(&bytes, piece.from);
    written.map_err(|error| FollowError::io("write", path, error))
}

fn copy(fs: &dyn Fs, from: &Path, to: &dyn FsFile, until: u64) -> io::Result<()> {
    let from: Arc<dyn FsFile> = fs.open(from, OpenMode::Read)?;
    let (mut offset, mut piece) = (0, Vec::new());
    while offset < until {
        let length = usize::try_from((until - offset).min(PIECE_BYTES)).unwrap_or(usize::MAX);
        piece.resize(length, 0);
        let read = from.read_up_to(&mut piece, offset)?;
        if read < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all_at(&piece, offset)?;
        offset += u64::try_from(length).unwrap_or(u64::MAX);
    }
    Ok(())
}
