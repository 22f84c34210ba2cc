//! A row of fields, each darker the more it stands for.

use maud::{Markup, html};

/// How many shades there are beside none.
const SHADES: u64 = 8;

/// A row of fields; `most` is what the darkest of all rows stands for.
pub(crate) fn heat(values: &[u64], most: u64) -> Markup {
    let width = values.len() * 10;
    html! {
        svg .heat viewBox={ "0 0 " (width) " 10" } preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (x, value) in (0..).step_by(10).zip(values) {
                @if *value > 0 {
                    rect class={ "h" (shade(*value, most)) } x=(x) y="0" width="9" height="10" {}
                }
            }
        }
    }
}

/// The shade of a value, from 1 on: each stands for as many times the values of the one before.
fn shade(value: u64, most: u64) -> u64 {
    let bits = |value: u64| u64::from(u64::BITS - value.leading_zeros());
    let (own, all) = (bits(value), bits(most).max(1));
    (own * SHADES).div_ceil(all).clamp(1, SHADES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_the_most_is_darkest() {
        assert_eq!(
            [shade(1, 1), shade(1, 1 << 40), shade(u64::MAX, u64::MAX)],
            [8, 1, 8]
        );
        assert!(shade(10, 1_000) < shade(500, 1_000));
        assert_eq!(
            heat(&[0, 3, 0], 3).into_string().matches("<rect").count(),
            1
        );
    }
}
