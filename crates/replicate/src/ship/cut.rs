//! `Cutter`: the log cut into chunks, one after another.

use super::error::ReplicateError;
use super::source::Source;
use bytes::Bytes;
use strandline_segment::{LogError, LogPosition, LogView, ScanError, SegmentHeader};

/// Where the next chunk begins.
#[derive(Debug)]
pub(crate) struct Cutter {
    /// Has the segment with this header, whatever becomes of the log.
    view: LogView,
    header: SegmentHeader,
    at: LogPosition,
}

/// What the next chunk has.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) header: SegmentHeader,
    pub(crate) start: LogPosition,
    pub(crate) end: LogPosition,
    pub(crate) body: Bytes,
}

impl Cutter {
    /// Cuts from `at` on, in the segment of the log that has this number now.
    pub(crate) fn new(source: &Source, at: LogPosition) -> Result<Self, ReplicateError> {
        let view = source.log()?;
        let info = view.info(at.segment).ok_or(ReplicateError::Rewritten)?;
        let header = *info.header();
        Ok(Self { view, header, at })
    }

    /// Header of the segment that the next chunk is of, as far as that is known.
    pub(crate) const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// Where the next chunk begins.
    pub(crate) const fn at(&self) -> &LogPosition {
        &self.at
    }

    /// The next frames up to `durable`, of one segment and at most `bytes_max`, or one commit; `None` if there are
    /// none. Where there are more than `bytes_max` all of these are checked, as the place of a cut is found so.
    ///
    /// # Errors
    ///
    /// [`ReplicateError::Rewritten`] if the log was rewritten so that nothing goes on from here; what reading says.
    pub(crate) fn next(
        &mut self,
        source: &Source,
        durable: &LogPosition,
        bytes_max: u32,
    ) -> Result<Option<Cut>, ReplicateError> {
        loop {
            if self.at.is_same_place(durable) {
                return Ok(None);
            }
            let (end, is_sealed) = self.end(source, durable)?;
            if end.offset > self.at.offset {
                return self.cut(end, bytes_max).map(Some);
            }
            if !is_sealed {
                // What is durable is a place of another file of the same commit.
                return Ok(None);
            }
            self.go_on(source)?;
        }
    }

    /// How far the segment goes that the next frames are in, and whether it goes no further.
    fn end(
        &self,
        source: &Source,
        durable: &LogPosition,
    ) -> Result<(LogPosition, bool), ReplicateError> {
        let id = self.header.id;
        let known = self.view.info(id).and_then(|info| info.end());
        if let Some(end) = known.filter(|_| durable.segment > id) {
            return Ok((end, true));
        }
        let newest = source.log()?;
        let same = newest.info(id).filter(|info| *info.header() == self.header);
        let Some(info) = same else {
            // It was rewritten after all of it was shipped, or it is over with this file.
            let next = self.follows(&newest);
            return next
                .map(|_| (self.at, true))
                .ok_or(ReplicateError::Rewritten);
        };
        match info.end() {
            Some(end) if durable.segment > id || durable.is_same_place(&end) => Ok((end, true)),
            _ if durable.segment == id => Ok((*durable, false)),
            // What is durable is before this segment, or in one that came after the look at the log.
            _ => Ok((self.at, false)),
        }
    }

    /// Goes to the segments that begin here, if this one is over, and says whether there was one: so that a chunk
    /// without frames can stand in the segment that is active.
    pub(crate) fn settle(&mut self, source: &Source) -> Result<bool, ReplicateError> {
        let mut has_moved = false;
        while self.follows(&source.log()?).is_some() {
            self.go_on(source)?;
            has_moved = true;
        }
        Ok(has_moved)
    }

    /// The segment after this one, if it begins here.
    fn follows(&self, view: &LogView) -> Option<SegmentHeader> {
        let mut later = view.infos_from(self.header.id);
        let next = later.find(|info| info.id() > self.header.id)?;
        let begins_here = next.start().is_same_place(&self.at);
        begins_here.then_some(*next.header())
    }

    /// Goes to the next segment.
    fn go_on(&mut self, source: &Source) -> Result<(), ReplicateError> {
        let header = match self.follows(&self.view) {
            Some(header) => header,
            None => {
                let view = source.log()?;
                let header = self.follows(&view).ok_or(ReplicateError::Rewritten)?;
                self.view = view;
                header
            }
        };
        self.header = header;
        self.at = header.start();
        Ok(())
    }

    fn cut(&mut self, end: LogPosition, bytes_max: u32) -> Result<Cut, ReplicateError> {
        let end = match end.offset.saturating_sub(self.at.offset) > bytes_max {
            true => self.before(end, bytes_max)?,
            false => end,
        };
        let length = end.offset.saturating_sub(self.at.offset);
        let mut body = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        let read = self
            .view
            .read_raw(self.header.id, self.at.offset, &mut body)?;
        if read != body.len() {
            return Err(ReplicateError::Log(LogError::Corrupt {
                file: self.header.file_name(),
                offset: u64::from(self.at.offset),
                reason: format!("{read} bytes of its frames are there, {length} should be"),
            }));
        }
        let start = std::mem::replace(&mut self.at, end);
        Ok(Cut {
            header: self.header,
            start,
            end,
            body: body.into(),
        })
    }

    /// The last place between two commits within so many bytes, or the end of the first commit.
    fn before(&self, end: LogPosition, bytes_max: u32) -> Result<LogPosition, ReplicateError> {
        struct Full;
        let limit = self.at.offset.saturating_add(bytes_max);
        let mut best = None;
        let scanned = self.view.scan(end, Some(self.at), |frame| {
            let frame_end = frame.end();
            if best.is_some() && frame_end.offset > limit {
                return Err(Full);
            }
            best = Some(frame_end);
            Ok(())
        });
        match scanned {
            Ok(_) | Err(ScanError::Visit(Full)) => Ok(best.unwrap_or(end)),
            Err(ScanError::Log(error)) => Err(error.into()),
        }
    }
}
