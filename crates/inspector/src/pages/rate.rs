//! A rate over time, with what zooms it.

use crate::asked::Asked;
use crate::pictures::{Bar, bars};
use crate::text::{count, span, time, time_short};
use crate::views::Rate;
use maud::{Markup, html};

/// A rate over time. Each bar leads to its time, and so does whatever is drawn over with the pointer.
pub(super) fn rate(rate: &Rate, path: &str, asked: &Asked) -> Markup {
    let to = |from: u64, until: u64| {
        let (from, until) = (from.to_string(), until.to_string());
        let other = [
            ("since", Some(&*from)),
            ("until", Some(&*until)),
            ("before", None),
            ("after", None),
        ];
        asked.with(&other).at(path)
    };
    let (from_ms, to_ms) = (rate.from_ms, rate.to_ms());
    let drawn: Vec<_> = (0_u64..)
        .zip(&rate.counts)
        .map(|(part, events)| {
            let first = from_ms.saturating_add(part.saturating_mul(rate.step_ms));
            let end = first.saturating_add(rate.step_ms);
            Bar {
                value: *events,
                href: to(first, end),
                title: format!("{} – {}: {} events", time(first), time(end), count(*events)),
            }
        })
        .collect();
    let most = rate.counts.iter().copied().max().unwrap_or_default();
    let length = to_ms - from_ms;
    let is_zoomed = asked.one("since").is_some() || asked.one("until").is_some();
    let quarter = length / 4;
    html! {
        figure .rate data-from=(from_ms) data-to=(to_ms) data-zoom=(to(0, 0)) {
            figcaption {
                strong { (count(rate.total())) " events" }
                span .dim { " per " (span(rate.step_ms)) ", at most " (count(most)) }
                @if !rate.is_complete { span .warn { " · not all were counted in time, the newest were" } }
                nav aria-label="Zoom" {
                    a href=(to(from_ms.saturating_sub(quarter * 2), to_ms.saturating_sub(quarter * 2))) title="Half a width earlier" { "←" }
                    a href=(to(from_ms + quarter, to_ms - quarter)) title="The middle half" { "+" }
                    a href=(to(from_ms.saturating_sub(length / 2), to_ms.saturating_add(length / 2))) title="Twice as much" { "−" }
                    a href=(to(from_ms.saturating_add(quarter * 2), to_ms.saturating_add(quarter * 2))) title="Half a width later" { "→" }
                    @if is_zoomed {
                        a href=(asked.with(&[("since", None), ("until", None), ("before", None), ("after", None)]).at(path)) { "all" }
                    }
                }
            }
            div .plot { (bars(&drawn)) div .selection hidden {} }
            div .axis aria-hidden="true" {
                @for quarter in 0..=4_u64 {
                    span { (time_short(from_ms + length / 4 * quarter, length)) }
                }
            }
        }
    }
}
