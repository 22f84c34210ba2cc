//! Rules of the index: what inserting, publishing and looking up do.

use crate::*;
use strandline_index::IndexError;

#[test]
fn insert_touches_every_structure_and_publishes_nothing() {
    let (mut writer, reader) = channel();
    insert(&mut writer, "e", "s");
    let snapshot = reader.snapshot();
    assert!(snapshot.is_empty() && snapshot.get(id(0)).is_none());
    assert!(snapshot.latest("e").is_none() && snapshot.row_at(sequence(0)).is_none());
    assert_eq!(
        snapshot.entities("").count() + snapshot.scopes("").count(),
        0
    );
    publish(&writer);
    assert!(snapshot.is_empty(), "a snapshot stays as it is");
    let snapshot = reader.snapshot();
    assert_eq!(snapshot.len(), 1);
    for region in [
        Region::all(),
        Region::all().entity("e"),
        Region::all().entity_prefix("e"),
        Region::all().scope("s"),
        Region::all().kind(KIND),
        Region::all().category(1),
    ] {
        assert_eq!(snapshot.query(&region).count(), 1, "{region:?}");
    }
}

#[test]
fn a_batch_becomes_visible_by_one_publish() {
    let (mut writer, reader) = channel();
    let first = writer.reserve(3).unwrap().get();
    for number in first..first + 3 {
        let row = row(&mut writer, number, "e", "s");
        writer.insert(&row).unwrap();
        assert_eq!(reader.snapshot().len(), 0);
    }
    publish(&writer);
    assert_eq!(reader.snapshot().len(), 3);
}

#[test]
fn a_refused_row_changes_nothing() {
    let (mut writer, reader) = index(&[("e", "s"), ("e", "s")]);
    let (mut other, _) = index(&[("e", "s"), ("f", "s"), ("g", "s")]);
    let foreign = other.intern(&coordinate("g", "s")).unwrap();
    let next = writer.reserve(1).unwrap().get();
    let good = row(&mut writer, next, "e", "s");
    let refused = [
        Row {
            sequence: sequence(next + 1),
            ..good.clone()
        },
        Row {
            sequence: sequence(1),
            ..good.clone()
        },
        Row {
            coordinate: foreign,
            ..good.clone()
        },
        Row {
            id: id(0),
            ..good.clone()
        },
        Row {
            clock: 1,
            ..good.clone()
        },
    ]
    .map(|row| writer.insert(&row).unwrap_err());
    assert!(matches!(refused[0], IndexError::SequenceNotReserved { .. }));
    assert!(matches!(refused[1], IndexError::SequenceOutOfOrder { .. }));
    assert!(matches!(refused[2], IndexError::UnknownCoordinate { .. }));
    let taken = IndexError::DuplicateId {
        id: id(0),
        sequence: sequence(0),
    };
    assert_eq!(refused[3], taken);
    let clock = IndexError::ClockNotAfterHead { clock: 1, head: 1 };
    assert_eq!(refused[4], clock);
    assert!(!writer.contains(good.id));
    writer.insert(&Row { clock: 9, ..good }).unwrap();
    publish(&writer);
    assert_eq!(
        reader.snapshot().latest("e").unwrap().clock(),
        9,
        "gaps are allowed"
    );
}

#[test]
fn what_is_visible_gains_no_row() {
    let (mut writer, reader) = channel();
    writer.reserve(2).unwrap();
    publish(&writer);
    let late = row(&mut writer, 1, "e", "s");
    let least = sequence(2);
    let error = IndexError::SequenceOutOfOrder {
        sequence: sequence(1),
        least,
    };
    assert_eq!(writer.insert(&late), Err(error));
    assert!(reader.snapshot().is_empty());
}

#[test]
fn row_numbers_have_32_bits() {
    let (writer, _) = index(&[("e", "s")]);
    assert!(writer.check_room(u32::MAX as usize - 1).is_ok());
    assert!(writer.check_room(u32::MAX as usize).is_err());
    assert!(writer.check_room(usize::MAX).is_err());
}

#[test]
fn lookups_return_only_what_is_visible() {
    let (mut writer, reader) = index(&[("e", "s")]);
    insert(&mut writer, "e", "s");
    let snapshot = reader.snapshot();
    assert!(snapshot.get(id(0)).is_some() && snapshot.get(id(1)).is_none());
    assert_eq!(snapshot.stream("e").count(), 1);
    assert_eq!(snapshot.stream("f").count(), 0);
    assert!(writer.contains(id(1)), "the writer knows all");
}

#[test]
fn latest_falls_back_while_a_batch_is_in_flight() {
    let (mut writer, reader) = index(&[("e", "s")]);
    insert(&mut writer, "e", "s");
    insert(&mut writer, "e", "s");
    assert_eq!(reader.snapshot().latest("e").unwrap().clock(), 0);
    publish(&writer);
    assert_eq!(reader.snapshot().latest("e").unwrap().clock(), 2);
}

#[test]
fn positions_are_from_and_after() {
    let (_writer, reader) = index(&[("e", "s"); 4]);
    assert_eq!(found(&reader, &Region::all().sequence(0..)), [0, 1, 2, 3]);
    assert_eq!(found(&reader, &Region::all().sequence(2..)), [2, 3]);
    assert_eq!(found(&reader, &Region::all().after(sequence(2))), [3]);
}

#[test]
fn interning_is_idempotent_and_shows_nothing() {
    let (mut writer, reader) = channel();
    let coordinate = coordinate("e", "s");
    assert_eq!(writer.lookup(&coordinate), None);
    assert_eq!(writer.lookup_entity("e"), None);
    let first = writer.intern(&coordinate).unwrap();
    assert_eq!(writer.intern(&coordinate).unwrap(), first);
    assert_eq!(writer.lookup(&coordinate), Some(first));
    assert_eq!(writer.lookup_entity("e"), writer.entity_of(first));
    assert_eq!(reader.snapshot().entities("").count(), 0);
    assert!(reader.snapshot().latest("e").is_none());
}
