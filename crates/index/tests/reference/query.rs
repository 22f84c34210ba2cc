//! Rules of a region query: its answers, their order, and its plan.

use crate::*;
use strandline_index::{IndexLayout, PlanKey, RowView, channel_with};

#[test]
fn results_are_ordered_by_sequence_from_both_ends() {
    let (_writer, reader) = index(&[("a", "s"), ("b", "s"), ("a", "t"), ("c", "s"), ("b", "t")]);
    let snapshot = reader.snapshot();
    let region = Region::all().entity_prefix("");
    let mut rows = snapshot.query(&region);
    let number = |row: Option<RowView<'_>>| row.map(|row| row.sequence().get());
    assert_eq!(number(rows.next()), Some(0));
    assert_eq!(number(rows.next_back()), Some(4));
    assert_eq!(number(rows.next()), Some(1));
    assert_eq!(rows.count(), 2);
}

#[test]
fn a_scope_holds_only_events_of_that_scope() {
    let (_writer, reader) = index(&[("e", "s"), ("e", "t"), ("e", "s")]);
    assert_eq!(found(&reader, &Region::all().scope("s")), [0, 2]);
    assert_eq!(found(&reader, &Region::all().scope("t").entity("e")), [1]);
}

#[test]
fn the_clock_range_is_inclusive() {
    let (_writer, reader) = index(&[("e", "s"); 5]);
    assert_eq!(
        found(&reader, &Region::all().entity("e").clock(1..=3)),
        [1, 2, 3]
    );
    assert_eq!(found(&reader, &Region::all().clock(4..)), [4]);
}

#[test]
fn the_plan_starts_from_the_most_selective_key() {
    let (mut writer, reader) = channel();
    for number in 0..1000_u64 {
        let entity = format!("e:{}", number % 100);
        let scope = if number.is_multiple_of(500) {
            "rare"
        } else {
            "common"
        };
        insert(&mut writer, &entity, scope);
    }
    publish(&writer);
    let check = |region: Region, key: PlanKey, candidates: u64, exact: bool| {
        let plan = reader.snapshot().explain(&region);
        let actual = (plan.key(), plan.candidates(), plan.is_exact());
        assert_eq!(actual, (key, candidates, exact), "{region:?}: {plan}");
    };
    let all = Region::all;
    check(all(), PlanKey::Scan, 1000, true);
    check(all().entity("e:1"), PlanKey::Entity, 10, true);
    check(all().entity("e:1").clock(2..=4), PlanKey::Entity, 3, true);
    check(
        all().entity("e:1").sequence(..200),
        PlanKey::Entity,
        2,
        true,
    );
    check(all().entity("e:0").scope("rare"), PlanKey::Scope, 2, false);
    check(
        all().entity_prefix("e:1"),
        PlanKey::EntityPrefix { entities: 11 },
        110,
        true,
    );
    check(
        all().entity_prefix("e:").clock(3..),
        PlanKey::Scan,
        1000,
        false,
    );
    check(all().kind(KIND).scope("common"), PlanKey::Scope, 998, false);
    check(
        all().category(1),
        PlanKey::Category { kinds: 1 },
        1000,
        true,
    );
    check(
        all().category(1).wall_ms(5..),
        PlanKey::Category { kinds: 1 },
        1000,
        false,
    );
    check(all().entity("none").kind(KIND), PlanKey::Nothing, 0, true);
    check(all().sequence(5..5), PlanKey::Nothing, 0, true);
    let plan = reader.snapshot().explain(all().entity("e:0").scope("rare"));
    assert_eq!(
        plan.to_string(),
        "rows of one scope: 2 candidates, filtered"
    );
}

const LAYOUTS: [IndexLayout; 3] = [
    IndexLayout::Postings,
    IndexLayout::Columns,
    IndexLayout::Tiles,
];

/// Runs `check` on the rows of an index while they grow, once they are sealed, and once blocks have
/// taken their place; the last rows always grow.
fn in_every_form(writer: &mut IndexWriter, mut check: impl FnMut(&IndexReader)) {
    let reader = writer.reader();
    check(&reader);
    let end = reader.snapshot().visible().get();
    let sealed = writer.seal().unwrap().unwrap();
    check(&reader);
    for range in [sealed.start.get()..end / 3, end / 3..end] {
        // Only whole parts are replaced.
        let bytes = reader
            .snapshot()
            .export(sequence(range.start)..sequence(range.end))
            .unwrap();
        assert!(reader.replace(Block::from_vec(bytes).unwrap()).is_err());
    }
    let bytes = reader.snapshot().export(sealed).unwrap();
    reader.replace(Block::from_vec(bytes).unwrap()).unwrap();
    check(&reader);
}

#[test]
fn queries_agree_where_lists_span_many_pieces_and_chunks() {
    let regions = [
        Region::all().wall_ms(1..),
        Region::all().scope("s").wall_ms(1..),
        Region::all().scope("t"),
        Region::all().kind(EventKind::new(1, 3)),
        Region::all().kind(EventKind::new(1, 3)).scope("t"),
        Region::all().category(1).sequence(63..9_000),
        Region::all().entity("e:3"),
        Region::all().entity_prefix("e:3"),
        Region::all().entity_prefix("e:").sequence(..9000),
    ];
    let kind = |number: u64| EventKind::new(1, u16::try_from(number / 100 % 5).unwrap());
    let scope = |number: u64| if number / 1000 % 4 == 3 { "t" } else { "s" };
    for layout in LAYOUTS {
        let (mut writer, _) = channel_with(layout);
        for number in 0..10_000_u64 {
            writer.reserve(1).unwrap();
            let entity = format!("e:{}", number % 7);
            let row = Row {
                kind: kind(number),
                ..row(&mut writer, number, &entity, scope(number))
            };
            writer.insert(&row).unwrap();
        }
        publish(&writer);
        in_every_form(&mut writer, |reader| {
            for region in &regions {
                let expected: Vec<_> = (0..10_000_u64)
                    .filter(|number| {
                        let clock = u32::try_from(number / 7).unwrap();
                        let at = sequence(*number);
                        region.matches_numbers(kind(*number), clock, at, *number)
                            && region.matches_names(&format!("e:{}", number % 7), scope(*number))
                    })
                    .collect();
                assert_eq!(found(reader, region), expected, "{layout:?} {region:?}");
                let snapshot = reader.snapshot();
                let backward = snapshot.query(region).rev();
                let backward: Vec<_> = backward.map(|row| row.sequence().get()).collect();
                assert!(
                    backward.iter().rev().eq(&expected),
                    "{layout:?} {region:?} backward"
                );
                assert_eq!(snapshot.query(region).count(), expected.len());
            }
        });
    }
}

#[test]
fn names_go_on_past_one_piece() {
    for layout in LAYOUTS {
        let (mut writer, _) = channel_with(layout);
        for number in 0..700 {
            insert(
                &mut writer,
                &format!("e:{number:03}"),
                &format!("s{number:03}"),
            );
        }
        publish(&writer);
        let expected = |letter: &str| -> Vec<_> {
            let names = (0..700).map(|number| (format!("{letter}{number:03}"), 1));
            names.collect()
        };
        in_every_form(&mut writer, |reader| {
            let snapshot = reader.snapshot();
            let names: Vec<_> = snapshot.entities("e:").collect();
            assert_eq!(names, expected("e:"));
            let scopes: Vec<_> = snapshot.scopes("").collect();
            assert_eq!(scopes, expected("s"));
        });
        insert(&mut writer, "e:unpublished", "unpublished");
        let snapshot = writer.reader().snapshot();
        assert_eq!(snapshot.entities("e:").count(), 700);
        assert_eq!(snapshot.scopes("").count(), 700);
    }
}

#[test]
fn names_go_on_after_a_name_that_need_not_be_one() {
    let (mut writer, _) = index(&[("a", "s"), ("b:1", "s"), ("b:2", "s"), ("c", "s")]);
    let check = |reader: &IndexReader| {
        for (after, expected) in [
            ("0", &["b:1", "b:2"][..]),
            ("b", &["b:1", "b:2"]),
            ("b:1", &["b:2"]),
            ("b:11", &["b:2"]),
            ("b:2", &[]),
            ("c", &[]),
        ] {
            let snapshot = reader.snapshot();
            let names = snapshot.entities("b").after(after);
            let names: Vec<_> = names.map(|(name, _)| name).collect();
            assert_eq!(names, expected, "after {after}");
        }
    };
    in_every_form(&mut writer, check);
}

#[test]
fn a_category_beyond_fifteen_takes_nothing() {
    let (_writer, reader) = index(&[("e", "s")]);
    assert_eq!(found(&reader, &Region::all().category(1)), [0]);
    assert_eq!(found(&reader, &Region::all().category(17)), [0; 0]);
}

#[test]
fn links_are_followed_by_id() {
    let (mut writer, _) = index(&[("e", "s"), ("e", "s")]);
    let links = [(0, Some(0)), (2, None), (2, Some(3)), (9, Some(9))];
    for (correlation, causation) in links {
        let number = writer.reserve(1).unwrap().get();
        let row = Row {
            correlation: id(correlation),
            causation: causation.map(id),
            ..row(&mut writer, number, "e", "s")
        };
        writer.insert(&row).unwrap();
    }
    publish(&writer);
    let check = |reader: &IndexReader| {
        let correlated = |number| found(reader, &Region::all().correlation(id(number)));
        let caused_by = |number| found(reader, &Region::all().caused_by(id(number)));
        let causes = |number| {
            let snapshot = reader.snapshot();
            let causes = snapshot.causes(id(number));
            causes.map(|row| row.sequence().get()).collect::<Vec<_>>()
        };
        assert_eq!(correlated(0), [0, 2], "an event belongs to itself");
        assert_eq!(correlated(1), [1]);
        assert_eq!(correlated(2), [3, 4], "unless it belongs to another");
        assert_eq!(correlated(9), [5], "which need not be there");
        assert_eq!((caused_by(0), caused_by(3)), (vec![2], vec![4]));
        assert_eq!(causes(4), [4, 3]);
        assert_eq!(causes(5), [5], "its cause is not there");
        assert_eq!(causes(7), [0; 0]);
    };
    in_every_form(&mut writer, check);
}

#[test]
fn causes_that_go_round_in_a_circle_end() {
    let (mut writer, reader) = channel();
    for (number, cause) in [(0, 1), (1, 0)] {
        writer.reserve(1).unwrap();
        let row = Row {
            causation: Some(id(cause)),
            ..row(&mut writer, number, "e", "s")
        };
        writer.insert(&row).unwrap();
    }
    publish(&writer);
    assert_eq!(reader.snapshot().causes(id(0)).count(), 2);
}
