//! `FoldedRecords`: the bodies of records in a new segment some of whose commits become runs, as a plan says.

use super::fold_plan::FoldPlan;
use super::merged_records::MergedRecords;
use crate::rows::{RunSaid, decoded};
use crate::{Error, ErrorKind};
use std::ops::Range;
use strandline_core::Sequence;
use strandline_core::record::StoredRecord;
use strandline_proof::leaf_hash;
use strandline_segment::{Folding, Frame, FrameRecord};

/// What becomes of a record, before it is known whether it is kept.
pub(super) trait Change {
    /// The record as it is to be.
    fn change<'r>(&mut self, at: &FrameRecord<'r>) -> Result<StoredRecord<'r>, Error>;
}

/// Nothing.
pub(super) struct Unchanged;

impl Change for Unchanged {
    fn change<'r>(&mut self, at: &FrameRecord<'r>) -> Result<StoredRecord<'r>, Error> {
        decoded(at)
    }
}

/// Puts the bodies together.
pub(super) struct FoldedRecords<'p, C> {
    plan: &'p FoldPlan,
    change: C,
    records: MergedRecords,
    /// What is to be said of the run that is being made.
    run: RunSaid,
}

impl<'p, C: Change> FoldedRecords<'p, C> {
    pub(super) fn new(plan: &'p FoldPlan, change: C) -> Self {
        Self {
            plan,
            change,
            records: MergedRecords::default(),
            run: RunSaid::default(),
        }
    }
}

impl<C: Change> Folding for FoldedRecords<'_, C> {
    type Error = Error;

    fn folds(&mut self, frame: &Frame<'_>) -> bool {
        self.plan.folds(frame)
    }

    fn fold(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let said = RunSaid::of(frame).map_err(|what| Error::new(ErrorKind::Corrupt, what))?;
        if let Some(said) = said {
            self.run.newest = self.run.newest.max(said.newest);
            for (level, index, hash) in said.tree.items() {
                self.run.tree.join(*level, *index, *hash);
            }
            return Ok(());
        }
        for record in frame.records() {
            let leaf = leaf_hash(record.digest.as_bytes());
            self.run.tree.join(0, record.sequence.get(), leaf);
        }
        Ok(())
    }

    fn folded(&mut self, at: &FrameRecord<'_>, out: &mut Vec<u8>) -> Result<bool, Error> {
        let mut record = self.change.change(at)?;
        let StoredRecord::Removed(removed) = &record else {
            let message = format!(
                "the event of sequence {} is there, and should be gone",
                at.sequence
            );
            return Err(Error::new(ErrorKind::Corrupt, message));
        };
        self.run.newest = self.run.newest.max(removed.hlc);
        let names_kind = self.records.name_kind(at, &mut record);
        if names_kind || self.plan.is_last(at.sequence) {
            self.records.write(at, record, out)?;
            return Ok(true);
        }
        self.records.leave_out(at, &record)?;
        Ok(false)
    }

    fn said(&mut self, _: Range<Sequence>, out: &mut Vec<u8>) -> Result<(), Error> {
        std::mem::take(&mut self.run).encode(out);
        Ok(())
    }

    fn body(&mut self, at: &FrameRecord<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut record = self.change.change(at)?;
        self.records.name_kind(at, &mut record);
        self.records.write(at, record, out)
    }
}
