//! What becomes of merged files of the index while nobody has the store open: it costs time and no answer.

use super::state::{DIR, Done, Machine};
use crate::verdict::Violation;
use std::path::{Path, PathBuf};
use strandline::fs::{Fs, OpenMode, SimFs, read_file};

const FILE_BYTES_MAX: u64 = 1 << 24;

/// The merged files that there are.
fn merged_files(fs: &SimFs) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs.list(Path::new(DIR)).unwrap_or_default();
    let names = entries.into_iter().map(|entry| entry.name);
    let names = names.filter(|name| name.starts_with("index-"));
    names
        .map(|name| {
            let path = Path::new(DIR).join(name);
            let bytes = read_file(fs, &path, FILE_BYTES_MAX).unwrap_or_default();
            (path, bytes)
        })
        .collect()
}

fn put(fs: &SimFs, path: &Path, bytes: &[u8]) -> Done {
    // It may be there or not.
    let _ = fs.remove_file(path);
    let file = fs.open(path, OpenMode::Create);
    file.and_then(|file| file.write_all_at(bytes, 0))
        .map_err(|error| Violation::new(error.to_string()))
}

impl Machine {
    /// Between two processes merged files are removed, cut, exchanged, put back as they once were, or a byte
    /// of one is another.
    pub(super) fn damage_merged(&mut self, [which, place, how]: [u8; 3]) -> Done {
        self.fs = self.fs.next_process();
        self.store = None;
        self.reader = None;
        self.snapshots.clear();
        self.model.keeps_power();
        let files = merged_files(&self.fs);
        let chosen = usize::from(which).checked_rem(files.len());
        let Some((path, bytes)) = chosen.and_then(|at| files.get(at)) else {
            return self.open();
        };
        let at = usize::from(place) * bytes.len() / 256;
        match how % 6 {
            0 => {
                self.kept_merged.extend(files.iter().cloned());
                for (path, _) in &files {
                    let removed = self.fs.remove_file(path);
                    removed.map_err(|error| Violation::new(error.to_string()))?;
                }
            }
            1 => put(&self.fs, path, &bytes[..at])?,
            2 => {
                let (other, others) = &files[files.len() - 1];
                put(&self.fs, path, others)?;
                put(&self.fs, other, bytes)?;
            }
            3 | 4 => {
                // What is in use now will be put back once it is not.
                let now = files.iter().cloned();
                for (path, bytes) in std::mem::take(&mut self.kept_merged) {
                    put(&self.fs, &path, &bytes)?;
                }
                self.kept_merged.extend(now);
            }
            _ => {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << (which % 8);
                put(&self.fs, path, &changed)?;
                self.open()?;
                self.append([which, place, 0])?;
                self.batch([place, which, 3])?;
                // Verification would name it, and whenever it was put back.
                let done = self.damage_merged([which, place, 0]);
                self.kept_merged.retain(|(_, kept)| *kept != changed);
                return done;
            }
        }
        self.open()
    }
}
