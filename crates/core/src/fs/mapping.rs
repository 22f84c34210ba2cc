//! `Mapping`: the front of a file as memory.

use memmap2::{MmapOptions, MmapRaw};
use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

/// Whether files are mapped here: not where addresses are few, and not where what is written to a
/// file need not show in a mapping of it, or not in one that was made before the file grew.
const SUPPORTED: bool = cfg!(all(
    target_pointer_width = "64",
    any(
        target_os = "linux",
        target_os = "macos",
        target_os = "freebsd"
    )
));

/// The front of a file as memory, to read only. Cheap to clone; unmapped with the last clone.
///
/// It may be longer than the file, whose bytes are in it once they are written. (LMDB maps its
/// file so: `mdb_env_map` in `mdb.c`.)
#[derive(Clone)]
pub struct Mapping(Arc<MmapRaw>);

impl Mapping {
    /// Maps the first `bytes` bytes of `file`; `None` where that is not possible.
    pub(crate) fn of(file: &File, bytes: u64) -> Option<Self> {
        let length = usize::try_from(bytes).ok().filter(|length| *length > 0)?;
        let mapped = SUPPORTED.then(|| MmapOptions::new().len(length).map_raw_read_only(file));
        Some(Self(Arc::new(mapped?.ok()?)))
    }

    /// How many bytes there are, those included that the file does not have yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes in `range`; `None` if it ends past the mapping.
    ///
    /// The caller answers for it that the file has these bytes and that nobody changes or cuts
    /// them off while they are borrowed. A byte that the file has not, or that the disk fails to
    /// read, raises the signal SIGBUS where it is touched.
    #[must_use]
    #[expect(
        unsafe_code,
        reason = "memory that others can write is out of the compiler's sight"
    )]
    #[inline]
    pub fn get(&self, range: Range<usize>) -> Option<&[u8]> {
        let length = range.end.checked_sub(range.start)?;
        if range.end > self.0.len() {
            return None;
        }
        // SAFETY: the range lies in the mapping, which lives as long as the borrow, is readable,
        // and is smaller than `isize::MAX`, as `memmap2` checks. That its bytes do not change
        // while they are borrowed is the promise of the callers, of which there are two. The log
        // asks for the footer of a sealed segment whose trailer is right, and for bytes of a segment
        // below its written end. Those are written once, before the end moves past them (a release
        // that the asking thread has acquired), and the footer before its trailer. From then on
        // nobody has a handle that writes or cuts below there: `OpenMode` has none, and `Floor`
        // refuses it. The undoing of a failed write, space set aside and given back, and a first
        // footer touch what is beyond the end only; another footer goes into a new file; files are
        // unlinked or renamed over at most, which keeps a mapping. So it is in every process that
        // has the file, also by another name; files are 0600 in a directory that is 0700, and that
        // no other program changes them is among what is assumed of the disk.
        Some(unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(range.start), length) })
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping").field("len", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::fs::{Fs, FsFile, OpenMode, OsFs};
    use std::sync::Arc;

    fn file() -> (tempfile::TempDir, Arc<dyn FsFile>) {
        let dir = tempfile::tempdir().unwrap();
        let file = OsFs.open(&dir.path().join("f"), OpenMode::Create).unwrap();
        (dir, file)
    }

    #[test]
    fn what_is_written_later_is_in_a_mapping_made_before() {
        let (_dir, file) = file();
        let Some(mapping) = file.map(100_000) else {
            return;
        };
        for piece in 0..100 {
            let bytes = [piece; 1000];
            let at = usize::from(piece) * 1000;
            file.write_all_at(&bytes, at as u64).unwrap();
            assert_eq!(mapping.get(at..at + 1000).unwrap(), bytes);
        }
        file.set_len(50_000).unwrap();
        let clone = mapping.clone();
        drop((mapping, file));
        assert_eq!(clone.get(49_000..50_000).unwrap(), [49; 1000]);
    }

    #[test]
    fn nothing_past_the_end_is_handed_out() {
        let (_dir, file) = file();
        file.write_all_at(&[1; 9000], 0).unwrap();
        assert!(file.map(0).is_none());
        let Some(mapping) = file.map(5000) else {
            return;
        };
        assert_eq!(mapping.len(), 5000);
        assert!(mapping.get(0..5001).is_none());
        assert!(mapping.get(5000..5000).unwrap().is_empty());
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is asked for")]
        let reversed = mapping.get(2..1);
        assert!(reversed.is_none());
    }
}
