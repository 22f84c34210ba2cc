//! The plots of growth: Strandline's figures against the size of the store, a line for each work.

use super::axis::{Axis, Scale};
use super::choice::is_drawn;
use super::style::{self, COLOURS, Canvas, GRID, INK, MARKERS, Side};
use crate::results::{Results, Row, Unit};
use crate::systems::STRANDLINE;
use anyhow::Context;
use plotters::prelude::*;
use std::path::{Path, PathBuf};

/// A plot: which figures it holds, and their axis.
struct Plot {
    file: &'static str,
    title: &'static str,
    figures: &'static str,
    scale: Scale,
    of: Of,
    holds: fn(&Row) -> bool,
}

/// Which work a plot is of: what shows growth with other events has plots of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Regular,
    Many,
    /// Drawn against segments, not events.
    Segments,
}

impl Of {
    fn work(row: &Row) -> Self {
        match row.work.split('/').next() {
            _ if row.segments.is_some() => Self::Segments,
            Some("many") => Self::Many,
            _ => Self::Regular,
        }
    }

    const fn size_name(self) -> &'static str {
        match self {
            Self::Regular | Self::Many => "events in the store",
            Self::Segments => "segments of the store, 1 MiB each",
        }
    }
}

/// How large the store was.
fn size(row: &Row) -> u64 {
    row.segments.unwrap_or(row.events)
}

/// Every plot, so chosen that the figures of one can share an axis.
const PLOTS: [Plot; 9] = [
    Plot {
        file: "growth-append.svg",
        title: "Appending",
        figures: "events/s",
        scale: Scale::Logarithmic,
        of: Of::Regular,
        holds: |row| is_rate(row) && is_append(row),
    },
    Plot {
        file: "growth-read.svg",
        title: "Reading, queries and verification",
        figures: "events/s, rows/s",
        scale: Scale::Logarithmic,
        of: Of::Regular,
        holds: |row| is_rate(row) && !is_append(row),
    },
    Plot {
        file: "growth-latency.svg",
        title: "Latencies",
        figures: "us",
        scale: Scale::Logarithmic,
        of: Of::Regular,
        holds: |row| row.unit == Unit::Microseconds,
    },
    Plot {
        file: "growth-open.svg",
        title: "Opening",
        figures: "ms",
        scale: Scale::Logarithmic,
        of: Of::Regular,
        holds: |row| row.unit == Unit::Milliseconds,
    },
    Plot {
        file: "growth-memory.svg",
        title: "Memory and disk",
        figures: "B/event",
        scale: Scale::Linear,
        of: Of::Regular,
        holds: |row| row.unit == Unit::BytesPerEvent,
    },
    Plot {
        file: "growth-segments.svg",
        title: "One operation in a store of many segments",
        figures: "us",
        scale: Scale::Logarithmic,
        of: Of::Segments,
        holds: |row| row.unit == Unit::Microseconds && !row.work.ends_with("/p99"),
    },
    Plot {
        file: "growth-many-append.svg",
        title: "Appending to millions of entities",
        figures: "events/s",
        scale: Scale::Logarithmic,
        of: Of::Many,
        holds: is_rate,
    },
    Plot {
        file: "growth-many-read.svg",
        title: "Reading one of millions of entities",
        figures: "us",
        scale: Scale::Logarithmic,
        of: Of::Many,
        holds: |row| row.unit == Unit::Microseconds && !row.work.ends_with("/p99"),
    },
    Plot {
        file: "growth-many-memory.svg",
        title: "Memory and disk for millions of entities",
        figures: "B/event",
        scale: Scale::Linear,
        of: Of::Many,
        holds: |row| row.unit == Unit::BytesPerEvent,
    },
];

fn is_rate(row: &Row) -> bool {
    matches!(row.unit, Unit::EventsPerSecond | Unit::RowsPerSecond)
}

fn is_append(row: &Row) -> bool {
    row.work.split('/').any(|part| part.starts_with("append"))
}

/// A work's figures, the sizes ascending.
type Line<'a> = Vec<&'a Row>;

const SIZE: (u32, u32) = (900, 520);
/// Least points between the names of two lines.
const NAMES_APART: i32 = 17;
/// Points from the end of the longest line to the names.
const NAMES_AT: i32 = 30;

/// Draws the plots that there are lines for.
pub(super) fn draw(
    results: &[Results],
    machine: &str,
    into: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for plot in &PLOTS {
        let lines = lines(results, plot);
        if lines.is_empty() {
            continue;
        }
        let path = into.join(plot.file);
        let canvas = SVGBackend::new(&path, SIZE).into_drawing_area();
        style::frame(&canvas, plot.title, machine)?;
        draw_lines(&canvas, plot, &lines)?;
        canvas
            .present()
            .with_context(|| format!("write {}", path.display()))?;
        drop(canvas);
        written.push(path);
    }
    Ok(written)
}

/// The work of a plot that was done with several sizes.
fn lines<'a>(results: &'a [Results], plot: &Plot) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    let is_own = |row: &&Row| {
        row.system == STRANDLINE.name
            && Of::work(row) == plot.of
            && (plot.holds)(row)
            && is_drawn(&row.work)
            && row.value.is_finite()
            && row.value > 0.0
    };
    for row in results
        .iter()
        .flat_map(|results| &results.rows)
        .filter(is_own)
    {
        let of_work = |line: &&mut Line<'a>| line.iter().any(|other| other.work == row.work);
        match lines.iter_mut().find(of_work) {
            Some(line) => {
                line.retain(|other| size(other) != size(row));
                line.push(row);
            }
            None => lines.push(vec![row]),
        }
    }
    lines.retain(|line| line.len() > 1);
    for line in &mut lines {
        line.sort_by_key(|row| size(row));
    }
    lines
}

fn draw_lines(canvas: &Canvas<'_>, plot: &Plot, lines: &[Line<'_>]) -> anyhow::Result<()> {
    let name = |line: &Line<'_>| line.first().map_or("", |row| row.work.as_str()).to_owned();
    let widest = lines.iter().map(|line| style::width(&name(line))).max();
    let rows = || lines.iter().flatten();
    let sizes = || rows().map(|row| size(row) as f64);
    let x_axis = Axis::new(
        Scale::Logarithmic,
        sizes().fold(f64::INFINITY, f64::min),
        sizes().fold(0.0, f64::max),
    );
    let y_axis = Axis::new(
        plot.scale,
        rows().map(|row| least(row)).fold(f64::INFINITY, f64::min),
        rows()
            .map(|row| row.high.max(row.value))
            .fold(0.0, f64::max),
    );
    let mut chart = ChartBuilder::on(canvas)
        .margin_top(56)
        .margin_bottom(36)
        .margin_left(16)
        .margin_right(NAMES_AT + 16 + widest.unwrap_or(0))
        .x_label_area_size(48)
        .y_label_area_size(76)
        .build_cartesian_2d(x_axis.clone(), y_axis.clone())?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .axis_style(GRID)
        .label_style(("sans-serif", style::TEXT_SIZE).into_font().color(&INK))
        .x_desc(plot.of.size_name())
        .y_desc(plot.figures)
        .draw()?;
    let at = |row: &Row, figure: f64| chart.backend_coord(&(size(row) as f64, figure));
    let mut ends = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let marker = MARKERS[number % MARKERS.len()];
        let points: Vec<_> = line.iter().map(|row| at(row, row.value)).collect();
        canvas.draw(&PathElement::new(points.clone(), colour.stroke_width(2)))?;
        for (row, point) in line.iter().zip(&points) {
            let spread = [at(row, least(row)), at(row, row.high)];
            canvas.draw(&PathElement::new(spread, colour.stroke_width(1)))?;
            style::mark(canvas, *point, marker, colour)?;
        }
        let last = points.last().copied().context("a line has points")?;
        ends.push((name(line), last, colour));
    }
    let (_, bottom) = chart.backend_coord(&(x_axis.start(), y_axis.start()));
    let (right, _) = chart.backend_coord(&(x_axis.end(), y_axis.end()));
    names(canvas, ends, right, bottom)
}

/// The least figure that can be drawn of a row.
fn least(row: &Row) -> f64 {
    if row.low > 0.0 { row.low } else { row.value }
}

/// Writes the names of lines beside their ends, far enough apart to be read.
fn names(
    canvas: &Canvas<'_>,
    mut ends: Vec<(String, (i32, i32), RGBColor)>,
    right: i32,
    bottom: i32,
) -> anyhow::Result<()> {
    ends.sort_by_key(|(_, (_, y), _)| *y);
    let wanted: Vec<_> = ends.iter().map(|(_, (_, y), _)| *y).collect();
    for ((name, (x, y), colour), at) in ends.iter().zip(spread(&wanted, bottom)) {
        let leader = [(*x, *y), (right, *y), (right + NAMES_AT - 6, at)];
        canvas.draw(&PathElement::new(leader, colour.mix(0.6).stroke_width(1)))?;
        style::write(canvas, name, (right + NAMES_AT, at), Side::Right, INK)?;
    }
    Ok(())
}

/// Heights near those that are wanted, which ascend, but [`NAMES_APART`], and none below `bottom`
/// if there is room above.
fn spread(wanted: &[i32], bottom: i32) -> Vec<i32> {
    let mut heights = wanted.to_vec();
    for place in 1..heights.len() {
        heights[place] = heights[place].max(heights[place - 1] + NAMES_APART);
    }
    let mut most = bottom;
    for height in heights.iter_mut().rev() {
        *height = (*height).min(most);
        most = *height - NAMES_APART;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_apart_and_above_the_bottom() {
        assert_eq!(spread(&[10, 100], 400), [10, 100]);
        assert_eq!(spread(&[10, 12, 100], 400), [10, 27, 100]);
        assert_eq!(spread(&[380, 395, 399], 400), [366, 383, 400]);
    }
}
