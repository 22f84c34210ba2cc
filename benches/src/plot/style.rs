//! How plots look: colours, sizes of text, markers.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// What is drawn on, in points of the whole picture.
pub(super) type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Near white: part of the picture, so that it reads the same on a dark page.
pub(super) const PAPER: RGBColor = RGBColor(252, 252, 250);
/// Text.
pub(super) const INK: RGBColor = RGBColor(38, 38, 38);
/// Text that stands back.
pub(super) const FAINT_INK: RGBColor = RGBColor(95, 95, 95);
/// Lines of the grid.
pub(super) const GRID: RGBColor = RGBColor(222, 222, 218);

/// Colours that colour-blind readers tell apart (Okabe and Ito, 2008), without the yellow, which
/// is too light for this paper.
pub(super) const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// Sizes of text, in the units of plotters: 1.24 of them are a point of the picture.
pub(super) const TITLE_SIZE: u32 = 20;
/// Size of all other text.
pub(super) const TEXT_SIZE: u32 = 15;

/// About how many points wide `text` is at [`TEXT_SIZE`].
pub(super) fn width(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(i32::MAX / 7) * 7
}

/// A marker, so that colour is not all that tells lines and dots apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    TriangleUp,
    TriangleDown,
    Diamond,
}

/// Every marker, in the order of use.
pub(super) const MARKERS: [Marker; 5] = [
    Marker::Circle,
    Marker::Square,
    Marker::TriangleUp,
    Marker::Diamond,
    Marker::TriangleDown,
];

/// Draws a marker around a point.
pub(super) fn mark(
    canvas: &Canvas<'_>,
    (x, y): (i32, i32),
    marker: Marker,
    colour: RGBColor,
) -> anyhow::Result<()> {
    let style = colour.filled();
    let corners = match marker {
        Marker::Circle => {
            canvas.draw(&Circle::new((x, y), 5, style))?;
            return Ok(());
        }
        Marker::Square => vec![(-4, -4), (4, -4), (4, 4), (-4, 4)],
        Marker::TriangleUp => vec![(0, -6), (6, 4), (-6, 4)],
        Marker::TriangleDown => vec![(0, 6), (6, -4), (-6, -4)],
        Marker::Diamond => vec![(0, -6), (6, 0), (0, 6), (-6, 0)],
    };
    let corners: Vec<_> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
    canvas.draw(&Polygon::new(corners, style))?;
    Ok(())
}

/// Where a text stands to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Writes a text beside a point, its middle as high as the point.
pub(super) fn write(
    canvas: &Canvas<'_>,
    text: &str,
    point: (i32, i32),
    side: Side,
    colour: RGBColor,
) -> anyhow::Result<()> {
    let anchor = match side {
        Side::Left => HPos::Right,
        Side::Right => HPos::Left,
    };
    let style = ("sans-serif", TEXT_SIZE)
        .into_font()
        .color(&colour)
        .pos(Pos::new(anchor, VPos::Center));
    canvas.draw(&Text::new(text.to_owned(), point, style))?;
    Ok(())
}

/// Writes the title, and what the figures were measured on at the foot.
pub(super) fn frame(canvas: &Canvas<'_>, title: &str, machine: &str) -> anyhow::Result<()> {
    canvas.fill(&PAPER)?;
    let style = ("sans-serif", TITLE_SIZE).into_font().color(&INK);
    canvas.draw(&Text::new(title.to_owned(), (16, 14), style))?;
    let (_, height) = canvas.dim_in_pixel();
    let foot = i32::try_from(height)? - 16;
    write(canvas, machine, (16, foot), Side::Right, FAINT_INK)
}
