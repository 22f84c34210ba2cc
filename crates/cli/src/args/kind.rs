//! `KindArg`: a kind by its name or number, and what may have been meant by a name that no kind has.

use super::near::{did_you_mean, nearest};
use crate::outcome::WrongUsage;
use strandline::{EventKind, KindError, Region, Snapshot};

/// The category of a kind that is given as its type alone.
pub(crate) const CATEGORY_DEFAULT: u8 = 1;

/// A kind as it was written: its name in a store, or its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KindArg(String);

/// What a text that means the number of a kind begins with, whatever kinds are called.
const NUMBER_PREFIX: &str = "number:";

/// What a text that means the name of a kind begins with, whatever number it looks like.
const NAME_PREFIX: &str = "name:";

/// What the type of a kind without a name begins with in an export, before its number.
const EXPORTED_PREFIX: &str = "strandline.kind.";

/// How many names are listed where one is not known.
const NAMES_LISTED: usize = 20;

impl KindArg {
    /// Any text but an empty one: what it means is for the store to say.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err(KindError::Form.to_string()),
            text => Ok(Self(text.to_owned())),
        }
    }

    /// The kind, in a store as it is now. A name that the store has comes before a number.
    ///
    /// # Errors
    ///
    /// `WrongUsage` if no kind has such a name and it is no number, or if it is the name of one kind of the
    /// store and the number of another.
    pub(crate) fn resolve(&self, now: &Snapshot) -> Result<EventKind, WrongUsage> {
        let text = self.0.as_str();
        if let Some(name) = text.strip_prefix(NAME_PREFIX) {
            let named = now.kind_named(name).or_else(|| now.kind_named(text));
            return named.ok_or_else(|| unknown(name, now));
        }
        if let Some(Ok(kind)) = text.strip_prefix(NUMBER_PREFIX).map(number) {
            return Ok(kind);
        }
        match (now.kind_named(text), number(text)) {
            (Some(named), Ok(numbered)) if named != numbered && is_there(numbered, now) => {
                Err(WrongUsage(format!(
                    "{text:?} is the name of the kind {named}, and the number of another that the store \
                     has, {numbered}: say `{NAME_PREFIX}{text}` or `{NUMBER_PREFIX}{numbered}`"
                )))
            }
            (Some(named), _) => Ok(named),
            (None, Ok(numbered)) => Ok(numbered),
            (None, Err(KindError::Form)) if !is_number_like(text) => Err(unknown(text, now)),
            (None, Err(error)) => Err(WrongUsage(format!("{text:?}: {error}"))),
        }
    }

    /// The name that was meant, if no kind of the store has it.
    pub(crate) fn unknown_name(&self, now: &Snapshot) -> Option<&str> {
        let text = self.0.as_str();
        if now.kind_named(text).is_some() || text.starts_with(NUMBER_PREFIX) {
            return None;
        }
        if let Some(name) = text.strip_prefix(NAME_PREFIX) {
            return now.kind_named(name).is_none().then_some(name);
        }
        let is_no_number = matches!(number(text), Err(KindError::Form)) && !is_number_like(text);
        is_no_number.then_some(text)
    }
}

/// A number, as an import reads it too, or as an export writes it.
fn number(text: &str) -> Result<EventKind, KindError> {
    let number = text.strip_prefix(EXPORTED_PREFIX);
    EventKind::parse(number.unwrap_or(text), CATEGORY_DEFAULT)
}

/// Whether a text that is no number was most likely meant to be one.
fn is_number_like(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || first == '+')
        && text
            .chars()
            .all(|c| c.is_ascii_hexdigit() || "x:+".contains(c))
}

/// Whether a store has a kind: with a name, or events.
fn is_there(kind: EventKind, now: &Snapshot) -> bool {
    now.kind_name(kind).is_some() || now.rows(Region::all().kind(kind)).next().is_some()
}

/// What is said of a name that no kind has.
fn unknown(name: &str, now: &Snapshot) -> WrongUsage {
    let kinds = now.kinds();
    let mut names: Vec<_> = kinds.into_iter().filter_map(|kind| kind.name).collect();
    names.sort();
    let meant = did_you_mean(&nearest(name, names.iter().map(|own| &**own)));
    let more = if names.len() > NAMES_LISTED {
        ", …"
    } else {
        ""
    };
    names.truncate(NAMES_LISTED);
    let known = match names.is_empty() {
        true => "no kind of the store has a name".to_owned(),
        false => format!("there are {}{more}", names.join(", ")),
    };
    WrongUsage(format!(
        "no kind is called {name:?}: {meant}{known}; a kind is given by its name, or by its number, as `0x1002` \
         or `1:2`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_kinds_are_read_in_each_form() {
        for text in ["0x1002", "1:2", "4098", "2", "strandline.kind.0x1002"] {
            assert_eq!(number(text), Ok(EventKind::new(1, 2)), "{text}");
        }
        for name in ["order.placed", "2fa.enabled", "a:b", "face"] {
            assert_eq!(number(name), Err(KindError::Form), "{name}");
            assert!(!is_number_like(name), "{name}");
        }
        for wrong in ["0x", "1:", "+2"] {
            assert_eq!(number(wrong), Err(KindError::Form), "{wrong}");
            assert!(is_number_like(wrong), "{wrong}");
        }
        for wrong in ["16:1", "1:0x1000", "0x10000", "0:1", "0x2"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
        assert!(KindArg::parse("").is_err());
    }
}
