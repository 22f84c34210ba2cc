//! What happens to an index: rows appended, parts sealed and replaced, replays committed and undone.

use crate::events::Event;
use proptest::prelude::*;
use proptest::sample::Index;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::{Coordinate, Sequence};
use strandline_index::{
    Block, CoordinateId, IndexError, IndexLayout, IndexReader, IndexWriter, Row, Snapshot,
    channel_with,
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
    /// A replay inserts rows, attaches a block, inserts rows, and is committed or not.
    Replay {
        rows: usize,
        block: usize,
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
        0..60_usize,
        0..20_usize,
        layouts(),
        any::<bool>(),
    );
    let replay = replay.prop_map(|(rows, block, rows_after, layout, commits)| Act::Replay {
        rows,
        block,
        rows_after,
        layout,
        commits,
    });
    let replace = (any::<Index>(), 1..4_usize, any::<bool>());
    let act = prop_oneof![
        4 => (0..80_usize).prop_map(Act::Append),
        3 => Just(Act::Publish),
        2 => Just(Act::Snapshot),
        3 => Just(Act::Seal),
        3 => replace.prop_map(|(from, count, lazy)| Act::Replace(from, count, lazy)),
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
    /// The events of each sealed part.
    sealed: Vec<Range<usize>>,
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
            Act::Replay {
                rows,
                block,
                rows_after,
                layout,
                commits,
            } => {
                self.act(&Act::Publish);
                self.replay([*rows, *block, *rows_after], *layout, *commits);
            }
        }
    }

    fn next(&self, count: usize) -> &'e [Event] {
        let next = &self.events[self.inserted..];
        &next[..count.min(next.len())]
    }

    fn sealed_events(&self) -> usize {
        self.sealed.last().map_or(0, |last| last.end)
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
            self.sealed.push(range);
        }
    }

    fn replace(&mut self, from: &Index, count: usize, lazy: bool) {
        if self.sealed.is_empty() {
            return;
        }
        let from = from.index(self.sealed.len());
        let parts = from..(from + count).min(self.sealed.len());
        let range = self.sealed[parts.start].start..self.sealed[parts.end - 1].end;
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
        self.sealed.splice(parts, [range]);
    }

    fn replay(&mut self, counts: [usize; 3], layout: IndexLayout, commits: bool) {
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
        let attached = Block::from_vec(bytes).unwrap();
        cursor.attach(Arc::new(attached)).unwrap();
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
            let attached = live.end..live.end + block.len();
            let parts = [live, attached].into_iter();
            self.sealed.extend(parts.filter(|part| !part.is_empty()));
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
