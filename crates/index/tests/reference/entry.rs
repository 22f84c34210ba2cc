//! Rules of an entry: which facts it holds.

use crate::*;

#[test]
fn an_entry_holds_every_fact() {
    let (mut writer, reader) = channel();
    let number = writer.reserve(1).unwrap().get();
    let row = Row {
        wall_ms: u64::MAX,
        clock: u32::MAX,
        position: u64::MAX,
        kind: EventKind::from_bits(0xFFFF),
        correlation: id(50),
        causation: Some(id(51)),
        hash: Some(Hash::of(b"hash")),
        ..row(&mut writer, number, "e", "s")
    };
    let number = writer.insert(&row).unwrap();
    assert_eq!(
        writer.row(number),
        Some(row.clone()),
        "before it is visible"
    );
    assert_eq!(writer.find(row.id), Some(number));
    publish(&writer);
    let snapshot = reader.snapshot();
    let view = snapshot.get(row.id).unwrap();
    assert_eq!(view.row_number(), number);
    assert_eq!((view.wall_ms(), view.clock()), (u64::MAX, u32::MAX));
    assert_eq!((view.kind(), view.position()), (row.kind, u64::MAX));
    assert_eq!(view.coordinate(), coordinate("e", "s"));
    assert_eq!(view.coordinate_id(), row.coordinate);
    assert_eq!(
        (view.correlation(), view.causation()),
        (id(50), Some(id(51)))
    );
}

#[test]
fn an_entry_tells_how_it_is_linked() {
    let (mut writer, reader) = index(&[("e", "s")]);
    let number = writer.reserve(1).unwrap().get();
    let linked = Row {
        correlation: id(0),
        causation: Some(id(0)),
        ..row(&mut writer, number, "e", "s")
    };
    writer.insert(&linked).unwrap();
    publish(&writer);
    let snapshot = reader.snapshot();
    let [first, second] = [0, 1].map(|number| snapshot.row_at(sequence(number)).unwrap());
    assert!(!first.is_correlated() && first.is_root_cause());
    assert!(second.is_correlated() && !second.is_root_cause());
    assert!(second.is_caused_by(id(0)) && !second.is_caused_by(id(1)));
    assert!(first.clock_key() < second.clock_key(), "by time, clock, id");
}

#[test]
fn hashes_are_kept_of_heads_alone() {
    let (mut writer, _) = index(&[("e", "s")]);
    let entity = writer.lookup_entity("e").unwrap();
    writer.set_head_hash(entity, Hash::of(b"0"));
    assert_eq!(writer.head(entity).unwrap().hash, Some(Hash::of(b"0")));
    let first = writer.find(id(0)).unwrap();
    assert_eq!(writer.row(first).unwrap().hash, Some(Hash::of(b"0")));
    insert(&mut writer, "e", "s");
    let head = writer.head(entity).unwrap();
    assert_eq!((head.clock, head.hash), (1, None));
    let second = writer.row(head.row).unwrap();
    assert_eq!(second.sequence, sequence(1));
    assert_eq!(writer.row(first).unwrap().hash, None);
}
