//! Rules of a region query: its answers, their order, and its plan.

use crate::*;
use strandline_index::{PlanKey, RowView};

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
    let plan = reader
        .snapshot()
        .explain(&all().entity("e:0").scope("rare"));
    assert_eq!(
        plan.to_string(),
        "rows of one scope: 2 candidates, filtered"
    );
}

#[test]
fn queries_agree_where_lists_span_many_pieces_and_chunks() {
    let (mut writer, reader) = channel();
    for number in 0..10_000_u64 {
        insert(&mut writer, &format!("e:{}", number % 7), "s");
    }
    publish(&writer);
    let snapshot = reader.snapshot();
    for region in [
        Region::all().wall_ms(1..),
        Region::all().scope("s").wall_ms(1..),
        Region::all().entity("e:3"),
        Region::all().entity_prefix("e:3"),
        Region::all().entity_prefix("e:").sequence(..9000),
    ] {
        let expected: Vec<_> = (0..10_000_u64)
            .filter(|number| {
                let entity = format!("e:{}", number % 7);
                let clock = u32::try_from(number / 7).unwrap();
                region.matches_numbers(KIND, clock, sequence(*number), *number)
                    && region.matches_names(&entity, "s")
            })
            .collect();
        assert_eq!(found(&reader, &region), expected, "{region:?}");
        let mut backward: Vec<_> = snapshot.query(&region).rev().collect();
        backward.reverse();
        let backward: Vec<_> = backward.iter().map(|row| row.sequence().get()).collect();
        assert_eq!(backward, expected, "{region:?}");
    }
}

#[test]
fn names_go_on_past_one_piece() {
    let (mut writer, reader) = channel();
    for number in 0..700 {
        insert(&mut writer, &format!("e:{number:03}"), "s");
    }
    publish(&writer);
    insert(&mut writer, "e:unpublished", "s");
    let names: Vec<_> = reader.snapshot().entities("e:").collect();
    let expected: Vec<_> = (0..700)
        .map(|number| (format!("e:{number:03}"), 1))
        .collect();
    assert_eq!(names, expected);
}

#[test]
fn names_go_on_after_a_name_that_need_not_be_one() {
    let (mut writer, reader) = index(&[("a", "s"), ("b:1", "s"), ("b:2", "s"), ("c", "s")]);
    let check = || {
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
    check();
    let sealed = writer.seal().unwrap().unwrap();
    check();
    let bytes = reader.snapshot().export(sealed);
    reader.replace(Block::from_vec(bytes).unwrap()).unwrap();
    check();
}

#[test]
fn a_category_beyond_fifteen_takes_nothing() {
    let (_writer, reader) = index(&[("e", "s")]);
    assert_eq!(found(&reader, &Region::all().category(1)), [0]);
    assert_eq!(found(&reader, &Region::all().category(17)), [0; 0]);
}
