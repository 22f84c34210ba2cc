//! The rules for names: of entities, scopes and tags.

/// Longest entity or scope name, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 255;
/// Longest tag, in bytes.
pub const TAG_BYTES_MAX: usize = 128;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name has no characters.
    #[error("the {part} is empty; {}", length_rule(part))]
    Empty {
        /// Which name: `entity`, `scope` or `tag`.
        part: &'static str,
    },
    /// The name is longer than [`NAME_BYTES_MAX`].
    #[error("the {part} has {bytes} bytes; {}", length_rule(part))]
    TooLong {
        /// Which name: `entity`, `scope` or `tag`.
        part: &'static str,
        /// Length of the refused name in bytes.
        bytes: usize,
    },
    /// The name holds a control character.
    #[error("the {part} has the control character {character:?} at byte {offset}")]
    ControlCharacter {
        /// Which name: `entity`, `scope` or `tag`.
        part: &'static str,
        /// Byte offset of the character in the name.
        offset: usize,
        /// The character.
        character: char,
    },
}

/// Checks one name against the rules: 1 to 255 bytes of UTF-8, no control characters.
///
/// `part` says in the error which name it was.
///
/// # Errors
///
/// [`NameError`] names the rule that was broken.
pub fn check_name(part: &'static str, name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty { part });
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong {
            part,
            bytes: name.len(),
        });
    }
    match name.char_indices().find(|(_, c)| c.is_control()) {
        None => Ok(()),
        Some((offset, character)) => Err(NameError::ControlCharacter {
            part,
            offset,
            character,
        }),
    }
}

/// How long a name may be.
fn length_rule(part: &str) -> String {
    match part {
        "tag" => format!("a tag has 1 to {TAG_BYTES_MAX} bytes"),
        _ => format!("a name has 1 to {NAME_BYTES_MAX} bytes"),
    }
}
