//! The links of a merged block. A linked row has a place in the list of them; the places of an input
//! follow those of the inputs before it.

use super::input::Input;
use super::ordered::Ordered;
use super::out::Out;
use super::sink::MergeError;
use crate::block::column::id_at;
use crate::block::format::Section;
use std::ops::Range;
use strandline_core::EventId;

/// Length of an id.
const ID_BYTES: usize = 16;

/// Writes the linked rows, what each is linked to, and their places by that.
pub(super) fn write_links(inputs: &[Input<'_>], out: &mut Out<'_>) -> Result<(), MergeError> {
    let mut links = 0_u64;
    let places: Vec<Places> = inputs
        .iter()
        .map(|input| {
            let before = links;
            links += input.links.len() as u64;
            Places {
                own: input.links.clone(),
                before,
            }
        })
        .collect();
    // Not more than rows.
    out.header.counts.links = u32::try_from(links).unwrap_or(u32::MAX);
    let numbers = |section| {
        move || {
            inputs.iter().flat_map(move |input| {
                let numbers = input.block.numbers(section);
                let links = input.links.clone();
                links.map(move |at| (input, numbers.get_u32(at as usize)))
            })
        }
    };
    out.numbers(Section::LinkRows, || {
        numbers(Section::LinkRows)().map(|(input, row)| input.merged(row))
    })?;
    for section in [Section::Correlations, Section::Causations] {
        for input in inputs {
            out.bytes(input.bytes(section, &input.links, ID_BYTES))?;
        }
        out.end_bytes(section)?;
    }
    let caused = || numbers(Section::Caused)().map(|(_, caused)| u64::from(caused));
    out.numbers(Section::Caused, caused)?;
    let places_caused = || (0..).zip(caused()).filter(|(_, caused)| *caused == 1);
    let (mut count, mut bounds) = (0_u64, None);
    for (place, _) in places_caused() {
        bounds = Some((bounds.map_or(place, |(least, _)| least), place));
        count += 1;
    }
    out.header.counts.caused = u32::try_from(count).unwrap_or(u32::MAX);
    let all = (0, links.saturating_sub(1));
    let by_id = ordered(
        inputs,
        &places,
        Section::ByCorrelation,
        Section::Correlations,
    );
    out.numbers_within(Section::ByCorrelation, all, by_id)?;
    let by_id = ordered(inputs, &places, Section::ByCausation, Section::Causations);
    out.numbers_within(Section::ByCausation, bounds.unwrap_or_default(), by_id)
}

/// Which places of an input are merged, and how many are before them.
struct Places {
    own: Range<u32>,
    before: u64,
}

/// The places by ascending id, then place, of those that an order of each input has.
fn ordered<'i>(
    inputs: &'i [Input<'_>],
    places: &'i [Places],
    order: Section,
    ids: Section,
) -> impl Iterator<Item = u64> + 'i {
    let lists = inputs.iter().zip(places).map(move |(input, places)| {
        let counts = &input.block.header.counts;
        let numbers = input.block.numbers(order);
        let ids = input.block.section(ids);
        let listed = 0..counts.numbers(order).unwrap_or_default();
        listed
            .map(move |at| numbers.get_u32(at as usize))
            .filter(|place| places.own.contains(place))
            .map(move |place| -> (EventId, u64) {
                let own = u64::from(place - places.own.start);
                (id_at(ids, place as usize), own + places.before)
            })
    });
    let ordered = Ordered::new(lists.collect());
    ordered.map(|((_, place), _)| place)
}
