//! `RefusedLine`: why a line is no event, in words that any terminal may show.

/// How many characters of a text are shown where it is refused.
const SHOWN_CHARACTERS: usize = 200;

/// Why a line was refused.
#[derive(Debug)]
pub(crate) struct RefusedLine {
    pub(crate) reason: String,
    /// Where in the text, if the parser says it.
    pub(crate) at: Option<Position>,
}

/// A place in the text of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Which line of the text, from 1.
    pub(crate) line: usize,
    /// Which byte of the line, from 1.
    pub(crate) column: usize,
}

impl RefusedLine {
    pub(crate) const fn new(reason: String) -> Self {
        Self { reason, at: None }
    }

    /// The reason of the parser that read `text`, and the place apart: the line is not that of the file.
    pub(super) fn json(error: serde_json::Error, text: &str) -> Self {
        let whole = error.to_string();
        let reason = whole
            .rsplit_once(" at line ")
            .map_or(&*whole, |(reason, _)| reason);
        let at = match (error.line(), error.column()) {
            (0, _) | (1, 0) => None,
            // The end of a line is column 0 of the next one there.
            (line, 0) => {
                let before = text.split('\n').nth(line - 2);
                let column = before.map_or(0, str::len) + 1;
                Some(Position {
                    line: line - 1,
                    column,
                })
            }
            (line, column) => Some(Position { line, column }),
        };
        // It may have a name in it that somebody wrote.
        let reason = plain(reason);
        Self { reason, at }
    }

    /// The same of a text that stands in a member of the event: no place in it is one of the event.
    pub(super) fn within(self, member: &str) -> Self {
        Self::new(format!("{member}: {}", self.reason))
    }
}

/// A text of a line as an error shows it: in quotes, and not longer than people read.
pub(crate) fn shown(text: &str) -> String {
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
