//! Metadata and data in one payload. An event without metadata has its data as the payload, and no envelope.
//!
//! They are in the payload, since a redaction removes payloads alone: who did something, and from where, goes with it.
//!
//! ```text
//! magic      "DCB\x01"
//! count      u32, little-endian as all numbers
//! pairs      of each: length u32, key; length u32, value; both UTF-8
//! data       the rest
//! ```

use strandline_core::PayloadEncoding;
use strandline_core::codec::{DecodeError, Reader, Writer};
use umadb_dcb::{DcbError, DcbResult};

/// The encoding of payloads that have metadata before the data.
pub const ENVELOPE: PayloadEncoding = PayloadEncoding::from_code(0xDC);

/// What an envelope begins with: the encoding is one of those that are free for applications, and may mean another
/// thing to another one.
const MAGIC: &[u8] = b"DCB\x01";

type Pairs = Vec<(String, String)>;

/// Metadata and data as a payload.
///
/// # Errors
///
/// `InvalidArgument` if a text is longer than 4 GiB, or there are more pairs than that.
pub(super) fn wrap(metadata: &[(String, String)], data: &[u8]) -> DcbResult<Vec<u8>> {
    let length = |length: usize| {
        let too_long = |_| DcbError::InvalidArgument("the metadata is too long".to_owned());
        u32::try_from(length).map_err(too_long)
    };
    let mut payload = MAGIC.to_vec();
    let mut out = Writer::new(&mut payload);
    out.u32(length(metadata.len())?);
    for text in metadata.iter().flat_map(|(key, value)| [key, value]) {
        out.u32(length(text.len())?);
        out.bytes(text.as_bytes());
    }
    out.bytes(data);
    Ok(payload)
}

/// The metadata and the data of a payload with the encoding of envelopes; one that is no envelope is all data.
///
/// # Errors
///
/// `DeserializationError` for an envelope that is cut short, or has a text that is not UTF-8.
pub(super) fn unwrap(payload: &[u8]) -> DcbResult<(Pairs, &[u8])> {
    match payload.strip_prefix(MAGIC) {
        None => Ok((Pairs::new(), payload)),
        Some(rest) => {
            pairs(rest).map_err(|error| DcbError::DeserializationError(error.to_string()))
        }
    }
}

fn pairs(bytes: &[u8]) -> Result<(Pairs, &[u8]), DecodeError> {
    let mut reader = Reader::new(bytes);
    let count = reader.u32("count of the metadata")?;
    // Grown as they come, whatever the count says.
    let mut pairs = Pairs::new();
    for _ in 0..count {
        pairs.push((text(&mut reader)?, text(&mut reader)?));
    }
    Ok((pairs, reader.rest()))
}

fn text(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let length = reader.u32("length of metadata")?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let bytes = reader.bytes("metadata", length)?;
    let text = std::str::from_utf8(bytes);
    Ok(text
        .map_err(|_| reader.invalid("metadata", "is not UTF-8"))?
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn metadata_comes_back_and_no_cut_gives_other_metadata(
            metadata in proptest::collection::vec((".{0,9}", ".{0,9}"), 0..5),
            data in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let payload = wrap(&metadata, &data).unwrap();
            prop_assert_eq!(unwrap(&payload).unwrap(), (metadata.clone(), &*data));
            for length in MAGIC.len()..payload.len() {
                if let Ok((pairs, rest)) = unwrap(&payload[..length]) {
                    prop_assert_eq!(&pairs, &metadata);
                    prop_assert!(rest.len() < data.len());
                }
            }
        }

        #[test]
        fn any_bytes_are_data_or_an_envelope_or_refused(
            bytes in proptest::collection::vec(0..5_u8, 0..40),
        ) {
            let payload = [MAGIC, &bytes].concat();
            if let Ok((metadata, data)) = unwrap(&payload) {
                prop_assert_eq!(wrap(&metadata, data).unwrap(), payload);
            }
            let (metadata, data) = unwrap(&bytes).unwrap();
            prop_assert!(metadata.is_empty() && *data == *bytes);
        }
    }

    #[test]
    fn a_count_that_lies_takes_no_memory() {
        let refused = unwrap(b"DCB\x01\xFF\xFF\xFF\xFF");
        assert!(matches!(refused, Err(DcbError::DeserializationError(_))));
        let refused = unwrap(b"DCB\x01\x01\0\0\0\xFF\xFF\xFF\xFFa");
        assert!(matches!(refused, Err(DcbError::DeserializationError(_))));
    }
}
