//! The opening: whether what is there is what may and must be.

use super::state::{DIR, Driver, Outcome, TRIES};
use crate::expect::{Expected, Taken, expect_loud};
use crate::verdict::{Violation, is_typed};
use std::path::Path;
use std::sync::Arc;
use strandline::{OpenReport, Store};

impl Driver {
    /// Opens the store, checks what it holds, and takes that for what it must hold from now on.
    ///
    /// # Errors
    ///
    /// If it does not open, or holds what it may not.
    pub fn open(&mut self) -> Outcome {
        let before = self.fs.disk();
        let mut tries = 0;
        let Some(store) = self.try_to_open(&mut tries)? else {
            return Ok(());
        };
        let expected = self.expected();
        let mut checked = expected.check(&store);
        // A read that fails once is no loss.
        while self.setup.failing
            && matches!(&checked, Err(found) if found.lost == 0)
            && tries < TRIES
        {
            tries += 1;
            checked = expected.check(&store);
        }
        let found = match checked {
            // Damage that is noticed when it is read is all that can be asked where syncs lie.
            Err(violation) if violation.lost == 0 && self.setup.lying => {
                return if store.verify().is_ok_and(|report| report.is_intact()) {
                    Err(violation)
                } else {
                    Ok(())
                };
            }
            Err(violation) if violation.lost > 0 && self.setup.lying => {
                let now = store.snapshot().visible().get() as usize;
                let expected = Expected {
                    required: 0,
                    ..expected.clone()
                };
                expected.check(&store)?.min(now)
            }
            found => found?,
        };
        if found < expected.events.len() && !self.may_lack {
            let missing = expected.events.len() - found;
            return Err(Violation::new(format!(
                "{missing} events are missing though the power was not cut"
            )));
        }
        if found < self.held_events() {
            let held = self.held_events();
            let message = format!("{found} events are there, and a reader holds {held}");
            return Err(Violation::new(message));
        }
        self.check_held()?;
        let mut fresh = Vec::new();
        if tries == 0 && !self.setup.lying {
            let (after, report) = (self.fs.disk(), store.open_report());
            let (before, after) = (before.files(), after.files());
            let (before, after) = (before.into_iter().collect(), after.into_iter().collect());
            fresh = expect_loud(&before, &after, report, &expected.quarantined)?;
            self.merged_files_are_whole(report)?;
        }
        self.may_lack = false;
        let taken = self.taken_by_now(&expected, &store)?;
        let failing = self.setup.failing;
        self.expect(|now| {
            Arc::make_mut(&mut now.events).truncate(found);
            now.required = found;
            now.taken = taken;
            now.being_taken = None;
            // After a failed sync the cache may have shown what the medium never had.
            if !fresh.is_empty() && !failing {
                Arc::make_mut(&mut now.quarantined).extend(fresh);
            }
        });
        let store = Arc::new(store);
        if self.setup.synced_only {
            self.marks().watched = Some(store.clone());
        }
        self.store = Some(store);
        Ok(())
    }

    /// A merged file has its name once it is whole and durable, so none is passed over on a disk that is well.
    fn merged_files_are_whole(&self, report: &OpenReport) -> Outcome {
        let is_one = |notice: &&String| notice.contains("merged file");
        match report.notices.iter().find(is_one) {
            Some(notice) if !self.setup.failing => Err(Violation::new(notice.clone())),
            _ => Ok(()),
        }
    }

    /// Opens the store, again and again where the disk fails; none where the disk lies and that was noticed.
    fn try_to_open(&mut self, tries: &mut u32) -> Result<Option<Store>, Violation> {
        loop {
            match self.options().open(DIR) {
                Ok(store) => return Ok(Some(store)),
                Err(error) if self.may_refuse(&error) && *tries < TRIES => {
                    *tries += 1;
                    if *tries == TRIES / 2 {
                        // Where the tail is torn, a disk that stays full has no room to keep it.
                        self.fs.limit_growth(None);
                    }
                }
                Err(error) if self.setup.lying && is_typed(&error) => return Ok(None),
                Err(error) => return Err(Violation::new(format!("it does not open: {error:?}"))),
            }
            self.die();
            // Its sync may have failed, and then what was only written is gone.
            self.may_lack = true;
        }
    }

    /// What an open store says was taken; nothing of what was redacted may be in its files.
    fn taken_by_now(&self, expected: &Expected, store: &Store) -> Result<Arc<Taken>, Violation> {
        // A read that fails is no answer.
        let taken = expected.resolve(store);
        let taken = taken.map_or_else(|_| expected.taken.clone(), |(_, taken)| taken);
        if !self.setup.failing && !self.setup.lying {
            taken.check_gone(&expected.events, &self.fs, Path::new(DIR))?;
        }
        Ok(taken)
    }
}
