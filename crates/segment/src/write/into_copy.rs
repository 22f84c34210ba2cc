//! Ending a copy of a log whose commits were written one by one.

use super::writer::LogWriter;
use crate::error::{AppendError, At};
use crate::format::{LogOrigin, LogPosition, Manifest};

impl LogWriter {
    /// Makes all that was written durable, and the log a copy of the one that began as `origin` says: whoever opens
    /// it to write begins an epoch of its own. Gives where it ends.
    ///
    /// # Errors
    ///
    /// [`AppendError::NotWritten`] if the manifest cannot be written; [`AppendError::Unknown`] if the active segment
    /// cannot be synced or the manifest not replaced.
    pub fn into_copy(mut self, origin: &LogOrigin) -> Result<LogPosition, AppendError> {
        let end = self.position;
        let synced = self.active().sync().at("sync", &self.active.path);
        synced.map_err(|error| self.stop(error))?;
        let manifest = Manifest {
            synced: (end.last_frame > 0).then_some(end),
            ..self.manifest.next().into_copy_of(origin)
        };
        self.replace_manifest(manifest, || ())?;
        Ok(end)
    }
}
