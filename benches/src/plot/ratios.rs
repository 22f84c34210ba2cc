//! `ratios.svg`: how many times better Strandline is than each peer, for each work.

use super::axis::{Axis, Scale, short};
use super::choice::is_drawn;
use super::style::{self, COLOURS, Canvas, FAINT_INK, GRID, INK, Marker, Side};
use crate::report::advantage;
use crate::results::{Results, Row, Unit};
use crate::systems::STRANDLINE;
use anyhow::Context;
use plotters::prelude::*;
use std::path::{Path, PathBuf};

/// A system that Strandline is compared with, and how it looks.
pub(super) struct Peer {
    pub(super) name: &'static str,
    colour: RGBColor,
    marker: Marker,
}

const fn peer(name: &'static str, colour: RGBColor, marker: Marker) -> Peer {
    Peer {
        name,
        colour,
        marker,
    }
}

/// The peers, in the order of the legend.
pub(super) const PEERS: [Peer; 5] = [
    peer("batpak", COLOURS[0], Marker::Circle),
    peer("sqlite", COLOURS[3], Marker::Square),
    peer("redb", COLOURS[2], Marker::TriangleUp),
    peer("fjall", COLOURS[4], Marker::Diamond),
    peer("umadb", COLOURS[6], Marker::TriangleDown),
];

/// A work and its advantages over peers.
struct Compared<'a> {
    work: &'a str,
    events: u64,
    advantages: Vec<(&'static Peer, f64)>,
}

/// Points from one work to the next.
const ROW_HEIGHT: i32 = 26;
/// Points above the first row and below the last.
const HEAD: i32 = 104;
const FOOT: i32 = 92;
const WIDTH: i32 = 900;

/// Draws the plot if there is a work that Strandline and a peer have.
pub(super) fn draw(
    results: &[Results],
    machine: &str,
    into: &Path,
) -> anyhow::Result<Option<PathBuf>> {
    let all = compared(results);
    if all.is_empty() {
        return Ok(None);
    }
    let path = into.join("ratios.svg");
    let height = HEAD + ROW_HEIGHT * i32::try_from(all.len())? + FOOT;
    let size = (u32::try_from(WIDTH)?, u32::try_from(height)?);
    let canvas = SVGBackend::new(&path, size).into_drawing_area();
    style::frame(
        &canvas,
        "How many times better Strandline is than its peers",
        machine,
    )?;
    legend(&canvas, &all)?;
    rows(&canvas, &all)?;
    canvas
        .present()
        .with_context(|| format!("write {}", path.display()))?;
    drop(canvas);
    Ok(Some(path))
}

/// What is compared, one entry a work, those of one kind together.
fn compared(results: &[Results]) -> Vec<Compared<'_>> {
    let mut all: Vec<Compared<'_>> = Vec::new();
    for results in results {
        let is_own = |row: &&Row| row.system == STRANDLINE.name && is_comparable(row);
        for own in results.rows.iter().filter(is_own) {
            let found = Compared {
                work: &own.work,
                events: own.events,
                advantages: advantages(&results.rows, own),
            };
            let rank = |compared: &Compared<'_>| (compared.advantages.len(), compared.events);
            match all.iter_mut().find(|known| known.work == own.work) {
                _ if found.advantages.is_empty() => {}
                // The number of events that most peers managed, and the greatest of these.
                Some(known) if rank(&found) >= rank(known) => *known = found,
                Some(_) => {}
                None => all.push(found),
            }
        }
    }
    let mut kinds: Vec<String> = Vec::new();
    for compared in &all {
        let kind = kind(compared.work);
        if !kinds.iter().any(|known| known == kind) {
            kinds.push(kind.to_owned());
        }
    }
    all.sort_by_key(|compared| kinds.iter().position(|known| known == kind(compared.work)));
    all
}

/// A part of a whole is neither fast nor small.
fn is_comparable(row: &Row) -> bool {
    row.unit != Unit::Ratio && is_drawn(&row.work)
}

fn advantages(rows: &[Row], own: &Row) -> Vec<(&'static Peer, f64)> {
    let of = |peer: &Peer| {
        rows.iter().rfind(|row| {
            row.system == peer.name
                && row.work == own.work
                && row.events == own.events
                && row.unit == own.unit
        })
    };
    PEERS
        .iter()
        .filter_map(|peer| Some((peer, advantage(own, of(peer)?))))
        .filter(|(_, advantage)| advantage.is_finite() && *advantage > 0.0)
        .collect()
}

/// The beginning of a work's name: `append`, `read`, `wide`.
fn kind(work: &str) -> &str {
    work.split('/').next().unwrap_or(work)
}

fn legend(canvas: &Canvas<'_>, all: &[Compared<'_>]) -> anyhow::Result<()> {
    let mut x = 24;
    for peer in &PEERS {
        let mut advantages = all.iter().flat_map(|compared| &compared.advantages);
        if advantages.any(|(other, _)| other.name == peer.name) {
            style::mark(canvas, (x, 54), peer.marker, peer.colour)?;
            style::write(canvas, peer.name, (x + 12, 54), Side::Right, INK)?;
            x += 44 + style::width(peer.name);
        }
    }
    Ok(())
}

fn rows(canvas: &Canvas<'_>, all: &[Compared<'_>]) -> anyhow::Result<()> {
    let common = most_common_events(all);
    let labels: Vec<_> = all.iter().map(|compared| label(compared, common)).collect();
    let widest = labels.iter().map(|label| style::width(label)).max();
    let figures = || all.iter().flat_map(|c| &c.advantages).map(|(_, f)| *f);
    let axis = Axis::new(
        Scale::Logarithmic,
        figures().fold(0.5, f64::min),
        figures().fold(2.0, f64::max),
    );
    let count = all.len() as f64;
    let mut chart = ChartBuilder::on(canvas)
        .margin_top(HEAD)
        .margin_bottom(FOOT - 56)
        .margin_left(24 + widest.unwrap_or(0))
        .margin_right(24)
        .x_label_area_size(56)
        .build_cartesian_2d(axis.clone(), count..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(("sans-serif", style::TEXT_SIZE).into_font().color(&INK))
        .x_label_formatter(&|figure| format!("{} x", short(*figure)))
        .x_desc(format!(
            "the peer's time or size over Strandline's, {} events unless a label says otherwise",
            short(common as f64)
        ))
        .draw()?;
    let at = |figure: f64, row: f64| chart.backend_coord(&(figure, row));
    let (one, top) = at(1.0, 0.0);
    let (_, bottom) = at(1.0, count);
    canvas.draw(&PathElement::new(
        [(one, top - 6), (one, bottom)],
        INK.stroke_width(2),
    ))?;
    let note = (one - 10, top - 16);
    style::write(canvas, "peer is better", note, Side::Left, FAINT_INK)?;
    let note = (one + 10, top - 16);
    style::write(canvas, "Strandline is better", note, Side::Right, FAINT_INK)?;
    let mut last_kind = None;
    for (number, (compared, label)) in all.iter().zip(&labels).enumerate() {
        let (left, y) = at(axis.start(), number as f64 + 0.5);
        if last_kind.is_some_and(|last| last != kind(compared.work)) {
            let (edge, y) = (WIDTH - 24, y - ROW_HEIGHT / 2);
            canvas.draw(&PathElement::new([(16, y), (edge, y)], GRID))?;
        }
        last_kind = Some(kind(compared.work));
        style::write(canvas, label, (left - 8, y), Side::Left, INK)?;
        let dots = compared.advantages.iter();
        let dots = dots.map(|(peer, figure)| (*peer, at(*figure, number as f64 + 0.5)));
        for (peer, point) in apart(dots.collect()) {
            style::mark(canvas, point, peer.marker, peer.colour)?;
        }
    }
    Ok(())
}

/// The work's name, with its number of events if that is not the common one.
fn label(compared: &Compared<'_>, common: u64) -> String {
    if compared.events == common {
        return compared.work.to_owned();
    }
    format!("{} ({})", compared.work, short(compared.events as f64))
}

fn most_common_events(all: &[Compared<'_>]) -> u64 {
    let times = |events: u64| all.iter().filter(|c| c.events == events).count();
    let events = all.iter().map(|compared| compared.events);
    events
        .max_by_key(|events| (times(*events), *events))
        .unwrap_or(0)
}

/// The dots of one row, moved up or down where they would hide each other.
fn apart(mut dots: Vec<(&Peer, (i32, i32))>) -> Vec<(&Peer, (i32, i32))> {
    const LANES: [i32; 5] = [0, -7, 7, -4, 4];
    const NEAR: i32 = 11;
    dots.sort_by_key(|(_, (x, _))| *x);
    let mut ends = [i32::MIN; LANES.len()];
    for (_, (x, y)) in &mut dots {
        let lanes = ends.iter_mut().zip(LANES);
        if let Some((end, lane)) = lanes.into_iter().find(|(end, _)| **end <= *x) {
            *end = *x + NEAR;
            *y += lane;
        }
    }
    dots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_that_would_hide_each_other_are_moved_apart() {
        let [a, b, c, ..] = &PEERS;
        let moved = apart(vec![(a, (100, 50)), (b, (104, 50)), (c, (300, 50))]);
        let places: Vec<_> = moved.iter().map(|(_, point)| *point).collect();
        assert_eq!(places, [(100, 50), (104, 43), (300, 50)]);
    }
}
