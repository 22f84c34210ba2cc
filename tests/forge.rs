//! Files changed by someone who makes every checksum right; and, of a log of one segment, every chain too.

use crate::harness::{dir, read, write};
use std::collections::HashMap;
use strandline::fs::MemFs;
use strandline::{Hash, Sequence};
use strandline_core::record::{Record, RecordPayload, RemovedRecord, StoredRecord};
use strandline_core::{EventHasher, Salt};
use strandline_segment::{
    CommitBuffer, FramePlace, FrameRecord, LogPosition, Manifest, SegmentInfo,
};

/// What becomes of an event: nothing, or other bytes under the same digest.
pub(crate) type Change<'a> = &'a mut dyn FnMut(&SegmentInfo, Sequence, &[u8]) -> Option<Vec<u8>>;

/// The form that a removal leaves.
pub(crate) fn stub(body: &[u8]) -> Option<Vec<u8>> {
    let Ok(StoredRecord::Event(record)) = StoredRecord::decode(body) else {
        return None;
    };
    let mut bytes = Vec::new();
    RemovedRecord::of(&record).encode(&mut bytes);
    Some(bytes)
}

/// The form that a redaction leaves.
pub(crate) fn redacted(body: &[u8]) -> Option<Vec<u8>> {
    let Ok(StoredRecord::Event(record)) = StoredRecord::decode(body) else {
        return None;
    };
    let payload = RecordPayload::Redacted {
        hash: record.payload.hash(),
    };
    let mut bytes = Vec::new();
    Record { payload, ..record }.encode(&mut bytes);
    Some(bytes)
}

/// Changes bodies in the segments of a store that is closed. Footers and checkpoints, which would tell
/// of other rows, are left out: all of it can be made from the frames.
pub(crate) fn forge(fs: &MemFs, change: Change<'_>) {
    crate::harness::remove(fs, "checkpoint-");
    let manifest = Manifest::read(fs, &dir()).unwrap().unwrap();
    let mut listed = read(fs, &dir().join("MANIFEST"));
    for info in manifest.segments() {
        let mut keep_digest = |record: &FrameRecord<'_>| {
            let body = change(info, record.sequence, record.body);
            (record.digest, body.unwrap_or_else(|| record.body.to_vec()))
        };
        let (bytes, end) = rewritten(fs, info, &mut keep_digest);
        write(fs, &dir().join(info.file_name()), &bytes);
        if let Some(before) = info.end() {
            replace(&mut listed, &encoded(&before), &encoded(&end));
        } else {
            forget_active(&mut listed);
        }
    }
    seal_manifest(fs, listed);
}

/// What the manifest says of the active segment, if anything, was of other offsets.
fn forget_active(listed: &mut [u8]) {
    let at = listed.len() - 8 - 52;
    listed[at..at + 52].fill(0);
}

/// Changes bodies of events in a closed store of one segment, and makes the chains of its entities and that
/// of the log anew: what a program writes that knows the format and breaks its rules.
pub(crate) fn forge_chained(fs: &MemFs, change: Change<'_>) {
    crate::harness::remove(fs, "checkpoint-");
    let manifest = Manifest::read(fs, &dir()).unwrap().unwrap();
    let [info] = manifest.segments() else {
        panic!("several segments");
    };
    let (mut names, mut chains) = (Vec::new(), HashMap::new());
    let mut hasher = EventHasher::default();
    let mut chained = |at: &FrameRecord<'_>| {
        let body = change(info, at.sequence, at.body).unwrap_or_else(|| at.body.to_vec());
        let record = Record::decode(&body).unwrap();
        names.extend(record.coordinate.clone());
        let coordinate = &names[record.local_coordinate as usize];
        let chain = chains.entry(coordinate.entity().to_owned());
        let chain = chain.or_insert(Hash::ZERO);
        *chain = record.hash_after(chain, coordinate, at.sequence, &mut hasher);
        (*chain, body)
    };
    let (bytes, _) = rewritten(fs, info, &mut chained);
    write(fs, &dir().join(info.file_name()), &bytes);
    let mut listed = read(fs, &dir().join("MANIFEST"));
    forget_active(&mut listed);
    seal_manifest(fs, listed);
}

/// Writes a manifest whose checksum is made right.
pub(crate) fn seal_manifest(fs: &MemFs, mut bytes: Vec<u8>) {
    let end = bytes.len() - 8;
    let sum = Salt::NONE.checksum(0, &bytes[..end]).0;
    bytes[end..].copy_from_slice(&sum.to_le_bytes());
    write(fs, &dir().join("MANIFEST"), &bytes);
}

fn encoded(position: &LogPosition) -> Vec<u8> {
    let mut bytes = Vec::new();
    position.encode(&mut bytes);
    bytes
}

fn replace(bytes: &mut [u8], before: &[u8], after: &[u8]) {
    let at = bytes.windows(before.len()).position(|part| part == before);
    let at = at.unwrap();
    bytes[at..at + after.len()].copy_from_slice(after);
}

/// A segment with other digests and bodies, and where its frames end.
fn rewritten(
    fs: &MemFs,
    info: &SegmentInfo,
    change: &mut dyn FnMut(&FrameRecord<'_>) -> (Hash, Vec<u8>),
) -> (Vec<u8>, LogPosition) {
    let path = dir().join(info.file_name());
    let examiner = strandline_segment::Examiner::open(fs, &path, Some(info)).unwrap();
    let mut bytes = info.header().encode();
    let mut end = info.start();
    let mut commit = CommitBuffer::default();
    examiner
        .pieces(|piece| {
            let strandline_segment::Piece::Frame { frame, .. } = piece else {
                return Ok(());
            };
            commit.clear();
            if let Some(note) = frame.note() {
                commit.set_note(note);
            }
            for record in frame.records() {
                let (digest, body) = change(&record);
                commit.push(&digest, |out| out.extend(body));
            }
            let place = FramePlace {
                salt: info.header().salt(),
                start: end,
                first_sequence: frame.first_sequence(),
                durable_through: frame.durable_through(),
            };
            let (sealed, after) = commit.seal(&place).unwrap();
            bytes.extend_from_slice(sealed);
            end = after;
            Ok::<_, std::io::Error>(())
        })
        .unwrap();
    (bytes, end)
}
