//! Whole files: replaced atomically, read with a limit.

use super::{Fs, OpenMode};
use std::io;
use std::path::{Path, PathBuf};

/// What a file that is being replaced is called until it is whole.
pub const TEMPORARY_SUFFIX: &str = ".tmp";

/// Replaces the file at `path` by one with these bytes, durably: whoever opens it, even after a
/// power cut, finds the old bytes or the new ones.
///
/// Writes `path` with [`TEMPORARY_SUFFIX`], syncs it, renames it and syncs the directory.
///
/// # Errors
///
/// What the file system says. The old file may then stand, or the new one; a temporary file may be
/// left, which the next call replaces.
pub fn replace_file(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    StagedFile::write(fs, path, bytes)?.publish(fs)
}

/// The new contents of a file, durable under a temporary name and not yet published.
#[derive(Debug)]
#[must_use = "nothing is replaced before it is published"]
pub struct StagedFile<'a> {
    path: &'a Path,
    temporary: PathBuf,
}

impl<'a> StagedFile<'a> {
    /// Writes and syncs the temporary file, in place of one that an interrupted call left.
    ///
    /// # Errors
    ///
    /// What the file system says. The file at `path` is untouched.
    pub fn write(fs: &dyn Fs, path: &'a Path, bytes: &[u8]) -> io::Result<Self> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(TEMPORARY_SUFFIX);
        let temporary = PathBuf::from(temporary);
        match fs.remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = fs.open(&temporary, OpenMode::Create)?;
        file.write_all_at(bytes, 0)?;
        file.sync()?;
        Ok(Self { path, temporary })
    }

    /// Renames the temporary file and syncs the directory.
    ///
    /// # Errors
    ///
    /// What the file system says. The old file may stand then, or the new one.
    pub fn publish(self, fs: &dyn Fs) -> io::Result<()> {
        fs.rename(&self.temporary, self.path)?;
        fs.sync_dir(directory_of(self.path))
    }
}

/// The directory that a file is in: of a name alone, the working directory.
fn directory_of(path: &Path) -> &Path {
    // The parent of a name alone is an empty path, which no system opens.
    let named = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// All bytes of the file at `path`, which has at most `bytes_max`.
///
/// # Errors
///
/// What the file system says; `FileTooLarge` past the limit.
pub fn read_file(fs: &dyn Fs, path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = fs.open(path, OpenMode::Read)?;
    let length = file.len()?;
    if length > bytes_max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; length];
    let read = file.read_up_to(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::MemFs;
    use super::*;

    #[test]
    fn the_directory_of_a_name_alone_is_one_that_can_be_synced() {
        for (path, directory) in [("f", "."), ("d/f", "d"), ("./f", "."), ("/f", "/")] {
            assert_eq!(
                directory_of(Path::new(path)),
                Path::new(directory),
                "{path}"
            );
        }
    }

    #[test]
    fn replaces_over_what_an_interrupted_call_left() {
        let fs = MemFs::new();
        let path = Path::new("/d/f");
        fs.open(Path::new("/d/f.tmp"), OpenMode::Create)
            .unwrap()
            .write_all_at(b"left over and longer", 0)
            .unwrap();
        replace_file(&fs, path, b"one").unwrap();
        replace_file(&fs, path, b"two").unwrap();
        assert_eq!(read_file(&fs, path, 3).unwrap(), b"two");
        assert!(read_file(&fs, path, 2).is_err(), "over the limit");
        let names: Vec<_> = fs
            .list(Path::new("/d"))
            .unwrap()
            .into_iter()
            .map(|e| e.name)
            .collect();
        assert_eq!(names, ["f"]);
    }
}
