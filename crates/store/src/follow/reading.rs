//! `Reading`: what is read of the log in one step, of a query and up to a watermark.

use super::pull::Pulled;
use super::source::Source;
use crate::Error;
use crate::read::EventCursor;
use std::ops::{ControlFlow, Range};
use strandline_core::{Query, Sequence};
use strandline_index::RowView;

/// Reads events of a query, and hands them to whoever takes them.
pub(super) struct Reading<'a, W, F> {
    pub(super) source: &'a Source,
    pub(super) query: &'a Query,
    /// Gives the watermark up to which is read.
    pub(super) watermark: W,
    /// How many are taken at most; not 0.
    pub(super) most: usize,
    pub(super) taken: usize,
    pub(super) take: F,
}

impl<W, F> Pulled for Reading<'_, W, F>
where
    W: Fn() -> Sequence,
    F: FnMut(&mut EventCursor, RowView<'_>) -> Result<ControlFlow<()>, Error>,
{
    type Error = Error;

    fn watermark(&self) -> Sequence {
        (self.watermark)()
    }

    fn read(&mut self, span: Range<Sequence>) -> Result<Option<Sequence>, Error> {
        // Whatever watermark the span ends at, the snapshot has everything below it.
        let snapshot = self.source.snapshot();
        let mut query = self.query.clone().before(span.end);
        if let Some(before) = span.start.get().checked_sub(1) {
            query = query.after(Sequence::new(before));
        }
        let mut events = snapshot.reader.cursor();
        let mut after = None;
        for row in snapshot.rows(query) {
            // Those between may be of the query, and lost.
            let (next, sequence) = (after.unwrap_or(span.start), row.sequence());
            let between = (next.min(sequence), next.max(sequence));
            if next != sequence && snapshot.index.is_damaged_within(between.0, between.1) {
                break;
            }
            match (self.take)(&mut events, row) {
                Ok(flow) => {
                    self.taken += 1;
                    after = row.sequence().checked_add(1);
                    if flow.is_break() || self.taken >= self.most {
                        return Ok(after);
                    }
                }
                Err(error) if self.taken == 0 => return Err(error),
                // It is met again by the next step.
                Err(_) => return Ok(after),
            }
        }
        match snapshot.damage_since(span.start) {
            None => Ok(None),
            // What may be missing is not passed over.
            Some(damage) if self.taken == 0 => Err(damage),
            Some(_) => Ok(after),
        }
    }
}
