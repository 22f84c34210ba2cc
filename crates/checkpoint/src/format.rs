//! The bytes of a checkpoint. All numbers are little-endian; nothing is aligned or padded.
//!
//! | field | bytes |
//! |---|---|
//! | magic `STRNDCKP` | 8 |
//! | format version | 4 |
//! | number of the checkpoint | 8 |
//! | length of the file | 8 |
//! | number of sections | 4 |
//! | for each section: length of its name | 2 |
//! | — name, ASCII | its length |
//! | — length of the section | 8 |
//! | — checksum of the section, salted with its offset | 8 |
//! | checksum of everything before | 8 |
//! | the sections, in the same order | their lengths |
//!
//! Encodes, decodes and checks; opens no file. Knows `error` alone.

use crate::CheckpointError;
use strandline_core::Salt;
use strandline_core::codec::{Reader, Writer};

/// The format that this crate writes, and the latest that it reads.
pub const FORMAT_VERSION: u32 = 1;
/// Longest name of a section, in bytes.
pub const SECTION_NAME_BYTES_MAX: usize = 64;

const MAGIC: &[u8; 8] = b"STRNDCKP";
const ENTRY_BYTES_LEAST: usize = 2 + 1 + 8 + 8;
/// Checkpoints have no identity of their own; what they belong to is in their metadata.
const SALT: Salt = Salt::NONE;

/// Where a section stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > SECTION_NAME_BYTES_MAX {
        return Err("a name has 1 to 64 bytes");
    }
    if name.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err("a name has visible ASCII characters only")
    }
}

/// The whole file.
pub(crate) fn encode(number: u64, sections: &[(String, Vec<u8>)]) -> Vec<u8> {
    let table: usize = sections.iter().map(|(name, _)| 2 + name.len() + 16).sum();
    let head = MAGIC.len() + 4 + 8 + 8 + 4 + table + 8;
    let length = head + sections.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    let mut file = Vec::with_capacity(length);
    let mut out = Writer::new(&mut file);
    out.bytes(MAGIC);
    out.u32(FORMAT_VERSION);
    out.u64(number);
    out.u64(length as u64);
    out.u32(u32::try_from(sections.len()).unwrap_or(u32::MAX));
    let mut offset = head as u64;
    for (name, bytes) in sections {
        out.short_bytes(name.as_bytes());
        out.u64(bytes.len() as u64);
        out.u64(SALT.checksum(offset, bytes).0);
        offset += bytes.len() as u64;
    }
    let checksum = SALT.checksum(0, &file);
    let mut out = Writer::new(&mut file);
    out.u64(checksum.0);
    for (_, bytes) in sections {
        out.bytes(bytes);
    }
    file
}

/// The number and the sections of a file, all of whose bytes were checked.
pub(crate) fn decode(file: &[u8]) -> Result<(u64, Vec<Section>), CheckpointError> {
    let mut reader = Reader::new(file);
    if &reader.array::<8>("magic")? != MAGIC {
        return Err(CheckpointError::Damaged("this is no checkpoint"));
    }
    let version = reader.u32("format version")?;
    if version > FORMAT_VERSION {
        return Err(CheckpointError::VersionUnsupported {
            found: version,
            supported: FORMAT_VERSION,
        });
    }
    let number = reader.u64("number")?;
    if reader.u64("file length")? != file.len() as u64 {
        return Err(CheckpointError::Damaged(
            "the file has another length than it says",
        ));
    }
    let count = reader.u32("section count")?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > reader.left() / ENTRY_BYTES_LEAST {
        return Err(CheckpointError::Damaged(
            "it says it has more sections than fit",
        ));
    }
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let name = reader.short_bytes("section name")?;
        let length = reader.u64("section length")?;
        entries.push((name, length, reader.u64("section checksum")?));
    }
    let covered = file.get(..reader.offset()).unwrap_or_default();
    if SALT.checksum(0, covered).0 != reader.u64("checksum")? || version == 0 {
        return Err(CheckpointError::Damaged(
            "the checksum of its table is wrong",
        ));
    }
    let mut sections = Vec::with_capacity(count);
    for (name, length, checksum) in entries {
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|name| check_name(name).is_ok());
        let name = name.ok_or(CheckpointError::Damaged(
            "a section's name breaks the rules",
        ))?;
        let start = reader.offset();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let bytes = reader.bytes("section", length)?;
        if SALT.checksum(start as u64, bytes).0 != checksum {
            return Err(CheckpointError::Damaged(
                "the checksum of a section is wrong",
            ));
        }
        sections.push(Section {
            name: name.to_owned(),
            start,
            end: reader.offset(),
        });
    }
    reader.finish("checkpoint")?;
    Ok((number, sections))
}
