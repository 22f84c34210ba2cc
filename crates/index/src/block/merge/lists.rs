//! The lists of rows by key of a merged block, and its tags. As inputs follow each other, so do their
//! rows in the list of a key.

use super::by_key::Lists;
use super::columns::all_rows;
use super::input::Input;
use super::members::{Member, Members};
use super::names::{Names, names_of, write_names};
use super::out::Out;
use super::sink::MergeError;
use crate::block::format::Section;
use crate::model::{BlockError, IndexLayout, NameSort};

/// Where the rows of each key end: how many each of its members has, added up.
fn ends(walk: impl Iterator<Item = Member>, lists: &[Lists<'_>]) -> impl Iterator<Item = u64> {
    let mut end = 0;
    walk.filter_map(move |member| {
        let rows = lists.get(member.source)?.positions(member.place);
        end += rows.len() as u64;
        member.is_last.then_some(end)
    })
}

/// The rows of each key after those of the one before.
fn rows<'l>(
    walk: impl Iterator<Item = Member>,
    lists: &'l [Lists<'_>],
) -> impl Iterator<Item = u64> {
    walk.filter_map(|member| Some((lists.get(member.source)?, member.place)))
        .flat_map(|(list, place): (&'l Lists<'_>, u32)| list.rows(place))
}

/// Writes the lists of a sort of names whose every row has one.
fn write_of(
    inputs: &[Input<'_>],
    members: &Members,
    sort: NameSort,
    out: &mut Out<'_>,
) -> Result<(), MergeError> {
    let sections = Section::rows_of(sort);
    let lists: Vec<_> = match sort {
        NameSort::Scope => inputs.iter().map(Input::by_scope).collect(),
        _ => inputs.iter().map(Input::by_entity).collect(),
    };
    let walk = || members.walk(inputs.iter().map(|input| input.used(sort)));
    out.numbers(sections.0, || ends(walk(), &lists))?;
    out.numbers_within(sections.1, all_rows(out), rows(walk(), &lists))
}

/// Writes the lists by entity, and those by scope and kind if the layout has them.
pub(super) fn write_lists(
    inputs: &[Input<'_>],
    names: &Names,
    out: &mut Out<'_>,
) -> Result<(), MergeError> {
    write_of(inputs, &names.entities, NameSort::Entity, out)?;
    let sections = (Section::KindRowEnds, Section::KindRows);
    if out.header.layout != IndexLayout::Postings {
        for section in [
            Section::ScopeRowEnds,
            Section::ScopeRows,
            sections.0,
            sections.1,
        ] {
            out.leave_out(section)?;
        }
        return Ok(());
    }
    write_of(inputs, &names.scopes, NameSort::Scope, out)?;
    write_kinds(inputs, names, out)
}

/// Writes the lists by kind.
fn write_kinds(inputs: &[Input<'_>], names: &Names, out: &mut Out<'_>) -> Result<(), MergeError> {
    let lists: Vec<_> = inputs.iter().map(Input::by_kind).collect();
    // The place of each kind in each input, of those that have it.
    let maps: Vec<_> = inputs
        .iter()
        .map(|input| {
            let map = names.kind_map(input);
            input
                .kinds
                .places()
                .map(move |own| (own, map.get(own as usize).copied()))
        })
        .map(Iterator::collect::<Vec<_>>)
        .collect();
    let place = |input: usize, kind: u32| {
        let map = maps.get(input)?;
        let at = map.partition_point(|(_, other)| *other < Some(kind));
        let (own, other) = map.get(at)?;
        (*other == Some(kind)).then_some(*own)
    };
    let of_kind = |kind: u32| {
        let lists = lists.iter().enumerate();
        lists.filter_map(move |(at, list)| Some((list, place(at, kind)?)))
    };
    let kinds = 0..out.header.counts.kinds;
    out.numbers(Section::KindRowEnds, || {
        kinds.clone().scan(0, |end, kind| {
            let rows = of_kind(kind).map(|(list, place)| list.positions(place).len() as u64);
            *end += rows.sum::<u64>();
            Some(*end)
        })
    })?;
    let rows = kinds
        .clone()
        .flat_map(of_kind)
        .flat_map(|(list, place)| list.rows(place));
    out.numbers_within(Section::KindRows, all_rows(out), rows)
}

/// Tags of a merged block: which inputs have which.
pub(super) fn write_tags(inputs: &[Input<'_>], out: &mut Out<'_>) -> Result<Members, MergeError> {
    let members = names_of(inputs, NameSort::Tag, out)?;
    let (row_ends, list) = Section::rows_of(NameSort::Tag);
    let lists: Vec<_> = inputs.iter().map(Input::by_tag).collect();
    let walk = || members.walk(inputs.iter().map(|input| &input.tags));
    let tagged = ends(walk(), &lists).last().unwrap_or_default();
    out.header.counts.tags = members.count();
    out.header.counts.tagged =
        u32::try_from(tagged).map_err(|_| BlockError::TooManyRows { rows: tagged })?;
    write_names(inputs, &members, NameSort::Tag, out)?;
    out.numbers(row_ends, || ends(walk(), &lists))?;
    out.numbers(list, || rows(walk(), &lists))?;
    Ok(members)
}
