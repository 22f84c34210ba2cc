//! Text made to fit: into columns, and so that it drives no terminal. Writes nothing.

use console::measure_text_width;

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

/// A text in lines of at most `width` columns that end between words, each but the first two columns further in than
/// that. A word that is longer has a line of its own.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let indent = text.len() - text.trim_start_matches(' ').len();
    let (indent, rest) = text.split_at(indent);
    let (mut lines, mut columns) = (indent.to_owned(), indent.len());
    for (number, word) in rest.split(' ').enumerate() {
        let more = measure_text_width(word);
        if number > 0 && columns + 1 + more > width {
            lines += "\n  ";
            lines += indent;
            columns = indent.len() + 2;
        } else if number > 0 {
            lines.push(' ');
            columns += 1;
        }
        lines += word;
        columns += more;
    }
    lines
}

/// A text whose control characters are escaped.
pub(super) fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c.is_control() {
            true => c.escape_default().to_string(),
            false => c.to_string(),
        })
        .collect()
}

/// JSON in which control characters that it may have, in strings alone, are escaped.
pub(super) fn escaped_json(json: &str) -> String {
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
    fn prose_ends_between_words() {
        assert_eq!(wrapped("short", 5), "short");
        assert_eq!(wrapped("one two three", 8), "one two\n  three");
        assert_eq!(wrapped("  a bb ccc", 6), "  a bb\n    ccc");
        let path = "/a/very/long/path/that/is/one/word";
        assert_eq!(
            wrapped(&format!("in {path} it is"), 12),
            format!("in\n  {path}\n  it is")
        );
        assert_eq!(wrapped("", 0), "");
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
