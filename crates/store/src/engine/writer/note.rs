//! Notes: what is written into the log beside events, and takes no sequence.

use super::context::Context;
use super::state::Writer;
use crate::Error;
use crate::engine::group_sync::Poison;
use strandline_segment::LogPosition;

impl Writer {
    /// Writes a note, and rotates before if it does not fit in the active segment.
    pub(crate) fn write_note(
        &mut self,
        body: &[u8],
        context: Context<'_>,
    ) -> Result<LogPosition, Error> {
        // An outcome that is not known concerns no event.
        self.assigned.clear();
        if !self.log.fits(body.len(), 1) {
            self.sealed = Some(self.rotate(context)?);
        }
        let appended = self
            .log
            .append_note(body, context.group.synced(), |_| {
                let flushed = context.group.flush();
                flushed.map_err(|Poison { reason, .. }| std::io::Error::other(reason.to_string()))
            })
            .map_err(|error| self.append_failed(error, context.group))?;
        self.notes.written += 1;
        Ok(appended.end)
    }
}
