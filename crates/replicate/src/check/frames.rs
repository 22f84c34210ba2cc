//! What the frames in an object say of events: which payloads they have, and which are gone from them.

use super::ledger::Ledger;
use super::window::{Stopped, Window};
use std::ops::Range;
use strandline_core::Salt;
use strandline_core::record::{RecordPayload, RecordView, RemovedRecord, Runs, push_all, push_run};
use strandline_segment::{
    COMMIT_BYTES_MAX, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, Frame, FrameHeader, SegmentHeader,
};

const HEADER_BYTES: u64 = FRAME_HEADER_BYTES as u64;
const ALIGNMENT: u64 = FRAME_ALIGNMENT as u64;

/// What an object has of events.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Those whose payload is there.
    pub(super) held: Runs,
    /// Those that are there without: removed or redacted.
    pub(super) gone: Runs,
    /// What of it could not be read, and why: the first place alone.
    pub(super) problem: Option<String>,
}

/// Where in an object the frames of a segment are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch<'a> {
    pub(super) segment: &'a SegmentHeader,
    /// Where in the object they begin.
    pub(super) at: u64,
    /// Where in the segment's file that is.
    pub(super) offset: u64,
    /// Up to where in the file there is nothing else, if that is known: behind it there may be a footer, and the end of
    /// what was written before a crash.
    pub(super) end: Option<u64>,
}

/// Collects as it goes.
#[derive(Debug, Default)]
struct Collected {
    held: Vec<Range<u64>>,
    gone: Vec<Range<u64>>,
    problem: Option<String>,
}

/// Whether a frame of the segment begins with these bytes, which are at this place of its file.
pub(super) fn is_frame(segment: &SegmentHeader, offset: u64, bytes: &[u8]) -> bool {
    header_at(segment.salt(), offset, bytes).is_some()
}

fn header_at(salt: Salt, offset: u64, bytes: &[u8]) -> Option<FrameHeader> {
    let offset = u32::try_from(offset).ok()?;
    let header = FrameHeader::decode(salt, offset, bytes).ok()?;
    (header.frame_bytes <= COMMIT_BYTES_MAX).then_some(header)
}

/// Goes through the frames, past whatever is none. Notes are told to the ledger, if there is one.
pub(super) fn read(
    window: &mut Window<'_, '_>,
    stretch: Stretch<'_>,
    mut ledger: Option<&mut Ledger>,
) -> Result<Contents, Stopped> {
    let salt = stretch.segment.salt();
    let mut all = Collected::default();
    let mut at = stretch.at;
    while window.length().saturating_sub(at) >= HEADER_BYTES {
        let offset = place(&stretch, at);
        let Some(header) = header_at(salt, offset, window.bytes(at, HEADER_BYTES)?) else {
            if stretch.end.is_some_and(|end| offset < end) {
                all.problem(offset, "there is no frame");
            }
            at = next_frame(window, &stretch, salt, at)?;
            continue;
        };
        let bytes = window.bytes(at, header.frame_bytes.into())?;
        let start = u32::try_from(offset).unwrap_or(u32::MAX);
        match Frame::decode_alone(stretch.segment, start, bytes) {
            Ok(frame) => {
                all.frame(&frame, ledger.as_deref_mut());
                at = at.saturating_add(u64::from(header.frame_bytes).max(ALIGNMENT));
            }
            Err(reason) => {
                if stretch.end.is_none_or(|end| offset < end) {
                    all.problem(offset, reason);
                }
                at = at.saturating_add(ALIGNMENT);
            }
        }
    }
    if stretch.end.is_some_and(|end| place(&stretch, at) < end) {
        all.problem(place(&stretch, at), "it is cut short");
    }
    Ok(Contents {
        held: Runs::of(all.held),
        gone: Runs::of(all.gone),
        problem: all.problem,
    })
}

/// Where in the segment's file a place of the object is.
const fn place(stretch: &Stretch<'_>, at: u64) -> u64 {
    stretch.offset.saturating_add(at.saturating_sub(stretch.at))
}

/// The next place after `at` where a frame's header is, or the end.
fn next_frame(
    window: &mut Window<'_, '_>,
    stretch: &Stretch<'_>,
    salt: Salt,
    at: u64,
) -> Result<u64, Stopped> {
    let mut from = at.saturating_add(ALIGNMENT);
    while window.length().saturating_sub(from) >= HEADER_BYTES {
        let offset = place(stretch, from);
        let bytes = window.bytes(from, HEADER_BYTES)?;
        let mut rest = bytes;
        let mut skipped = 0_u64;
        while rest.len() >= FRAME_HEADER_BYTES {
            if header_at(salt, offset.saturating_add(skipped), rest).is_some() {
                return Ok(from.saturating_add(skipped));
            }
            skipped = skipped.saturating_add(ALIGNMENT);
            rest = rest.get(FRAME_ALIGNMENT as usize..).unwrap_or_default();
        }
        from = from.saturating_add(skipped.max(ALIGNMENT));
    }
    Ok(window.length())
}

impl Collected {
    fn problem(&mut self, offset: u64, reason: &str) {
        if self.problem.is_none() {
            self.problem = Some(format!("at byte {offset} of its segment: {reason}"));
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, ledger: Option<&mut Ledger>) {
        let offset = u64::from(frame.start().offset);
        if let (Some(ledger), Some(note)) = (ledger, frame.note())
            && let Err(reason) = ledger.note(note)
        {
            self.problem(offset, &reason);
        }
        if let Some(run) = frame.run() {
            push_all(&mut self.gone, run);
            return;
        }
        for record in frame.records() {
            let sequence = record.sequence;
            if RemovedRecord::is_one(record.body) {
                push_run(&mut self.gone, sequence);
                continue;
            }
            match RecordView::parse(record.body).map(|view| view.payload()) {
                Ok(RecordPayload::Redacted { .. }) => push_run(&mut self.gone, sequence),
                Ok(RecordPayload::Stored { .. }) => push_run(&mut self.held, sequence),
                Err(error) => self.problem(offset, &error.to_string()),
            }
        }
    }
}
