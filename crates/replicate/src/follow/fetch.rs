//! Files of a state, fetched whole into a directory. Checks that all bytes came and no more; what they say is
//! checked by who puts them into a log.

use super::error::FollowError;
use crate::bucket::{Bucket, BucketError, Pending};
use crate::object::FileParts;
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fs, FsFile, OpenMode};

/// How much is asked for at once.
const PIECE_BYTES: u64 = 4 << 20;
/// How many requests are under way at once. Memory is bounded by both.
const PIECES_IN_FLIGHT: usize = 4;

/// A request that is under way: where in which file its bytes go, and of which object they are. A bucket gives all of
/// them or an error.
struct Piece {
    file: Arc<dyn FsFile>,
    path: PathBuf,
    from: u64,
    key: String,
    answer: Pending<Result<Option<Bytes>, BucketError>>,
}

/// Files that are being fetched, one behind the other without a pause between: requests for the next one are under way
/// before the last bytes of this one came. Memory is 16 MiB at most.
pub(crate) struct Fetching<'a> {
    bucket: &'a Bucket,
    fs: &'a dyn Fs,
    in_flight: VecDeque<Piece>,
}

impl<'a> Fetching<'a> {
    pub(crate) const fn new(bucket: &'a Bucket, fs: &'a dyn Fs) -> Self {
        Self {
            bucket,
            fs,
            in_flight: VecDeque::new(),
        }
    }

    /// Begins to write a file of a state at `path`, in place of one that is there. The bytes before `known` are those of
    /// `local`, which has as many. Not synced, and not whole before [`finish`](Self::finish). Requests are in
    /// proportion to the parts and to the bytes from `known` on.
    ///
    /// # Errors
    ///
    /// [`FollowError::Gone`] if an object is not there any more; [`FollowError::Bucket`], [`FollowError::Io`]: of this
    /// file or one before.
    pub(crate) fn file(
        &mut self,
        parts: &FileParts,
        path: &Path,
        (local, known): (&Path, u64),
    ) -> Result<(), FollowError> {
        match self.fs.remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FollowError::io("remove", path, error));
            }
            _ => {}
        }
        let file = self.fs.open(path, OpenMode::Create);
        let file = file.map_err(|error| FollowError::io("create", path, error))?;
        if known > 0 {
            copy(self.fs, local, &*file, known)
                .map_err(|error| FollowError::io("copy", local, error))?;
        }
        for (from, length, key, offset) in pieces(parts, known) {
            if self.in_flight.len() >= PIECES_IN_FLIGHT
                && let Some(piece) = self.in_flight.pop_front()
            {
                piece.write()?;
            }
            let end = offset.saturating_add(length);
            self.in_flight.push_back(Piece {
                file: file.clone(),
                path: path.to_path_buf(),
                from,
                answer: self.bucket.start_get_range(&key, offset..end),
                key,
            });
        }
        Ok(())
    }

    /// Waits for what is under way, and has all files whole.
    ///
    /// # Errors
    ///
    /// As [`file`](Self::file).
    pub(crate) fn finish(self) -> Result<(), FollowError> {
        self.in_flight.into_iter().try_for_each(Piece::write)
    }
}

impl Piece {
    fn write(self) -> Result<(), FollowError> {
        let Some(bytes) = self.answer.wait()? else {
            return Err(FollowError::Gone { key: self.key });
        };
        let written = self.file.write_all_at(&bytes, self.from);
        written.map_err(|error| FollowError::io("write", &self.path, error))
    }
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
