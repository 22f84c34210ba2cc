//! Several lists of rows as one: far apart, and with rows in common.

use super::{found, head, id, publish, row};
use strandline_core::{Region, Sequence};
use strandline_index::{Block, Row, channel};

/// Rows of a part that are many windows of a merge.
const ROWS: u32 = 300_000;

/// Which of two tags rows have: both ends of the part, one row with both, and nothing between.
const TAGGED: [(u32, &[&str]); 6] = [
    (0, &["a"]),
    (1, &["a", "b"]),
    (150_000, &["b"]),
    (150_001, &["a"]),
    (299_998, &["b"]),
    (299_999, &["a", "b"]),
];

#[test]
fn lists_that_are_far_apart_are_merged_in_order_from_both_ends() {
    let (mut writer, reader) = channel();
    writer.reserve(ROWS.into()).unwrap();
    let first = row(&mut writer, 0, "e", "s");
    for number in 0..ROWS {
        let tagged = TAGGED.iter().find(|(tagged, _)| *tagged == number);
        let row = Row {
            sequence: Sequence::new(number.into()),
            id: id(number.into()),
            clock: number,
            correlation: id(number.into()),
            ..first.clone()
        };
        let tags = tagged.map_or(&[][..], |(_, tags)| tags);
        writer.insert_tagged(&row, tags).unwrap();
    }
    assert_eq!(head(&writer, "e").unwrap().clock, ROWS - 1);
    publish(&writer);
    let region = Region::all().any_tag(["a", "b", "none"]);
    let expected = TAGGED.map(|(number, _)| u64::from(number));
    let check = || {
        let snapshot = reader.snapshot();
        assert_eq!(found(&reader, &region), expected);
        let sequences = |rows: &mut dyn Iterator<Item = strandline_index::RowView<'_>>| {
            rows.map(|row| row.sequence().get()).collect::<Vec<_>>()
        };
        let mut backward = sequences(&mut snapshot.query(&region).rev());
        backward.reverse();
        assert_eq!(backward, expected);
        let mut both = snapshot.query(&region);
        let ends = [both.next(), both.next_back(), both.next()];
        let ends = ends.map(|row| row.unwrap().sequence().get());
        assert_eq!(ends, [0, 299_999, 1]);
        assert_eq!(both.count(), 3);
        assert_eq!(snapshot.query(&region).count(), expected.len());
        assert!(!snapshot.explain(&region).is_exact(), "rows have both tags");
    };
    check();
    let sealed = writer.seal().unwrap().unwrap();
    let bytes = reader.snapshot().export(sealed).unwrap();
    reader.replace(Block::from_vec(bytes).unwrap()).unwrap();
    check();
}
