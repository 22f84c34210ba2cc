//! How what is proven comes into the target, and what is put together at the end.

use super::salvager::{Commit, Salvager, loss, push};
use super::target::foreign;
use super::{Loss, Salvaged, same_store};
use crate::maintenance::damaged::DamagedStore;
use crate::removals::Runs;
use crate::{AppendOptions, Batch, Durability, Error, ErrorKind, EventId};
use strandline_core::Hash;
use strandline_segment::{COMMIT_BYTES_MAX, RecordPosition};

impl Salvager<'_> {
    /// Takes an event while the target holds some that an earlier call saved, and says whether this is one.
    pub(super) fn meet(&mut self, id: EventId, digest: Hash) -> Result<(), String> {
        let Some(row) = self.before.index.get(id) else {
            return Err(
                "an earlier salvage into this store could not save it, and has saved later \
                        ones; salvage into a new directory"
                    .to_owned(),
            );
        };
        let place = RecordPosition::from_bits(row.position());
        let hash = self
            .before
            .reader
            .log
            .read_with(place, |record| record.digest);
        self.copies += u64::from(hash.is_ok_and(|hash| hash == digest));
        self.unmet -= 1;
        self.report.repeated += 1;
        Ok(())
    }

    /// Saves a commit: as one, or in halves where the target takes none as large. An event that it does
    /// not take alone is lost, and the rest goes on.
    pub(super) fn save(&mut self, file: &str, commit: &mut Commit) -> Result<(), Error> {
        if commit.batch.is_empty() {
            return Ok(());
        }
        let written = AppendOptions::new().durability(Durability::Written);
        // The old store held them, whatever this one was opened with.
        let payload_max = COMMIT_BYTES_MAX as usize;
        let saved = self
            .target
            .append_events(&commit.batch.events, written, payload_max);
        let Err(error) = saved else {
            self.report.events += commit.batch.len() as u64;
            for origin in &commit.origins {
                push(&mut self.known, origin.sequence);
            }
            return Ok(());
        };
        if !is_about_events(error.kind()) {
            return Err(error);
        }
        if commit.batch.len() > 1 {
            self.report.split += 1;
            return self.halves(file, commit);
        }
        for origin in &commit.origins {
            push(&mut self.lost, origin.sequence);
            self.report.losses.push(Loss {
                sequence: Some(origin.sequence),
                events: 1,
                id: origin.id,
                ..loss(file, Some(origin.offset.into()), None, error.to_string())
            });
        }
        Ok(())
    }

    fn halves(&mut self, file: &str, commit: &mut Commit) -> Result<(), Error> {
        let half = commit.batch.len() / 2;
        let mut second = Commit {
            batch: Batch {
                events: commit.batch.events.split_off(half),
            },
            origins: commit.origins.split_off(half),
        };
        let split = self.report.split;
        self.save(file, commit)?;
        self.save(file, &mut second)?;
        // It is one commit that was split, into however many.
        self.report.split = split;
        Ok(())
    }

    /// Writes what waits, and puts together what is lost.
    pub(super) fn finish(mut self, source: DamagedStore<'_>) -> Result<Salvaged, Error> {
        let dir = &self.target.shared().dir;
        let is_copy = self.copies > 0 && self.copies == self.before.len();
        if is_copy && source.identity == Some(self.target.shared().identity) {
            return Err(same_store(dir));
        }
        if self.unmet > 0 {
            let message = foreign(dir, source.dir, self.unmet);
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{message}; nothing was saved into it"),
            ));
        }
        self.removals.write()?;
        self.target.sync()?;
        let mut evidence = source.evidence;
        evidence.durable(self.durable.0, &self.durable.1);
        let end = evidence.durable_before.max(self.end);
        let (known, told) = (Runs::of(self.known), Runs::of(self.lost));
        let told = told.without(&known);
        let missing = Runs::below(end).without(&known).without(&told);
        let lost = told.with(&missing);
        let later = lost.without(&Runs::below(evidence.durable_before));
        let mut report = self.report;
        // Files of segments that are missing were told first.
        report.losses.sort_by(|a, b| a.file.cmp(&b.file));
        report.lost = lost.count();
        report.lost_durable = lost.count() - later.count();
        report.missing = missing.as_slice().to_vec();
        report.durable_before = evidence.durable_before;
        report.proven_by = evidence.proven_by;
        report.is_proven = evidence.is_proven;
        report.passed_over = source.files.passed_over;
        evidence.notices.append(&mut report.notices);
        report.notices = evidence.notices;
        Ok(report)
    }
}

/// Whether a refusal is about what was to be appended, so that something else may be taken.
const fn is_about_events(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidInput
            | ErrorKind::TooLarge
            | ErrorKind::Conflict
            | ErrorKind::RefusedTime
            | ErrorKind::Exhausted
            | ErrorKind::Payload
    )
}
