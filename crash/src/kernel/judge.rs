//! What is left of a store after its process is gone: whether it opens, and holds what it owes.

use super::content::Content;
use super::process::Told;
use super::story::options;
use crate::expect::{Files, expect_loud};
use crate::verdict::{Violation, expect_whole};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use strandline::fs::{EntryKind, Fs, OsFs, read_file};
use strandline::{Region, Store};

/// Longest file that is looked at, in bytes.
const BYTES_MAX: u64 = 64 << 20;

/// How often files are listed at most until all of them can be read.
const LISTINGS_MAX: usize = 100;

/// What is known of a store between two processes.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// By sequence, the process that appended the event. All of them are durable.
    lives: Vec<u32>,
    /// What was set aside until now.
    quarantined: Vec<Vec<u8>>,
}

impl Known {
    /// Opens the store in `dir`, in this process, and judges what the processes in `told`, which
    /// came one after the other, have left. `survives` says of each what must be there.
    pub(crate) fn judge(
        &mut self,
        dir: &Path,
        seed: u64,
        told: &[Told],
        survives: fn(&Told) -> u64,
    ) -> Result<(), Violation> {
        self.lives_agree(told)?;
        let life = told.last().map_or(0, |told| told.life);
        let before = files(dir)?;
        let store = open(dir, seed, life)?;
        let fresh = {
            let after = files(dir)?;
            let (before, after) = (view(&before), view(&after));
            expect_loud(&before, &after, store.open_report(), &self.quarantined)?
        };
        self.quarantined.extend(fresh);
        let found = self.read(&store, seed, told)?;
        let required = told.iter().map(survives).chain([self.lives.len() as u64]);
        let required = required.max().unwrap_or(0);
        if (found.len() as u64) < required {
            let lost = required - found.len() as u64;
            let message = format!("{lost} of {required} acknowledged events are lost");
            return Err(Violation::lost(message, lost));
        }
        expect_whole(&store)?;
        self.lives = found;
        // What an opening shows is durable: another one must show the same, and take appends.
        drop(store);
        let store = open(dir, seed, life)?;
        let again = self.read(&store, seed, told)?;
        if again != self.lives {
            let (first, then) = (self.lives.len(), again.len());
            let message = format!("an opening showed {first} events, the next one {then}");
            return Err(Violation::new(message));
        }
        let number = self.lives.len() as u64;
        let content = Content {
            life,
            first: number,
            count: 1,
            number,
        };
        store
            .append(&content.coordinate(), content.event(seed))
            .map_err(|error| Violation::new(format!("it takes no append: {error:?}")))?;
        self.lives.push(life);
        expect_whole(&store)
    }

    /// Each process must have found what those before it were told is there.
    fn lives_agree(&self, told: &[Told]) -> Result<(), Violation> {
        let mut required = self.lives.len() as u64;
        for told in told {
            if let Some(wrong) = &told.wrong {
                return Err(Violation::new(wrong.clone()));
            }
            if let Some(found) = told.open.filter(|found| *found < required) {
                let lost = required - found;
                let message = format!("{lost} of {required} events are lost to the next process");
                return Err(Violation::lost(message, lost));
            }
            required = required.max(told.synced).max(told.open.unwrap_or(0));
        }
        Ok(())
    }

    /// Reads every event; gives the process of each.
    fn read(&self, store: &Store, seed: u64, told: &[Told]) -> Result<Vec<u32>, Violation> {
        let mut lives = Vec::new();
        let mut end = 0;
        let now = store.snapshot();
        for event in now.query(Region::all()) {
            let number = lives.len() as u64;
            let event = event.map_err(|error| {
                Violation::new(format!("event {number} cannot be read: {error}"))
            })?;
            let payload = event.payload().unwrap_or_default();
            let wrong = |what: &str| Err(Violation::new(format!("event {number} {what}")));
            let Some(content) = Content::of(payload) else {
                return wrong("says nothing of itself");
            };
            if content.number != number || event.sequence.get() != number {
                return wrong("is in another's place");
            }
            if event.coordinate != content.coordinate() || payload != content.payload(seed) {
                return wrong("is not what was appended");
            }
            let is_known = match self.lives.get(lives.len()) {
                Some(life) => *life == content.life,
                None => told.iter().any(|told| told.life == content.life),
            };
            if !is_known || lives.last().is_some_and(|last| *last > content.life) {
                return wrong("is of a process that was overwritten");
            }
            let is_first = number == content.first;
            if is_first != (number == end) || content.count == 0 {
                return wrong("is of a batch that is cut");
            }
            if is_first {
                end = content.first + content.count;
            }
            lives.push(content.life);
        }
        if end != lives.len() as u64 {
            return Err(Violation::new(format!(
                "a batch is cut at event {}",
                lives.len()
            )));
        }
        Ok(lives)
    }
}

fn open(dir: &Path, seed: u64, life: u32) -> Result<Store, Violation> {
    options(seed, life)
        .open(dir)
        .map_err(|error| Violation::new(format!("it does not open: {error:?}")))
}

/// Files with their bytes.
type OwnFiles = Vec<(PathBuf, Vec<u8>)>;

/// The files of a store and of its quarantine. Beside an open store some get other names meanwhile: then they
/// are listed again.
pub(crate) fn files(dir: &Path) -> Result<OwnFiles, Violation> {
    for _ in 0..LISTINGS_MAX {
        if let Some(files) = listed(dir)? {
            return Ok(files);
        }
    }
    Err(Violation::new(format!(
        "{}: files go as fast as they are listed",
        dir.display()
    )))
}

/// The files as they are listed; none if one of them is gone when it is read.
fn listed(dir: &Path) -> Result<Option<OwnFiles>, Violation> {
    let mut files = Vec::new();
    for folder in [dir.to_path_buf(), dir.join("quarantine")] {
        for entry in OsFs.list(&folder).unwrap_or_default() {
            if entry.kind == EntryKind::File {
                let path = folder.join(entry.name);
                match read_file(&OsFs, &path, BYTES_MAX) {
                    Ok(bytes) => files.push((path, bytes)),
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                    Err(error) => {
                        return Err(Violation::new(format!("{}: {error}", path.display())));
                    }
                }
            }
        }
    }
    Ok(Some(files))
}

fn view(files: &[(PathBuf, Vec<u8>)]) -> Files<'_> {
    let views = files.iter().map(|(path, bytes)| (path.clone(), &**bytes));
    views.collect()
}
