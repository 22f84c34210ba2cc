//! The pages of a row group, looked at before one of them is decoded: what a header says of its size is what decoding
//! it takes, so it is bounded here.
//!
//! Reads headers alone, in Thrift's compact protocol, and of these the sizes; whether the rest makes sense is found out
//! where a page is decoded. The layout is that of
//! [`PageHeader`](https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift).

use super::error::ParquetError;
use super::source::Source;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::Length;

/// The most that a page may take: more than the longest line of an import.
pub(super) const PAGE_BYTES_MAX: u64 = 128 << 20;
/// The most that pages of a row group may take that are in memory together.
const GROUP_BYTES_MAX: u64 = 512 << 20;
/// The most values that pages of a column may have in a row group, lists counted through.
const VALUES_MAX: u64 = 1 << 24;
/// The most that a page may take whose values are prefixes of each other, each of which is made in whole.
const PREFIXED_BYTES_MAX: u64 = 2 << 20;
/// The longest header.
const HEADER_BYTES_MAX: usize = 1 << 20;
/// What most headers have.
const HEADER_BYTES: usize = 4 << 10;
/// How deep a header goes at most.
const DEPTH_MAX: u32 = 16;
/// The encoding `DELTA_BYTE_ARRAY`.
const PREFIXED: i64 = 7;
const DICTIONARY_PAGE: i64 = 2;

/// What a header says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    kind: i64,
    uncompressed: i64,
    compressed: i64,
    values: i64,
    encoding: i64,
}

/// Checks the pages of the columns that are going to be read together.
pub(super) fn check<'a>(
    source: &Source,
    columns: impl Iterator<Item = &'a ColumnChunkMetaData>,
) -> Result<(), ParquetError> {
    let mut together = 0;
    for column in columns {
        together += check_column(source, column)?;
        bounded("what a row group has in memory", together, GROUP_BYTES_MAX)?;
    }
    Ok(())
}

/// Checks the pages of a column, and gives what of them is in memory together.
fn check_column(source: &Source, column: &ColumnChunkMetaData) -> Result<u64, ParquetError> {
    let data = column.data_page_offset();
    let start = column
        .dictionary_page_offset()
        .map_or(data, |dictionary| dictionary.min(data));
    let (Ok(mut at), Ok(bytes)) = (
        u64::try_from(start),
        u64::try_from(column.compressed_size()),
    ) else {
        return Err(ParquetError::damaged("a column is at a negative place"));
    };
    let end = at.checked_add(bytes).filter(|end| *end <= source.len());
    let end = end.ok_or_else(|| ParquetError::damaged("a column is not in the file"))?;
    let (mut dictionary, mut largest, mut values) = (0, 0, 0_u64);
    while at < end {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        let (header, length) = read_header(source, at, left)?;
        let size = size(header.uncompressed)?;
        bounded("a page", size, PAGE_BYTES_MAX)?;
        if header.kind == DICTIONARY_PAGE {
            dictionary = size;
        } else {
            largest = largest.max(size);
            values = values.saturating_add(self::size(header.values)?);
            bounded("the count of values of a column", values, VALUES_MAX)?;
        }
        if header.encoding == PREFIXED {
            bounded("a page in DELTA_BYTE_ARRAY", size, PREFIXED_BYTES_MAX)?;
        }
        // A header has a byte at least.
        at = at
            .saturating_add(length as u64)
            .saturating_add(self::size(header.compressed)?);
    }
    Ok(dictionary + largest)
}

fn size(number: i64) -> Result<u64, ParquetError> {
    u64::try_from(number).map_err(|_| ParquetError::damaged("the size of a page is negative"))
}

fn bounded(what: &'static str, size: u64, most: u64) -> Result<(), ParquetError> {
    match size > most {
        true => Err(ParquetError::TooLarge { what, size, most }),
        false => Ok(()),
    }
}

/// The header at a place, and its length.
fn read_header(source: &Source, at: u64, left: usize) -> Result<(Header, usize), ParquetError> {
    for most in [HEADER_BYTES, HEADER_BYTES_MAX] {
        let bytes = source.up_to(at, most.min(left))?;
        let mut thrift = Thrift { rest: &bytes };
        let mut header = Header::default();
        if thrift.header(&mut header).is_some() {
            return Ok((header, bytes.len() - thrift.rest.len()));
        }
    }
    Err(ParquetError::damaged(format!(
        "there is no header of a page at {at}"
    )))
}

/// The rest of a header, in the compact protocol. `None` says that it ends too soon, or is none.
struct Thrift<'a> {
    rest: &'a [u8],
}

/// Types of fields.
mod types {
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const MAP: u8 = 11;
    pub(super) const STRUCT: u8 = 12;
}

impl Thrift<'_> {
    fn header(&mut self, header: &mut Header) -> Option<()> {
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind) {
                (1, 4..=types::I64) => header.kind = self.number()?,
                (2, 4..=types::I64) => header.uncompressed = self.number()?,
                (3, 4..=types::I64) => header.compressed = self.number()?,
                // Of a data page, in either version: how many values, and their encoding.
                (5, types::STRUCT) => self.data_page(header, 2)?,
                (8, types::STRUCT) => self.data_page(header, 4)?,
                _ => self.skip(kind, 0)?,
            }
        }
        Some(())
    }

    fn data_page(&mut self, header: &mut Header, encoding: i64) -> Option<()> {
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            match kind {
                4..=types::I64 if id == 1 => header.values = self.number()?,
                4..=types::I64 if id == encoding => header.encoding = self.number()?,
                _ => self.skip(kind, 1)?,
            }
        }
        Some(())
    }

    /// The type of the next field, whose number `id` is then; none at the end of the struct.
    #[expect(clippy::option_option, reason = "the inner one is the end of a struct")]
    fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *id = match byte >> 4 {
            0 => self.number()?,
            more => id.checked_add(i64::from(more))?,
        };
        Some(Some(byte & 0xF))
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        match kind {
            types::TRUE | types::FALSE => {}
            types::BYTE => drop(self.byte()?),
            4..=types::I64 => drop(self.number()?),
            types::DOUBLE => self.pass(8)?,
            types::BINARY => {
                let length = self.varint()?;
                self.pass(length)?;
            }
            types::LIST | types::SET => {
                let byte = self.byte()?;
                let count = match byte >> 4 {
                    0xF => self.varint()?,
                    count => u64::from(count),
                };
                for _ in 0..count {
                    self.element(byte & 0xF, depth)?;
                }
            }
            types::MAP => {
                let count = self.varint()?;
                if count > 0 {
                    let kinds = self.byte()?;
                    for _ in 0..count {
                        self.element(kinds >> 4, depth)?;
                        self.element(kinds & 0xF, depth)?;
                    }
                }
            }
            types::STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Passes over an element, which has a byte at least: so no count is believed that is not there.
    fn element(&mut self, kind: u8, depth: u32) -> Option<()> {
        match kind {
            types::TRUE | types::FALSE => self.pass(1),
            kind => self.skip(kind, depth + 1),
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn pass(&mut self, bytes: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(bytes).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A signed number, as zigzag.
    fn number(&mut self) -> Option<i64> {
        let bits = self.varint()?;
        Some((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed())
    }
}
