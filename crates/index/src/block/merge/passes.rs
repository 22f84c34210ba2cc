//! Tables of more entries than are sorted at a time have the bytes that they would have else, built and
//! merged.

use super::out::Out;
use super::{MergePart, merge_by};
use crate::block::build::{Piece, build_by};
use crate::block::format::{Header, Section};
use crate::block::{Block, BlockBuilder};
use crate::model::{IndexLayout, Row};
use proptest::prelude::*;
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline_core::{Coordinate, EventId, EventKind, Sequence};

const LAYOUT: IndexLayout = IndexLayout::Postings;

fn builder(names: &[u16], first: usize) -> BlockBuilder {
    let mut builder = BlockBuilder::default();
    for (at, name) in names.iter().enumerate() {
        let number = u64::try_from(first + at).unwrap();
        let coordinate = Coordinate::new(format!("e:{name}"), "s").unwrap();
        // Ids that do not ascend, each another.
        let id = u128::from(number) + 1;
        let id = EventId::from_u128(id.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
        let row = Row {
            sequence: Sequence::new(number),
            id,
            coordinate: builder.intern(&coordinate).unwrap(),
            kind: EventKind::new(1, 1),
            wall_ms: number,
            clock: u32::try_from(number).unwrap(),
            position: number,
            correlation: id,
            causation: None,
            hash: None,
        };
        builder.push(&row, &[&format!("t:{}", name / 2)]).unwrap();
    }
    builder
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn tables_that_are_sorted_in_passes_have_the_same_bytes(
        names in proptest::collection::vec(0..2000_u16, 2..400),
        split in any::<prop::sample::Index>(),
        pass_entries in 1..200_u32,
    ) {
        let all = builder(&names, 0);
        let expected = all.build(LAYOUT, Vec::new()).unwrap();
        let piece = Piece { part: &all, rows: 0..all.rows() };
        let built = build_by(&[piece], LAYOUT, Vec::new(), pass_entries).unwrap();
        prop_assert!(built == expected, "built in passes");

        let split = split.index(names.len());
        let (before, after) = names.split_at(split);
        let parts = [builder(before, 0), builder(after, split)].map(|own| {
            let block = Block::from_vec(own.build(LAYOUT, Vec::new()).unwrap()).unwrap();
            MergePart { rows: 0..block.rows(), block: Arc::new(block) }
        });
        let mut merged = Vec::new();
        let mut go_on = |_| ControlFlow::Continue(());
        let mut out = Out::new(&mut merged, &mut go_on, Header::empty(LAYOUT)).unwrap();
        out.pass_entries = pass_entries;
        merge_by(out, &parts, LAYOUT).unwrap();
        prop_assert!(merged == expected, "merged in passes");
        let header = Header::decode(&merged).unwrap();
        prop_assert!(header.place(Section::EntityTable).bytes > 0);
    }
}
