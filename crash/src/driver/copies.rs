//! Backups and restored stores on the same disk, and what must be of them at each moment.

use super::state::{DIR, Driver, Outcome};
use crate::expect::{Copy, Expected, How, Target};
use crate::verdict::{Violation, expect_whole, is_typed};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::Fs;
use strandline::maintenance::{BackupOptions, Existing, backup_with, restore};
use strandline::{Error, ErrorKind, Store, StoreOptions};

impl Driver {
    /// Backs the store up, onto an earlier backup if there is one, or restores a backup.
    ///
    /// # Errors
    ///
    /// If that fails, or there is something else than what was there or the new copy.
    pub fn copy(&mut self, target: Target) -> Outcome {
        let copied = self.copied(target);
        // Whatever moment it is cut at, there is the earlier one or this one. The store itself is
        // looked at anyway, and goes on.
        let is_store = target.dir == DIR;
        let required = self.expected().required;
        let lacks = |copy: &Copy| copy.least < required;
        if is_store && copied.iter().flatten().any(lacks) {
            // Where a backup failed the one before it would take events away.
            return Ok(());
        }
        if !is_store {
            self.expect(|now| now.copies_of(target).extend_from_slice(&copied));
        }
        match self.make_copy(target) {
            Ok(()) if is_store => {}
            Ok(()) => self.expect(|now| *now.copies_of(target) = copied),
            Err(error) if self.setup.failing || self.setup.lying => {
                let refusals = [
                    ErrorKind::Io,
                    ErrorKind::NotWritten,
                    ErrorKind::InvalidInput,
                    ErrorKind::Unknown,
                ];
                if !refusals.contains(&error.kind()) && !is_typed(&error) {
                    return Err(failed(target, &error));
                }
            }
            Err(error) => return Err(failed(target, &error)),
        }
        self.check_copies()
    }

    /// Makes an empty directory.
    ///
    /// # Errors
    ///
    /// If that fails.
    pub fn make_directory(&mut self, dir: &str) -> Outcome {
        let made = self.fs.create_dir_all(Path::new(dir));
        let made = made.and_then(|()| self.fs.sync_dir(Path::new("/")));
        match made {
            Err(error) if !self.setup.failing => Err(Violation::new(error.to_string())),
            _ => Ok(()),
        }
    }

    /// What a call copies; of a backup that may be one or the other, either. Nothing where there is none
    /// to be restored.
    fn copied(&mut self, target: Target) -> Vec<Option<Copy>> {
        let now = self.expected();
        match target.how {
            How::Backup { .. } => vec![Some(Copy {
                least: match self.setup.failing {
                    true => now.required,
                    false => now.events.len(),
                },
                events: now.events.clone(),
                taken: now.taken.clone(),
            })],
            How::Restore { from, .. } => {
                let mut copies = now.copies.iter();
                let found = copies.find(|(one, _)| one.dir == from);
                let may = found.map_or(&[][..], |(_, may)| may);
                may.iter().filter(|may| may.is_some()).cloned().collect()
            }
        }
    }

    fn make_copy(&mut self, target: Target) -> Result<(), Error> {
        let fs: Arc<dyn Fs> = Arc::new(self.probe());
        let to = Path::new(target.dir);
        let mut go_on = |_| ControlFlow::Continue(());
        match target.how {
            How::Backup { mode, verify } => {
                let mut how = BackupOptions::new().mode(mode);
                if verify {
                    how = how.verify();
                }
                backup_with(&fs, Path::new(DIR), to, how, &mut go_on).map(drop)
            }
            How::Restore { from, existing } => {
                restore(&fs, Path::new(from), to, existing, &mut go_on).map(drop)
            }
        }
    }

    /// Checks that each copy is one that may be there, wholly.
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
            self.check_copy(*target, may)?;
        }
        Ok(())
    }

    fn check_copy(&mut self, target: Target, may: &[Option<Copy>]) -> Outcome {
        let wrong =
            |found: &dyn std::fmt::Display| Err(Violation::new(format!("{}: {found}", target.dir)));
        let store = match self.look(target.dir) {
            Ok(store) => store,
            Err(error) if may.contains(&None) && is_typed(&error) => return Ok(()),
            Err(error) => return wrong(&format!("it does not open: {error:?}")),
        };
        if let Err(found) = expect_whole(&store) {
            return wrong(&found);
        }
        let mut last = Violation::new("it may not be there yet");
        for whole in may.iter().flatten() {
            let expected = Expected {
                events: whole.events.clone(),
                required: whole.least,
                taken: whole.taken.clone(),
                ..Expected::default()
            };
            match expected.check(&store) {
                Ok(_) => return Ok(()),
                Err(found) => last = found,
            }
        }
        wrong(&last)
    }

    /// Makes each copy again, as whoever was interrupted does. It goes through, unless the power cut
    /// has taken something from the store that a backup had by then, or a restore has come to its end.
    ///
    /// # Errors
    ///
    /// If it does not, or there is not the same then as in what was copied.
    pub(crate) fn repeat_copies(&mut self) -> Outcome {
        let targets: Vec<_> = self.expected().copies.iter().cloned().collect();
        for (target, may) in targets {
            if self.setup.lying {
                return Ok(());
            }
            let held = self.events_in(target.dir);
            let copied = self.copied(target);
            let events = self.expected().events.len() as u64;
            // The power may be cut in this one too.
            self.expect(|now| now.copies_of(target).extend_from_slice(&copied));
            let done = self.make_copy(target);
            let is_refused = |error: &Error| error.kind() == ErrorKind::InvalidInput;
            let may_refuse = match target.how {
                How::Backup { .. } => held > events,
                How::Restore { existing, .. } => held > 0 && existing == Existing::Refuse,
            };
            match done {
                Ok(()) if !may_refuse => {}
                Err(error) if may_refuse && is_refused(&error) => {
                    self.check_copy(target, &may)?;
                    continue;
                }
                // There is no backup yet.
                Err(error) if self.nothing_to_restore(target) && is_typed(&error) => {
                    continue;
                }
                other => {
                    return Err(Violation::new(format!(
                        "{}, which had {held} of {events} events, again: {other:?}",
                        target.dir
                    )));
                }
            }
            self.check_copy(target, &copied)?;
            if let [Some(whole)] = &copied[..] {
                let dir = Path::new(target.dir);
                whole.taken.check_gone(&whole.events, &self.fs, dir)?;
            }
            self.expect(|now| *now.copies_of(target) = copied);
        }
        Ok(())
    }

    fn nothing_to_restore(&self, target: Target) -> bool {
        match target.how {
            How::Backup { .. } => false,
            How::Restore { from, .. } => self.look(from).is_err(),
        }
    }

    /// Opens what is in a directory, as somebody else does.
    fn look(&self, dir: &str) -> Result<Store, Error> {
        let fs = Arc::new(self.fs.beside());
        StoreOptions::new().fs(fs).read_only().open(dir)
    }

    fn events_in(&self, dir: &str) -> u64 {
        let store = self.look(dir);
        store.map_or(0, |store| store.snapshot().visible().get())
    }
}

fn failed(target: Target, error: &Error) -> Violation {
    Violation::new(format!("{target:?} failed: {error:?}"))
}
