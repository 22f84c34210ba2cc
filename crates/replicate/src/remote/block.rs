//! `BlockKey`: which bytes of which object a block is, and the blocks that have a range of a file. Holds no bytes.

use super::catalog::RemoteFile;
use std::ops::Range;
use std::sync::Arc;

/// Digits of an object's key in the name of a cached block.
const OBJECT_DIGITS: usize = 24;

/// A block: bytes of an object that are fetched and kept together. They never change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct BlockKey {
    /// Key of the object.
    pub(super) object: Arc<str>,
    /// Offset of the first byte in the object.
    pub(super) start: u64,
    /// How many bytes there are.
    pub(super) bytes: u64,
}

impl BlockKey {
    pub(super) const fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes)
    }

    /// What the block is called on the disk.
    pub(super) fn file_name(&self) -> String {
        let object = object_name(&self.object);
        format!("{object}-{:016x}-{:08x}", self.start, self.bytes)
    }
}

/// What the names of an object's blocks begin with.
pub(super) fn object_name(key: &str) -> String {
    let mut name = blake3::hash(key.as_bytes()).to_hex().to_string();
    name.truncate(OBJECT_DIGITS);
    name
}

/// The object in the name of a block; none if it is no such name.
pub(super) fn object_in(file_name: &str) -> Option<&str> {
    let mut pieces = file_name.split('-');
    let widths = [OBJECT_DIGITS, 16, 8];
    let is_hex = |piece: &str| piece.bytes().all(|digit| digit.is_ascii_hexdigit());
    let is_right = widths.iter().all(|width| {
        pieces
            .next()
            .is_some_and(|piece| piece.len() == *width && is_hex(piece))
    });
    (is_right && pieces.next().is_none())
        .then(|| file_name.get(..OBJECT_DIGITS))
        .flatten()
}

/// A block of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BlockOfFile {
    /// Offset of its first byte in the file.
    pub(super) from: u64,
    pub(super) key: BlockKey,
}

/// The blocks that have a range of a file, in their order. Each part is cut into blocks of `block_bytes`,
/// whatever is read, so that the same bytes are always in the same block. O(1) for each: a file may be said to be
/// longer than anything is.
pub(super) fn blocks_of<'a>(
    file: &'a RemoteFile,
    range: &Range<u64>,
    block_bytes: u64,
) -> impl Iterator<Item = BlockOfFile> + use<'a> {
    let block_bytes = block_bytes.max(1);
    let Range { start, end } = *range;
    file.parts_of(range).iter().flat_map(move |part| {
        let skipped = start.saturating_sub(part.from) / block_bytes;
        let mut within = skipped.saturating_mul(block_bytes);
        std::iter::from_fn(move || {
            let left = part.bytes.checked_sub(within).filter(|left| *left > 0)?;
            let from = part.from.saturating_add(within);
            if from >= end {
                return None;
            }
            let bytes = block_bytes.min(left);
            let key = BlockKey {
                object: part.key.clone(),
                start: part.offset.saturating_add(within),
                bytes,
            };
            within = within.saturating_add(bytes);
            Some(BlockOfFile { from, key })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_object_a_block_is_of() {
        let key = BlockKey {
            object: "data/segment".into(),
            start: 77 << 20,
            bytes: 256 << 10,
        };
        let name = key.file_name();
        assert_eq!(object_in(&name), Some(object_name("data/segment").as_str()));
        for other in [
            "LOCK",
            "",
            "--",
            &name[1..],
            &format!("{name}-"),
            &format!("{name}.tmp"),
        ] {
            assert_eq!(object_in(other), None, "{other}");
        }
    }
}
