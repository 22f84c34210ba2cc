//! `Objects`: one object after the other read for its frames, whatever kind it is of.

use super::frames::{self, Contents, Stretch};
use super::ledger::Ledger;
use super::report::RemovedCheckError;
use super::window::{Stopped, Window};
use crate::bucket::{Bucket, BucketErrorKind};
use crate::object::{CHUNK_BODY_OFFSET, Chunk, Key, State, Term};
use crate::overview::{Found, OverviewError, read_state};
use std::collections::BTreeMap;
use strandline::maintenance::Meter;
use strandline_core::Sequence;
use strandline_segment::{FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentInfo};

/// What came of an object.
pub(super) enum Outcome {
    Read(Contents),
    /// It is not there any more.
    Absent,
    /// Why it cannot be said what it has.
    Unread(String),
}

/// Reads objects of a bucket.
pub(super) struct Objects<'a, 'm> {
    bucket: &'a Bucket,
    meter: &'a mut Meter<'m>,
    /// The segments that are known, by number and generation: of several courses of the log there may be several.
    headers: BTreeMap<(u32, u32), Vec<SegmentHeader>>,
    /// Segments of the log as it is now, with where they end.
    infos: Vec<SegmentInfo>,
    /// Older states, which may tell of more.
    states: Vec<(Term, u64)>,
    end: Sequence,
}

/// Whether an object may have frames.
pub(super) fn has_frames(key: &Key) -> bool {
    match key {
        Key::Chunk { .. } => true,
        Key::Data { name, .. } => {
            name.as_str().starts_with("segment-") || name.as_str().starts_with("tail-")
        }
        Key::Term(_) | Key::State { .. } => false,
    }
}

pub(super) fn is_tail(key: &Key) -> bool {
    matches!(key, Key::Data { name, .. } if name.as_str().starts_with("tail-"))
}

impl<'a, 'm> Objects<'a, 'm> {
    pub(super) fn new(
        bucket: &'a Bucket,
        found: &Found,
        state: &State,
        meter: &'a mut Meter<'m>,
    ) -> Self {
        let place = (state.term, state.number);
        let states = found.states.keys().filter(|of| **of != place);
        let mut objects = Self {
            bucket,
            meter,
            headers: BTreeMap::new(),
            infos: state.manifest.segments().to_vec(),
            states: states.copied().collect(),
            end: Sequence::ZERO,
        };
        for info in state.manifest.segments() {
            objects.learn(*info.header());
        }
        objects
    }

    /// The highest sequence after a chunk that was read for the log.
    pub(super) const fn end(&self) -> Sequence {
        self.end
    }

    /// Reads an object. `ledger` is told of notes, where the object is of the log.
    pub(super) fn read(
        &mut self,
        key: &Key,
        length: u64,
        ledger: Option<&mut Ledger>,
    ) -> Result<Outcome, RemovedCheckError> {
        let read = match key {
            Key::Chunk { term, number } => self.chunk(key, (*term, *number), length, ledger),
            Key::Data { name, content, .. } => {
                let tail = tail_of(name.as_str());
                match (tail, is_tail(key)) {
                    (None, true) => Ok(Outcome::Unread("its name says no segment".to_owned())),
                    (tail, _) => self.data(key, length, (*content, tail), ledger),
                }
            }
            Key::Term(_) | Key::State { .. } => Ok(Outcome::Read(Contents::default())),
        };
        match read {
            Ok(outcome) => Ok(outcome),
            Err(Stopped::Absent) => Ok(Outcome::Absent),
            // Longer than what is read into memory, or shorter than it was listed.
            Err(Stopped::Bucket(error))
                if matches!(
                    error.kind(),
                    BucketErrorKind::TooLarge | BucketErrorKind::Unexpected
                ) =>
            {
                Ok(Outcome::Unread(error.to_string()))
            }
            Err(Stopped::Bucket(error)) => Err(OverviewError::from(error).into()),
            Err(Stopped::Watcher(error)) => Err(error.into()),
        }
    }

    fn chunk(
        &mut self,
        key: &Key,
        (term, number): (Term, u64),
        length: u64,
        ledger: Option<&mut Ledger>,
    ) -> Result<Outcome, Stopped> {
        let bytes = self.bucket.get(&key.to_string())?;
        let bytes = bytes.ok_or(Stopped::Absent)?;
        self.meter.add(length)?;
        let chunk = match Chunk::decode(term, number, &bytes) {
            Ok(chunk) => chunk,
            Err(error) => return Ok(Outcome::Unread(error.to_string())),
        };
        self.learn(chunk.header);
        if ledger.is_some() {
            self.end = self.end.max(chunk.end.sequence);
        }
        let length = CHUNK_BODY_OFFSET.saturating_add(chunk.body.len() as u64);
        let mut window = Window::of(bytes, length);
        let stretch = Stretch {
            segment: &chunk.header,
            at: CHUNK_BODY_OFFSET,
            offset: chunk.start.offset.into(),
            end: Some(chunk.end.offset.into()),
        };
        frames::read(&mut window, stretch, ledger).map(Outcome::Read)
    }

    /// A segment's file, or chunks of one joined.
    fn data(
        &mut self,
        key: &Key,
        length: u64,
        (content, tail): (u64, Option<Tail>),
        ledger: Option<&mut Ledger>,
    ) -> Result<Outcome, Stopped> {
        let from = tail.map_or(0, |tail| tail.from);
        let of = tail.map(|tail| (tail.segment, tail.generation));
        // Older states may be read for it, before the meter is lent.
        let known = match from {
            0 => None,
            _ => self.header((key, length), of, from)?,
        };
        let mut window = Window::new(self.bucket, key.to_string(), length, &mut *self.meter);
        let header_bytes = u64::from(SEGMENT_HEADER_BYTES);
        let header = match from {
            0 => {
                let bytes = window.bytes(0, header_bytes)?;
                SegmentHeader::decode("segment", bytes).map_err(|error| error.to_string())
            }
            _ => known
                .ok_or_else(|| "nothing in the bucket has the header of its segment".to_owned()),
        };
        let header = match header {
            Ok(header) => header,
            Err(reason) => return Ok(Outcome::Unread(reason)),
        };
        let stretch = Stretch {
            segment: &header,
            at: if from == 0 { header_bytes } else { 0 },
            offset: from.max(header_bytes),
            end: match tail {
                Some(_) => Some(from.saturating_add(length)),
                None => end_of(&self.infos, &header),
            },
        };
        let mut contents = frames::read(&mut window, stretch, ledger)?;
        if window.content()? != content {
            let reason = "its content is not that which its key names";
            contents.problem.get_or_insert_with(|| reason.to_owned());
        }
        self.learn(header);
        Ok(Outcome::Read(contents))
    }

    /// The header of the segment that the frames in an object are of, if it is known.
    fn header(
        &mut self,
        (key, length): (&Key, u64),
        of: Option<(u32, u32)>,
        from: u64,
    ) -> Result<Option<SegmentHeader>, Stopped> {
        let least = FRAME_HEADER_BYTES as u64;
        if length < least {
            return Ok(None);
        }
        let first = self.bucket.get_range(&key.to_string(), 0..least)?;
        let first = first.ok_or(Stopped::Absent)?;
        loop {
            let known = of.and_then(|of| self.headers.get(&of));
            let mut known = known.into_iter().flatten();
            if let Some(header) = known.find(|header| frames::is_frame(header, from, &first)) {
                return Ok(Some(*header));
            }
            let Some((term, number)) = self.states.pop() else {
                return Ok(None);
            };
            // One that is damaged or gone tells nothing.
            if let Ok(state) = read_state(self.bucket, term, number) {
                for info in state.manifest.segments() {
                    self.learn(*info.header());
                }
            }
        }
    }

    fn learn(&mut self, header: SegmentHeader) {
        let place = (header.id.get(), header.generation);
        let known = self.headers.entry(place).or_default();
        if !known.contains(&header) {
            known.push(header);
        }
    }
}

/// Where the frames of a segment end, if it is one of the log as it is now.
fn end_of(infos: &[SegmentInfo], header: &SegmentHeader) -> Option<u64> {
    let found = infos.binary_search_by_key(&header.id, SegmentInfo::id);
    let info = infos.get(found.ok()?)?;
    let end = info.end().filter(|_| info.header() == header)?;
    Some(end.offset.into())
}

/// Which bytes of which segment an object has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tail {
    segment: u32,
    generation: u32,
    from: u64,
}

fn tail_of(name: &str) -> Option<Tail> {
    let mut numbers = name.strip_prefix("tail-")?.split('-');
    let segment = numbers.next()?.parse().ok()?;
    let generation = numbers.next()?.parse().ok()?;
    let from = numbers.next()?.parse().ok()?;
    Some(Tail {
        segment,
        generation,
        from,
    })
}
