//! Sealing the active segment before it is full.

use super::running::Running;
use crate::Error;
use crate::engine::group_sync::PoisonOnPanic;
use crate::engine::writer::{Writer, rotate_span};
use strandline_segment::SegmentId;

impl Running {
    /// Seals a segment if it is the active one.
    pub(crate) fn seal_segment(&self, segment: SegmentId) -> Result<(), Error> {
        let shared = &*self.shared;
        let number = segment.get();
        let sealed = {
            let _span = rotate_span(number);
            let now_ms = shared.options.clock.now_ms();
            let is_active = |writer: &mut Writer| writer.log.position().segment == segment;
            let mut writer = shared.lock_to_rotate(is_active)?;
            shared.check_poison()?;
            if writer.log.position().segment != segment {
                return Ok(());
            }
            let guard = PoisonOnPanic(&shared.group);
            let sealed = writer.rotate(shared.context(now_ms));
            guard.finish();
            sealed?
        };
        if let Some(background) = &self.background {
            background.write_footer(shared, sealed);
        }
        Ok(())
    }
}
