//! States that programs make of events, sealed as payloads are: for what is kept beside a log and goes with a key too.
//!
//! Bytes: form 1 (1), id of the key (16), nonce (24), ciphertext, tag (16).

use super::key::Key;
use super::payload::derived;
use chacha20poly1305::AeadInOut;
use strandline::{Coordinate, SealKeyId};
use strandline_core::codec::{Reader, Writer};

/// The form that is written: XChaCha20-Poly1305.
const FORM: u8 = 1;
const TAG_BYTES: usize = 16;

/// A sealed state, taken apart.
pub(crate) struct SealedState<'a> {
    pub(crate) key: SealKeyId,
    nonce: [u8; 24],
    sealed: &'a [u8],
}

/// What the ciphertext is bound to. Lengths stand before names, and what it is of comes last.
fn data(key: SealKeyId, coordinate: &Coordinate, of: &[u8]) -> Vec<u8> {
    let mut bytes = b"strandline/state/1".to_vec();
    bytes.extend_from_slice(key.as_bytes());
    for name in [coordinate.entity(), coordinate.scope()] {
        // A name has 255 bytes at most.
        bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(name.as_bytes());
    }
    bytes.extend_from_slice(of);
    bytes
}

/// A state that is sealed; `None` if it is too long for the cipher (256 GiB).
///
/// Its nonce is of what is `drawn` and of all that is sealed: where the same is drawn twice, as by a machine that is
/// resumed twice from one image, two states still have two.
pub(crate) fn seal_state(
    key: &Key,
    coordinate: &Coordinate,
    of: &[u8],
    state: &[u8],
    drawn: [u8; 32],
) -> Option<Vec<u8>> {
    let data = data(key.id(), coordinate, of);
    let nonce = derived(key, &data, &[&drawn, state]);
    let mut sealed = state.to_vec();
    let tag =
        key.xchacha()
            .encrypt_inout_detached(&nonce.into(), &data, sealed.as_mut_slice().into());
    let tag: [u8; TAG_BYTES] = tag.ok()?.into();
    let mut bytes = Vec::with_capacity(1 + 16 + 24 + sealed.len() + TAG_BYTES);
    let mut out = Writer::new(&mut bytes);
    out.u8(FORM);
    out.bytes(key.id().as_bytes());
    out.bytes(&nonce);
    out.bytes(&sealed);
    out.bytes(&tag);
    Some(bytes)
}

impl<'a> SealedState<'a> {
    /// Takes bytes apart; `None` if they are no sealed state.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let form = reader.u8("form").ok()?;
        let key = SealKeyId::from_bytes(reader.array("id of a key").ok()?);
        let nonce = reader.array("nonce").ok()?;
        let sealed = reader.bytes("ciphertext", reader.left()).ok()?;
        (form == FORM).then_some(Self { key, nonce, sealed })
    }

    /// The state; `None` if this is not what was sealed with the key, or is of something else.
    pub(crate) fn open(&self, key: &Key, coordinate: &Coordinate, of: &[u8]) -> Option<Vec<u8>> {
        let (ciphertext, tag) = self.sealed.split_last_chunk::<TAG_BYTES>()?;
        let mut state = ciphertext.to_vec();
        key.xchacha()
            .decrypt_inout_detached(
                &self.nonce.into(),
                &data(self.key, coordinate, of),
                state.as_mut_slice().into(),
                &(*tag).into(),
            )
            .ok()?;
        Some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_opens_with_its_key_and_where_it_is_of_alone() {
        let key = Key::new(SealKeyId::from_bytes([1; 16]), [2; 32]);
        let at = |entity| Coordinate::new(entity, "shop").unwrap();
        let sealed = seal_state(&key, &at("customer:7"), b"v1", b"Elm Street", [3; 32]).unwrap();
        let open = |bytes: &[u8], key: &Key, entity, of: &[u8]| {
            SealedState::parse(bytes)?.open(key, &at(entity), of)
        };
        let opened = open(&sealed, &key, "customer:7", b"v1");
        assert_eq!(opened.as_deref(), Some(&b"Elm Street"[..]));
        assert!(!sealed.windows(3).any(|part| part == b"Elm"));
        assert!(open(&sealed, &key, "customer:8", b"v1").is_none());
        assert!(open(&sealed, &key, "customer:7", b"v2").is_none());
        let other = Key::new(key.id(), [4; 32]);
        assert!(open(&sealed, &other, "customer:7", b"v1").is_none());
        for place in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[place] ^= 1;
            assert!(
                open(&flipped, &key, "customer:7", b"v1").is_none(),
                "byte {place}"
            );
            assert!(open(&sealed[..place], &key, "customer:7", b"v1").is_none());
        }
    }

    #[test]
    fn two_states_have_two_nonces_though_the_same_is_drawn() {
        let key = Key::new(SealKeyId::from_bytes([1; 16]), [2; 32]);
        let at = Coordinate::new("customer:7", "shop").unwrap();
        let nonce = |state: &[u8], drawn| {
            let sealed = seal_state(&key, &at, b"v1", state, drawn).unwrap();
            SealedState::parse(&sealed).unwrap().nonce
        };
        assert_ne!(nonce(b"Elm Street", [3; 32]), nonce(b"Oak Street", [3; 32]));
        assert_ne!(nonce(b"Elm Street", [3; 32]), nonce(b"Elm Street", [4; 32]));
    }
}
