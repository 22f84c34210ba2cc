//! What happens to an index: rows appended, parts sealed and replaced, replays committed and undone.

use crate::events::Event;
use proptest::prelude::*;
use proptest::sample::Index;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{Coordinate, Sequence};
use strandline_index::{
    Block, BlockError, CoordinateId, IndexError, IndexLayout, IndexReader, IndexWriter, MergePart,
    Row, Snapshot, channel_with,
};

/// One thing that happens to an index.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Append(usize),
    Publish,
    Snapshot,
    Seal,
    /// A block takes the place of up to so many sealed parts, beginning with one of them; checked at
    /// once, or when it is used.
    Replace(Index, usize, bool),
    /// A block of some sealed rows takes their place, and splits the blocks that have others too.
    Rewrite(Index, Index),
    /// A replay inserts rows, attaches a block, inserts rows, and is committed or not.
    Replay {
        rows: usize,
        block: usize,
        /// Where the block is cut into views.
        cut: Index,
        rows_after: usize,
        layout: IndexLayout,
        commits: bool,
    },
}

pub(crate) fn layouts() -> impl Strategy<Value = IndexLayout> {
    prop::sample::select(vec![
        IndexLayout::Postings,
        IndexLayout::Columns,
        IndexLayout::Tiles,
    ])
}

pub(crate) fn acts() -> impl Strategy<Value = Vec<Act>> {
    let replay = (
        0..20_usize,
        (0..60_usize, any::<Index>()),
        0..20_usize,
        layouts(),
        any::<bool>(),
    );
    let replay = replay.prop_map(|(rows, block, rows_after, layout, commits)| Act::Replay {
        rows,
        block: block.0,
        cut: block.1,
        rows_after,
        layout,
        commits,
    });
    let rewrite = (any::<Index>(), any::<Index>());
    let replace = (any::<Index>(), 1..4_usize, any::<bool>());
    let act = prop_oneof![
        4 => (0..80_usize).prop_map(Act::Append),
        3 => Just(Act::Publish),
        2 => Just(Act::Snapshot),
        3 => Just(Act::Seal),
        3 => replace.prop_map(|(from, count, lazy)| Act::Replace(from, count, lazy)),
        3 => rewrite.prop_map(|(from, to)| Act::Rewrite(from, to)),
        2 => replay,
    ];
    prop::collection::vec(act, 0..24)
}

/// An index, and what it must hold.
pub(crate) struct Run<'e> {
    events: &'e [Event],
    /// How many events were inserted, and how many of them are visible.
    pub(crate) inserted: usize,
    visible: usize,
    /// The events of each sealed part, and whether it is of a block.
    sealed: Vec<(Range<usize>, bool)>,
    pub(crate) writer: IndexWriter,
    reader: IndexReader,
    /// Each with how many events it must hold.
    pub(crate) snapshots: Vec<(Snapshot, usize)>,
}

impl<'e> Run<'e> {
    pub(crate) fn new(layout: IndexLayout, events: &'e [Event]) -> Self {
        let (writer, reader) = channel_with(layout);
        Self {
            events,
            inserted: 0,
            visible: 0,
            sealed: Vec::new(),
            writer,
            reader,
            snapshots: Vec::new(),
        }
    }

    pub(crate) fn act(&mut self, act: &Act) {
        match act {
            Act::Append(count) => {
                for event in self.next(*count) {
                    assert_eq!(self.try_insert(event), Ok(()));
                    self.inserted += 1;
                }
            }
            Act::Publish => {
                self.writer.publish(self.writer.gate().allocated());
                self.visible = self.inserted;
            }
            Act::Snapshot => self.snapshots.push((self.reader.snapshot(), self.visible)),
            Act::Seal => self.seal(),
            Act::Replace(from, count, lazy) => self.replace(from, *count, *lazy),
            Act::Rewrite(from, to) => self.rewrite(from, to),
            Act::Replay {
                rows,
                block,
                cut,
                rows_after,
                layout,
                commits,
            } => {
                self.act(&Act::Publish);
                self.replay([*rows, *block, *rows_after], cut, *layout, *commits);
            }
        }
    }

    fn next(&self, count: usize) -> &'e [Event] {
        let next = &self.events[self.inserted..];
        &next[..count.min(next.len())]
    }

    fn sealed_events(&self) -> usize {
        self.sealed.last().map_or(0, |(last, _)| last.end)
    }

    /// The sequences of some events.
    fn sequences(&self, range: &Range<usize>) -> Range<Sequence> {
        let events = &self.events[range.clone()];
        let first = Sequence::new(events[0].sequence);
        first..Sequence::new(events[events.len() - 1].sequence + 1)
    }

    fn seal(&mut self) {
        let range = self.sealed_events()..self.inserted;
        let sealed = self.writer.seal();
        if self.inserted > self.visible {
            assert!(matches!(sealed, Err(IndexError::NotVisible { .. })));
        } else if range.is_empty() {
            assert_eq!(sealed, Ok(None));
        } else {
            assert_eq!(sealed, Ok(Some(self.sequences(&range))));
            self.sealed.push((range, false));
        }
    }

    fn replace(&mut self, from: &Index, count: usize, lazy: bool) {
        if self.sealed.is_empty() {
            return;
        }
        let from = from.index(self.sealed.len());
        let parts = from..(from + count).min(self.sealed.len());
        let range = self.sealed[parts.start].0.start..self.sealed[parts.end - 1].0.end;
        let bytes = self
            .reader
            .snapshot()
            .export(self.sequences(&range))
            .unwrap();
        let block = if lazy {
            Block::open(Arc::new(bytes), None).unwrap()
        } else {
            Block::from_vec(bytes).unwrap()
        };
        assert_eq!(block.rows() as usize, range.len());
        self.reader.replace(block).unwrap();
        self.sealed.splice(parts, [(range, true)]);
    }

    fn rewrite(&mut self, from: &Index, to: &Index) {
        let sealed = self.sealed_events();
        if sealed == 0 {
            return;
        }
        let ends = [from, to].map(|end| end.index(sealed));
        let range = ends[0].min(ends[1])..ends[0].max(ends[1]) + 1;
        let sequences = self.sequences(&range);
        let bytes = self.reader.snapshot().export(sequences.clone()).unwrap();
        let block = Block::from_vec(bytes).unwrap();
        let replaced = self.reader.replace_all(vec![(sequences, block)]);
        let beyond = |part: &Range<usize>| [part.start..range.start, range.end..part.end];
        let cut = self
            .sealed
            .iter()
            .filter(|(part, _)| part.start < range.end && range.start < part.end);
        if cut.clone().any(|(part, is_block)| {
            !is_block && beyond(part).iter().any(|beyond| !beyond.is_empty())
        }) {
            assert!(matches!(replaced, Err(BlockError::OtherRows { .. })));
            return;
        }
        assert_eq!(replaced, Ok(()));
        let cut: Vec<_> = cut.map(|(part, _)| beyond(part)).collect();
        let before = cut.first().map(|[before, _]| before.clone());
        let after = cut.last().map(|[_, after]| after.clone());
        let new = [before, Some(range.clone()), after].into_iter().flatten();
        let new: Vec<_> = new.filter(|part| !part.is_empty()).collect();
        let start = self
            .sealed
            .partition_point(|(part, _)| part.end <= range.start);
        let end = self
            .sealed
            .partition_point(|(part, _)| part.start < range.end);
        self.sealed
            .splice(start..end, new.into_iter().map(|part| (part, true)));
        self.check_parts();
    }

    /// The parts that the index tells of are those that it has.
    fn check_parts(&self) {
        let parts = self.reader.parts();
        let parts: Vec<_> = parts
            .iter()
            .map(|part| {
                (
                    part.sequences.clone(),
                    part.rows as usize,
                    part.block.is_some(),
                )
            })
            .collect();
        let sealed = self
            .sealed
            .iter()
            .map(|(range, is_block)| (self.sequences(range), range.len(), *is_block));
        assert_eq!(parts, sealed.collect::<Vec<_>>());
    }

    fn replay(&mut self, counts: [usize; 3], cut: &Index, layout: IndexLayout, commits: bool) {
        let [rows, block, rows_after] = counts;
        let next = self.next(rows + block + rows_after);
        let (rows, rest) = next.split_at(rows.min(next.len()));
        let (block, rows_after) = rest.split_at(block.min(rest.len()));
        let mut cursor = self.writer.replay();
        for event in rows {
            let coordinate = cursor.intern(&coordinate(event)).unwrap();
            cursor
                .insert_tagged(&row(event, coordinate), &event.tags)
                .unwrap();
        }
        let bytes = block_of(layout, block);
        let attached = Arc::new(Block::from_vec(bytes).unwrap());
        let cut = cut.index(block.len() + 1);
        let views = [0..cut, cut..block.len()];
        for view in &views {
            let rows = [view.start, view.end].map(|row| u32::try_from(row).unwrap());
            cursor
                .attach_view(attached.clone(), rows[0]..rows[1])
                .unwrap();
        }
        for event in rows_after {
            let coordinate = cursor.intern(&coordinate(event)).unwrap();
            cursor
                .insert_tagged(&row(event, coordinate), &event.tags)
                .unwrap();
        }
        self.snapshots.push((self.reader.snapshot(), self.visible));
        if !commits {
            cursor.abort();
            return;
        }
        cursor.commit(Sequence::ZERO);
        if !block.is_empty() {
            let live = self.sealed_events()..self.inserted + rows.len();
            let [first, second] = views.map(|view| live.end + view.start..live.end + view.end);
            let parts = [(live, false), (first, true), (second, true)].into_iter();
            self.sealed
                .extend(parts.filter(|(part, _)| !part.is_empty()));
        }
        self.inserted += next.len();
        self.visible = self.inserted;
    }

    /// Inserts an event, with gaps before it.
    pub(crate) fn try_insert(&mut self, event: &Event) -> Result<(), IndexError> {
        let coordinate = self.writer.intern(&coordinate(event)).unwrap();
        let allocated = self.writer.gate().allocated().get();
        let missing = (event.sequence + 1).saturating_sub(allocated);
        self.writer.reserve(missing).unwrap();
        self.writer
            .insert_tagged(&row(event, coordinate), &event.tags)
    }
}

pub(crate) fn coordinate(event: &Event) -> Coordinate {
    Coordinate::new(event.entity, event.scope).unwrap()
}

pub(crate) fn row(event: &Event, coordinate: CoordinateId) -> Row {
    Row {
        sequence: Sequence::new(event.sequence),
        id: event.id(),
        coordinate,
        kind: event.kind,
        wall_ms: event.wall_ms,
        clock: event.clock,
        position: event.sequence * 10,
        correlation: event.correlation(),
        causation: event.causation(),
        hash: event.hash,
    }
}

/// A block of `events`.
pub(crate) fn block_of(layout: IndexLayout, events: &[Event]) -> Vec<u8> {
    let (mut writer, reader) = channel_with(layout);
    let mut cursor = writer.replay();
    for event in events {
        let coordinate = cursor.intern(&coordinate(event)).unwrap();
        cursor
            .insert_tagged(&row(event, coordinate), &event.tags)
            .unwrap();
    }
    cursor.commit(Sequence::ZERO);
    reader
        .snapshot()
        .export(Sequence::ZERO..Sequence::new(u64::MAX))
        .unwrap()
}

/// A snapshot of an index of these rows of blocks.
pub(crate) fn of_views(layout: IndexLayout, views: &[MergePart]) -> Snapshot {
    let (mut writer, reader) = channel_with(layout);
    let mut cursor = writer.replay();
    for view in views {
        cursor
            .attach_view(view.block.clone(), view.rows.clone())
            .unwrap();
    }
    cursor.commit(Sequence::ZERO);
    reader.snapshot()
}

/// A snapshot of an index with these blocks.
pub(crate) fn attached(layout: IndexLayout, blocks: impl Iterator<Item = Vec<u8>>) -> Snapshot {
    let (mut writer, reader) = channel_with(layout);
    let mut cursor = writer.replay();
    for bytes in blocks {
        let block = Block::from_vec(bytes).unwrap();
        cursor.attach(Arc::new(block)).unwrap();
    }
    cursor.commit(Sequence::ZERO);
    reader.snapshot()
}
