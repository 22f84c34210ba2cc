//! A line through values over time.

use maud::{Markup, html};
use std::fmt::Write as _;

const WIDTH: u64 = 1000;
const HEIGHT: u64 = 100;

/// A line through points of time and value, from the first time to the last.
pub(crate) fn line(points: &[(u64, u64)]) -> Markup {
    let first = points.first().map_or(0, |(at, _)| *at);
    let last = points.last().map_or(0, |(at, _)| *at);
    let most = points
        .iter()
        .map(|(_, value)| *value)
        .max()
        .unwrap_or_default();
    let mut path = String::new();
    for (at, value) in points {
        let x = scaled(at.saturating_sub(first), last.saturating_sub(first), WIDTH);
        let y = HEIGHT - scaled(*value, most, HEIGHT);
        let _ = write!(path, "{x},{y} ");
    }
    html! {
        svg .line viewBox={ "0 -2 " (WIDTH) " " (HEIGHT + 4) } preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            polyline points=(path.trim_end()) {}
        }
    }
}

fn scaled(value: u64, most: u64, to: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(to) / u128::from(most.max(1));
    u64::try_from(scaled).unwrap_or(to).min(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_goes_from_the_first_time_to_the_last() {
        let drawn = line(&[(5, 0), (6, 10), (7, 5)]).into_string();
        assert!(drawn.contains("points=\"0,100 500,0 1000,50\""), "{drawn}");
        assert!(line(&[]).into_string().contains("points=\"\""));
    }
}
