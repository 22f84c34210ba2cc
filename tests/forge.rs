//! Files changed by someone who makes every checksum right, and makes no chain anew.

use crate::harness::{dir, read, write};
use strandline::Sequence;
use strandline::fs::MemFs;
use strandline_core::Salt;
use strandline_core::record::{Record, RecordPayload, RemovedRecord, StoredRecord};
use strandline_segment::{CommitBuffer, FramePlace, LogPosition, Manifest, SegmentInfo};

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
        let (bytes, end) = rewritten(fs, info, change);
        write(fs, &dir().join(info.file_name()), &bytes);
        if let Some(before) = info.end() {
            replace(&mut listed, &encoded(&before), &encoded(&end));
        } else {
            // What the manifest says of the active one, if anything, was of other offsets.
            let at = listed.len() - 8 - 52;
            listed[at..at + 52].fill(0);
        }
    }
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

/// A segment with other bodies, and where its frames end.
fn rewritten(fs: &MemFs, info: &SegmentInfo, change: Change<'_>) -> (Vec<u8>, LogPosition) {
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
                let body = change(info, record.sequence, record.body);
                let body = body.unwrap_or_else(|| record.body.to_vec());
                commit.push(&record.digest, |out| out.extend(body));
            }
            let place = FramePlace {
                salt: info.header().salt(),
                start: end,
                first_sequence: frame.first_sequence(),
                durable_through: frame.durable_through(),
            };
            let (sealed, after) = commit.seal(&place).unwrap();
            assert_eq!(
                after.log_hash,
                frame.end().log_hash,
                "no chain is made anew"
            );
            bytes.extend_from_slice(sealed);
            end = after;
            Ok::<_, std::io::Error>(())
        })
        .unwrap();
    (bytes, end)
}
