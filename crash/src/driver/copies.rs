//! Backups on the same disk, and what must be of them at each moment.

use super::{DIR, Driver, Outcome};
use crate::expect::Copy;
use crate::{Expected, Violation, expect_whole};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::Fs;
use strandline::maintenance::{BackupOptions, CopyMode, backup_with};
use strandline::{Error, ErrorKind};

/// A backup as a workload asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its directory.
    pub dir: &'static str,
    /// How segments are brought.
    pub mode: CopyMode,
    /// Whether it is verified before it takes its place.
    pub verify: bool,
}

impl Driver {
    /// Backs the store up, onto an earlier backup if there is one.
    ///
    /// # Errors
    ///
    /// If that fails, or there is something else than the earlier backup or the new one.
    pub fn backup(&mut self, target: Target) -> Outcome {
        let now = self.expected();
        let whole = Copy {
            least: if self.setup.failing {
                now.required
            } else {
                now.events.len()
            },
            events: now.events.clone(),
            taken: now.taken.clone(),
        };
        // Whatever moment it is cut at, there is the earlier one or this one.
        self.expect(|now| now.copies_of(target).push(Some(whole.clone())));
        match self.back_up(target) {
            Ok(()) => self.expect(|now| *now.copies_of(target) = vec![Some(whole)]),
            Err(error) if self.setup.failing || self.setup.lying => {
                let expected = [
                    ErrorKind::Io,
                    ErrorKind::NotWritten,
                    ErrorKind::InvalidInput,
                    ErrorKind::NotFound,
                ];
                if !expected.contains(&error.kind()) && !crate::is_typed(&error) {
                    return Err(Violation::new(format!("a backup failed: {error:?}")));
                }
            }
            Err(error) => return Err(Violation::new(format!("a backup failed: {error:?}"))),
        }
        self.check_copies()
    }

    fn back_up(&mut self, target: Target) -> Result<(), Error> {
        let fs: Arc<dyn Fs> = Arc::new(self.probe());
        let mut how = BackupOptions::new().mode(target.mode);
        if target.verify {
            how = how.verify();
        }
        let (from, to) = (Path::new(DIR), Path::new(target.dir));
        backup_with(&fs, from, to, how, &mut |_| ControlFlow::Continue(())).map(drop)
    }

    /// Checks that each backup is one that may be there, wholly.
    ///
    /// # Errors
    ///
    /// If one is something else.
    pub(crate) fn check_copies(&mut self) -> Outcome {
        if self.setup.lying {
            return Ok(());
        }
        let expected = self.expected();
        for (target, may) in &*expected.copies {
            let found = self.check_copy(*target, may);
            found.map_err(|found| Violation::new(format!("{}: {found}", target.dir)))?;
        }
        Ok(())
    }

    fn check_copy(&mut self, target: Target, may: &[Option<Copy>]) -> Outcome {
        let fs = Arc::new(self.fs.beside());
        let options = strandline::StoreOptions::new().fs(fs).read_only();
        let store = match options.open(target.dir) {
            Ok(store) => store,
            Err(error) if may.contains(&None) && crate::is_typed(&error) => return Ok(()),
            Err(error) => {
                return Err(Violation::new(format!(
                    "the backup does not open: {error:?}"
                )));
            }
        };
        expect_whole(&store)?;
        let mut wrong = Violation::new("it may not be there yet");
        for whole in may.iter().flatten() {
            let expected = Expected {
                events: whole.events.clone(),
                required: whole.least,
                taken: whole.taken.clone(),
                ..Expected::default()
            };
            match expected.check(&store) {
                Ok(_) => return Ok(()),
                Err(found) => wrong = found,
            }
        }
        Err(wrong)
    }

    /// Makes each backup again, as whoever was interrupted does. It goes through, unless the power cut
    /// has taken something from the store that the backup had by then.
    ///
    /// # Errors
    ///
    /// If it does not, or there is not the same then as in the store.
    pub(crate) fn repeat_backups(&mut self) -> Outcome {
        if self.setup.lying {
            return Ok(());
        }
        let targets: Vec<_> = self.expected().copies.iter().cloned().collect();
        for (target, may) in targets {
            let held = self.events_in(target);
            let now = self.expected();
            let events = now.events.len();
            let whole = Copy {
                least: events,
                events: now.events.clone(),
                taken: now.taken.clone(),
            };
            // The power may be cut in this one too.
            self.expect(|now| now.copies_of(target).push(Some(whole.clone())));
            match self.back_up(target) {
                Ok(()) if held <= events as u64 => {}
                Err(error) if held > events as u64 && error.kind() == ErrorKind::InvalidInput => {
                    self.check_copy(target, &may)?;
                    continue;
                }
                other => {
                    return Err(Violation::new(format!(
                        "{}, which had {held} of {events} events, again: {other:?}",
                        target.dir
                    )));
                }
            }
            self.check_copy(target, &[Some(whole.clone())])?;
            let dir = Path::new(target.dir);
            now.taken.check_gone(&now.events, &self.fs, dir)?;
            self.expect(|now| *now.copies_of(target) = vec![Some(whole)]);
        }
        Ok(())
    }

    fn events_in(&self, target: Target) -> u64 {
        let fs = Arc::new(self.fs.beside());
        let options = strandline::StoreOptions::new().fs(fs).read_only();
        let store = options.open(target.dir);
        store.map_or(0, |store| store.snapshot().visible().get())
    }
}
