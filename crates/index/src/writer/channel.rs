//! Making an index: its one writer, and a reader. Adds nothing to it.

use super::index_writer::IndexWriter;
use super::live_writer::LiveWriter;
use crate::model::{CacheShare, IndexLayout};
use crate::reader::IndexReader;
use crate::shared::Shared;
use std::sync::Arc;

/// What the blocks of an index keep of coordinates that were asked for, unless it is said: 16 MiB.
const KEPT_BYTES_MAX: usize = 16 << 20;

/// An empty index in the default layout: its one writer, and a reader to clone.
///
/// ```
/// use strandline_core::{Coordinate, EventId, EventKind};
/// use strandline_index::{Row, channel};
///
/// let (mut writer, reader) = channel();
/// let coordinate = writer.intern(&Coordinate::new("order:1", "eu")?)?;
/// let sequence = writer.reserve(1)?;
/// let id = EventId::from_u128(7);
/// writer.insert(&Row {
///     sequence,
///     id,
///     coordinate,
///     kind: EventKind::new(1, 1),
///     wall_ms: 1_700_000_000_000,
///     clock: 0,
///     position: 0,
///     correlation: id,
///     causation: None,
///     hash: None,
/// })?;
/// assert!(reader.snapshot().is_empty(), "not published");
/// writer.publish(writer.gate().allocated());
/// assert_eq!(reader.snapshot().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn channel() -> (IndexWriter, IndexReader) {
    channel_with(IndexLayout::default())
}

/// An empty index in a layout of choice, as [`channel`].
#[must_use]
pub fn channel_with(layout: IndexLayout) -> (IndexWriter, IndexReader) {
    channel_within(layout, Arc::new(CacheShare::new(KEPT_BYTES_MAX)))
}

/// An empty index in a layout of choice, whose blocks keep coordinates that were asked for within a share
/// that others may take of too, as [`channel`].
#[must_use]
pub fn channel_within(layout: IndexLayout, kept: Arc<CacheShare>) -> (IndexWriter, IndexReader) {
    let shared = Arc::new(Shared::new(layout, kept));
    let live = LiveWriter::new(shared.parts().live.clone());
    let writer = IndexWriter {
        shared: shared.clone(),
        live,
        parts_begun: 0,
        last: None,
        greatest: None,
    };
    (writer, IndexReader::new(shared))
}
