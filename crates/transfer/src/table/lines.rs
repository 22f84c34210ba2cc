//! `ParquetLines`: the rows of a file as lines, for an import.

use super::cells::Cells;
use super::error::ParquetError;
use super::pages;
use super::row::Rows;
use super::schema::{COLUMNS, Shape, find, per_ms};
use super::source::Source;
use parquet::column::reader::ColumnReader;
use parquet::file::reader::{FileReader, Length, SerializedFileReader};
use std::fmt;
use std::io::{self, BufRead, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many rows are read at once.
const ROWS: usize = 64;
/// How long the metadata at the end of a file may be.
const FOOTER_BYTES_MAX: u64 = 64 << 20;

/// The rows of a file of Apache Parquet, each as a line of [`LineFormat::Lines`](crate::LineFormat::Lines): what
/// [`import`](crate::import) and what else reads lines takes. A row counts as a line.
///
/// The columns are those that [`export_parquet`](crate::export_parquet) writes, in any order; of these `entity` and
/// `scope` have to be there, and others may not be. In memory are the pages of a row group, of which more than 512 MiB
/// are refused, with [`ParquetError::TooLarge`], and 64 rows as values: as much again where rows are as large as can be.
///
/// ```
/// use std::io::Cursor;
/// use std::ops::ControlFlow;
/// use strandline::{Coordinate, Event, EventKind, Region, Store};
/// use strandline_transfer::{ImportOptions, ParquetLines, export_parquet, import};
///
/// # let dir = tempfile::tempdir()?;
/// let orders = Store::open(dir.path().join("orders.strand"))?;
/// let order = Coordinate::new("order:1042", "eu/payments")?;
/// orders.append(&order, Event::json(EventKind::new(1, 1), &4200)?)?;
///
/// let (mut file, mut go_on) = (Vec::new(), |_| ControlFlow::Continue(()));
/// export_parquet(&orders.snapshot(), Region::all(), None, &mut file, &mut go_on)?;
///
/// let copy = Store::open(dir.path().join("copy.strand"))?;
/// let mut lines = ParquetLines::new(Cursor::new(file))?;
/// assert_eq!(import(&copy, &mut lines, ImportOptions::new(), &mut go_on)?.events, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ParquetLines {
    file: SerializedFileReader<Source>,
    source: Source,
    /// The leaf of each column.
    leaves: Vec<Option<usize>>,
    /// The row group that comes next.
    next_group: usize,
    group: Group,
    rows: Rows,
    /// The row that comes next, and how many were read.
    row: usize,
    rows_read: usize,
    line: Vec<u8>,
    /// How much of the line was given.
    given: usize,
}

impl fmt::Debug for ParquetLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetLines")
            .field("rows", &self.rows())
            .finish_non_exhaustive()
    }
}

/// A row group that is being read.
#[derive(Default)]
struct Group {
    /// The readers of its columns.
    readers: Vec<Option<ColumnReader>>,
    rows_left: u64,
}

impl ParquetLines {
    /// Reads what is in a file, and where.
    ///
    /// # Errors
    ///
    /// [`ParquetError`] if it is no file of Parquet, or its columns are not those of events.
    pub fn new(input: impl Read + Seek + Send + 'static) -> Result<Self, ParquetError> {
        let source = Source::new(Box::new(input))?;
        check_footer(&source)?;
        let file = guarded(|| Ok(SerializedFileReader::new(source.clone())?))?;
        let schema = file.metadata().file_metadata().schema_descr();
        let leaves = find(schema)?;
        let time = COLUMNS.iter().zip(&leaves);
        let mut time = time.filter_map(|((_, shape), leaf)| leaf.filter(|_| *shape == Shape::Time));
        let per_ms = time
            .next_back()
            .and_then(|leaf| per_ms(&schema.column(leaf)));
        let rows = Rows {
            cells: Vec::new(),
            per_ms: per_ms.unwrap_or(1),
        };
        Ok(Self {
            file,
            source,
            leaves,
            next_group: 0,
            group: Group::default(),
            rows,
            row: 0,
            rows_read: 0,
            line: Vec::new(),
            given: 0,
        })
    }

    /// How many rows the file says it has.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let rows = self.file.metadata().file_metadata().num_rows();
        u64::try_from(rows).unwrap_or(0)
    }

    /// Makes the next line; an empty one after the last row.
    fn next_line(&mut self) -> Result<(), ParquetError> {
        self.line.clear();
        self.given = 0;
        while self.row == self.rows_read {
            if self.group.rows_left == 0 && !self.begin_group()? {
                return Ok(());
            }
            self.read_rows()?;
        }
        let written = self.rows.write(self.row, &mut self.line);
        if written.is_err() {
            // A part of a line is none.
            self.line.clear();
        }
        self.row += 1;
        written
    }

    /// Begins the next row group, if there is one.
    fn begin_group(&mut self) -> Result<bool, ParquetError> {
        if self.next_group >= self.file.num_row_groups() {
            return Ok(false);
        }
        let (file, source, leaves) = (&self.file, &self.source, &self.leaves);
        let number = self.next_group;
        self.group = guarded(|| {
            let group = file.get_row_group(number)?;
            let metadata = group.metadata();
            if metadata.num_columns() != metadata.schema_descr().num_columns() {
                return Err(ParquetError::damaged("a row group lacks columns"));
            }
            let read = read_leaves(leaves);
            pages::check(source, read.flatten().map(|leaf| metadata.column(leaf)))?;
            let readers = read_leaves(leaves).map(|leaf| {
                let reader = leaf.map(|leaf| group.get_column_reader(leaf));
                reader.transpose().map_err(ParquetError::from)
            });
            Ok(Group {
                readers: readers.collect::<Result<_, _>>()?,
                rows_left: u64::try_from(metadata.num_rows())
                    .map_err(|_| ParquetError::damaged("a row group has fewer rows than none"))?,
            })
        })?;
        self.next_group += 1;
        Ok(true)
    }

    /// Reads the next rows of the group, if it has more.
    fn read_rows(&mut self) -> Result<(), ParquetError> {
        let rows = ROWS.min(usize::try_from(self.group.rows_left).unwrap_or(ROWS));
        let schema = self.file.metadata().file_metadata().schema_descr();
        let readers = &mut self.group.readers;
        let leaves = &self.leaves;
        // Those before are let go first.
        self.rows.cells = Vec::new();
        self.rows.cells = guarded(|| {
            let cells = readers.iter_mut().zip(leaves).map(|(reader, leaf)| {
                let reader = reader.as_mut().zip(*leaf);
                let read =
                    reader.map(|(reader, leaf)| Cells::read(reader, &schema.column(leaf), rows));
                read.transpose()
            });
            cells.collect()
        })?;
        self.group.rows_left -= rows as u64;
        (self.row, self.rows_read) = (0, rows);
        Ok(())
    }
}

/// The leaves of columns that are read, in the order of [`COLUMNS`].
fn read_leaves(leaves: &[Option<usize>]) -> impl Iterator<Item = Option<usize>> {
    let leaves = leaves.iter().zip(COLUMNS);
    leaves.map(|(leaf, (_, shape))| leaf.filter(|_| shape != Shape::Unused))
}

/// Checks that there is metadata at the end, and that it is not too long.
fn check_footer(source: &Source) -> Result<(), ParquetError> {
    const END_BYTES: usize = 8;
    let start = source.len().saturating_sub(END_BYTES as u64);
    let end = source.up_to(start, END_BYTES)?;
    let Some((length, magic)) = end.split_first_chunk::<4>() else {
        return Err(ParquetError::damaged("it is too short"));
    };
    match magic {
        b"PAR1" => {}
        b"PARE" => return Err(ParquetError::damaged("it is encrypted")),
        _ => return Err(ParquetError::damaged("it does not end as one")),
    }
    let size = u64::from(u32::from_le_bytes(*length));
    if size > FOOTER_BYTES_MAX {
        return Err(ParquetError::TooLarge {
            what: "the metadata",
            size,
            most: FOOTER_BYTES_MAX,
        });
    }
    Ok(())
}

/// Runs what reads bytes of a file. That the reader panics over them is damage too.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    // What it has half changed is not read again.
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ParquetError::damaged("what is in it makes no sense")))
}

impl BufRead for ParquetLines {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.given == self.line.len() {
            self.next_line()?;
        }
        Ok(self.line.get(self.given..).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.given = self.line.len().min(self.given + bytes);
    }
}

impl Read for ParquetLines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = {
            let mut line = self.fill_buf()?;
            line.read(buffer)?
        };
        self.consume(read);
        Ok(read)
    }
}
