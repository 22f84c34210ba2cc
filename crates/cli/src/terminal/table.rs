//! `Table`: rows in columns that are as wide as what is in them, on a terminal. Writes nothing itself.

use super::fit::{column, fit};
use console::{Style, measure_text_width};

/// How many rows decide together how wide columns are.
const ROWS: usize = 256;
/// Between two columns.
const GAP: usize = 2;
/// What a column keeps where there is not room for all, as long as it has as much.
const WIDTH_LEAST: usize = 8;

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Whether it is never cut: a number, a time.
    pub(crate) is_whole: bool,
    pub(crate) is_right: bool,
    pub(crate) look: Paint,
}

/// How the cells of a column look where there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Dim,
    Name,
    Mark,
}

impl Paint {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Dim => Style::new().dim(),
            Self::Name => Style::new().cyan(),
            Self::Mark => Style::new().magenta(),
        }
    }
}

/// A row: a cell for each column, the last of which has what is left of the line; and a line under it, if there is
/// one.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) cells: Vec<String>,
    pub(crate) below: Option<String>,
}

/// Rows that were not laid out yet, and how wide their columns were so far. Columns never get narrower, so that what
/// is shown later stands under what was before.
#[derive(Debug)]
pub(crate) struct Table {
    columns: &'static [Column],
    widths: Vec<usize>,
    rows: Vec<Row>,
    /// The columns under which a heading was shown: those that had anything.
    headed: Vec<bool>,
}

impl Table {
    pub(crate) fn new(columns: &'static [Column]) -> Self {
        Self {
            columns,
            widths: vec![0; columns.len()],
            rows: Vec::new(),
            headed: Vec::new(),
        }
    }

    /// Takes a row, and says whether there are so many that they are to be laid out.
    pub(crate) fn push(&mut self, row: Row) -> bool {
        self.rows.push(row);
        self.rows.len() >= ROWS
    }

    /// Lays the rows out in lines of at most `width` columns.
    pub(crate) fn lines(&mut self, width: usize) -> Vec<String> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Vec::new();
        }
        for row in &rows {
            for (widest, cell) in self.widths.iter_mut().zip(&row.cells) {
                *widest = (*widest).max(measure_text_width(cell));
            }
        }
        let widths = self.fitted(width);
        let is_shown: Vec<_> = widths.iter().map(|width| *width > 0).collect();
        let mut lines = Vec::new();
        if self.headed != is_shown {
            let names = self.columns.iter().map(|column| column.name.to_owned());
            lines.push(self.line(&names.collect::<Vec<_>>(), &widths, true));
            self.headed = is_shown;
        }
        for row in rows {
            lines.push(self.line(&row.cells, &widths, false));
            if let Some(below) = row.below {
                let indent = widths.first().copied().unwrap_or(0) + GAP;
                let below = fit(&below, width.saturating_sub(indent));
                let below = Paint::Dim.style().apply_to(below);
                lines.push(format!("{:indent$}{below}", ""));
            }
        }
        lines
    }

    /// How wide each column is to be. One in which there is nothing has no width; the last has what is left, at
    /// least a third where it has as much in it, and the widest of the others make room for that.
    fn fitted(&self, width: usize) -> Vec<usize> {
        let mut widths = self.widths.clone();
        for (width, column) in widths.iter_mut().zip(self.columns) {
            if *width > 0 {
                *width = (*width).max(column.name.len());
            }
        }
        let Some((last, others)) = widths.split_last_mut() else {
            return widths;
        };
        let shown = others.iter().filter(|width| **width > 0).count();
        let room = width.saturating_sub(shown * GAP);
        let for_others = room.saturating_sub((*last).min(width / 3));
        while others.iter().sum::<usize>() > for_others {
            let candidates = others.iter_mut().zip(self.columns);
            let candidates =
                candidates.filter(|(width, column)| !column.is_whole && **width > WIDTH_LEAST);
            match candidates.max_by_key(|(width, _)| **width) {
                Some((widest, _)) => *widest -= 1,
                None => break,
            }
        }
        if *last > 0 {
            *last = room.saturating_sub(others.iter().sum()).max(1);
        }
        widths
    }

    fn line(&self, cells: &[String], widths: &[usize], is_head: bool) -> String {
        let mut line = String::new();
        let last = widths.iter().rposition(|width| *width > 0);
        let shown = cells.iter().zip(widths).zip(self.columns).enumerate();
        for (place, ((cell, width), what)) in shown.filter(|(_, ((_, width), _))| **width > 0) {
            if !line.is_empty() {
                line += &" ".repeat(GAP);
            }
            let text = match what.is_right {
                true => format!("{cell:>width$}"),
                false if Some(place) == last => fit(cell, *width),
                false => column(cell, *width),
            };
            let style = match is_head {
                true => Style::new().bold(),
                false => what.look.style(),
            };
            line += &style.apply_to(text).to_string();
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn text(name: &'static str) -> Column {
        Column {
            name,
            is_whole: false,
            is_right: false,
            look: Paint::Plain,
        }
    }

    const COLUMNS: [Column; 4] = [
        Column {
            is_whole: true,
            is_right: true,
            ..text("N")
        },
        text("NAME"),
        text("TAGS"),
        text("REST"),
    ];

    fn laid_out(table: &mut Table, rows: &[[&str; 4]], width: usize) -> Vec<String> {
        for row in rows {
            let cells = row.iter().map(|cell| (*cell).to_owned()).collect();
            table.push(Row { cells, below: None });
        }
        table.lines(width)
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(&COLUMNS);
        let lines = laid_out(
            &mut table,
            &[["1", "ab", "", "x"], ["12", "a", "", "y"]],
            40,
        );
        assert_eq!(lines, [" N  NAME  REST", " 1  ab    x", "12  a     y"]);
        // What comes later stands under it, and is headed again once another column has something.
        let lines = laid_out(&mut table, &[["3", "a", "", "z"]], 40);
        assert_eq!(lines, [" 3  a     z"]);
        let lines = laid_out(&mut table, &[["4", "a", "#t", "z"]], 40);
        assert_eq!(lines, [" N  NAME  TAGS  REST", " 4  a     #t    z"]);
        assert!(laid_out(&mut table, &[], 40).is_empty());
    }

    #[test]
    fn what_does_not_fit_is_cut_where_it_is_widest() {
        let (long, rest) = ("n".repeat(60), "r".repeat(60));
        let mut table = Table::new(&COLUMNS);
        let lines = laid_out(&mut table, &[["1", &long, "#tag", &rest]], 60);
        for line in &lines {
            assert!(measure_text_width(line) <= 60, "{line}");
        }
        assert!(
            lines[1].contains("#tag") && lines[1].contains('…'),
            "{lines:?}"
        );
        let shown = lines[1].matches('r').count();
        assert!(shown >= 18, "a third is for the rest: {lines:?}");
        // A narrow terminal keeps numbers whole, and panics nowhere.
        for width in 0..60 {
            let mut table = Table::new(&COLUMNS);
            let lines = laid_out(&mut table, &[["12345", &long, "#tag", &rest]], width);
            assert!(lines[1].starts_with("12345"), "{lines:?}");
        }
    }
}
