//! `Cells`: the values of a column in some rows.

use super::error::ParquetError;
use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::schema::types::ColumnDescriptor;

/// The values of a column, one or none in each row.
#[derive(Debug)]
pub(super) enum Cells {
    Numbers(Vec<Option<i64>>),
    Bytes(Vec<Option<ByteArray>>),
    Flags(Vec<Option<bool>>),
    Lists(Vec<Vec<ByteArray>>),
}

impl Cells {
    /// The values of the next rows.
    pub(super) fn read(
        reader: &mut ColumnReader,
        column: &ColumnDescriptor,
        rows: usize,
    ) -> Result<Self, ParquetError> {
        let most = column.max_def_level();
        Ok(match reader {
            ColumnReader::BoolColumnReader(reader) => Self::Flags(flat(reader, most, rows)?),
            ColumnReader::Int32ColumnReader(reader) => {
                let widen = |number: i32| match is_unsigned(column) {
                    true => i64::from(number.cast_unsigned()),
                    false => i64::from(number),
                };
                let numbers = flat(reader, most, rows)?.into_iter();
                Self::Numbers(numbers.map(|number| number.map(widen)).collect())
            }
            ColumnReader::Int64ColumnReader(reader) => Self::Numbers(flat(reader, most, rows)?),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                let fixed = flat(reader, most, rows)?.into_iter();
                Self::Bytes(fixed.map(|bytes| bytes.map(ByteArray::from)).collect())
            }
            ColumnReader::ByteArrayColumnReader(reader) if column.max_rep_level() > 0 => {
                Self::Lists(lists(reader, most, rows)?)
            }
            ColumnReader::ByteArrayColumnReader(reader) => Self::Bytes(flat(reader, most, rows)?),
            _ => return Err(ParquetError::damaged("a column is of no type that is read")),
        })
    }
}

fn is_unsigned(column: &ColumnDescriptor) -> bool {
    matches!(column.logical_type_ref(), Some(LogicalType::Integer(of)) if !of.is_signed)
        || column.converted_type() == ConvertedType::UINT_32
}

fn flat<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    most: i16,
    rows: usize,
) -> Result<Vec<Option<T::T>>, ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (records, ..) = reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if records != rows {
        return Err(ends_before());
    }
    if most == 0 {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    let cells = levels.into_iter().map(|level| match level == most {
        true => values.next().map(Some).ok_or_else(ends_before),
        false => Ok(None),
    });
    let cells: Vec<_> = cells.collect::<Result<_, _>>()?;
    match cells.len() == rows {
        true => Ok(cells),
        false => Err(ends_before()),
    }
}

fn lists<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    most: i16,
    rows: usize,
) -> Result<Vec<Vec<T::T>>, ParquetError> {
    let (mut levels, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let (records, ..) =
        reader.read_records(rows, Some(&mut levels), Some(&mut repetitions), &mut values)?;
    if records != rows || levels.len() != repetitions.len() {
        return Err(ends_before());
    }
    let (mut lists, mut values) = (Vec::<Vec<_>>::new(), values.into_iter());
    for (level, repetition) in levels.into_iter().zip(repetitions) {
        if repetition == 0 {
            lists.push(Vec::new());
        }
        if level == most {
            let value = values.next().ok_or_else(ends_before)?;
            lists.last_mut().ok_or_else(ends_before)?.push(value);
        }
    }
    match lists.len() == rows {
        true => Ok(lists),
        false => Err(ends_before()),
    }
}

fn ends_before() -> ParquetError {
    ParquetError::damaged("a column ends before the others")
}
