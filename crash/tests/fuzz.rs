//! What a fuzzer has kept, and some inputs by chance, through every target.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use strandline::fs::{Fs, OsFs, read_file};
use strandline_core::fs::Draws;
use strandline_crash::fuzz::{TARGETS, Target};

/// The inputs of a target that are kept in a folder of `fuzz/`.
fn inputs(folder: &str, target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let folder = root.join(folder).join(target.name);
    let entries = OsFs.list(&folder).unwrap_or_default();
    let paths = entries.into_iter().map(|entry| folder.join(entry.name));
    paths
        .map(|path| (path.clone(), read_file(&OsFs, &path, 1 << 20).unwrap()))
        .collect()
}

#[test]
fn every_kept_input_passes() {
    for target in TARGETS {
        let corpus = inputs("corpus", target);
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        for (path, bytes) in corpus.into_iter().chain(inputs("regressions", target)) {
            if let Err(violation) = (target.run)(&bytes) {
                panic!("{}: {violation}", path.display());
            }
        }
    }
}

#[test]
fn inputs_by_chance_pass() {
    for target in TARGETS {
        let mut draws = Draws::of(1, &[target.bytes_max as u64]);
        for _ in 0..30 {
            let length = draws.below(target.bytes_max as u64);
            let bytes: Vec<u8> = (0..length)
                .map(|_| draws.number().to_le_bytes()[0])
                .collect();
            if let Err(violation) = (target.run)(&bytes) {
                panic!("{}, {bytes:?}: {violation}", target.name);
            }
        }
    }
}
