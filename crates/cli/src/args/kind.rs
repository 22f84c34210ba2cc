//! `KindArg`: a kind by its name or number, and what may have been meant by a name that no kind has.

use crate::outcome::WrongUsage;
use strandline::{EventKind, KindError, Region, Snapshot};
use strsim::osa_distance;

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

/// How many names are offered in the place of one that is not known.
const NEAR_MOST: usize = 3;

/// The shortest text that offers all names which it is a part of.
const PART_BYTES_MIN: usize = 3;

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
    let near: Vec<_> = nearest(name, names.iter().map(|own| &**own));
    let near: Vec<_> = near.iter().map(|own| format!("`{own}`")).collect();
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
    let meant = match near.is_empty() {
        true => String::new(),
        false => format!("did you mean {}? ", near.join(" or ")),
    };
    WrongUsage(format!(
        "no kind is called {name:?}: {meant}{known}; a kind is given by its name, or by its number, as `0x1002` \
         or `1:2`"
    ))
}

/// The names that are most like one, the likest first: a few letters apart, or with it as a part of them.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let apart_most = (wanted.chars().count() / 4).max(1);
    let mut near: Vec<_> = names
        .filter_map(|own| {
            let known = own.to_lowercase();
            let apart = osa_distance(&wanted, &known);
            let is_part = wanted.len() >= PART_BYTES_MIN && known.contains(&wanted);
            (apart <= apart_most || is_part).then_some((apart, own))
        })
        .collect();
    near.sort_unstable();
    near.truncate(NEAR_MOST);
    near.into_iter().map(|(_, own)| own).collect()
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

    #[test]
    fn names_that_are_near_are_found() {
        let names = ["order.paid", "order.placed", "order.replaced", "Stock"];
        for (name, near) in [
            ("order.place", &["order.placed"][..]),
            ("ORDER.PAID", &["order.paid"]),
            ("stokc", &["Stock"]),
            ("stok", &["Stock"]),
            ("placed", &["order.placed", "order.replaced"]),
            ("x", &[]),
            ("", &[]),
        ] {
            assert_eq!(nearest(name, names.into_iter()), near, "{name}");
        }
    }
}
