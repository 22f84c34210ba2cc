//! `Screen`: standard output, and how wide it is.

use crate::output::Standard;
use console::{Term, measure_text_width};
use std::io::{self, BufWriter, Write};

/// Narrowest that is laid out for.
const WIDTH_LEAST: usize = 40;

/// Standard output. On a terminal lines are fitted to its width; elsewhere nothing is cut.
///
/// Nothing fails because nobody reads any more: what the command does goes on, and its exit code is what it
/// would have been. Other failures are told by [`flush`](Self::flush) at the latest.
pub(crate) struct Screen {
    out: BufWriter<Standard>,
    width: Option<usize>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let term = Term::stdout();
        let columns = usize::from(term.size().1);
        Self {
            out: BufWriter::new(Standard::new()),
            width: term.is_term().then_some(columns.max(WIDTH_LEAST)),
        }
    }

    /// Columns of the terminal; `None` where the output is no terminal.
    pub(crate) const fn width(&self) -> Option<usize> {
        self.width
    }

    /// A line, cut to the width of the terminal.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        match self.width {
            Some(width) => writeln!(self.out, "{}", fit(line, width)),
            None => writeln!(self.out, "{line}"),
        }
    }

    /// A line that is to be read to its end, whatever the width.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        match self.width {
            Some(_) => writeln!(self.out, "{}", escaped(text)),
            None => writeln!(self.out, "{text}"),
        }
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
        self.out.flush()
    }
}

/// A text in at most `width` columns, `…` in place of what was cut off, control characters escaped
/// so that no event drives the terminal.
pub(super) fn fit(text: &str, width: usize) -> String {
    let text = escaped(text);
    if measure_text_width(&text) <= width {
        return text;
    }
    let mut kept = String::new();
    let mut columns = 1;
    for character in text.chars() {
        columns += measure_text_width(character.encode_utf8(&mut [0; 4]));
        if columns > width {
            break;
        }
        kept.push(character);
    }
    kept.push('…');
    kept
}

/// A text padded to `width` columns, or cut to them.
pub(crate) fn column(text: &str, width: usize) -> String {
    let mut fitted = fit(text, width);
    let columns = measure_text_width(&fitted);
    fitted.extend(std::iter::repeat_n(' ', width.saturating_sub(columns)));
    fitted
}

fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c.is_control() {
            true => c.escape_default().to_string(),
            false => c.to_string(),
        })
        .collect()
}

/// JSON in which control characters that it may have, in strings alone, are escaped.
fn escaped_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c.is_control() {
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_their_columns() {
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("longer", 5), "long…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("a\u{1b}[2J", 20), "a\\u{1b}[2J");
        assert_eq!(column("ab", 4), "ab  ");
        assert_eq!(measure_text_width(&column("日本語", 4)), 4);
    }

    #[test]
    fn json_on_a_terminal_is_json_and_drives_nothing() {
        let value = serde_json::json!({ "a": "\u{7f}\u{9b}2J\u{1b}", "b": "x".repeat(200) });
        let shown = escaped_json(&value.to_string());
        assert!(!shown.chars().any(char::is_control), "{shown}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            value
        );
    }
}
