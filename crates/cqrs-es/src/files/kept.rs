//! `Kept`: a state and what it is of, as the bytes of a file: sections of a checkpoint, each with a checksum.

use crate::model::{Fault, damaged, unknown};
use cqrs_es::persist::PersistenceError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use strandline_checkpoint::{Checkpoint, CheckpointError, CheckpointWriter};

/// Longest state, in bytes of JSON.
pub(super) const STATE_BYTES_MAX: usize = 64 << 20;
/// Longest file.
pub(super) const FILE_BYTES_MAX: u64 = 65 << 20;

/// Of the files.
const FORMAT: u32 = 1;

const FORMAT_SECTION: &str = "format";
const HEAD_SECTION: &str = "head";
const STATE_SECTION: &str = "state";

/// A state, and what it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept<H> {
    pub(crate) head: H,
    /// JSON.
    pub(crate) state: Vec<u8>,
}

impl<H: Serialize + DeserializeOwned> Kept<H> {
    /// The bytes of its file. Linear in the state.
    ///
    /// # Errors
    ///
    /// `UnknownError` if the state is longer than [`STATE_BYTES_MAX`].
    pub(crate) fn encode(self) -> Result<Vec<u8>, PersistenceError> {
        let bytes = self.state.len();
        if bytes > STATE_BYTES_MAX {
            let message =
                format!("the state has {bytes} bytes of JSON, the limit is {STATE_BYTES_MAX}");
            return Err(unknown(Fault(message)));
        }
        let writer = CheckpointWriter::new()
            .metadata(FORMAT_SECTION, &FORMAT)
            .and_then(|writer| writer.metadata(HEAD_SECTION, &self.head))
            .and_then(|writer| writer.section(STATE_SECTION, self.state));
        Ok(writer.map_err(unknown)?.encode(0))
    }

    /// What a file has, all of whose bytes are checked.
    ///
    /// # Errors
    ///
    /// `DeserializationError` if they are not what was written, or of a later format.
    pub(crate) fn decode(bytes: Vec<u8>) -> Result<Self, PersistenceError> {
        let decoded = Checkpoint::decode(bytes).and_then(|file| {
            let found = file.metadata::<u32>(FORMAT_SECTION)?;
            if found != FORMAT {
                return Err(CheckpointError::VersionUnsupported {
                    found,
                    supported: FORMAT,
                });
            }
            let state = file.section(STATE_SECTION);
            let state = state.ok_or(CheckpointError::Damaged("it has no state"))?;
            Ok(Self {
                head: file.metadata(HEAD_SECTION)?,
                state: state.to_vec(),
            })
        });
        decoded.map_err(|error| damaged("a file beside the store cannot be used", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Head = (String, i64);

    fn kept(id: &str, number: i64, state: &[u8]) -> Kept<Head> {
        Kept {
            head: (id.to_owned(), number),
            state: state.to_vec(),
        }
    }

    #[test]
    fn a_file_with_a_changed_byte_or_without_its_end_is_refused() {
        let whole = kept("7", 3, b"{\"a\":1}");
        let bytes = whole.clone().encode().unwrap();
        assert_eq!(Kept::<Head>::decode(bytes.clone()).unwrap(), whole);
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert!(Kept::<Head>::decode(changed).is_err(), "byte {place}");
            let cut = bytes[..place].to_vec();
            assert!(Kept::<Head>::decode(cut).is_err(), "length {place}");
        }
    }

    #[test]
    fn a_state_over_the_limit_is_refused() {
        let long = vec![b' '; STATE_BYTES_MAX];
        let bytes = kept("7", 1, &long).encode().unwrap();
        assert!(bytes.len() as u64 <= FILE_BYTES_MAX);
        let longer = vec![b' '; STATE_BYTES_MAX + 1];
        assert!(kept("7", 1, &longer).encode().is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_error_or_a_state(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = Kept::<Head>::decode(bytes);
        }

        #[test]
        fn what_is_kept_comes_back(
            id in ".{0,40}",
            number in any::<i64>(),
            state in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let whole = kept(&id, number, &state);
            prop_assert_eq!(Kept::decode(whole.clone().encode().unwrap()).unwrap(), whole);
        }
    }
}
