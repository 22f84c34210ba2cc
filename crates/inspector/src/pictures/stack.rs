//! A bar of several parts, one after the other: what a file is made of.

use maud::{Markup, html};

/// A part of a bar.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) value: u64,
    /// The class that gives it its colour.
    pub(crate) class: &'static str,
}

/// Parts of a bar that would be full at `whole`.
pub(crate) fn stack(parts: &[Part], whole: u64) -> Markup {
    let scaled = |value: u64| {
        let scaled = u128::from(value) * 1000 / u128::from(whole.max(1));
        u64::try_from(scaled).unwrap_or(1000).min(1000)
    };
    let mut end = 0_u64;
    html! {
        svg .stack viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for part in parts {
                @let first = scaled(end);
                @let last = { end = end.saturating_add(part.value); scaled(end) };
                @if last > first {
                    rect class=(part.class) x=(first) y="0" width=(last - first) height="10" {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_join_and_end_with_the_whole() {
        let part = |value| Part { value, class: "a" };
        let drawn = stack(&[part(1), part(0), part(2)], 3).into_string();
        assert!(drawn.contains("x=\"0\" y=\"0\" width=\"333\""), "{drawn}");
        assert!(drawn.contains("x=\"333\" y=\"0\" width=\"667\""), "{drawn}");
        assert_eq!(drawn.matches("<rect").count(), 2);
    }
}
