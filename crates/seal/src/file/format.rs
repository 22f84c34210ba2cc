//! The bytes of a file of keys, which `docs/format.md` has as a table. Opens no file, and asks for no wrapping key.

use super::secret::Secret;
use crate::crypto::Wrapped;
use crate::keys::{KeyRecord, Table};
use crate::subject::{Per, Subject};
use strandline::{DecodeError, NAME_BYTES_MAX, SealKeyId};
use strandline_core::codec::{Reader, Writer};
use strandline_core::{Salt, check_name};

const MAGIC: &[u8; 8] = b"STRNDKEY";
/// The version of the format that is written, and the only one that is read.
pub(super) const VERSION: u32 = 1;
/// Longest file of keys, in bytes: some two million keys.
pub(super) const BYTES_MAX: u64 = 256 << 20;
/// Length of what stands at the beginning of each file: all up to the generation.
pub(super) const MARK_BYTES: usize = MAGIC.len() + 4 + 16 + 8;
/// Length of the checksum, which is last.
pub(super) const CHECKSUM_BYTES: usize = size_of::<u64>();

const KEY: u8 = 1;
const FORGOTTEN: u8 = 2;
const ENTITY: u8 = 0;
const SCOPE: u8 = 1;

/// Fewest bytes of a record.
const RECORD_BYTES_MIN: usize = 1 + 1 + SealKeyId::BYTES + 8 + 8 + 1 + 1 + size_of::<Wrapped>();

/// Which file this is, and after how many changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Drawn when the file was made.
    pub(super) identity: [u8; 16],
    /// One more with each change.
    pub(super) generation: u64,
}

/// What tells a state of a file from every other one. A copy that was put back and changed since has been changed as
/// often as what it replaced, perhaps, so the mark does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) mark: Mark,
    /// What stands at the end.
    checksum: [u8; CHECKSUM_BYTES],
}

/// What a file of keys has.
#[derive(Debug, Clone)]
pub(super) struct KeyFile {
    pub(super) mark: Mark,
    /// 32 zeros, wrapped: what tells the wrapping key from others.
    pub(super) check: Wrapped,
    pub(super) table: Table<Secret>,
}

/// What bytes are not a file of keys for.
#[derive(Debug)]
pub(super) enum NoKeyFile {
    /// They begin otherwise.
    Other,
    /// A later version wrote them.
    Version(u32),
    /// They are damaged.
    Damaged(DecodeError),
}

impl From<DecodeError> for NoKeyFile {
    fn from(error: DecodeError) -> Self {
        Self::Damaged(error)
    }
}

impl Seen {
    /// The state of a file that begins and ends so.
    pub(super) fn read(begin: &[u8], end: &[u8]) -> Result<Self, NoKeyFile> {
        let mark = Mark::take(&mut Reader::new(begin))?;
        match end.last_chunk() {
            Some(checksum) => Ok(Self {
                mark,
                checksum: *checksum,
            }),
            None => Err(Reader::new(end).invalid("checksum", "is cut off").into()),
        }
    }
}

impl Mark {
    fn take(reader: &mut Reader<'_>) -> Result<Self, NoKeyFile> {
        if reader
            .bytes("magic", MAGIC.len())
            .map_err(|_| NoKeyFile::Other)?
            != MAGIC
        {
            return Err(NoKeyFile::Other);
        }
        match reader.u32("format version")? {
            VERSION => {}
            other => return Err(NoKeyFile::Version(other)),
        }
        Ok(Self {
            identity: reader.array("identity")?,
            generation: reader.u64("generation")?,
        })
    }

    /// What the check is bound to.
    pub(super) fn bound(&self) -> Vec<u8> {
        let mut bytes = b"strandline/keys/1".to_vec();
        bytes.extend_from_slice(&self.identity);
        bytes
    }
}

impl KeyFile {
    /// The file as bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let records = self.table.iter();
        let mut bytes = Vec::with_capacity(256 + records.len() * (RECORD_BYTES_MIN + 32));
        let mut out = Writer::new(&mut bytes);
        out.bytes(MAGIC);
        out.u32(VERSION);
        out.bytes(&self.mark.identity);
        out.u64(self.mark.generation);
        out.bytes(&self.check);
        // There are fewer than the file may have bytes.
        out.u32(u32::try_from(records.len()).unwrap_or(u32::MAX));
        for (record, secret) in records {
            out.u8(if record.forgotten_ms.is_some() {
                FORGOTTEN
            } else {
                KEY
            });
            out.u8(match record.per {
                Per::Entity => ENTITY,
                Per::Scope => SCOPE,
            });
            out.bytes(record.id.as_bytes());
            out.u64(record.created_ms);
            out.u64(record.forgotten_ms.unwrap_or_default());
            out.u8(u8::try_from(record.name.len()).unwrap_or(u8::MAX));
            out.bytes(record.name.as_bytes());
            out.bytes(&secret.wrapped);
        }
        let checksum = Salt::NONE.checksum(0, &bytes);
        Writer::new(&mut bytes).u64(checksum.0);
        bytes
    }

    /// The file that bytes are.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, NoKeyFile> {
        let mut reader = Reader::new(bytes);
        let mark = Mark::take(&mut reader)?;
        let Some((covered, checksum)) = bytes.split_last_chunk() else {
            return Err(reader.invalid("checksum", "is cut off").into());
        };
        if Salt::NONE.checksum(0, covered).0 != u64::from_le_bytes(*checksum) {
            return Err(reader.invalid("checksum", "is of other bytes").into());
        }
        let mut reader = Reader::new(covered);
        reader.bytes("mark", MARK_BYTES)?;
        let check = reader.array("check of the wrapping key")?;
        let count = reader.u32("number of records")?;
        let fits = usize::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(RECORD_BYTES_MIN))
            .is_some_and(|bytes| bytes <= reader.left());
        if !fits {
            return Err(reader
                .invalid("number of records", "is more than there is room for")
                .into());
        }
        let mut table = Table::new();
        for _ in 0..count {
            let (record, secret) = read_record(&mut reader)?;
            if !table.add(record, secret) {
                return Err(reader.invalid("id of a key", "is there twice").into());
            }
        }
        reader.finish("records")?;
        Ok(Self { mark, check, table })
    }
}

fn read_record(reader: &mut Reader<'_>) -> Result<(KeyRecord, Secret), DecodeError> {
    let state = reader.u8("state of a key")?;
    let per = match reader.u8("sort of a subject")? {
        ENTITY => Per::Entity,
        SCOPE => Per::Scope,
        _ => return Err(reader.invalid("sort of a subject", "is not known")),
    };
    let id = SealKeyId::from_bytes(reader.array("id of a key")?);
    let created_ms = reader.u64("time of a key")?;
    let forgotten_ms = reader.u64("time of forgetting")?;
    let forgotten_ms = match (state, forgotten_ms) {
        (KEY, 0) => None,
        (FORGOTTEN, at_ms) => Some(at_ms),
        _ => return Err(reader.invalid("state of a key", "is none")),
    };
    let length = usize::from(reader.u8("length of a name")?);
    let name = std::str::from_utf8(reader.bytes("name", length)?);
    let name = name.map_err(|_| reader.invalid("name", "is no UTF-8"))?;
    if name.len() > NAME_BYTES_MAX || check_name("name", name).is_err() {
        return Err(reader.invalid("name", "breaks a rule for names"));
    }
    let mut record = KeyRecord::new(id, Subject::new(per, name), created_ms);
    record.forgotten_ms = forgotten_ms;
    Ok((record, Secret::read(reader.array("secret")?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(keys: u8) -> KeyFile {
        let mut table = Table::new();
        for n in 0..keys {
            let name = format!("customer:{n}");
            let subject = match n % 2 {
                0 => Subject::Entity(&name),
                _ => Subject::Scope(&name),
            };
            let mut record = KeyRecord::new(SealKeyId::from_bytes([n; 16]), subject, 10);
            record.forgotten_ms = (n % 3 == 0).then_some(20);
            assert!(table.add(record, Secret::read([n; 72])));
        }
        let (identity, generation) = ([9; 16], 7);
        KeyFile {
            mark: Mark {
                identity,
                generation,
            },
            check: [5; 72],
            table,
        }
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        for keys in [0, 1, 5] {
            let bytes = file(keys).encode();
            let read = KeyFile::decode(&bytes).unwrap();
            assert_eq!(read.encode(), bytes);
            let seen = Seen::read(&bytes[..MARK_BYTES], &bytes[bytes.len() - CHECKSUM_BYTES..]);
            assert_eq!(read.mark, seen.unwrap().mark);
        }
    }

    #[test]
    fn every_flip_and_every_cut_is_found() {
        let good = file(3).encode();
        for place in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[place] ^= 1 << bit;
                assert!(
                    KeyFile::decode(&bytes).is_err(),
                    "bit {bit} of byte {place}"
                );
            }
            assert!(KeyFile::decode(&good[..place]).is_err(), "{place} bytes");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_with_a_right_checksum_do_no_harm(
            rest in proptest::collection::vec(any::<u8>(), 0..400),
            records in 0..5_u32,
        ) {
            let mut bytes = file(0).encode()[..MARK_BYTES + 72].to_vec();
            bytes.extend_from_slice(&records.to_le_bytes());
            bytes.extend_from_slice(&rest);
            let checksum = Salt::NONE.checksum(0, &bytes);
            bytes.extend_from_slice(&checksum.0.to_le_bytes());
            if let Ok(read) = KeyFile::decode(&bytes) {
                prop_assert_eq!(read.encode(), bytes);
            }
        }
    }
}
