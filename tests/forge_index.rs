//! Changes footers and checkpoints, and makes every checksum over the change right: what is left then
//! is to hold them against the log.

use crate::harness::{dir, read, write};
use std::path::PathBuf;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::{Coordinate, EventId, EventKind, Hash, IndexLayout, Sequence};
use strandline_checkpoint::{CheckpointWriter, newest};
use strandline_core::Salt;
use strandline_core::record::{Record, StoredRecord};
use strandline_index::{BlockBuilder, Row};
use strandline_segment::{FrameRecord, LogOptions, Manifest, SegmentInfo, UncheckedLog};

/// A row of an index, with names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) sequence: Sequence,
    pub(crate) id: EventId,
    pub(crate) coordinate: Coordinate,
    pub(crate) kind: EventKind,
    pub(crate) wall_ms: u64,
    pub(crate) clock: u32,
    pub(crate) position: u64,
    pub(crate) correlation: EventId,
    pub(crate) causation: Option<EventId>,
    pub(crate) hash: Hash,
    pub(crate) tags: Vec<String>,
}

impl Entry {
    fn of(at: &FrameRecord<'_>, record: &Record<'_>, coordinate: Coordinate) -> Self {
        Self {
            sequence: at.sequence,
            id: record.id,
            coordinate,
            kind: record.kind,
            wall_ms: record.hlc.wall_ms(),
            clock: record.clock,
            position: at.position.to_bits(),
            correlation: record.correlation,
            causation: record.causation,
            hash: at.digest,
            tags: record.extensions.tags().map(str::to_owned).collect(),
        }
    }
}

/// What the footer of a segment holds.
#[derive(Debug, Clone)]
pub(crate) struct FooterParts {
    /// `wall_ms` and counter of the newest clock reading.
    pub(crate) newest: (u64, u32),
    /// With its checksum.
    pub(crate) heads: Vec<u8>,
    pub(crate) block: Vec<u8>,
    /// With its checksums.
    pub(crate) tree: Vec<u8>,
}

/// The sealed segments.
pub(crate) fn sealed(fs: &MemFs) -> Vec<SegmentInfo> {
    let manifest = Manifest::read(fs, &dir()).unwrap().unwrap();
    let sealed = manifest.segments().iter().copied();
    sealed.filter(SegmentInfo::is_sealed).collect()
}

pub(crate) fn path(info: &SegmentInfo) -> PathBuf {
    dir().join(info.file_name())
}

/// What the frames of a sealed segment say.
pub(crate) fn entries(fs: &MemFs, info: &SegmentInfo) -> Vec<Entry> {
    let log = UncheckedLog::open(Arc::new(fs.clone()), &dir(), LogOptions::default());
    let frames = log.unwrap().unwrap().sealed_frames(info.id()).unwrap();
    let mut names = Vec::new();
    let mut entries = Vec::new();
    frames
        .visit(|frame| {
            for at in frame.records() {
                let record = StoredRecord::decode(at.body).unwrap();
                names.extend(record.coordinate().cloned());
                if let StoredRecord::Event(record) = &record {
                    let coordinate = &names[record.local_coordinate as usize];
                    entries.push(Entry::of(&at, record, coordinate.clone()));
                }
            }
            Ok::<_, std::io::Error>(())
        })
        .unwrap();
    entries
}

/// The block of these rows.
pub(crate) fn block(entries: &[Entry], layout: IndexLayout) -> Vec<u8> {
    let mut builder = BlockBuilder::default();
    for entry in entries {
        let coordinate = builder.intern(&entry.coordinate).unwrap();
        let tags: Vec<_> = entry.tags.iter().map(String::as_str).collect();
        let row = Row {
            sequence: entry.sequence,
            id: entry.id,
            coordinate,
            kind: entry.kind,
            wall_ms: entry.wall_ms,
            clock: entry.clock,
            position: entry.position,
            correlation: entry.correlation,
            causation: entry.causation,
            hash: Some(entry.hash),
        };
        builder.push(&row, &tags).unwrap();
    }
    builder.build(layout, Vec::new()).unwrap()
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The footer of a segment whose records say nothing beside rows.
pub(crate) fn footer(fs: &MemFs, info: &SegmentInfo) -> FooterParts {
    let bytes = read(fs, &path(info));
    let footer = &bytes[info.end().unwrap().offset as usize..bytes.len() - 64];
    let lengths = [12, 16, 20].map(|at| number(footer, at));
    assert_eq!(lengths[0] >> 31, 1, "there is a tree");
    assert_eq!(lengths[1], 0, "there is a summary");
    let heads = 32 + (lengths[0] & !(1 << 31));
    let tree = footer.len() - lengths[2];
    FooterParts {
        newest: (
            u64::from_le_bytes(footer[..8].try_into().unwrap()),
            number(footer, 8) as u32,
        ),
        heads: footer[32..heads].to_vec(),
        block: footer[heads..tree].to_vec(),
        tree: footer[tree..].to_vec(),
    }
}

/// Puts a footer in the place of a segment's.
pub(crate) fn put_footer(fs: &MemFs, info: &SegmentInfo, parts: &FooterParts) {
    let mut footer = Vec::new();
    footer.extend(parts.newest.0.to_le_bytes());
    footer.extend(parts.newest.1.to_le_bytes());
    let long = u32::from(!parts.tree.is_empty()) << 31;
    footer.extend((parts.heads.len() as u32 | long).to_le_bytes());
    if long > 0 {
        footer.extend([0; 4]);
        footer.extend((parts.tree.len() as u32).to_le_bytes());
    }
    footer.extend(Salt::NONE.checksum(0, &footer).0.to_le_bytes());
    footer.extend(&parts.heads);
    footer.extend(&parts.block);
    footer.extend(&parts.tree);
    put_raw_footer(fs, info, &footer);
}

/// Puts bytes in the place of a segment's footer, with a trailer that is right.
pub(crate) fn put_raw_footer(fs: &MemFs, info: &SegmentInfo, footer: &[u8]) {
    let (salt, end) = (info.header().salt(), info.end().unwrap());
    let mut bytes = read(fs, &path(info));
    bytes.truncate(end.offset as usize);
    bytes.extend(footer);
    let at = bytes.len();
    bytes.extend(end.log_hash.as_bytes());
    bytes.extend((footer.len() as u64).to_le_bytes());
    bytes.extend(salt.checksum(end.offset.into(), footer).0.to_le_bytes());
    bytes.extend(b"STRNDFTR");
    let checksum = salt.checksum(at as u64, &bytes[at..]);
    bytes.extend(checksum.0.to_le_bytes());
    write(fs, &path(info), &bytes);
}

/// Makes the footer of a segment say what these rows are.
pub(crate) fn put_entries(fs: &MemFs, info: &SegmentInfo, entries: &[Entry], layout: IndexLayout) {
    let parts = footer(fs, info);
    let block = block(entries, layout);
    put_footer(fs, info, &FooterParts { block, ..parts });
}

/// Length of a block's header before its table of sections, of an entry there, and their number.
const FIXED_BYTES: usize = 112;
const SECTION_BYTES: usize = 32;
const SECTIONS: usize = 41;

/// Where each section of a block is.
pub(crate) fn sections(block: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut start = FIXED_BYTES + SECTION_BYTES * SECTIONS + 8;
    let lengths = (0..SECTIONS).map(|at| number(block, FIXED_BYTES + SECTION_BYTES * at));
    lengths
        .map(|length| {
            start += length;
            start - length..start
        })
        .collect()
}

/// Length of what a checksum covers.
const PIECE_BYTES: usize = 1 << 16;

/// Makes the checksums of a block right.
pub(crate) fn mend_block(block: &mut [u8]) {
    let sections = sections(block);
    let mut to = sections[SECTIONS - 1].start;
    for (section, range) in sections.into_iter().enumerate() {
        let own = to;
        if section < SECTIONS - 1 {
            let Some(covered) = block.get(range.clone()) else {
                break;
            };
            let pieces = (0_u64..).zip(covered.chunks(PIECE_BYTES));
            let sums: Vec<_> = pieces
                .map(|(piece, bytes)| Salt::NONE.checksum((section as u64) << 32 | piece, bytes))
                .collect();
            for sum in sums {
                // A length that lies may leave no room.
                if let Some(place) = block.get_mut(to..to + 8) {
                    place.copy_from_slice(&sum.0.to_le_bytes());
                }
                to += 8;
            }
        }
        let list = if section < SECTIONS - 1 {
            own..to
        } else {
            range
        };
        let sum = Salt::NONE
            .checksum(section as u64, block.get(list).unwrap_or_default())
            .0;
        let at = FIXED_BYTES + SECTION_BYTES * section + 8;
        block[at..at + 8].copy_from_slice(&sum.to_le_bytes());
    }
    let covered = FIXED_BYTES + SECTION_BYTES * SECTIONS;
    let sum = Salt::NONE.checksum(0, &block[..covered]).0;
    block[covered..covered + 8].copy_from_slice(&sum.to_le_bytes());
}

/// Makes the checksum of a list of removed heads right.
pub(crate) fn mend_heads(heads: &mut [u8]) {
    if let Some((checksum, covered)) = heads.split_first_chunk_mut() {
        *checksum = Salt::NONE.checksum(0, covered).0.to_le_bytes();
    }
}

/// The sections of a checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointParts {
    pub(crate) number: u64,
    pub(crate) state: Vec<u8>,
    pub(crate) names: Vec<u8>,
    pub(crate) rows: Vec<u8>,
}

pub(crate) fn checkpoint(fs: &MemFs) -> CheckpointParts {
    let found = newest(fs, &dir()).unwrap().checkpoint.unwrap();
    let section = |name| found.section(name).unwrap().to_vec();
    CheckpointParts {
        number: found.number(),
        state: section("state"),
        names: section("segment-names"),
        rows: section("rows"),
    }
}

pub(crate) fn put_checkpoint(fs: &MemFs, parts: &CheckpointParts) {
    crate::harness::remove(fs, "checkpoint-");
    CheckpointWriter::new()
        .section("state", parts.state.clone())
        .unwrap()
        .section("segment-names", parts.names.clone())
        .unwrap()
        .section("rows", parts.rows.clone())
        .unwrap()
        .publish(fs, &dir(), parts.number)
        .unwrap();
}
