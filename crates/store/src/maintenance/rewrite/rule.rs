//! What was asked for as one line, as the log records it.

use std::fmt;
use strandline_core::{EntityFilter, KindRange, Query, Region, Span, rfc3339};

/// Writes the parts of a rule one after the other.
pub(super) fn write_rule(
    f: &mut fmt::Formatter<'_>,
    parts: impl Iterator<Item = String>,
) -> fmt::Result {
    for (number, part) in parts.enumerate() {
        f.write_str(if number == 0 { "" } else { ", " })?;
        f.write_str(&part)?;
    }
    Ok(())
}

/// The regions of a query, one after the other.
pub(super) fn query_text(query: &Query) -> String {
    let regions: Vec<_> = query.regions().iter().map(region_text).collect();
    regions.join(", or ")
}

/// What a region asks for. Kinds are given by their numbers, unless it is not known yet which a name means.
pub(super) fn region_text(region: &Region) -> String {
    let mut parts = Vec::new();
    match region.entity_filter() {
        EntityFilter::Exact(name) => parts.push(format!("entity {name}")),
        EntityFilter::Prefix(prefix) => parts.push(format!("entities {prefix}…")),
        _ => {}
    }
    parts.extend(region.scope_filter().map(|scope| format!("scope {scope}")));
    let tags = region.tag_filter().iter();
    parts.extend(tags.map(|tag| format!("tag {tag}")));
    if let Some(any) = region.any_tag_filter() {
        parts.push(format!("a tag of {}", any.join(" | ")));
    }
    if !region.kind_names().is_empty() {
        parts.push(format!("kind {}", region.kind_names().join(" | ")));
    } else if !region.kind_set().is_all() {
        let kinds = region.kind_set().ranges().iter().map(kinds_text);
        parts.push(format!("kind {}", kinds.collect::<Vec<_>>().join(" | ")));
    }
    let clock = region.clock_span();
    if !clock.is_all() {
        parts.push(format!("clock {} to {}", clock.first, clock.last));
    }
    let sequence = region.sequence_span();
    if !sequence.is_all() {
        parts.push(format!(
            "sequence {}",
            span_text(sequence, |number| number.to_string())
        ));
    }
    let times = region.wall_ms_span();
    if !times.is_all() {
        parts.push(format!("time {}", span_text(times, rfc3339)));
    }
    let correlation = region.correlation_filter();
    parts.extend(correlation.map(|id| format!("correlation {id}")));
    let causation = region.causation_filter();
    parts.extend(causation.map(|id| format!("caused by {id}")));
    match parts.is_empty() {
        true => "every event".to_owned(),
        false => parts.join(" and "),
    }
}

fn kinds_text(range: &KindRange) -> String {
    match range.first == range.last {
        true => range.first.to_string(),
        false => format!("{} to {}", range.first, range.last),
    }
}

/// The ends that a span has.
fn span_text(span: Span<u64>, text: impl Fn(u64) -> String) -> String {
    match (span.first, span.last) {
        (first, last) if first == last => text(first),
        (0, last) => format!("to {}", text(last)),
        (first, u64::MAX) => format!("from {}", text(first)),
        (first, last) => format!("{} to {}", text(first), text(last)),
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use strandline_core::{EventId, EventKind};

    #[test]
    fn a_query_says_all_that_it_asks_for() {
        let region = Region::all()
            .entity("user:7")
            .scope("eu")
            .tag("vip")
            .any_tag(["a", "b"])
            .kind(EventKind::new(1, 2))
            .clock(1..3)
            .sequence(5..)
            .wall_ms(..1000)
            .correlation(EventId::from_u128(1))
            .caused_by(EventId::from_u128(2));
        let query = Query::from(region).or(Region::all().entity_prefix("user:").kind_named("x"));
        assert_eq!(
            query_text(&query),
            "entity user:7 and scope eu and tag vip and a tag of a | b and kind 0x1002 and clock 1 to 2 \
             and sequence from 5 and time to 1970-01-01T00:00:00.999Z \
             and correlation 00000000-0000-0000-0000-000000000001 \
             and caused by 00000000-0000-0000-0000-000000000002, or entities user:… and kind x"
        );
        assert_eq!(region_text(&Region::all()), "every event");
        assert_eq!(
            region_text(&Region::all().category(2)),
            "kind 0x2000 to 0x2fff"
        );
        assert_eq!(region_text(&Region::all().sequence(7..8)), "sequence 7");
        assert_eq!(
            region_text(&Region::all().sequence(7..9)),
            "sequence 7 to 8"
        );
    }
}
