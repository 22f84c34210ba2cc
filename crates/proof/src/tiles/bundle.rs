//! Bundles: the digests of events, as entries of a log.

use super::error::TileError;
/// Length of a digest, as it stands before each.
const DIGEST_BYTES: u16 = 32;
/// Bytes of an entry: its length and the digest.
const ENTRY_BYTES: usize = size_of::<u16>() + size_of::<[u8; 32]>();
/// Longest bundle, in bytes.
pub const BUNDLE_BYTES_MAX: usize = 256 * ENTRY_BYTES;

/// The bytes of a bundle: of each digest its length (2 bytes, the higher first), and the digest. 34 bytes
/// each, 256 at most in a file.
#[must_use]
pub fn bundle_bytes<'d>(digests: impl IntoIterator<Item = &'d [u8; 32]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for digest in digests {
        bytes.extend_from_slice(&DIGEST_BYTES.to_be_bytes());
        bytes.extend_from_slice(digest);
    }
    bytes
}

/// The digests of a bundle that is `width` wide.
///
/// # Errors
///
/// [`TileError::Length`] or [`TileError::Entry`].
pub fn parse_bundle(bytes: &[u8], width: u16) -> Result<Vec<[u8; 32]>, TileError> {
    let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
    let expected = usize::from(width) * ENTRY_BYTES;
    if !rest.is_empty() || bytes.len() != expected {
        let got = bytes.len();
        return Err(TileError::Length { expected, got });
    }
    let digest = |(number, entry): (usize, &[u8; ENTRY_BYTES])| {
        let (length, digest) = entry
            .split_first_chunk()
            .ok_or(TileError::Entry { number })?;
        match u16::from_be_bytes(*length) == DIGEST_BYTES {
            true => digest.try_into().map_err(|_| TileError::Entry { number }),
            false => Err(TileError::Entry { number }),
        }
    };
    entries.iter().enumerate().map(digest).collect()
}
