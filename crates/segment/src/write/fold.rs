//! `Folding`: which commits of segments that are rewritten become runs, as all of their records are gone, and what
//! is kept of them. It is the layer above that says so: here it is put together, frame by frame.

use super::frames::Frames;
use super::open_run::OpenRun;
use super::rewrite::{RewrittenSegment, SegmentRewrite};
use super::target::Target;
use crate::error::ScanError;
use crate::format::{Frame, FrameRecord};
use crate::scan::SealedFrames;
use std::ops::Range;
use strandline_core::Sequence;

/// Says what becomes of the frames of segments that are rewritten, oldest first.
pub trait Folding {
    /// What fails.
    type Error;

    /// Whether a commit goes into a run, or a run into another one. Asked of each but notes, once and in order.
    fn folds(&mut self, frame: &Frame<'_>) -> bool;

    /// Takes a frame that goes into a run, before its records. Those that follow each other go into the same, as
    /// long as it has room; [`said`](Self::said) ends it.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with it; the rewriting ends.
    fn fold(&mut self, frame: &Frame<'_>) -> Result<(), Self::Error>;

    /// Whether a record of such a frame is kept, and if so appends the body that it gets.
    ///
    /// # Errors
    ///
    /// As [`fold`](Self::fold).
    fn folded(&mut self, record: &FrameRecord<'_>, out: &mut Vec<u8>) -> Result<bool, Self::Error>;

    /// Appends what is to be said of the run with these sequences, which ends.
    ///
    /// # Errors
    ///
    /// As [`fold`](Self::fold).
    fn said(&mut self, run: Range<Sequence>, out: &mut Vec<u8>) -> Result<(), Self::Error>;

    /// Appends the body that a record of another frame gets.
    ///
    /// # Errors
    ///
    /// As [`fold`](Self::fold).
    fn body(&mut self, record: &FrameRecord<'_>, out: &mut Vec<u8>) -> Result<(), Self::Error>;
}

/// Frames some of which go into runs.
struct Folded<'f, F> {
    folding: &'f mut F,
    open: Option<OpenRun>,
}

impl<F: Folding> Folded<'_, F> {
    fn fold(&mut self, frame: &Frame<'_>, target: &mut Target) -> Result<(), ScanError<F::Error>> {
        if self.open.as_ref().is_some_and(|open| !open.fits(frame)) {
            self.end(target)?;
        }
        let open = match &mut self.open {
            Some(open) => {
                open.extend(frame);
                open
            }
            open => open.insert(OpenRun::begin(frame)),
        };
        let folding = &mut *self.folding;
        folding.fold(frame).map_err(ScanError::Visit)?;
        for record in frame.records() {
            let kept = open.record(record.sequence, &record.digest, |out| {
                folding.folded(&record, out)
            });
            kept.map_err(ScanError::Visit)?;
        }
        Ok(())
    }
}

impl<F: Folding> Frames<F::Error> for Folded<'_, F> {
    fn frame(&mut self, frame: &Frame<'_>, target: &mut Target) -> Result<(), ScanError<F::Error>> {
        if frame.note().is_none() && self.folding.folds(frame) {
            return self.fold(frame, target);
        }
        self.end(target)?;
        let folding = &mut *self.folding;
        target.frame(frame, &mut |record, out| folding.body(record, out))
    }

    fn end(&mut self, target: &mut Target) -> Result<(), ScanError<F::Error>> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let mut said = Vec::new();
        let told = self.folding.said(open.sequences(), &mut said);
        told.map_err(ScanError::Visit)?;
        target.run(&open, &said).map_err(ScanError::from)
    }
}

impl SegmentRewrite {
    /// Whether one of the segments may have runs.
    #[must_use]
    pub fn has_runs(&self) -> bool {
        self.sources.iter().any(|info| info.header.has_runs)
    }

    /// Hands every frame of the segments to `visit`, oldest first, each checked.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), of reading them.
    pub fn visit<E>(
        &self,
        mut visit: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<(), ScanError<E>> {
        for info in &self.sources {
            if let Some(source) = SealedFrames::new(*info, self.open(info)?) {
                source.visit(&mut visit)?;
            }
        }
        Ok(())
    }

    /// Writes and syncs the new file as [`write`](Self::write) does, with runs where `folding` says so: in a format
    /// that earlier programs refuse.
    ///
    /// # Errors
    ///
    /// As there, and what `folding` returns.
    pub fn write_folding<F: Folding>(
        mut self,
        folding: &mut F,
    ) -> Result<RewrittenSegment, ScanError<F::Error>> {
        self.header.has_runs = true;
        self.write_frames(&mut Folded {
            folding,
            open: None,
        })
    }
}
