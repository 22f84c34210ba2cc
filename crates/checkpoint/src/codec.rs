//! Metadata: bincode 2 with fixed-size little-endian integers and a size limit.
//!
//! The only place that names bincode. This configuration writes what bincode 1 wrote by default,
//! which other implementations read too.
//!
//! Knows no file and no section. Knows `error` alone.

use crate::CheckpointError;
use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most bytes of metadata in a section: 64 MiB.
pub const METADATA_BYTES_MAX: usize = 64 << 20;

pub(crate) fn encode<T: Serialize + ?Sized>(
    name: &str,
    value: &T,
) -> Result<Vec<u8>, CheckpointError> {
    bincode::serde::encode_to_vec(value, config()).map_err(|source| CheckpointError::Encode {
        name: name.to_owned(),
        source,
    })
}

pub(crate) fn decode<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, CheckpointError> {
    let decoded = bincode::serde::decode_from_slice(bytes, config());
    let (value, read) = decoded.map_err(|source| CheckpointError::Decode {
        name: name.to_owned(),
        source,
    })?;
    if read == bytes.len() {
        return Ok(value);
    }
    Err(CheckpointError::LeftOver {
        name: name.to_owned(),
        bytes: bytes.len() - read,
    })
}

const fn config() -> Configuration<LittleEndian, Fixint, Limit<METADATA_BYTES_MAX>> {
    bincode::config::standard()
        .with_little_endian()
        .with_fixed_int_encoding()
        .with_limit::<METADATA_BYTES_MAX>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_a_fixed_size_and_the_low_byte_first() {
        assert_eq!(encode("n", &0x0102_u32).unwrap(), [2, 1, 0, 0]);
        assert_eq!(
            encode("n", "ab").unwrap(),
            [2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']
        );
    }

    #[test]
    fn what_is_left_over_or_claims_too_much_is_refused() {
        assert!(matches!(
            decode::<u8>("n", &[1, 2]),
            Err(CheckpointError::LeftOver { bytes: 1, .. })
        ));
        let huge = u64::MAX.to_le_bytes();
        assert!(decode::<Vec<u8>>("n", &huge).is_err());
        assert!(decode::<String>("n", &huge).is_err());
    }
}
