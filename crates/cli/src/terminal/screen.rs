//! `Screen`: standard output, and how wide it is.

use super::fit::{escaped, escaped_json, fit, wrapped};
use super::table::{Row, Table};
use crate::output::{Standard, marked};
use console::{Term, colors_enabled};
use std::io::{self, BufWriter, Write};

/// Narrowest that is laid out for.
const WIDTH_LEAST: usize = 40;

/// Standard output. On a terminal lines are fitted to its width; elsewhere nothing is cut.
///
/// What is wrong is marked where there are colours.
///
/// Nothing fails because nobody reads any more: what the command does goes on, and its exit code is what it
/// would have been. Other failures are told by [`flush`](Self::flush) at the latest.
pub(crate) struct Screen {
    out: BufWriter<Standard>,
    width: Option<usize>,
    /// Rows that wait for each other.
    table: Option<Table>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let term = Term::stdout();
        let columns = usize::from(term.size().1);
        Self {
            out: BufWriter::new(Standard::new()),
            width: term.is_term().then_some(columns.max(WIDTH_LEAST)),
            table: None,
        }
    }

    /// Columns of the terminal; `None` where the output is no terminal.
    pub(crate) const fn width(&self) -> Option<usize> {
        self.width
    }

    /// A line, cut to the width of the terminal.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        self.lay_out()?;
        match self.width {
            Some(width) => writeln!(self.out, "{}", marked(&fit(line, width), colors_enabled())),
            None => writeln!(self.out, "{}", marked(line, colors_enabled())),
        }
    }

    /// Prose that is to be read to its end, whatever the width: on a terminal in lines that end between words.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.lay_out()?;
        match self.width {
            Some(width) => {
                let text = wrapped(&escaped(text), width);
                writeln!(self.out, "{}", marked(&text, colors_enabled()))
            }
            None => writeln!(self.out, "{}", marked(text, colors_enabled())),
        }
    }

    /// A line that is data, whole and in one piece whatever the width.
    pub(crate) fn whole(&mut self, line: &str) -> io::Result<()> {
        self.lay_out()?;
        match self.width {
            Some(_) => writeln!(self.out, "{}", escaped(line)),
            None => writeln!(self.out, "{line}"),
        }
    }

    /// A row of the table that `begin` makes, if none was begun yet. It is shown with others, at the latest when
    /// something else is, or all is [flushed](Self::flush).
    pub(crate) fn row(&mut self, begin: impl FnOnce() -> Table, row: Row) -> io::Result<()> {
        match self.table.get_or_insert_with(begin).push(row) {
            true => self.lay_out(),
            false => Ok(()),
        }
    }

    fn lay_out(&mut self) -> io::Result<()> {
        let (Some(table), Some(width)) = (&mut self.table, self.width) else {
            return Ok(());
        };
        let mut lines = table.lines(width).into_iter();
        lines.try_for_each(|line| writeln!(self.out, "{line}"))
    }

    /// A value as one line of JSON, whole whatever the width.
    pub(crate) fn json(&mut self, value: &serde_json::Value) -> io::Result<()> {
        match self.width {
            Some(_) => writeln!(self.out, "{}", escaped_json(&value.to_string())),
            None => writeln!(self.out, "{value}"),
        }
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// Whether the reader went away, so that nothing more has to be shown.
    pub(crate) fn is_unread(&self) -> bool {
        self.out.get_ref().is_unread()
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.lay_out()?;
        self.out.flush()
    }
}
