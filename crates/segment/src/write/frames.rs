//! `Frames`: what puts the frames of a new segment together, of those of others, and the one that changes bodies alone.

use super::target::Target;
use crate::error::ScanError;
use crate::format::{Frame, FrameRecord};

/// Puts the frames of a new segment together.
pub(super) trait Frames<E> {
    /// Takes the next frame of the old ones.
    fn frame(&mut self, frame: &Frame<'_>, target: &mut Target) -> Result<(), ScanError<E>>;
    /// There are no more.
    fn end(&mut self, target: &mut Target) -> Result<(), ScanError<E>>;
}

/// Frames that stay frames, with other bodies.
pub(super) struct Bodies<B>(pub(super) B);

impl<E, B: FnMut(&FrameRecord<'_>, &mut Vec<u8>) -> Result<(), E>> Frames<E> for Bodies<B> {
    fn frame(&mut self, frame: &Frame<'_>, target: &mut Target) -> Result<(), ScanError<E>> {
        target.frame(frame, &mut self.0)
    }

    fn end(&mut self, _: &mut Target) -> Result<(), ScanError<E>> {
        Ok(())
    }
}
