//! `Asked`: a query string as names and values.

use super::wrong::Wrong;
use crate::text::{address, parse_moment};
use std::fmt::Display;
use std::str::FromStr;

/// The longest query string that is read, in bytes.
const BYTES_MAX: usize = 16 << 10;
/// The most names that are read of it.
const PAIRS_MAX: usize = 128;

/// What is asked, by names, in the order of the query string. An empty value is as none, as forms send those.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked(Vec<(String, String)>);

impl Asked {
    /// Reads a query string.
    ///
    /// # Errors
    ///
    /// [`Wrong`] if it is too long, or asks for something that `known` has not.
    pub(crate) fn parse(query: &str, known: &[&[&str]]) -> Result<Self, Wrong> {
        if query.len() > BYTES_MAX {
            return Err(Wrong(format!(
                "the query string has {} bytes, and at most {BYTES_MAX} are read",
                query.len()
            )));
        }
        let mut pairs = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !known.iter().any(|names| names.contains(&&*name)) {
                let known = known.concat().join(", ");
                return Err(Wrong(format!(
                    "nothing here is called {name:?}; there are {known}"
                )));
            }
            let value = value.trim();
            if !value.is_empty() {
                pairs.push((name.into_owned(), value.to_owned()));
            }
        }
        match pairs.len() {
            0..=PAIRS_MAX => Ok(Self(pairs)),
            more => Err(Wrong(format!(
                "{more} things are asked, and at most {PAIRS_MAX} are read"
            ))),
        }
    }

    /// What is asked last by a name.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).last()
    }

    /// All that is asked by a name.
    pub(crate) fn all(&self, name: &str) -> impl DoubleEndedIterator<Item = &str> + Clone {
        let own = self.0.iter().filter(move |(own, _)| own == name);
        own.map(|(_, value)| value.as_str())
    }

    /// Whether something is asked by a name.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|own| own == value)
    }

    /// What is asked by a name, as a value of a type.
    ///
    /// # Errors
    ///
    /// [`Wrong`] if it is none.
    pub(crate) fn value<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Wrong> {
        let value = self.one(name).map(str::parse);
        value.transpose().map_err(|error| Wrong::of(name, error))
    }

    /// How many are asked for by a name, of a default and at most `most`.
    ///
    /// # Errors
    ///
    /// [`Wrong`] if it is no number.
    pub(crate) fn limit(&self, name: &str, default: usize, most: usize) -> Result<usize, Wrong> {
        Ok(self.value(name)?.unwrap_or(default).clamp(1, most))
    }

    /// The time that is asked by a name, in milliseconds since 1970, if it is `now_ms`.
    ///
    /// # Errors
    ///
    /// [`Wrong`] if it is no time.
    pub(crate) fn moment(&self, name: &str, now_ms: u64) -> Result<Option<u64>, Wrong> {
        let moment = self.one(name).map(|text| parse_moment(text, now_ms));
        moment.transpose().map_err(|error| Wrong::of(name, error))
    }

    /// The address of a path that is asked the same.
    pub(crate) fn at(&self, path: &str) -> String {
        address(path, self.pairs())
    }

    /// The same, with other values for some names: none leaves the name out.
    pub(crate) fn with(&self, changes: &[(&str, Option<&str>)]) -> Self {
        let is_kept =
            |(name, _): &&(String, String)| changes.iter().all(|(other, _)| other != name);
        let mut pairs: Vec<_> = self.0.iter().filter(is_kept).cloned().collect();
        let new = changes
            .iter()
            .filter_map(|(name, value)| Some((*name, (*value)?)));
        pairs.extend(new.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Self(pairs)
    }

    /// The same, with one more value for a name, or without it if it has it.
    pub(crate) fn toggled(&self, name: &str, value: &str) -> Self {
        let mut pairs = self.0.clone();
        match self.has(name, value) {
            true => pairs.retain(|(own, other)| own != name || other != value),
            false => pairs.push((name.to_owned(), value.to_owned())),
        }
        Self(pairs)
    }

    /// The same, of these names alone.
    pub(crate) fn only(&self, names: &[&str]) -> Self {
        let own = self
            .0
            .iter()
            .filter(|(name, _)| names.contains(&name.as_str()));
        Self(own.cloned().collect())
    }

    /// Names and values.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_or_too_much_is_refused() {
        let known: &[&[&str]] = &[&["kind"], &["limit"]];
        let asked = Asked::parse("kind=a&kind=b&limit=&kind=%20", known).unwrap();
        assert_eq!(asked.all("kind").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(asked.one("limit"), None);
        assert!(Asked::parse("kinds=a", known).is_err());
        assert!(Asked::parse(&"kind=a&".repeat(PAIRS_MAX + 1), known).is_err());
        assert!(Asked::parse(&format!("kind={}", "a".repeat(BYTES_MAX)), known).is_err());
    }

    #[test]
    fn addresses_keep_what_is_not_changed() {
        let asked = Asked::parse("kind=a&limit=5", &[&["kind", "limit", "order"]]).unwrap();
        assert_eq!(
            asked.toggled("kind", "b").at("/x"),
            "/x?kind=a&limit=5&kind=b"
        );
        assert_eq!(asked.toggled("kind", "a").at("/x"), "/x?limit=5");
        assert_eq!(
            asked
                .with(&[("limit", None), ("order", Some("oldest"))])
                .at("/x"),
            "/x?kind=a&order=oldest"
        );
        assert_eq!(asked.limit("limit", 9, 3), Ok(3));
    }
}
