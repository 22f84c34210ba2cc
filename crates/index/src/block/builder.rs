//! `BlockBuilder`: a block of rows that are given one by one, without an index. Keeps them; the bytes
//! are made by `build`.

use super::build::{Piece, Source, build};
use crate::model::{BOUND_MAX, BlockError, CoordinateId, IndexError, IndexLayout, Link, Row};
use crate::search::{Run, first_row_from, run_end, sequence_of};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, EventKind, Hash, Sequence};

/// The part that the numbers of its coordinates are of: the first of any index.
const PART: u32 = 0;

/// Collects rows, and makes the bytes of the block that an index of them would export: the same,
/// byte for byte.
///
/// It takes 42 bytes a row, and checks no id or clock against those before it: what a log says is to
/// be compared with, whatever it is.
///
/// ```
/// use strandline_core::{Coordinate, EventId, EventKind, Sequence};
/// use strandline_index::{Block, BlockBuilder, IndexLayout, Row};
///
/// let mut builder = BlockBuilder::default();
/// let coordinate = builder.intern(&Coordinate::new("order:1", "eu")?)?;
/// let id = EventId::from_u128(7);
/// let row = Row {
///     sequence: Sequence::new(3), id, coordinate, clock: 0,
///     kind: EventKind::new(1, 1), wall_ms: 0, position: 0,
///     correlation: id, causation: None, hash: None,
/// };
/// builder.push(&row, &[])?;
/// let expected = Block::from_vec(builder.build(IndexLayout::Postings, Vec::new())?)?;
/// assert_eq!(expected.rows(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct BlockBuilder {
    coordinates: Vec<Coordinate>,
    by_coordinate: HashMap<Coordinate, u32>,
    /// By coordinate: its last row, and the hash of that.
    last: Vec<(u32, Option<Hash>)>,
    runs: Vec<Run>,
    /// The sequence after that of the last row.
    next: u64,
    ids: Vec<EventId>,
    row_coordinates: Vec<u32>,
    kinds: Vec<EventKind>,
    times: Vec<u64>,
    clocks: Vec<u32>,
    positions: Vec<u64>,
    /// Rows ascend.
    links: Vec<(u32, Link)>,
    tags: BTreeMap<Arc<str>, Vec<u32>>,
}

impl BlockBuilder {
    /// The number of a coordinate, which is new if it has none. Expected O(1).
    ///
    /// # Errors
    ///
    /// [`IndexError::NamesExhausted`] after 2^32 - 1 coordinates.
    pub fn intern(&mut self, coordinate: &Coordinate) -> Result<CoordinateId, IndexError> {
        if let Some(number) = self.by_coordinate.get(coordinate) {
            return Ok(CoordinateId::new(PART, *number));
        }
        let number = u32::try_from(self.coordinates.len())
            .ok()
            .filter(|number| *number < u32::MAX)
            .ok_or(IndexError::NamesExhausted)?;
        self.coordinates.push(coordinate.clone());
        self.by_coordinate.insert(coordinate.clone(), number);
        self.last.push((u32::MAX, None));
        Ok(CoordinateId::new(PART, number))
    }

    /// Adds a row after all others, with tags. Expected O(1), and O(log names) for each tag.
    ///
    /// # Errors
    ///
    /// [`IndexError`] if its sequence is not above that of the row before or its coordinate was not
    /// interned, or if there are 2^32 - 1 rows. Nothing has changed then.
    pub fn push(&mut self, row: &Row, tags: &[&str]) -> Result<(), IndexError> {
        let number = self.rows();
        let sequence = row.sequence.get();
        if sequence < self.next || sequence >= BOUND_MAX {
            return Err(IndexError::SequenceOutOfOrder {
                sequence: row.sequence,
                least: Sequence::new(self.next),
            });
        }
        if number == u32::MAX {
            return Err(IndexError::RowsExhausted {
                requested: 1,
                rows: number,
            });
        }
        let coordinate = row.coordinate.get();
        let last = row.coordinate.number_in(PART);
        let last = last.and_then(|at| self.last.get_mut(at as usize));
        let last = last.ok_or(IndexError::UnknownCoordinate { coordinate })?;
        *last = (number, row.hash);
        if number == 0 || sequence != self.next {
            self.runs.push(Run {
                first_sequence: sequence,
                first_row: number,
            });
        }
        self.next = sequence + 1;
        self.ids.push(row.id);
        self.row_coordinates.push(coordinate);
        self.kinds.push(row.kind);
        self.times.push(row.wall_ms);
        self.clocks.push(row.clock);
        self.positions.push(row.position);
        if let Some(link) = row.link() {
            self.links.push((number, link));
        }
        for tag in tags {
            let rows = match self.tags.get_mut(*tag) {
                Some(rows) => rows,
                None => self.tags.entry((*tag).into()).or_default(),
            };
            if rows.last() != Some(&number) {
                rows.push(number);
            }
        }
        Ok(())
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> u32 {
        // `push` takes no more than fit.
        u32::try_from(self.ids.len()).unwrap_or(u32::MAX)
    }

    /// The bytes of the block, after bytes of the caller's. O(n log n) in the names, O(n) in the rows.
    ///
    /// # Errors
    ///
    /// [`BlockError::TooManyRows`] if there are 2^32 entries of tags.
    pub fn build(&self, layout: IndexLayout, out: Vec<u8>) -> Result<Vec<u8>, BlockError> {
        let all = Piece {
            part: self,
            rows: 0..self.rows(),
        };
        let pieces = if self.ids.is_empty() {
            &[]
        } else {
            std::slice::from_ref(&all)
        };
        build(pieces, layout, out)
    }

    /// The sequence of a row. O(log gaps in the sequences).
    #[must_use]
    pub fn sequence(&self, row: u32) -> Sequence {
        sequence_of(&self.runs, row)
    }

    /// The first row whose sequence is `sequence` or later; the number of rows if there is none.
    /// O(log gaps in the sequences).
    #[must_use]
    pub fn first_row_from(&self, sequence: Sequence) -> u32 {
        first_row_from(&self.runs, self.rows(), sequence.get())
    }

    /// Where the event of a row is.
    #[must_use]
    pub fn position(&self, row: u32) -> u64 {
        at(&self.positions, row)
    }

    /// The tags, each with its rows, ascending.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &[u32])> {
        let tags = self.tags.iter();
        tags.map(|(name, rows)| (&**name, rows.as_slice()))
    }
}

fn at<T: Copy + Default>(column: &[T], row: u32) -> T {
    column.get(row as usize).copied().unwrap_or_default()
}

impl Source for BlockBuilder {
    fn id(&self, row: u32) -> EventId {
        let id = self.ids.get(row as usize);
        id.copied().unwrap_or(EventId::from_u128(0))
    }

    fn kind(&self, row: u32) -> EventKind {
        let kind = self.kinds.get(row as usize);
        kind.copied().unwrap_or(EventKind::from_bits(0))
    }

    fn wall_ms(&self, row: u32) -> u64 {
        at(&self.times, row)
    }

    fn clock(&self, row: u32) -> u32 {
        at(&self.clocks, row)
    }

    fn position(&self, row: u32) -> u64 {
        self.position(row)
    }

    fn link(&self, row: u32) -> Option<Link> {
        let at = self
            .links
            .binary_search_by_key(&row, |(row, _)| *row)
            .ok()?;
        self.links.get(at).map(|(_, link)| *link)
    }

    fn sequence_of(&self, row: u32) -> Sequence {
        self.sequence(row)
    }

    fn run_end(&self, row: u32) -> u32 {
        run_end(&self.runs, self.rows(), row)
    }

    fn coordinate_number(&self, row: u32) -> u32 {
        at(&self.row_coordinates, row)
    }

    fn coordinate_count(&self) -> usize {
        self.coordinates.len()
    }

    fn with_names<T>(&self, number: u32, read: impl FnOnce(&str, &str) -> T) -> Option<T> {
        let coordinate = self.coordinates.get(number as usize)?;
        Some(read(coordinate.entity(), coordinate.scope()))
    }

    fn hash_if_last(&self, row: u32) -> Option<Hash> {
        // The last row of an entity is also the last of its coordinate.
        let last = self.last.get(self.coordinate_number(row) as usize)?;
        last.1.filter(|_| last.0 == row)
    }

    fn tags_within(&self, rows: &Range<u32>) -> Vec<(Arc<str>, Vec<u32>)> {
        let within = self.tags.iter().filter_map(|(name, all)| {
            let from = |row: u32| all.partition_point(|own| *own < row);
            let own = all.get(from(rows.start)..from(rows.end))?;
            (!own.is_empty()).then(|| (name.clone(), own.to_vec()))
        });
        within.collect()
    }
}

impl fmt::Debug for BlockBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockBuilder")
            .field("rows", &self.rows())
            .finish_non_exhaustive()
    }
}
