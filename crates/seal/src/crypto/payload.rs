//! Payloads to ciphertext and back, the tag of 16 bytes last: AES-256-GCM, and XChaCha20-Poly1305
//! ([draft-irtf-cfrg-xchacha-03](https://datatracker.ietf.org/doc/html/draft-irtf-cfrg-xchacha-03)) of what was sealed
//! with that.
//!
//! Knows an event as far as the ciphertext is bound to it.

use super::bound::Bound;
use super::cipher::TAG_BYTES;
use super::key::Key;
use super::session::split;
use chacha20poly1305::AeadInOut;
use strandline::{Seal, SealForm};
use strandline_core::Random;

/// A payload that is sealed, and what the header says of it; `None` if it is too long for the cipher (64 GiB).
///
/// The nonce of an event with an id is derived from the key and all that is sealed, so that the same event again is
/// the same bytes, and another one under the id has another nonce. That of an event without one is of a session, which
/// draws from `random`; that is to be of this process.
pub(crate) fn seal(
    key: &Key,
    bound: &Bound<'_>,
    payload: &[u8],
    random: &Random,
) -> Option<(Seal, Vec<u8>)> {
    let data = bound.bytes(SealForm::Aes256Gcm, key.id());
    let mut ciphertext = Vec::with_capacity(payload.len() + TAG_BYTES);
    ciphertext.extend_from_slice(payload);
    let (nonce, tag) = match bound.id {
        Some(_) => {
            let nonce = derived(key, &data, &[payload]);
            let (salt, own) = split(&nonce);
            let cipher = key.cipher(&salt)?;
            (nonce, cipher.seal(own, &data, &mut ciphertext)?)
        }
        None => key.seal_with(
            random,
            |session| session.nonce(&data, payload),
            |cipher, nonce| cipher.seal(split(nonce).1, &data, &mut ciphertext),
        )?,
    };
    ciphertext.extend_from_slice(&tag);
    Some((bound.seal(key.id(), nonce), ciphertext))
}

/// The payload that was sealed, of an event that has this seal; `None` if this is not what was sealed with the key,
/// or not for this event.
pub(crate) fn open(key: &Key, bound: &Bound<'_>, seal: &Seal, sealed: &[u8]) -> Option<Box<[u8]>> {
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
    let data = bound.bytes(seal.form, key.id());
    let mut payload: Box<[u8]> = ciphertext.into();
    match seal.form {
        SealForm::XChaCha20Poly1305 => {
            let opened = (&mut *payload).into();
            let (nonce, tag) = (seal.nonce.into(), (*tag).into());
            let cipher = key.xchacha();
            cipher
                .decrypt_inout_detached(&nonce, &data, opened, &tag)
                .ok()?;
        }
        SealForm::Aes256Gcm => {
            let (salt, nonce) = split(&seal.nonce);
            // Each event with an id has a salt of its own.
            key.open_with(&salt, !seal.is_bound_to_id, |cipher| {
                cipher.open(nonce, &data, &mut payload, *tag)
            })?;
        }
        _ => return None,
    }
    Some(payload)
}

/// A nonce of a key and all of this. Data of two forms begin in two ways, so they have no nonce together.
pub(super) fn derived(key: &Key, data: &[u8], parts: &[&[u8]]) -> [u8; 24] {
    let mut hasher = blake3::Hasher::new_keyed(&key.nonce);
    hasher.update(&(data.len() as u64).to_le_bytes());
    hasher.update(data);
    for part in parts {
        hasher.update(part);
    }
    let mut nonce = [0; 24];
    hasher.finalize_xof().fill(&mut nonce);
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use strandline::{Coordinate, EventId, EventKind, PayloadEncoding, SealKeyId};

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

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn bytes_of<const N: usize>(hex: &str) -> [u8; N] {
        std::array::from_fn(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap())
    }

    #[test]
    fn what_was_written_once_opens_for_ever() {
        let at = Coordinate::new("customer:7", "shop").unwrap();
        let of = |form, nonce| Seal {
            form,
            encoding: PayloadEncoding::JSON,
            is_bound_to_id: false,
            key: key().id(),
            nonce,
        };
        let first: [u8; 26] = bytes_of(XCHACHA);
        let seal = of(SealForm::XChaCha20Poly1305, [3; 24]);
        let opened = open(&key(), &bound(&at, None), &seal, &first);
        assert_eq!(opened.as_deref(), Some(b"Elm Street".as_slice()));

        let seal = of(SealForm::Aes256Gcm, bytes_of(NONCE));
        let second: [u8; 26] = bytes_of(AES);
        let opened = open(&key(), &bound(&at, None), &seal, &second);
        assert_eq!(opened.as_deref(), Some(b"Elm Street".as_slice()));
        // The same draws make the same bytes.
        let random = Random::from_seed(1);
        let again = super::seal(&key(), &bound(&at, None), b"Elm Street", &random).unwrap();
        assert_eq!(
            (hex(&again.0.nonce).as_str(), hex(&again.1).as_str()),
            (NONCE, AES)
        );
    }

    const XCHACHA: &str = "1e58e9ba560424b744585a7a76281951c42581db9e189a9846c2";
    const NONCE: &str = "194a2e9edd37f447af7a5c1800000000a3a039df78a6a876";
    const AES: &str = "48507bc5530c5194c21bc6b409d5a93a339214aa721678974a39";

    #[test]
    fn a_nonce_is_of_the_id_and_of_all_that_is_sealed() {
        let at = Coordinate::new("a", "bc").unwrap();
        let moved = Coordinate::new("ab", "c").unwrap();
        // Whatever is drawn, and with another session.
        let of = |at, id, payload: &[u8], seed| {
            let random = Random::from_seed(seed);
            seal(&key(), &bound(at, Some(id)), payload, &random).unwrap()
        };
        assert_eq!(of(&at, 7, b"x", 1), of(&at, 7, b"x", 2));
        let all = [
            of(&at, 7, b"x", 1),
            of(&at, 8, b"x", 1),
            of(&at, 7, b"y", 1),
            of(&moved, 7, b"x", 1),
        ];
        for (place, one) in all.iter().enumerate() {
            for other in &all[..place] {
                assert_ne!(one.0.nonce, other.0.nonce);
            }
        }
    }

    /// Payloads of many sessions, in turns: whichever cipher is kept, each is opened with its own.
    #[test]
    fn payloads_of_many_sessions_open_in_any_order() {
        let at = Coordinate::new("customer:7", "shop").unwrap();
        let bound = bound(&at, None);
        let sealed: Vec<_> = (0..6_u64)
            .map(|seed| {
                let random = Random::from_seed(seed / 2);
                seal(&key(), &bound, &seed.to_le_bytes(), &random).unwrap()
            })
            .collect();
        let opens = |key: &Key, place: usize| {
            let (seal, bytes) = &sealed[place];
            let opened = open(key, &bound, seal, bytes).unwrap();
            assert_eq!(*opened, (place as u64).to_le_bytes());
        };
        let reader = key();
        for place in [0, 1, 2, 0, 5, 4, 5, 3, 3, 0] {
            opens(&reader, place);
        }
        // One that seals by itself.
        let random = Random::from_seed(9);
        let own = seal(&reader, &bound, b"own", &random).unwrap();
        for place in [4, 1] {
            opens(&reader, place);
            assert_eq!(
                open(&reader, &bound, &own.0, &own.1).as_deref(),
                Some(b"own".as_slice())
            );
        }
        // What was not opened leaves what is kept as it was.
        let (mut seal, bytes) = sealed[2].clone();
        seal.nonce[23] ^= 1;
        assert!(open(&reader, &bound, &seal, &bytes).is_none());
        opens(&reader, 1);
    }

    #[test]
    fn ciphertext_is_of_all_that_it_is_bound_to() {
        let (at, moved) = (
            Coordinate::new("a", "bc").unwrap(),
            Coordinate::new("ab", "c").unwrap(),
        );
        let (seal, sealed) =
            seal(&key(), &bound(&at, Some(7)), b"x", &Random::from_seed(1)).unwrap();
        let opens = |key: &Key, bound: &Bound<'_>| open(key, bound, &seal, &sealed).is_some();
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
            let random = Random::from_seed(3);
            let (seal, sealed) = seal(&key(), &bound, &payload, &random).unwrap();
            prop_assert_eq!(sealed.len(), payload.len() + TAG_BYTES);
            let opened = open(&key(), &bound, &seal, &sealed);
            prop_assert_eq!(opened.as_deref(), Some(&*payload));
            let mut flipped = sealed.clone();
            flipped[flip.index(sealed.len())] ^= 1_u8 << bit;
            prop_assert!(open(&key(), &bound, &seal, &flipped).is_none());
            prop_assert!(open(&key(), &bound, &seal, &sealed[..cut.index(sealed.len())]).is_none());
            let mut other = seal;
            other.nonce[flip.index(24)] ^= 1_u8 << bit;
            prop_assert!(open(&key(), &bound, &other, &sealed).is_none());
            let other = Seal { form: SealForm::XChaCha20Poly1305, ..seal };
            prop_assert!(open(&key(), &bound, &other, &sealed).is_none());
            let other = Key::new(key().id(), [4; 32]);
            prop_assert!(open(&other, &bound, &seal, &sealed).is_none());
        }
    }
}
