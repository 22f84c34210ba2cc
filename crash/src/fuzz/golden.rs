//! `Golden`: a small store in memory whose files are changed. Mends no checksum.

use crate::faults::damage::golden;
use crate::faults::trial::files;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use strandline::fs::{Fs, MemFs, OpenMode, read_file};

/// A small store, and its files without the lock.
pub(super) struct Golden {
    pub(super) fs: MemFs,
    pub(super) files: Vec<(PathBuf, Vec<u8>)>,
}

/// The small store.
pub(super) fn store() -> &'static Golden {
    static GOLDEN: OnceLock<Golden> = OnceLock::new();
    GOLDEN.get_or_init(|| {
        let (fs, _) = golden().unwrap_or_else(|error| panic!("{error}"));
        let files = files(&fs);
        Golden { fs, files }
    })
}

/// A small store with merged files of the index, and the files.
pub(super) fn merged() -> &'static Golden {
    static GOLDEN: OnceLock<Golden> = OnceLock::new();
    GOLDEN.get_or_init(|| {
        let golden = crate::faults::merged::golden(3);
        let fs = golden.unwrap_or_else(|error| panic!("{error}")).fs;
        let is_merged = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("index-")
        };
        let mut files = files(&fs);
        files.retain(|(path, _)| is_merged(path));
        Golden { fs, files }
    })
}

/// A file of the small store whose name begins so.
pub(super) fn file(prefix: &str) -> &'static (PathBuf, Vec<u8>) {
    let has = |(path, _): &&(PathBuf, Vec<u8>)| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(prefix)
    };
    let found = store().files.iter().find(has);
    found.unwrap_or_else(|| panic!("the store has no {prefix}"))
}

/// Puts bytes in the place of a file's.
pub(super) fn put(fs: &MemFs, path: &Path, bytes: &[u8]) {
    // It is there, and memory does not fail.
    let _ = fs.remove_file(path);
    if let Ok(file) = fs.open(path, OpenMode::Create) {
        let _ = file.write_all_at(bytes, 0);
    }
}

/// The bytes of a file in memory.
pub(super) fn read(fs: &MemFs, path: &Path) -> Vec<u8> {
    read_file(fs, path, 1 << 24).unwrap_or_default()
}
