//! Where programs in Python find one. It knows nothing of this program.

use std::path::{Path, PathBuf};
use strandline_core::fs::{Fs, OsFs};

/// Where a recent Python may be.
pub(crate) fn pythons() -> Vec<PathBuf> {
    let named = std::env::var_os("STRANDLINE_PYTHON").map(PathBuf::from);
    let on_path = ["python3", "python3.14", "python3.13", "python3.12"].map(PathBuf::from);
    // pyenv keeps several, and gives the one that somebody chose its name.
    let versions = std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv/versions"));
    let kept = versions.into_iter().flat_map(|versions| {
        let entries = OsFs.list(&versions).unwrap_or_default();
        let python = move |name: String| versions.join(name).join("bin/python");
        entries
            .into_iter()
            .map(move |entry| python(entry.name.clone()))
    });
    named.into_iter().chain(on_path).chain(kept).collect()
}
