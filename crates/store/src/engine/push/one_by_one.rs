//! `OneByOne`: events of a test or model, one a batch.

use super::feed::Batches;
use crate::StoredEvent;
use crate::engine::news::Over;
use std::ops::Range;
use strandline_core::{
    Coordinate, EventHeader, EventId, EventKind, Extensions, Hash, Hlc, PayloadEncoding, Sequence,
};
use strandline_index::RowView;

fn event(sequence: Sequence) -> StoredEvent {
    let header = EventHeader {
        sequence,
        id: EventId::from_u128(1),
        coordinate: Coordinate::new("a", "s").expect("it is a name"),
        kind: EventKind::new(1, 1),
        clock: 0,
        hlc: Hlc::default(),
        correlation: EventId::from_u128(1),
        causation: None,
        encoding: PayloadEncoding::default(),
        extensions: Extensions::default(),
        hash: Hash::default(),
    };
    StoredEvent::new(header, Ok(Box::default()))
}

/// Reads whatever is below the watermark.
#[derive(Debug)]
pub(super) struct OneByOne(pub(super) Sequence);

impl Batches for OneByOne {
    fn next(&self) -> Sequence {
        self.0
    }

    fn step(&mut self, watermark: Sequence) -> Result<Vec<StoredEvent>, Over> {
        assert!(self.0 < watermark);
        let event = event(self.0);
        self.0 = Sequence::new(self.0.get() + 1);
        Ok(vec![event])
    }

    fn at(&self, next: Sequence) -> Box<dyn Batches> {
        Box::new(Self(next))
    }

    fn skip_to(&mut self, next: Sequence) {
        assert!(self.0 <= next);
        self.0 = next;
    }

    fn rows(&self, _: Range<Sequence>, _: &mut dyn FnMut(RowView<'_>)) -> bool {
        false
    }
}
