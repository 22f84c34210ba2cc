//! `RefusedLine`: why a line is no event, in words that any terminal may show.

/// How many characters of a text are shown where it is refused.
const SHOWN_CHARACTERS: usize = 200;

/// Why a line was refused.
#[derive(Debug)]
pub(crate) struct RefusedLine(pub(crate) String);

impl RefusedLine {
    pub(crate) const fn new(reason: String) -> Self {
        Self(reason)
    }

    /// The reason of the parser, with the column and without its count of lines, which is not that
    /// of the file.
    pub(super) fn json(error: serde_json::Error) -> Self {
        let text = error.to_string();
        let reason = text
            .rsplit_once(" at line ")
            .map_or(&*text, |(reason, _)| reason);
        // It may have a name in it that somebody wrote.
        let reason = plain(reason);
        Self(match error.column() {
            0 => reason,
            column => format!("{reason} (column {column})"),
        })
    }
}

/// A text of a line as an error shows it: in quotes, and not longer than people read.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
    }
}

/// A text without what a terminal obeys, and not longer than people read.
fn plain(text: &str) -> String {
    // Names of all fields that there are, and of one that is not.
    const CHARACTERS: usize = 3 * SHOWN_CHARACTERS;
    let mut plain = String::new();
    for character in text.chars().take(CHARACTERS) {
        match character.is_control() {
            true => plain.extend(character.escape_default()),
            false => plain.push(character),
        }
    }
    if text.chars().nth(CHARACTERS).is_some() {
        plain.push('…');
    }
    plain
}
