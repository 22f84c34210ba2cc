//! `Chunk`: frames of one segment, as they are in its file.
//!
//! | field | bytes |
//! |---|---|
//! | magic `STRNDCHK` | 8 |
//! | version | 4 |
//! | identity of the log | 16 |
//! | term | 8 |
//! | number | 8 |
//! | number of the newest acknowledged state of the term | 8 |
//! | header of the segment | 128 |
//! | where the frames begin: a log position | 52 |
//! | where they end | 52 |
//! | length of the frames | 8 |
//! | the frames: the bytes of the segment's file between both | any |
//! | BLAKE3 hash of everything before | 32 |

use super::error::ObjectError;
use super::key::{Key, Term};
use super::sealed::{Format, HASH_BYTES};
use bytes::Bytes;
use strandline_core::codec::{Reader, Writer};
use strandline_segment::{LogIdentity, LogPosition, SEGMENT_HEADER_BYTES, SegmentHeader};

const CHUNK: Format = Format {
    what: "chunk",
    magic: b"STRNDCHK",
    version: 1,
};

/// Where in a chunk's object the header of the segment is, in bytes: of the file it is the first
/// [`SEGMENT_HEADER_BYTES`].
pub const CHUNK_HEADER_OFFSET: u64 = 52;
/// Where in a chunk's object the frames begin, in bytes.
pub const CHUNK_BODY_OFFSET: u64 = CHUNK_HEADER_OFFSET + 128 + 52 + 52 + 8;
/// What a chunk's object has behind the frames, in bytes.
pub(crate) const CHUNK_SEAL_BYTES: u64 = HASH_BYTES as u64;

/// Frames of one segment, shipped; or none, where it only tells of a newer state.
///
/// What it has is checked for itself: that the frames are those between both positions is for whoever puts them into
/// a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The term in which it was shipped.
    pub term: Term,
    /// Which chunk of the term it is, from 0 on.
    pub number: u64,
    /// Number of the newest state of the term that was acknowledged when the chunk was made.
    pub state: u64,
    /// Header of the segment that the frames are of.
    pub header: SegmentHeader,
    /// Where the frames begin. Where the chunk before ends, or the same place in another file.
    pub start: LogPosition,
    /// Where they end, in the same segment.
    pub end: LogPosition,
    /// The bytes of the segment's file from `start` to `end`.
    pub body: Bytes,
}

impl Chunk {
    /// Identity of the log.
    #[must_use]
    pub const fn identity(&self) -> &LogIdentity {
        &self.header.identity
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> Key {
        Key::Chunk {
            term: self.term,
            number: self.number,
        }
    }

    /// Its bytes. Linear in their number: copies and hashes the body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.body.len() + 512);
        CHUNK.begin(&mut bytes);
        let mut out = Writer::new(&mut bytes);
        out.bytes(&self.header.identity);
        out.u64(self.term.get());
        out.u64(self.number);
        out.u64(self.state);
        out.bytes(&self.header.encode());
        self.start.encode(&mut bytes);
        self.end.encode(&mut bytes);
        let mut out = Writer::new(&mut bytes);
        out.u64(self.body.len() as u64);
        out.bytes(&self.body);
        Format::seal(&mut bytes);
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote for the chunk `number` of `term`. Linear in the length of the bytes,
    /// which it hashes; the body is a part of them and no copy.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] if they are damaged, of a later version, of another chunk, or contradict themselves.
    pub fn decode(term: Term, number: u64, bytes: &Bytes) -> Result<Self, ObjectError> {
        let value = CHUNK.value();
        let mut reader = CHUNK.open(bytes)?;
        let identity: LogIdentity = reader.array("identity").map_err(value)?;
        let of = (
            reader.u64("term").map_err(value)?,
            reader.u64("number").map_err(value)?,
        );
        if of != (term.get(), number) {
            return Err(ObjectError::Misplaced { what: CHUNK.what });
        }
        let state = reader.u64("state").map_err(value)?;
        let header = decode_header(CHUNK, &mut reader)?;
        let start = LogPosition::decode(&mut reader).map_err(value)?;
        let end = LogPosition::decode(&mut reader).map_err(value)?;
        let length = reader.u64("length of the frames").map_err(value)?;
        let body = reader.rest();
        let chunk = Self {
            term,
            number,
            state,
            header,
            start,
            end,
            body: bytes.slice_ref(body),
        };
        if body.len() as u64 != length || identity != header.identity {
            return Err(CHUNK.contradicts("its frames or its log are not those that it says"));
        }
        chunk.check()?;
        Ok(chunk)
    }

    /// Checks that header, positions and length agree.
    fn check(&self) -> Result<(), ObjectError> {
        let (start, end, id) = (&self.start, &self.end, self.header.id);
        let within = start.segment == id && end.segment == id;
        let length = u64::from(end.offset).checked_sub(u64::from(start.offset));
        if !within || length != Some(self.body.len() as u64) || start.offset < SEGMENT_HEADER_BYTES
        {
            return Err(CHUNK.contradicts("its frames are not between its positions"));
        }
        if self.body.is_empty() && start != end || start.sequence > end.sequence {
            return Err(CHUNK.contradicts("it ends before it begins"));
        }
        if start.offset == SEGMENT_HEADER_BYTES && *start != self.header.start() {
            return Err(CHUNK.contradicts("it begins elsewhere than its segment"));
        }
        if self.state > self.number {
            return Err(CHUNK.contradicts("its state covers later chunks"));
        }
        Ok(())
    }
}

/// The header of a segment, checked.
fn decode_header(format: Format, reader: &mut Reader<'_>) -> Result<SegmentHeader, ObjectError> {
    let bytes = reader
        .bytes("segment header", SEGMENT_HEADER_BYTES as usize)
        .map_err(format.value())?;
    SegmentHeader::decode(format.what, bytes).map_err(|source| ObjectError::Log {
        what: format.what,
        source: Box::new(source),
    })
}
