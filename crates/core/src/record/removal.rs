//! `RemovalNote`: what a log says of its events that were removed or redacted.
//!
//! It is the body of a note of the log, so the log chain covers it. A change has one note for each part
//! of its sequences, all of which are durable before the first event goes, and one when it is done.

use crate::codec::{DecodeError, Reader, Writer};
use crate::model::{Hash, Sequence};
use std::ops::Range;

/// First byte of the body: the record of no event begins so.
const KIND: u8 = 0x81;
/// The version that is written, and the latest that is read.
const VERSION: u8 = 1;
const FOREIGN: u8 = 1;
const DIGEST_DOMAIN: &[u8] = b"strandline/removal/1";

/// Most bytes of a note; it fits in the smallest segment.
pub const REMOVAL_NOTE_BYTES_MAX: usize = 48 << 10;
/// Most bytes of a rule's text.
pub const REMOVAL_RULE_BYTES_MAX: usize = 4096;
/// What a note has at most beside its runs.
const FIXED_BYTES_MAX: usize = 128 + REMOVAL_RULE_BYTES_MAX;
/// Most bytes of a run: two numbers of 64 bits, 7 in each byte.
const RUN_BYTES_MAX: usize = 20;

/// What became of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemovalChange {
    /// They are gone, and left their places in their chains.
    Removed,
    /// Their payloads are gone.
    Redacted,
}

/// A note of a removal.
///
/// | field | bytes | present |
/// |---|---|---|
/// | 0x81: this is the note of a removal | 1 | always |
/// | version: 1 | 1 | always |
/// | flags: 1 for what happened in another log, and was imported | 1 | always |
/// | stage: 1 begun, 2 done | 1 | always |
/// | change: 1 removed, 2 redacted | 1 | always |
/// | identity of the log that it happened in | 16 | always |
/// | id, the same in all notes of the change and in no other | 16 | always |
/// | wall_ms | 8 | always |
/// | removals of events before this sequence have no record in that log | 8 | begun |
/// | part, from 0; number of parts | 4 + 4 | begun |
/// | number of events in all parts | 8 | begun |
/// | digest of all of them | 32 | begun |
/// | rule: length (2) and UTF-8, at most 4,096 bytes | 2 and more | begun |
/// | runs of sequences, ascending: sequences left out since the run before, and length less 1 | the rest | begun |
///
/// The numbers of a run are written in bytes of 7 bits, the lowest first; all but the last have the
/// upper bit set. In each part the first run counts from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalNote {
    /// Whether it happened in another log, and was imported.
    pub is_foreign: bool,
    /// Identity of the log that it happened in.
    pub log: [u8; 16],
    /// The same in all notes of a change, and in no other.
    pub id: [u8; 16],
    /// What became of the events.
    pub change: RemovalChange,
    /// When, in milliseconds since 1970.
    pub wall_ms: u64,
    /// Which events, or that it is done.
    pub stage: RemovalStage,
}

/// How far a removal had come when the note was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemovalStage {
    /// Nothing has changed yet.
    Begun(RemovalPart),
    /// The events are gone, or their payloads are.
    Done,
}

/// A part of the events of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalPart {
    /// Removals of events before this sequence have no record in that log.
    pub unrecorded_before: Sequence,
    /// Number of the part, from 0.
    pub part: u32,
    /// How many parts there are.
    pub parts: u32,
    /// How many events all parts have.
    pub events: u64,
    /// Digest of all of them; see [`RemovalHasher`].
    pub digest: Hash,
    /// What was asked for, as text; empty in all parts but the first.
    pub rule: String,
    /// Sequences of this part, ascending; no run touches the next one.
    pub runs: Vec<Range<u64>>,
}

impl RemovalNote {
    /// Whether the body of a note is that of a removal; others are left for later versions.
    #[must_use]
    pub fn is_one(body: &[u8]) -> bool {
        body.first() == Some(&KIND)
    }

    /// The notes that begin a removal, of as many parts as it takes. Linear in the runs.
    ///
    /// `rule` is cut to [`REMOVAL_RULE_BYTES_MAX`]; `runs` ascend and do not touch each other.
    #[must_use]
    pub fn begin(&self, part: &RemovalPart) -> Vec<Vec<u8>> {
        let mut parts: Vec<Vec<Range<u64>>> = vec![Vec::new()];
        let (mut bytes, mut before) = (0, 0);
        for run in &part.runs {
            if bytes + RUN_BYTES_MAX > REMOVAL_NOTE_BYTES_MAX - FIXED_BYTES_MAX {
                parts.push(Vec::new());
                (bytes, before) = (0, 0);
            }
            bytes += run_bytes(before, run);
            before = run.end;
            if let Some(last) = parts.last_mut() {
                last.push(run.clone());
            }
        }
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        (0..)
            .zip(parts)
            .map(|(number, runs)| {
                let rule = match number {
                    0 => part.rule.clone(),
                    _ => String::new(),
                };
                let stage = RemovalStage::Begun(RemovalPart {
                    part: number,
                    parts: count,
                    rule,
                    runs,
                    ..part.clone()
                });
                let mut body = Vec::new();
                Self {
                    stage,
                    ..self.clone()
                }
                .encode(&mut body);
                body
            })
            .collect()
    }

    /// Appends the note's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u8(KIND);
        writer.u8(VERSION);
        writer.u8(if self.is_foreign { FOREIGN } else { 0 });
        writer.u8(match self.stage {
            RemovalStage::Begun(_) => 1,
            RemovalStage::Done => 2,
        });
        writer.u8(match self.change {
            RemovalChange::Removed => 1,
            RemovalChange::Redacted => 2,
        });
        writer.bytes(&self.log);
        writer.bytes(&self.id);
        writer.u64(self.wall_ms);
        if let RemovalStage::Begun(part) = &self.stage {
            writer.u64(part.unrecorded_before.get());
            writer.u32(part.part);
            writer.u32(part.parts);
            writer.u64(part.events);
            writer.bytes(part.digest.as_bytes());
            writer.short_bytes(cut(&part.rule).as_bytes());
            let mut before = 0;
            for run in &part.runs {
                put_number(out, run.start.saturating_sub(before));
                put_number(out, (run.end - run.start).saturating_sub(1));
                before = run.end;
            }
        }
    }

    /// A note from all of its bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are cut short, or hold a value that no encoder writes.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        if body.len() > REMOVAL_NOTE_BYTES_MAX {
            return Err(reader.invalid("note", "it is longer than a note of a removal can be"));
        }
        if reader.u8("kind")? != KIND {
            return Err(reader.invalid("kind", "this is no note of a removal"));
        }
        if reader.u8("version")? != VERSION {
            return Err(reader.invalid("version", "this program does not know it"));
        }
        let is_foreign = match reader.u8("flags")? {
            0 => false,
            FOREIGN => true,
            _ => return Err(reader.invalid("flags", "one of them has no meaning")),
        };
        let stage = reader.u8("stage")?;
        let change = match reader.u8("change")? {
            1 => RemovalChange::Removed,
            2 => RemovalChange::Redacted,
            _ => return Err(reader.invalid("change", "it is neither removed nor redacted")),
        };
        let log = reader.array("identity of the log")?;
        let id = reader.array("id")?;
        let wall_ms = reader.u64("wall_ms")?;
        let stage = match stage {
            1 => RemovalStage::Begun(RemovalPart::decode(&mut reader)?),
            2 => RemovalStage::Done,
            _ => return Err(reader.invalid("stage", "it is neither begun nor done")),
        };
        reader.finish("note")?;
        Ok(Self {
            is_foreign,
            log,
            id,
            change,
            wall_ms,
            stage,
        })
    }
}

impl RemovalPart {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let unrecorded_before = Sequence::new(reader.u64("start of the records")?);
        let part = reader.u32("part")?;
        let parts = reader.u32("number of parts")?;
        if part >= parts {
            return Err(reader.invalid("part", "there are not as many"));
        }
        let events = reader.u64("number of events")?;
        let digest = Hash::from_bytes(reader.array("digest")?);
        let rule = reader.short_bytes("rule")?;
        let rule = std::str::from_utf8(rule)
            .ok()
            .filter(|rule| rule.len() <= REMOVAL_RULE_BYTES_MAX);
        let rule = rule.ok_or_else(|| reader.invalid("rule", "it is no UTF-8, or too long"))?;
        let rule = rule.to_owned();
        let mut runs = Vec::new();
        let mut before = 0_u64;
        while reader.left() > 0 {
            let left_out = number(reader)?;
            let length = number(reader)?.checked_add(1);
            let start = before.checked_add(left_out);
            let end = start
                .zip(length)
                .and_then(|(start, length)| start.checked_add(length));
            let (Some(start), Some(end)) = (start, end) else {
                return Err(reader.invalid("run", "it ends past 64 bits"));
            };
            if left_out == 0 && !runs.is_empty() {
                return Err(reader.invalid("run", "it touches the one before"));
            }
            runs.push(start..end);
            before = end;
        }
        Ok(Self {
            unrecorded_before,
            part,
            parts,
            events,
            digest,
            rule,
            runs,
        })
    }
}

/// A text that is not longer than a rule may be.
fn cut(rule: &str) -> &str {
    let mut end = rule.len().min(REMOVAL_RULE_BYTES_MAX);
    while !rule.is_char_boundary(end) {
        end -= 1;
    }
    rule.get(..end).unwrap_or_default()
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7F);
            return;
        }
        out.push(low | 0x80);
    }
}

fn number(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = reader.u8("run")?;
        let bits = u64::from(byte & 0x7F);
        let is_longest = shift == 63;
        if is_longest && bits > 1 || shift > 0 && byte == 0 {
            return Err(reader.invalid("run", "one of its numbers is not as it is written"));
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(reader.invalid("run", "one of its numbers has more than 64 bits"))
}

/// Bytes of a run after one that ends at `before`.
fn run_bytes(before: u64, run: &Range<u64>) -> usize {
    let bytes = |number: u64| (64 - (number | 1).leading_zeros()).div_ceil(7);
    let both = bytes(run.start.saturating_sub(before)) + bytes(run.end - run.start);
    usize::try_from(both).unwrap_or(RUN_BYTES_MAX)
}

/// Makes the digest of the events of a removal, in the order of their sequences:
/// `H("strandline/removal/1" ‖ sequence ‖ event hash ‖ sequence ‖ event hash ‖ …)`.
///
/// The hashes stay when events are redacted or removed, so it can be made again at any time.
///
/// ```
/// use strandline_core::record::RemovalHasher;
/// use strandline_core::{Hash, Sequence};
///
/// let mut hasher = RemovalHasher::default();
/// hasher.add(Sequence::new(7), &Hash::of(b"an event"));
/// assert_ne!(hasher.finish(), RemovalHasher::default().finish());
/// ```
#[derive(Debug, Clone)]
pub struct RemovalHasher(blake3::Hasher);

impl Default for RemovalHasher {
    fn default() -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(DIGEST_DOMAIN);
        Self(hasher)
    }
}

impl RemovalHasher {
    /// Adds the next event.
    pub fn add(&mut self, sequence: Sequence, hash: &Hash) {
        self.0.update(&sequence.get().to_le_bytes());
        self.0.update(hash.as_bytes());
    }

    /// The digest of what was added.
    #[must_use]
    pub fn finish(&self) -> Hash {
        Hash::from_bytes(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn note(runs: Vec<Range<u64>>) -> (RemovalNote, RemovalPart) {
        let part = RemovalPart {
            unrecorded_before: Sequence::new(3),
            part: 0,
            parts: 1,
            events: runs.iter().map(|run| run.end - run.start).sum(),
            digest: Hash::of(b"events"),
            rule: "keep newest 3".to_owned(),
            runs,
        };
        let note = RemovalNote {
            is_foreign: false,
            log: [1; 16],
            id: [2; 16],
            change: RemovalChange::Removed,
            wall_ms: 1_700_000_000_000,
            stage: RemovalStage::Done,
        };
        (note, part)
    }

    fn parts(bodies: &[Vec<u8>]) -> Vec<RemovalPart> {
        let decoded = bodies.iter().map(|body| RemovalNote::decode(body).unwrap());
        let stages = decoded.map(|note| match note.stage {
            RemovalStage::Begun(part) => part,
            RemovalStage::Done => panic!("it is done"),
        });
        stages.collect()
    }

    proptest! {
        #[test]
        fn notes_round_trip(
            gaps in proptest::collection::vec((1..1_u64 << 40, 1..1_u64 << 20), 0..50),
            rule in "\\PC{0,40}",
            foreign: bool,
        ) {
            let mut at = 0;
            let runs: Vec<_> = gaps.iter().map(|(gap, length)| {
                let start = at + gap;
                at = start + length;
                start..at
            }).collect();
            let (note, mut part) = note(runs);
            part.rule = rule;
            let note = RemovalNote { is_foreign: foreign, ..note };
            let bodies = note.begin(&part);
            prop_assert_eq!(parts(&bodies), [part]);
            let mut done = Vec::new();
            note.encode(&mut done);
            prop_assert_eq!(RemovalNote::decode(&done).unwrap(), note);
            for length in 0..done.len() {
                prop_assert!(RemovalNote::decode(&done[..length]).is_err());
            }
        }

        #[test]
        fn any_bytes_decode_to_themselves_or_not_at_all(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
            stage in 0..3_u8,
        ) {
            let head = [KIND, VERSION, stage & 1, stage, 1 + (stage & 1)];
            let length = head.len().min(bytes.len());
            bytes[..length].copy_from_slice(&head[..length]);
            if let Ok(note) = RemovalNote::decode(&bytes) {
                let mut again = Vec::new();
                note.encode(&mut again);
                prop_assert_eq!(again, bytes);
            }
        }
    }

    #[test]
    fn what_does_not_fit_in_a_note_is_written_in_parts() {
        let runs: Vec<_> = (0..100_000)
            .map(|number| number * 300..number * 300 + 1)
            .collect();
        let (note, mut part) = note(runs.clone());
        part.rule = "é".repeat(REMOVAL_RULE_BYTES_MAX);
        let bodies = note.begin(&part);
        assert!(bodies.len() > 1);
        assert!(
            bodies
                .iter()
                .all(|body| body.len() <= REMOVAL_NOTE_BYTES_MAX)
        );
        let parts = parts(&bodies);
        let all: Vec<_> = parts.iter().flat_map(|part| part.runs.clone()).collect();
        assert_eq!(all, runs);
        for (number, part) in parts.iter().enumerate() {
            assert_eq!(
                (part.part as usize, part.parts as usize),
                (number, bodies.len())
            );
            assert_eq!(part.rule.is_empty(), number > 0);
        }
    }

    #[test]
    fn no_record_of_an_event_is_taken_for_a_note_nor_the_other_way() {
        let (note, part) = note(std::iter::once(0..1).collect());
        for body in note.begin(&part) {
            assert!(super::super::StoredRecord::decode(&body).is_err());
        }
    }
}
