//! Payloads to ciphertext and back: XChaCha20-Poly1305
//! ([draft-irtf-cfrg-xchacha-03](https://datatracker.ietf.org/doc/html/draft-irtf-cfrg-xchacha-03)), the tag of 16
//! bytes last.
//!
//! Knows an event as far as the ciphertext is bound to it.

use super::key::Key;
use chacha20poly1305::AeadInOut;
use strandline::{Coordinate, EventId, EventKind, PayloadEncoding, Seal, SealKeyId};

/// Length of what Poly1305 adds.
const TAG_BYTES: usize = 16;

/// What ciphertext is bound to: it opens in an event of these alone.
pub(crate) struct Bound<'a> {
    pub(crate) coordinate: &'a Coordinate,
    pub(crate) kind: EventKind,
    pub(crate) encoding: PayloadEncoding,
    pub(crate) version: u16,
    /// The id that the caller gave; one that the store makes is not known in time.
    pub(crate) id: Option<EventId>,
}

impl Bound<'_> {
    /// The associated data. Lengths stand before names, so no two events have the same.
    fn bytes(&self, key: SealKeyId) -> Vec<u8> {
        let (entity, scope) = (self.coordinate.entity(), self.coordinate.scope());
        let mut bytes = Vec::with_capacity(64 + entity.len() + scope.len());
        bytes.extend_from_slice(b"strandline/seal/1");
        bytes.extend_from_slice(key.as_bytes());
        bytes.push(self.encoding.code());
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&self.kind.bits().to_le_bytes());
        for name in [entity, scope] {
            // A name has 255 bytes at most.
            bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(name.as_bytes());
        }
        if let Some(id) = self.id {
            bytes.extend_from_slice(&id.as_u128().to_le_bytes());
        }
        bytes
    }

    fn seal(&self, key: SealKeyId, nonce: [u8; 24]) -> Seal {
        Seal {
            encoding: self.encoding,
            is_bound_to_id: self.id.is_some(),
            key,
            nonce,
        }
    }
}

/// A payload that is sealed, and what the header says of it; `None` if it is too long for the cipher (256 GiB).
///
/// The nonce of an event with an id is derived from the key and all that is sealed, so that the same event again is
/// the same bytes, and another one under the id has another nonce. That of an event without one is `random`.
pub(crate) fn seal(
    key: &Key,
    bound: &Bound<'_>,
    payload: &[u8],
    random: impl FnOnce() -> [u8; 24],
) -> Option<(Seal, Vec<u8>)> {
    let data = bound.bytes(key.id());
    let nonce = match bound.id {
        Some(_) => derived(key, &data, payload),
        None => random(),
    };
    let mut ciphertext = Vec::with_capacity(payload.len() + TAG_BYTES);
    ciphertext.extend_from_slice(payload);
    let sealed = ciphertext.as_mut_slice().into();
    let tag = key
        .cipher
        .encrypt_inout_detached(&nonce.into(), &data, sealed)
        .ok()?;
    ciphertext.extend_from_slice(&tag);
    Some((bound.seal(key.id(), nonce), ciphertext))
}

/// The payload that was sealed; `None` if this is not what was sealed with the key, or not for this event.
pub(crate) fn open(
    key: &Key,
    bound: &Bound<'_>,
    nonce: [u8; 24],
    sealed: &[u8],
) -> Option<Box<[u8]>> {
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
    let data = bound.bytes(key.id());
    let mut payload: Box<[u8]> = ciphertext.into();
    let opened = (&mut *payload).into();
    key.cipher
        .decrypt_inout_detached(&nonce.into(), &data, opened, &(*tag).into())
        .ok()?;
    Some(payload)
}

fn derived(key: &Key, data: &[u8], payload: &[u8]) -> [u8; 24] {
    let mut hasher = blake3::Hasher::new_keyed(&key.nonce);
    hasher.update(&(data.len() as u64).to_le_bytes());
    hasher.update(data);
    hasher.update(payload);
    let mut nonce = [0; 24];
    hasher.finalize_xof().fill(&mut nonce);
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> Key {
        Key::new(SealKeyId::from_bytes([1; 16]), [2; 32])
    }

    fn bound(coordinate: &Coordinate, id: Option<u128>) -> Bound<'_> {
        Bound {
            coordinate,
            kind: EventKind::new(1, 1),
            encoding: PayloadEncoding::JSON,
            version: 1,
            id: id.map(EventId::from_u128),
        }
    }

    #[test]
    fn what_was_written_once_opens_for_ever() {
        let at = Coordinate::new("customer:7", "shop").unwrap();
        let (seal, sealed) = seal(&key(), &bound(&at, None), b"Elm Street", || [3; 24]).unwrap();
        assert_eq!(seal.nonce, [3; 24]);
        let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, GOLDEN);
        let opened = open(&key(), &bound(&at, None), [3; 24], &sealed);
        assert_eq!(opened.as_deref(), Some(b"Elm Street".as_slice()));
    }

    const GOLDEN: &str = "1e58e9ba560424b744585a7a76281951c42581db9e189a9846c2";

    #[test]
    fn a_nonce_is_of_the_id_and_of_all_that_is_sealed() {
        let at = Coordinate::new("a", "bc").unwrap();
        let moved = Coordinate::new("ab", "c").unwrap();
        let drawn = || -> [u8; 24] { panic!("nothing is drawn for an event with an id") };
        let of =
            |at, id, payload: &[u8]| seal(&key(), &bound(at, Some(id)), payload, drawn).unwrap();
        assert_eq!(of(&at, 7, b"x"), of(&at, 7, b"x"));
        let all = [
            of(&at, 7, b"x"),
            of(&at, 8, b"x"),
            of(&at, 7, b"y"),
            of(&moved, 7, b"x"),
        ];
        for (place, one) in all.iter().enumerate() {
            for other in &all[..place] {
                assert_ne!(one.0.nonce, other.0.nonce);
            }
        }
    }

    #[test]
    fn ciphertext_is_of_all_that_it_is_bound_to() {
        let (at, moved) = (
            Coordinate::new("a", "bc").unwrap(),
            Coordinate::new("ab", "c").unwrap(),
        );
        let (seal, sealed) = seal(&key(), &bound(&at, Some(7)), b"x", || [3; 24]).unwrap();
        let opens = |key: &Key, bound: &Bound<'_>| open(key, bound, seal.nonce, &sealed).is_some();
        assert!(opens(&key(), &bound(&at, Some(7))));
        let others = [
            bound(&moved, Some(7)),
            bound(&at, Some(8)),
            bound(&at, None),
            Bound {
                kind: EventKind::new(1, 2),
                ..bound(&at, Some(7))
            },
            Bound {
                encoding: PayloadEncoding::RAW,
                ..bound(&at, Some(7))
            },
            Bound {
                version: 2,
                ..bound(&at, Some(7))
            },
        ];
        for other in &others {
            assert!(!opens(&key(), other));
        }
        let renamed = Key::new(SealKeyId::from_bytes([9; 16]), *key().secret());
        assert!(!opens(&renamed, &bound(&at, Some(7))));
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_nothing_else_does(
            payload in proptest::collection::vec(any::<u8>(), 0..300),
            id in proptest::option::of(any::<u128>()),
            flip in any::<proptest::sample::Index>(),
            bit in 0..8_u8,
            cut in any::<proptest::sample::Index>(),
        ) {
            let at = Coordinate::new("customer:7", "shop").unwrap();
            let bound = bound(&at, id);
            let (seal, sealed) = seal(&key(), &bound, &payload, || [3; 24]).unwrap();
            prop_assert_eq!(sealed.len(), payload.len() + TAG_BYTES);
            let opened = open(&key(), &bound, seal.nonce, &sealed);
            prop_assert_eq!(opened.as_deref(), Some(&*payload));
            let mut flipped = sealed.clone();
            flipped[flip.index(sealed.len())] ^= 1_u8 << bit;
            prop_assert!(open(&key(), &bound, seal.nonce, &flipped).is_none());
            prop_assert!(open(&key(), &bound, seal.nonce, &sealed[..cut.index(sealed.len())]).is_none());
            let mut nonce = seal.nonce;
            nonce[flip.index(24)] ^= 1_u8 << bit;
            prop_assert!(open(&key(), &bound, nonce, &sealed).is_none());
            let other = Key::new(key().id(), [4; 32]);
            prop_assert!(open(&other, &bound, seal.nonce, &sealed).is_none());
        }
    }
}
