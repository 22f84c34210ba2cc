//! Which figures are drawn.

/// Whether a figure is drawn: of a work's percentiles, those but the 99th say what the rate says
/// already, or what a single event took.
pub(super) fn is_drawn(work: &str) -> bool {
    let (_, last) = work.rsplit_once('/').unwrap_or(("", work));
    !matches!(last, "p50" | "p99.9" | "max")
}
