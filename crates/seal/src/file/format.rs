//! The bytes that a file of keys begins with, which `docs/format.md` has as a table: what it was when it was replaced last.
//! What was added since is in [`tail`](super::tail). Opens no file, and asks for no wrapping key.

use super::mark::{MAGIC, Mark, NoKeyFile};
use super::record::{RECORD_BYTES_MIN, read_record, write_record};
use super::secret::Secret;
use super::tail::Tail;
use crate::crypto::Wrapped;
use crate::keys::Table;
use strandline_core::Salt;
use strandline_core::codec::{Reader, Writer};

/// What a file of keys has.
#[derive(Debug, Clone)]
pub(super) struct KeyFile {
    pub(super) mark: Mark,
    /// 32 zeros, wrapped: what tells the wrapping key from others.
    pub(super) check: Wrapped,
    pub(super) table: Table<Secret>,
    pub(super) tail: Tail,
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

    /// Takes the bytes behind those that were read, from the end of the tail on.
    pub(super) fn take_tail(&mut self, bytes: &[u8]) -> Result<(), NoKeyFile> {
        self.tail.take(&self.mark, &mut self.table, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mark::{MARK_BYTES, VERSION, WITHOUT_TAIL};
    use super::*;
    use crate::keys::KeyRecord;
    use crate::subject::Subject;
    use proptest::prelude::*;
    use strandline::SealKeyId;

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
