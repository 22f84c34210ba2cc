//! The parts of the fixed formats, by name and length, for tools that show bytes. The tables that
//! say what they mean stand beside the codecs, and a test compares the two.

/// The parts of a segment's header.
pub const SEGMENT_HEADER_LAYOUT: [(&str, usize); 10] = [
    ("magic", 8),
    ("format version", 4),
    ("identity of the log", 16),
    ("segment number", 4),
    ("generation", 4),
    ("nonce", 16),
    ("first sequence", 8),
    ("log hash before", 32),
    ("zeros", 28),
    ("checksum", 8),
];

/// The parts of a frame's header.
pub const FRAME_HEADER_LAYOUT: [(&str, usize); 9] = [
    ("magic", 4),
    ("frame length", 4),
    ("first sequence", 8),
    ("durable_through", 8),
    ("record count", 2),
    ("flags", 2),
    ("records checksum", 4),
    ("log hash after", 32),
    ("checksum", 8),
];

/// The parts of what a record has before its body.
pub const RECORD_HEADER_LAYOUT: [(&str, usize); 3] =
    [("checksum", 8), ("body length", 4), ("digest", 32)];

/// The parts of a footer's trailer.
pub const TRAILER_LAYOUT: [(&str, usize); 5] = [
    ("log hash at the end", 32),
    ("footer length", 8),
    ("checksum of the footer", 8),
    ("magic", 8),
    ("checksum", 8),
];

/// The parts of the manifest before its segments. A checksum of 8 bytes stands after them.
pub const MANIFEST_HEAD_LAYOUT: [(&str, usize); 8] = [
    ("magic", 8),
    ("format version", 4),
    ("identity of the log", 16),
    ("number", 8),
    ("removals have records from", 8),
    ("epoch", 16),
    ("is a copy", 1),
    ("segment count", 4),
];

/// The parts of the manifest for each segment, after the segment's header.
pub const MANIFEST_ENTRY_LAYOUT: [(&str, usize); 6] = [
    ("is sealed", 1),
    ("end: segment", 4),
    ("end: offset", 4),
    ("end: last frame", 4),
    ("end: sequence", 8),
    ("end: log hash", 32),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{
        FRAME_HEADER_BYTES, FrameHeader, Manifest, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES,
        SegmentHeader, SegmentId, SegmentInfo, TRAILER_BYTES,
    };
    use strandline_core::{Epoch, Hash, Salt, Sequence};

    fn bytes(layout: &[(&str, usize)]) -> usize {
        layout.iter().map(|(_, bytes)| bytes).sum()
    }

    /// The bytes of a part.
    fn part<'a>(layout: &[(&str, usize)], name: &str, of: &'a [u8]) -> &'a [u8] {
        let at = layout.iter().position(|(part, _)| *part == name).unwrap();
        let start = bytes(&layout[..at]);
        &of[start..start + layout[at].1]
    }

    fn segment() -> SegmentHeader {
        SegmentHeader {
            identity: [3; 16],
            id: SegmentId::new(0x0102_0304),
            generation: 0x1112_1314,
            nonce: [4; 16],
            first_sequence: Sequence::new(0x2122_2324_2526_2728),
            base_log_hash: Hash::of(b"before"),
            has_runs: false,
        }
    }

    #[test]
    fn the_parts_are_where_the_codecs_write_them() {
        let header = segment();
        let encoded = header.encode();
        assert_eq!(bytes(&SEGMENT_HEADER_LAYOUT), SEGMENT_HEADER_BYTES as usize);
        let of = |name| part(&SEGMENT_HEADER_LAYOUT, name, &encoded);
        assert_eq!(of("generation"), header.generation.to_le_bytes());
        assert_eq!(
            of("first sequence"),
            header.first_sequence.get().to_le_bytes()
        );
        assert_eq!(of("log hash before"), header.base_log_hash.as_bytes());

        let frame = FrameHeader {
            frame_bytes: 0x3132_3334,
            first_sequence: Sequence::new(0x4142),
            durable_through: Sequence::new(0x5152),
            records: 0x6162,
            is_note: false,
            is_run: false,
            records_checksum: 0x7172_7374,
            log_hash: Hash::of(b"after"),
        };
        let encoded = frame.encode(Salt::NONE, 0);
        assert_eq!(bytes(&FRAME_HEADER_LAYOUT), FRAME_HEADER_BYTES);
        let of = |name| part(&FRAME_HEADER_LAYOUT, name, &encoded);
        assert_eq!(of("record count"), frame.records.to_le_bytes());
        assert_eq!(of("durable_through"), 0x5152_u64.to_le_bytes());
        assert_eq!(of("log hash after"), frame.log_hash.as_bytes());

        assert_eq!(bytes(&RECORD_HEADER_LAYOUT), RECORD_HEADER_BYTES);
        assert_eq!(bytes(&TRAILER_LAYOUT), TRAILER_BYTES);
    }

    #[test]
    fn the_parts_make_up_a_manifest() {
        let header = segment();
        let manifest = Manifest {
            identity: header.identity,
            number: 9,
            unrecorded_before: Sequence::ZERO,
            epoch: Epoch::from_bytes([3; 16]),
            is_copy: true,
            synced: None,
            segments: vec![SegmentInfo { header, end: None }],
        };
        let encoded = manifest.encode();
        let head = bytes(&MANIFEST_HEAD_LAYOUT);
        let entry = SEGMENT_HEADER_BYTES as usize + bytes(&MANIFEST_ENTRY_LAYOUT);
        assert_eq!(encoded.len(), head + entry + 8);
        assert_eq!(
            part(&MANIFEST_HEAD_LAYOUT, "number", &encoded),
            9_u64.to_le_bytes()
        );
        assert_eq!(part(&MANIFEST_HEAD_LAYOUT, "epoch", &encoded), [3; 16]);
        assert_eq!(part(&MANIFEST_HEAD_LAYOUT, "is a copy", &encoded), [1]);
        assert_eq!(encoded[head..head + 128], header.encode());
    }
}
