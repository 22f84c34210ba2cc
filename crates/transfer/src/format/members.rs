//! `Members`: an object of JSON as its members, in any order and each once. Knows no name of one.

use super::fields::not_an_object;
use super::refused_line::RefusedLine;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// The members of an object that are left of it, as they are written.
#[derive(Debug)]
pub(super) struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The members of an object that is all of a text.
    pub(super) fn parse(text: &'a str) -> Result<Self, RefusedLine> {
        if !text.starts_with('{') {
            return Err(not_an_object(text));
        }
        serde_json::from_str(text).map_err(|error| RefusedLine::json(error, text))
    }

    /// Takes out a member as it is written, `null` too.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a str> {
        let at = self.0.iter().position(|(own, _)| own == name)?;
        Some(self.0.swap_remove(at).1.get())
    }

    /// Takes out a text; none if it is not there, or `null`.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, RefusedLine> {
        let text = self.peek_text(name)?;
        self.take(name);
        Ok(text)
    }

    /// A text that stays; none if it is not there, or `null`.
    pub(super) fn peek_text(&self, name: &str) -> Result<Option<Cow<'a, str>>, RefusedLine> {
        let found = self.0.iter().find(|(own, _)| own == name);
        match found.map(|(_, value)| value.get()) {
            None | Some("null") => Ok(None),
            Some(value) => match text(value) {
                Some(text) => Ok(Some(text)),
                None => Err(no_text(name)),
            },
        }
    }

    /// Whether a member is there, be it `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    /// Takes out a text that has to be there.
    pub(super) fn needed(&mut self, name: &str) -> Result<Cow<'a, str>, RefusedLine> {
        self.text(name)?
            .ok_or_else(|| RefusedLine::new(format!("missing field `{name}`")))
    }

    /// What is left.
    pub(super) fn rest(self) -> impl Iterator<Item = (String, &'a str)> {
        self.0.into_iter().map(|(name, value)| (name, value.get()))
    }
}

fn no_text(name: &str) -> RefusedLine {
    RefusedLine::new(format!("{name} has an invalid type: it is no text"))
}

/// The text that a value of JSON is, if it is one.
pub(super) fn text(value: &str) -> Option<Cow<'_, str>> {
    // A text without escapes is borrowed.
    if let Ok(text) = serde_json::from_str::<&str>(value) {
        return Some(text.into());
    }
    serde_json::from_str::<String>(value).ok().map(Cow::Owned)
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                let mut names = HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}
