//! Bars side by side, each a link: a rate over time.

use maud::{Markup, html};

/// How high the picture is, in its own units.
const HEIGHT: u64 = 100;
/// How wide a bar is, with what is between it and the next.
const WIDTH: u64 = 10;

/// A bar.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) value: u64,
    /// Where it leads.
    pub(crate) href: String,
    /// What it says where it is pointed at.
    pub(crate) title: String,
}

/// Bars of which the highest fills the height. One that is not nothing can be seen.
pub(crate) fn bars(bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or_default();
    let width = bars.len() as u64 * WIDTH;
    html! {
        svg .bars viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            @for (x, bar) in (0..).step_by(10).zip(bars) {
                @let height = height_of(bar.value, most);
                a href=(bar.href) tabindex="-1" {
                    title { (bar.title) }
                    rect .hit x=(x) y="0" width=(WIDTH) height=(HEIGHT) {}
                    @if height > 0 {
                        rect .bar x=(x + 1) y=(HEIGHT - height) width=(WIDTH - 2) height=(height) {}
                    }
                }
            }
        }
    }
}

fn height_of(value: u64, most: u64) -> u64 {
    match (value, most) {
        (0, _) | (_, 0) => 0,
        _ => {
            let height = u128::from(value) * u128::from(HEIGHT) / u128::from(most);
            u64::try_from(height).unwrap_or(HEIGHT).max(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_fills_the_height_and_the_smallest_can_be_seen() {
        assert_eq!(
            [
                height_of(0, 9),
                height_of(1, u64::MAX),
                height_of(u64::MAX, u64::MAX)
            ],
            [0, 2, HEIGHT]
        );
        let bar = |value| Bar {
            value,
            href: "/?a=\"b\"".to_owned(),
            title: "<script>".to_owned(),
        };
        let drawn = bars(&[bar(1), bar(0)]).into_string();
        assert!(
            drawn.contains("&lt;script&gt;") && drawn.contains("a=&quot;b&quot;"),
            "{drawn}"
        );
        assert_eq!(drawn.matches("class=\"bar\"").count(), 1);
    }
}
