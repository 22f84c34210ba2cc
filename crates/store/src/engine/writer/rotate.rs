//! Rotation: sealing the active segment and beginning the next, under the commit lock.

use super::context::Context;
use super::state::Writer;
use crate::Error;
use crate::rows::{Sealed, Summary};
use crate::trace::{self, Span};
use tracing::Level;

impl Writer {
    /// Seals the active segment, once everything in it is durable, and begins the next.
    pub(crate) fn rotate(&mut self, context: Context<'_>) -> Result<Sealed, Error> {
        // Nothing is left to sync after this, and nothing is written before the manifest calls all
        // of it durable: whoever appends holds the commit lock.
        context
            .group
            .wait(self.index.gate().allocated())
            .map_err(Error::from)?;
        if self.notes.wait_for_sync() {
            context.group.flush().map_err(Error::from)?;
            self.notes.synced = self.notes.written;
        }
        // An outcome that is not known concerns the manifest and the sealed segment, no event of
        // this commit.
        self.assigned.clear();
        let sealed = self
            .log
            .rotate_synced_by(context.random, |_| Ok(()))
            .map_err(|error| self.append_failed(error, context.group))?;
        self.names.clear();
        self.heads.rotated();
        let summary = Summary {
            kinds: self.kinds.rotated(),
            positions: std::mem::take(&mut self.positions),
        };
        // Everything was waited for, so every row is visible.
        self.index.seal().inspect_err(|_| {
            let reason = "the index could not seal the rows of a sealed segment";
            context.group.set_poison(reason);
        })?;
        self.sync_asked = 0;
        self.checkpoint_asked = 0;
        self.next_asked = false;
        let end = self.index.gate().allocated();
        context.group.rotated(self.log.active(), end);
        // It is opened anew when its footer is written: what waits for that keeps no descriptor.
        context.group.metrics().rotated();
        let info = *sealed.info();
        let segment = info.id().get();
        trace::tell(Level::INFO, move || {
            tracing::info!(segment, sequence = end.get(), "sealed a segment");
        });
        Ok(Sealed {
            info,
            newest: self.hlc.last(),
            summary,
        })
    }
}

/// The span of a rotation, to be opened before the commit lock is taken.
pub(crate) fn rotate_span(segment: u32) -> Span {
    trace::span(Level::INFO, || tracing::info_span!("rotate", segment))
}
