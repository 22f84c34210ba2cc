//! The names, coordinates and kinds of a merged block: which inputs have which, and their sections but
//! for the lists of rows by each.

use super::input::Input;
use super::members::{Member, Members};
use super::ordered::Ordered;
use super::out::Out;
use super::sink::MergeError;
use crate::block::format::{Packed, Section};
use crate::block::names::NameList;
use crate::model::NameSort;

/// Which inputs have which names and coordinates.
pub(super) struct Names {
    pub(super) entities: Members,
    pub(super) scopes: Members,
    pub(super) coordinates: Members,
    /// Of each input, the place among all of each of its scopes.
    pub(super) scope_maps: Vec<Vec<u32>>,
    /// The kinds, ascending.
    pub(super) kinds: Vec<u32>,
}

/// The names of a sort that the inputs have together.
pub(super) fn names_of(
    inputs: &[Input<'_>],
    sort: NameSort,
    out: &mut Out<'_>,
) -> Result<Members, MergeError> {
    let lists = inputs.iter().map(|input| {
        let mut names = input.block.names(sort);
        input
            .used(sort)
            .places()
            .map(move |place| names.bytes(place as usize))
    });
    Members::of(inputs.len(), Ordered::new(lists.collect()), out)
}

impl Names {
    pub(super) fn of(inputs: &[Input<'_>], out: &mut Out<'_>) -> Result<Self, MergeError> {
        let entities = names_of(inputs, NameSort::Entity, out)?;
        let scopes = names_of(inputs, NameSort::Scope, out)?;
        let scope_maps: Vec<_> = inputs
            .iter()
            .enumerate()
            .map(|(at, input)| scopes.map_of(at, &input.scopes, input.block.header.counts.scopes))
            .collect();
        let coordinates = coordinates(inputs, &entities, &scope_maps, out)?;
        let mut kinds: Vec<u32> = Vec::new();
        for input in inputs {
            let own = input.block.numbers(Section::Kinds);
            kinds.extend(
                input
                    .kinds
                    .places()
                    .map(|place| own.get_u32(place as usize)),
            );
        }
        kinds.sort_unstable();
        kinds.dedup();
        let counts = &mut out.header.counts;
        counts.entities = entities.count();
        counts.scopes = scopes.count();
        counts.coordinates = coordinates.count();
        counts.kinds = u32::try_from(kinds.len()).unwrap_or(u32::MAX);
        Ok(Self {
            entities,
            scopes,
            coordinates,
            scope_maps,
            kinds,
        })
    }

    /// Writes names, coordinates and kinds.
    pub(super) fn write(&self, inputs: &[Input<'_>], out: &mut Out<'_>) -> Result<(), MergeError> {
        write_names(inputs, &self.entities, NameSort::Entity, out)?;
        write_names(inputs, &self.scopes, NameSort::Scope, out)?;
        let each = || {
            let places = inputs.iter().map(|input| &input.coordinates);
            self.coordinates
                .walk(places)
                .filter(|member| member.is_first)
        };
        out.numbers(Section::CoordinateEntities, || {
            let mut entities = entity_cursors(inputs, &self.entities);
            let places = inputs.iter().map(|input| &input.coordinates);
            let walk = self.coordinates.walk(places);
            // Each input is told of all its coordinates, so that it is where the next is.
            walk.filter_map(move |member| {
                let entity = entities.get_mut(member.source)?.place(member.place);
                member.is_first.then_some(u64::from(entity))
            })
        })?;
        let scopes: Vec<Packed<'_>> = inputs
            .iter()
            .map(|input| input.block.numbers(Section::CoordinateScopes))
            .collect();
        let scope = |member: Member| {
            let own = scopes.get(member.source)?.get_u32(member.place as usize);
            self.scope_maps.get(member.source)?.get(own as usize)
        };
        out.numbers(Section::CoordinateScopes, || {
            each().map(|member| scope(member).copied().map_or(0, u64::from))
        })?;
        out.numbers(Section::Kinds, || {
            self.kinds.iter().map(|kind| u64::from(*kind))
        })
    }

    /// The place of each kind of an input among all.
    pub(super) fn kind_map(&self, input: &Input<'_>) -> Vec<u32> {
        let own = input.block.numbers(Section::Kinds);
        let kinds = 0..input.block.header.counts.kinds;
        let place = |kind: u32| self.kinds.partition_point(|other| *other < kind);
        kinds
            .map(|at| u32::try_from(place(own.get_u32(at as usize))).unwrap_or(u32::MAX))
            .collect()
    }
}

/// Writes the names of a sort.
pub(super) fn write_names(
    inputs: &[Input<'_>],
    members: &Members,
    sort: NameSort,
    out: &mut Out<'_>,
) -> Result<(), MergeError> {
    let mut lists: Vec<NameList<'_>> = inputs.iter().map(|input| input.block.names(sort)).collect();
    let (ends, names) = Section::names_of(sort);
    out.numbers(ends, || {
        let walk = each_name(inputs, members, sort);
        let mut lists = lists.clone();
        walk.scan(0_u64, move |end, member| {
            let list = lists.get_mut(member.source)?;
            *end += list.bytes(member.place as usize).len() as u64;
            Some(*end)
        })
    })?;
    for member in each_name(inputs, members, sort) {
        let list = lists.get_mut(member.source);
        out.bytes(list.map_or(&[], |list| list.bytes(member.place as usize)))?;
    }
    out.end_bytes(names)
}

/// Each name of a sort once, in the first input that has it.
pub(super) fn each_name<'m>(
    inputs: &'m [Input<'_>],
    members: &'m Members,
    sort: NameSort,
) -> impl Iterator<Item = Member> {
    let places = inputs.iter().map(move |input| input.used(sort));
    members.walk(places).filter(|member| member.is_first)
}

/// The coordinates that the inputs have together, by entity, then scope, as these are numbered among
/// all.
fn coordinates(
    inputs: &[Input<'_>],
    entities: &Members,
    scope_maps: &[Vec<u32>],
    out: &mut Out<'_>,
) -> Result<Members, MergeError> {
    let cursors = entity_cursors(inputs, entities).into_iter();
    let lists = inputs.iter().zip(cursors).zip(scope_maps);
    let lists = lists.map(|((input, mut entities), scopes)| {
        let own = input.block.numbers(Section::CoordinateScopes);
        input.coordinates.places().map(move |coordinate| {
            let scope = scopes.get(own.get_u32(coordinate as usize) as usize);
            (
                entities.place(coordinate),
                scope.copied().unwrap_or_default(),
            )
        })
    });
    Members::of(inputs.len(), Ordered::new(lists.collect()), out)
}

/// The entity of each coordinate of an input, as the entity is numbered among all, where coordinates
/// are asked for in order.
struct EntityCursor<'m> {
    own: Packed<'m>,
    /// The places of entities, in the block and among all.
    entities: Box<dyn Iterator<Item = (u32, u32)> + 'm>,
    at: Option<(u32, u32)>,
}

fn entity_cursors<'m>(inputs: &'m [Input<'_>], entities: &'m Members) -> Vec<EntityCursor<'m>> {
    let cursors = inputs.iter().enumerate().map(|(source, input)| {
        let places = input.entities.places().zip(entities.places_of(source));
        EntityCursor {
            own: input.block.numbers(Section::CoordinateEntities),
            entities: Box::new(places),
            at: None,
        }
    });
    cursors.collect()
}

impl EntityCursor<'_> {
    #[inline]
    fn place(&mut self, coordinate: u32) -> u32 {
        let wanted = self.own.get_u32(coordinate as usize);
        while self.at.is_none_or(|(own, _)| own < wanted) {
            match self.entities.next() {
                Some(next) => self.at = Some(next),
                None => break,
            }
        }
        self.at.map_or(0, |(_, place)| place)
    }
}
