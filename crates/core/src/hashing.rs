//! The hashes that make history tamper-evident: payload, event chain and log chain. Holds the formulas;
//! the values are the model's, and nothing here reads a file. Knows `model` and `codec`.
//!
//! The formulas, with `‖` for concatenation and H for [BLAKE3](https://github.com/BLAKE3-team/BLAKE3-specs):
//!
//! ```text
//! payload hash = H(nonce ‖ payload)
//! event hash   = H("strandline/event/1" ‖ previous ‖ canonical header ‖ payload hash)
//! log hash     = H("strandline/log/1" ‖ previous log hash ‖ record hash ‖ record hash ‖ …)
//! of a note    = H("strandline/log/note/1" ‖ previous log hash ‖ H("strandline/note/1" ‖ body))
//! of no record = H("strandline/log/recorded/1" ‖ identity of the log)
//! ```
//!
//! The canonical header is the bytes that [`CanonicalHeader::write`] makes: names instead of ids,
//! every variable part with its length before it, so that no two headers share an encoding.

use crate::codec::Writer;
use crate::model::{EventId, EventKind, Extensions, Hash, Hlc, Nonce, PayloadEncoding, Sequence};

const EVENT_DOMAIN: &[u8] = b"strandline/event/1";
const LOG_DOMAIN: &[u8] = b"strandline/log/1";
const LOG_NOTE_DOMAIN: &[u8] = b"strandline/log/note/1";
const NOTE_DOMAIN: &[u8] = b"strandline/note/1";
const RUN_DOMAIN: &[u8] = b"strandline/run/1";
const RECORDED_LOG_DOMAIN: &[u8] = b"strandline/log/recorded/1";

/// `H(nonce ‖ payload)`. Linear in the payload.
#[must_use]
pub fn payload_hash(nonce: Nonce, payload: &[u8]) -> Hash {
    // Small payloads are hashed in one piece from the stack, which is faster than feeding a hasher
    // twice; the small piece is faster to clear.
    in_one_piece::<320>(nonce, payload)
        .or_else(|| in_one_piece::<1024>(nonce, payload))
        .unwrap_or_else(|| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&nonce.0).update(payload);
            Hash::from_bytes(*hasher.finalize().as_bytes())
        })
}

/// The payload hash, if nonce and payload have at most `BYTES` bytes.
fn in_one_piece<const BYTES: usize>(nonce: Nonce, payload: &[u8]) -> Option<Hash> {
    let mut piece = [0; BYTES];
    let piece = piece.get_mut(..Nonce::BYTES + payload.len())?;
    let (front, back) = piece.split_at_mut(Nonce::BYTES);
    front.copy_from_slice(&nonce.0);
    back.copy_from_slice(payload);
    Some(Hash::of(piece))
}

/// Makes log hashes, reusing one buffer: `H("strandline/log/1" ‖ previous ‖ record hashes)`.
///
/// Each commit adds one link over the hashes of its records.
///
/// ```
/// use strandline_core::{Hash, LogHasher};
///
/// let mut hasher = LogHasher::default();
/// hasher.add(&Hash::of(b"first"));
/// hasher.add(&Hash::of(b"second"));
/// let first_commit = hasher.hash(&Hash::ZERO);
/// hasher.clear();
/// hasher.add(&Hash::of(b"third"));
/// assert_ne!(hasher.hash(&first_commit), hasher.hash(&Hash::ZERO));
/// ```
#[derive(Debug, Clone)]
pub struct LogHasher {
    /// The domain, space for the previous hash, and the hashes of the records.
    buffer: Vec<u8>,
}

const LOG_PREFIX_BYTES: usize = LOG_DOMAIN.len() + Hash::BYTES;

impl Default for LogHasher {
    fn default() -> Self {
        let mut buffer = LOG_DOMAIN.to_vec();
        buffer.resize(LOG_PREFIX_BYTES, 0);
        Self { buffer }
    }
}

impl LogHasher {
    /// Forgets all records, keeps the memory.
    pub fn clear(&mut self) {
        self.buffer.truncate(LOG_PREFIX_BYTES);
    }

    /// Adds the hash of the commit's next record.
    pub fn add(&mut self, record: &Hash) {
        self.buffer.extend_from_slice(record.as_bytes());
    }

    /// The log hash of the commit that follows `previous`.
    pub fn hash(&mut self, previous: &Hash) -> Hash {
        if let Some(place) = self.buffer.get_mut(LOG_DOMAIN.len()..LOG_PREFIX_BYTES) {
            place.copy_from_slice(previous.as_bytes());
        }
        Hash::of(&self.buffer)
    }
}

/// The digest of a note, which a log has beside its commits. Linear in its length.
#[must_use]
pub fn note_digest(body: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(NOTE_DOMAIN).update(body);
    Hash::from_bytes(*hasher.finalize().as_bytes())
}

/// The digest of what a log says of a run: of adjacent commits that became one frame, as all that they had was
/// removed. Linear in its length.
#[must_use]
pub fn run_digest(body: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(RUN_DOMAIN).update(body);
    Hash::from_bytes(*hasher.finalize().as_bytes())
}

/// The log hash after the note with this digest, which follows `previous`. Of another domain than that
/// of a commit, so neither can be taken for the other.
#[must_use]
pub fn log_hash_of_note(previous: &Hash, digest: &Hash) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(LOG_NOTE_DOMAIN);
    hasher.update(previous.as_bytes()).update(digest.as_bytes());
    Hash::from_bytes(*hasher.finalize().as_bytes())
}

/// The log hash before the first frame of a log in which every removal has a record. A log that was made
/// before there were records begins with [`Hash::ZERO`], and none can be passed off as the other.
#[must_use]
pub fn recorded_log_base(identity: &[u8; 16]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(RECORDED_LOG_DOMAIN).update(identity);
    Hash::from_bytes(*hasher.finalize().as_bytes())
}

/// Everything of an event that its hash covers, but the payload: names, not interned ids.
#[derive(Debug, Clone, Copy)]
pub struct CanonicalHeader<'a> {
    /// Entity name.
    pub entity: &'a str,
    /// Scope name.
    pub scope: &'a str,
    /// Kind.
    pub kind: EventKind,
    /// How the payload is encoded.
    pub encoding: PayloadEncoding,
    /// Id.
    pub id: EventId,
    /// Correlation; equal to `id` where none was given.
    pub correlation: EventId,
    /// Causation, if any.
    pub causation: Option<EventId>,
    /// Place in the entity's stream.
    pub clock: u32,
    /// Time.
    pub hlc: Hlc,
    /// Place in the global order.
    pub sequence: Sequence,
    /// Extensions.
    pub extensions: &'a Extensions,
}

impl CanonicalHeader<'_> {
    /// Appends the canonical bytes to `out`.
    ///
    /// In order, little-endian: entity (length u16, bytes), scope (length u16, bytes), kind u16,
    /// encoding u8, id u128, correlation u128, causation (0u8, or 1u8 and u128), clock u32,
    /// wall_ms u64, counter u32, sequence u64, extensions (length u16, bytes).
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut out = Writer::new(out);
        out.short_bytes(self.entity.as_bytes());
        out.short_bytes(self.scope.as_bytes());
        out.u16(self.kind.bits());
        out.u8(self.encoding.code());
        out.u128(self.id.as_u128());
        out.u128(self.correlation.as_u128());
        match self.causation {
            None => out.u8(0),
            Some(causation) => {
                out.u8(1);
                out.u128(causation.as_u128());
            }
        }
        out.u32(self.clock);
        out.u64(self.hlc.wall_ms());
        out.u32(self.hlc.counter());
        out.u64(self.sequence.get());
        out.short_bytes(self.extensions.as_bytes());
    }
}

/// Makes event hashes, reusing one buffer.
#[derive(Debug, Default)]
pub struct EventHasher {
    buffer: Vec<u8>,
}

impl EventHasher {
    /// The hash of the event that follows `previous` in its entity's chain.
    pub fn hash(
        &mut self,
        previous: &Hash,
        header: &CanonicalHeader<'_>,
        payload_hash: &Hash,
    ) -> Hash {
        self.buffer.clear();
        self.buffer.extend_from_slice(EVENT_DOMAIN);
        self.buffer.extend_from_slice(previous.as_bytes());
        header.write(&mut self.buffer);
        self.buffer.extend_from_slice(payload_hash.as_bytes());
        Hash::of(&self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_hash_is_that_of_its_formula_and_a_clear_forgets() {
        let records = [Hash::of(b"a"), Hash::of(b"b")];
        let previous = Hash::of(b"before");
        let mut bytes = b"strandline/log/1".to_vec();
        bytes.extend_from_slice(previous.as_bytes());
        let mut hasher = LogHasher::default();
        hasher.add(&Hash::of(b"of a commit that failed"));
        hasher.clear();
        for record in &records {
            bytes.extend_from_slice(record.as_bytes());
            hasher.add(record);
        }
        assert_eq!(hasher.hash(&previous), Hash::of(&bytes));
    }

    #[test]
    fn the_payload_hash_is_that_of_its_formula_at_every_length() {
        let nonce = Nonce([7; Nonce::BYTES]);
        for length in [0, 1, 303, 304, 305, 1007, 1008, 1009, 5000] {
            let payload = vec![3; length];
            let expected = Hash::of(&[&nonce.0, &*payload].concat());
            assert_eq!(payload_hash(nonce, &payload), expected, "{length} bytes");
        }
    }

    fn header(extensions: &Extensions) -> CanonicalHeader<'_> {
        CanonicalHeader {
            entity: "order:1",
            scope: "eu",
            kind: EventKind::new(1, 2),
            encoding: PayloadEncoding::JSON,
            id: EventId::from_u128(7),
            correlation: EventId::from_u128(7),
            causation: None,
            clock: 3,
            hlc: Hlc::new(5, 6).unwrap(),
            sequence: Sequence::new(9),
            extensions,
        }
    }

    #[test]
    fn every_part_of_the_header_changes_the_hash() {
        let empty = Extensions::default();
        let extended = Extensions::from_bytes(&[1, 0, 0, 0]).unwrap();
        let base = header(&empty);
        let variants = [
            base,
            CanonicalHeader {
                entity: "order:2",
                ..base
            },
            CanonicalHeader {
                scope: "us",
                ..base
            },
            CanonicalHeader {
                entity: "order:",
                scope: "1eu",
                ..base
            },
            CanonicalHeader {
                kind: EventKind::new(1, 3),
                ..base
            },
            CanonicalHeader {
                encoding: PayloadEncoding::RAW,
                ..base
            },
            CanonicalHeader {
                id: EventId::from_u128(8),
                ..base
            },
            CanonicalHeader {
                correlation: EventId::from_u128(8),
                ..base
            },
            CanonicalHeader {
                causation: Some(EventId::from_u128(0)),
                ..base
            },
            CanonicalHeader { clock: 4, ..base },
            CanonicalHeader {
                hlc: Hlc::new(6, 6).unwrap(),
                ..base
            },
            CanonicalHeader {
                hlc: Hlc::new(5, 7).unwrap(),
                ..base
            },
            CanonicalHeader {
                sequence: Sequence::new(10),
                ..base
            },
            CanonicalHeader {
                extensions: &extended,
                ..base
            },
        ];
        let mut hasher = EventHasher::default();
        let payload = payload_hash(Nonce([1; 16]), b"payload");
        let mut hashes: Vec<_> = variants
            .iter()
            .map(|header| hasher.hash(&Hash::ZERO, header, &payload))
            .collect();
        hashes.push(hasher.hash(&payload, &base, &payload));
        hashes.push(hasher.hash(&Hash::ZERO, &base, &Hash::ZERO));
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }

    #[test]
    fn a_payload_hashes_the_same_in_one_piece_and_in_two() {
        for length in [0, 1, 1008, 1023, 1024, 1025, 5000] {
            let payload = vec![0xA5; length];
            let nonce = Nonce([9; 16]);
            let whole: Vec<u8> = nonce.0.iter().chain(&payload).copied().collect();
            assert_eq!(payload_hash(nonce, &payload), Hash::of(&whole), "{length}");
        }
    }
}
