//! The bytes that a file of keys begins with, which `docs/format.md` has as a table: what it was when it was replaced last.
//! What was added since is in [`tail`](super::tail). Opens no file, and asks for no wrapping key.

use super::secret::Secret;
use super::tail::Tail;
use crate::crypto::Wrapped;
use crate::keys::{KeyRecord, Table};
use crate::subject::{Per, Subject};
use strandline::{DecodeError, NAME_BYTES_MAX, SealKeyId};
use strandline_core::codec::{Reader, Writer};
use strandline_core::{Salt, check_name};

const MAGIC: &[u8; 8] = b"STRNDKEY";
/// The version of the format that is written.
pub(super) const VERSION: u32 = 2;
/// The version that ends where its records do: read, and replaced by the first change.
const WITHOUT_TAIL: u32 = 1;
/// Longest file of keys, in bytes: some two million keys.
pub(super) const BYTES_MAX: u64 = 256 << 20;
/// Length of what tells whether the file is another one than was read: all up to the generation.
pub(super) const MARK_BYTES: usize = MAGIC.len() + 4 + 16 + 8;

const KEY: u8 = 1;
const FORGOTTEN: u8 = 2;
const ENTITY: u8 = 0;
const SCOPE: u8 = 1;

/// Fewest bytes of a record.
pub(super) const RECORD_BYTES_MIN: usize =
    1 + 1 + SealKeyId::BYTES + 8 + 8 + 1 + 1 + size_of::<Wrapped>();

/// Which file this is, and which state of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The version of the format that it has.
    pub(super) version: u32,
    /// Drawn when the file was made.
    pub(super) identity: [u8; 16],
    /// One more with each replacement.
    pub(super) generation: u64,
}

/// What a file of keys has.
#[derive(Debug, Clone)]
pub(super) struct KeyFile {
    pub(super) mark: Mark,
    /// 32 zeros, wrapped: what tells the wrapping key from others.
    pub(super) check: Wrapped,
    pub(super) table: Table<Secret>,
    pub(super) tail: Tail,
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

impl Mark {
    /// The mark at the beginning of a file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, NoKeyFile> {
        Self::take(&mut Reader::new(bytes))
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, NoKeyFile> {
        if reader
            .bytes("magic", MAGIC.len())
            .map_err(|_| NoKeyFile::Other)?
            != MAGIC
        {
            return Err(NoKeyFile::Other);
        }
        let version = match reader.u32("format version")? {
            version @ (WITHOUT_TAIL | VERSION) => version,
            other => return Err(NoKeyFile::Version(other)),
        };
        Ok(Self {
            version,
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

    /// Whether records may follow those that it was replaced by.
    pub(super) const fn has_tail(&self) -> bool {
        self.version != WITHOUT_TAIL
    }
}

impl KeyFile {
    /// The file as bytes, without a tail.
    pub(super) fn encode(&self) -> Vec<u8> {
        let records = self.table.iter();
        let mut bytes = Vec::with_capacity(256 + records.len() * (RECORD_BYTES_MIN + 32));
        let mut out = Writer::new(&mut bytes);
        out.bytes(MAGIC);
        out.u32(self.mark.version);
        out.bytes(&self.mark.identity);
        out.u64(self.mark.generation);
        out.bytes(&self.check);
        // There are fewer than the file may have bytes.
        out.u32(u32::try_from(records.len()).unwrap_or(u32::MAX));
        for (record, secret) in records {
            write_record(&mut out, record, secret);
        }
        let checksum = Salt::NONE.checksum(0, &bytes);
        Writer::new(&mut bytes).u64(checksum.0);
        bytes
    }

    /// The file that bytes are.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, NoKeyFile> {
        let mut reader = Reader::new(bytes);
        let mark = Mark::take(&mut reader)?;
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
        let (covered, rest) = bytes.split_at(bytes.len() - reader.left());
        if Salt::NONE.checksum(0, covered).0 != reader.u64("checksum")? {
            return Err(reader.invalid("checksum", "is of other bytes").into());
        }
        let mut file = Self {
            mark,
            check,
            table,
            tail: Tail::of_base(&mark, bytes.len() - reader.left()),
        };
        match mark.has_tail() {
            true => file.take_tail(rest.get(8..).unwrap_or_default())?,
            false => reader.finish("records")?,
        }
        Ok(file)
    }
}

/// Writes a record, with its secret as it is wrapped.
pub(super) fn write_record(out: &mut Writer<'_>, record: &KeyRecord, secret: &Secret) {
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

/// Reads a record.
pub(super) fn read_record(reader: &mut Reader<'_>) -> Result<(KeyRecord, Secret), DecodeError> {
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
        let mark = Mark {
            version: VERSION,
            identity: [9; 16],
            generation: 7,
        };
        KeyFile {
            mark,
            check: [5; 72],
            table,
            tail: Tail::of_base(&mark, 0),
        }
    }

    /// One of the version without a tail.
    fn older(keys: u8) -> KeyFile {
        let mut file = file(keys);
        file.mark.version = WITHOUT_TAIL;
        file
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        for file in [0, 1, 5]
            .into_iter()
            .flat_map(|keys| [file(keys), older(keys)])
        {
            let bytes = file.encode();
            let read = KeyFile::decode(&bytes).unwrap();
            assert_eq!(read.encode(), bytes);
            assert_eq!(read.mark, Mark::read(&bytes[..MARK_BYTES]).unwrap());
            assert_eq!(read.tail.end, bytes.len() as u64);
            assert_eq!(read.tail.is_whole, read.mark.has_tail());
        }
    }

    #[test]
    fn every_flip_and_every_cut_is_found() {
        for good in [file(3).encode(), older(3).encode()] {
            every_flip_and_cut_is_found(&good);
        }
    }

    fn every_flip_and_cut_is_found(good: &[u8]) {
        for place in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.to_vec();
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
                prop_assert!(bytes.starts_with(&read.encode()));
            }
        }
    }
}
