//! `Axis`: which range of figures is drawn, on which scale, and where its ticks are.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// How figures are spread over an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    Logarithmic,
}

/// An axis that holds a range of figures.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    scale: Scale,
    range: Range<f64>,
}

impl Axis {
    /// The axis that holds figures from `low` to `high`, with some room at the ends; a linear one
    /// begins at 0.
    pub(super) fn new(scale: Scale, low: f64, high: f64) -> Self {
        let range = match scale {
            Scale::Linear => 0.0..high * 1.1,
            Scale::Logarithmic => low / 1.25..high * 1.25,
        };
        Self { scale, range }
    }

    /// Its least figure.
    pub(super) fn start(&self) -> f64 {
        self.range.start
    }

    /// Its greatest.
    pub(super) fn end(&self) -> f64 {
        self.range.end
    }

    /// The figures of the ticks: 1, 2 and 5 times powers of ten, or at these alone where the
    /// others would crowd.
    fn ticks(&self) -> Vec<f64> {
        let (start, end) = (self.range.start, self.range.end);
        match self.scale {
            Scale::Linear => {
                let step = step(end / 6.0);
                let count = (end / step).floor() as u32;
                (0..=count).map(|n| f64::from(n) * step).collect()
            }
            Scale::Logarithmic => {
                let factors: &[f64] = match end / start {
                    spread if spread > 1000.0 => &[1.0],
                    _ => &[1.0, 2.0, 5.0],
                };
                let powers = start.log10().floor() as i32..=end.log10().ceil() as i32;
                let all = powers.flat_map(|power| factors.iter().map(move |f| (f, power)));
                all.map(|(factor, power)| factor * 10_f64.powi(power))
                    .filter(|tick| self.range.contains(tick))
                    .collect()
            }
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, figure: &f64, (first, last): (i32, i32)) -> i32 {
        let place = |figure: f64| match self.scale {
            Scale::Linear => figure,
            Scale::Logarithmic => figure.log10(),
        };
        let start = place(self.range.start);
        let part = (place(*figure) - start) / (place(self.range.end) - start);
        first + (part * f64::from(last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        self.ticks()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(figure: &f64) -> String {
        short(*figure)
    }
}

/// The least of 1, 2 and 5 times the powers of ten that is at least `least`.
fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|factor| factor * power);
    let enough = steps.into_iter().find(|step| *step >= least);
    enough.unwrap_or(10.0 * power)
}

/// A figure in short: `0.5`, `20 k`, `1 M`.
pub(super) fn short(figure: f64) -> String {
    let (figure, suffix) = match figure {
        figure if figure >= 1e6 => (figure / 1e6, " M"),
        figure if figure >= 1e3 => (figure / 1e3, " k"),
        figure => (figure, ""),
    };
    // A tick is a product, so it is rounded to what was meant.
    let text = format!("{figure:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(scale: Scale, low: f64, high: f64) -> Vec<String> {
        let ticks = Axis::new(scale, low, high).ticks();
        ticks.into_iter().map(short).collect()
    }

    #[test]
    fn ticks_are_round_figures_within_the_axis() {
        let decade = ticks(Scale::Logarithmic, 1e5, 1e6);
        assert_eq!(decade, ["100 k", "200 k", "500 k", "1 M"]);
        let decades = ticks(Scale::Logarithmic, 0.05, 400.0);
        assert_eq!(decades, ["0.1", "1", "10", "100"]);
        let linear = ticks(Scale::Linear, 70.0, 280.0);
        assert_eq!(linear, ["0", "100", "200", "300"]);
    }

    #[test]
    fn a_single_figure_has_an_axis() {
        assert_eq!(ticks(Scale::Logarithmic, 10.0, 10.0), ["10"]);
    }
}
