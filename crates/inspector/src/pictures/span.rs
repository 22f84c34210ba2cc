//! A line from nothing to an end: parts that join, and marks on it.

use super::stack::Part;
use maud::{Markup, html};

const WIDTH: u64 = 1000;

/// A place on a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) at: u64,
    /// The class that gives it its colour.
    pub(crate) class: &'static str,
}

/// A line of parts, one after the other, up to `end`, with marks on it. A part that is not nothing can be seen.
pub(crate) fn span_line(parts: &[Part], marks: &[Mark], end: u64) -> Markup {
    let scaled = |value: u64| {
        let scaled = u128::from(value) * u128::from(WIDTH) / u128::from(end.max(1));
        u64::try_from(scaled).unwrap_or(WIDTH).min(WIDTH)
    };
    let mut at = 0_u64;
    html! {
        svg .span viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for part in parts {
                @let first = scaled(at).min(WIDTH - 4);
                @let last = { at = at.saturating_add(part.value); scaled(at) };
                @if part.value > 0 {
                    rect class=(part.class) x=(first) y="6" width=(last.saturating_sub(first).max(4)) height="8" {}
                }
            }
            @for mark in marks {
                rect class={ "mark " (mark.class) } x=(scaled(mark.at).min(WIDTH - 2)) y="0" width="2" height="20" {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_part_can_be_seen_and_marks_stand_where_they_are() {
        let part = |value, class| Part { value, class };
        let parts = [part(1 << 40, "p1"), part(1, "p4"), part(0, "p0")];
        let mark = Mark {
            at: 1 << 39,
            class: "p1",
        };
        let drawn = span_line(&parts, &[mark], (1 << 40) + 1).into_string();
        assert!(
            drawn.contains("class=\"p4\" x=\"996\" y=\"6\" width=\"4\""),
            "{drawn}"
        );
        assert!(drawn.contains("class=\"mark p1\" x=\"499\""), "{drawn}");
        assert!(!drawn.contains("p0"), "{drawn}");
    }
}
