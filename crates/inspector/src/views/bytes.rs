//! `bytes`: the bytes of frames, each stretch with what the format calls it, what it says, and what is wrong with it.

use super::context::Context;
use super::event::id;
use super::fault::Fault;
use super::same::Same;
use super::view::View;
use crate::asked::{Asked, Wrong};
use crate::text::Table;
use serde::Serialize;
use std::ops::ControlFlow;
use strandline::maintenance::{Annotation, annotate_frames, segment_bytes};
use strandline::{Error, ErrorKind};

/// What may be asked: the frames of a segment from an offset on, of these what ends after `from`; or the frame of an event.
pub(crate) const BYTES: &[&str] = &["segment", "offset", "from", "limit", "id", "sequence"];

/// How many stretches are given.
const LIMIT: usize = 200;
const LIMIT_MAX: usize = 1_000;
/// How many bytes are given as they are.
const RAW_MAX: usize = 2 << 10;
/// How long fields are looked for, in milliseconds: damage may be as long as a segment.
const FIELDS_MS: u64 = 50;
/// What a frame has at most: so far after where it begins fields are asked for.
const FRAME_BYTES_MAX: u64 = 64 << 20;
/// How far into its frame the record of an event is looked at with all that is before it.
const NEAR: u32 = 1 << 10;

/// A stretch of bytes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Stretch {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// 0 for a frame, 1 for a part of it, and so on.
    pub(crate) depth: u8,
    /// As `docs/format.md` calls it.
    pub(crate) name: String,
    /// What the bytes say.
    pub(crate) value: String,
    /// The first of them, in hexadecimal digits; none where its parts follow.
    pub(crate) hex: String,
    /// What is wrong with them.
    pub(crate) problem: Option<String>,
    /// Whether it is of the record of the event that was asked for.
    pub(crate) is_asked: bool,
}

/// The bytes of frames.
#[derive(Debug, Serialize)]
pub(crate) struct FrameBytes {
    pub(crate) segment: u32,
    /// Where the frame begins.
    pub(crate) offset: u32,
    /// What ends here or before is not given.
    pub(crate) from: u64,
    /// Which sequence was asked for.
    pub(crate) sequence: Option<u64>,
    pub(crate) stretches: Vec<Stretch>,
    /// Where to go on: the frame, and the offset in it that is `from` then.
    pub(crate) next: Option<(u32, u64)>,
    /// Whether the time of the request was over before as many fields were found as are given: `next` goes on.
    pub(crate) is_partial: bool,
    /// Where the bytes begin that are given as they are.
    pub(crate) raw_offset: u64,
    pub(crate) raw: String,
    /// Which of these are damaged: from one offset to before another.
    pub(crate) damaged: Vec<(u64, u64)>,
    pub(crate) same: Same,
    #[serde(skip)]
    pub(crate) raw_bytes: Vec<u8>,
}

/// Where it is looked.
struct Place {
    segment: u32,
    offset: u32,
    from: u64,
    sequence: Option<u64>,
    /// Where the record of the event that was asked for begins.
    record: Option<u64>,
}

/// The bytes that are asked for.
///
/// # Errors
///
/// [`Fault`].
pub(crate) fn bytes(context: &Context, asked: &Asked) -> Result<FrameBytes, Fault> {
    let place = place(context, asked)?;
    let limit = asked.limit("limit", LIMIT, LIMIT_MAX)?;
    let (fs, dir) = (&*context.fs, &*context.dir);
    let mut taken = Vec::new();
    let (mut next, mut is_partial) = (None, false);
    let mut frame = place.offset;
    let budget = context.budget(FIELDS_MS);
    let shown = annotate_frames(
        fs,
        dir,
        place.segment,
        (place.offset, place.from),
        &mut |one| {
            if one.depth == 0 {
                frame = u32::try_from(one.offset).unwrap_or(frame);
            }
            // Headings stand before the offset from which it is looked: with these alone nobody would go on.
            let is_late = !taken.is_empty() && budget.is_spent();
            if (taken.len() >= limit || is_late) && one.offset > place.from {
                next = Some((frame, one.offset));
                is_partial = taken.len() < limit;
                return ControlFlow::Break(());
            }
            taken.push(one);
            ControlFlow::Continue(())
        },
    );
    match shown {
        Err(error) if error.kind() != ErrorKind::Cancelled => return Err(fault(&error)),
        _ => {}
    }
    let raw_offset = match place.record {
        Some(record) => record,
        None => place.from.max(u64::from(place.offset)),
    };
    let raw_bytes = segment_bytes(fs, dir, place.segment, raw_offset, RAW_MAX)
        .map_err(|error| fault(&error))?;
    let name = format!("{}:{}", place.segment, place.offset.max(128));
    let rust = format!(
        "annotate_frames(&OsFs, dir, {}, ({}, {}), &mut |stretch| ControlFlow::Continue(()))?;",
        place.segment, place.offset, place.from
    );
    Ok(FrameBytes {
        segment: place.segment,
        offset: place.offset,
        from: place.from,
        sequence: place.sequence,
        damaged: damaged(&taken),
        stretches: stretches(taken, place.record),
        next,
        is_partial,
        raw_offset,
        raw: digits(&raw_bytes),
        raw_bytes,
        same: Same::new("inspect", dir, ["--frame", &name], rust),
    })
}

fn place(context: &Context, asked: &Asked) -> Result<Place, Fault> {
    if asked.one("id").is_none() && asked.one("sequence").is_none() {
        let Some(segment) = asked.value("segment")? else {
            let wrong = "bytes are asked for by `segment` and `offset`, or by the `id` or `sequence` of an event";
            return Err(Wrong(wrong.to_owned()).into());
        };
        let offset = asked.value("offset")?.unwrap_or_default();
        let from = asked.value("from")?.unwrap_or_default();
        if from > u64::from(offset).saturating_add(FRAME_BYTES_MAX) {
            let wrong = format!("{from} is in no frame that begins at {offset}: none is as long");
            return Err(Wrong::of("from", wrong).into());
        }
        return Ok(Place {
            segment,
            offset,
            from,
            sequence: None,
            record: None,
        });
    }
    let now = context.opened()?.store.snapshot();
    let id = id(&now, asked)?;
    let not_there = || Fault::NotThere(format!("no event has the id {id}"));
    let place = now.place_of(id)?.ok_or_else(not_there)?;
    let row = now.causes(id).next();
    // Without a right header nothing says where the frame begins: what is there is shown from the record on.
    let offset = place.frame.unwrap_or(place.record);
    let is_far = place.record - offset > NEAR;
    Ok(Place {
        segment: place.segment,
        offset,
        from: if is_far { u64::from(place.record) } else { 0 },
        sequence: row.map(|row| row.sequence().get()),
        record: Some(u64::from(place.record)),
    })
}

fn fault(error: &Error) -> Fault {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::InvalidInput => Fault::NotThere(error.to_string()),
        _ => Fault::Store(error.to_string()),
    }
}

/// Which bytes are damaged. A record that is has no length of its own: it goes up to what is next.
fn damaged(taken: &[Annotation]) -> Vec<(u64, u64)> {
    let mut damaged = Vec::new();
    for (at, one) in taken.iter().enumerate() {
        // Of a frame that is not whole its records say which bytes are.
        if one.problem.is_none() || one.name == "frame" {
            continue;
        }
        let following = taken.iter().skip(at + 1).map(|next| next.offset);
        let next = following.into_iter().find(|next| *next > one.offset);
        let end = match one.length {
            0 => next.unwrap_or(u64::MAX),
            length => one.offset.saturating_add(length),
        };
        damaged.push((one.offset, end));
    }
    damaged
}

fn stretches(taken: Vec<Annotation>, record: Option<u64>) -> Vec<Stretch> {
    let mut asked_end = 0;
    let all = taken.into_iter().map(|one| {
        if one.depth == 1 && Some(one.offset) == record {
            asked_end = one.offset.saturating_add(one.length.max(1));
        }
        Stretch {
            is_asked: record.is_some_and(|record| (record..asked_end).contains(&one.offset)),
            offset: one.offset,
            length: one.length,
            depth: one.depth,
            hex: digits(&one.bytes),
            name: one.name,
            value: one.value,
            problem: one.problem,
        }
    });
    all.collect()
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl View for FrameBytes {
    fn title(&self) -> String {
        match self.sequence {
            Some(sequence) => format!("Bytes of event {sequence}"),
            None => format!("Bytes of segment {}", self.segment),
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            "offset", "length", "depth", "name", "value", "hex", "problem",
        ]);
        for one in &self.stretches {
            table.row([
                one.offset.to_string(),
                one.length.to_string(),
                one.depth.to_string(),
                one.name.clone(),
                one.value.clone(),
                one.hex.clone(),
                one.problem.clone().unwrap_or_default(),
            ]);
        }
        table
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}
