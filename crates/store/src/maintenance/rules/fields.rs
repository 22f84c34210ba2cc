//! The keys of a rule, and their values as they stand in a text.

use super::error::RulesError;
use std::ops::Range;
use strsim::osa_distance;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The keys of a rule, as an error lists them.
pub(super) const KEYS: [&str; 12] = [
    "name",
    "entity",
    "prefix",
    "scope",
    "kind",
    "category",
    "tag",
    "any-tag",
    "keep",
    "keep-for",
    "keep-newest",
    "keep-headers",
];

/// A value, and where it stands.
pub(super) type Value<'a, 'i> = &'a Spanned<DeValue<'i>>;

/// The values of a rule, which are looked up by their keys.
pub(super) struct Fields<'a, 'i> {
    pub(super) text: &'a str,
    table: &'a DeTable<'i>,
    /// Where the rule begins.
    pub(super) span: Range<usize>,
}

impl<'a, 'i> Fields<'a, 'i> {
    pub(super) fn of(text: &'a str, rule: Value<'a, 'i>) -> Result<Self, RulesError> {
        let span = rule.span();
        let Some(table) = rule.get_ref().as_table() else {
            let message = format!("a rule is a table, and this is {}", found(rule.get_ref()));
            return Err(RulesError::at(text, &span, message));
        };
        check_keys(text, table, "a rule", &KEYS)?;
        Ok(Self { text, table, span })
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'a, 'i>> {
        self.table.get(key)
    }

    pub(super) fn refuse(&self, value: Value<'_, '_>, message: impl Into<String>) -> RulesError {
        RulesError::at(self.text, &value.span(), message)
    }

    /// A text that is not empty.
    pub(super) fn string(&self, key: &str) -> Result<Option<String>, RulesError> {
        let value = self.get(key);
        value.map(|value| self.text_of(key, value)).transpose()
    }

    /// A text, or several in a list; none where the key is not there.
    pub(super) fn strings(&self, key: &str) -> Result<Vec<String>, RulesError> {
        let values = self.values(key)?.into_iter();
        values.map(|value| self.text_of(key, value)).collect()
    }

    /// A value, or those of a list.
    pub(super) fn values(&self, key: &str) -> Result<Vec<Value<'a, 'i>>, RulesError> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        match value.get_ref().as_array() {
            None => Ok(vec![value]),
            Some(list) if list.is_empty() => {
                let message = format!(
                    "`{key}` is a list of nothing, so that the rule is of no event; leave it out, or name one"
                );
                Err(self.refuse(value, message))
            }
            Some(list) => Ok(list.iter().collect()),
        }
    }

    fn text_of(&self, key: &str, value: Value<'_, '_>) -> Result<String, RulesError> {
        match value.get_ref().as_str() {
            Some("") => Err(self.refuse(
                value,
                format!("`{key}` is empty; leave it out, or name one"),
            )),
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong(key, value, "a text, such as \"meter:\", or a list of texts")),
        }
    }

    /// Refuses a value of another type.
    pub(super) fn wrong(&self, key: &str, value: Value<'_, '_>, allowed: &str) -> RulesError {
        let found = found(value.get_ref());
        self.refuse(value, format!("`{key}` is {found}; it has to be {allowed}"))
    }

    /// A whole number.
    pub(super) fn number(&self, key: &str, allowed: &str) -> Result<Option<u64>, RulesError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let number = whole(value.get_ref());
        number
            .map(Some)
            .ok_or_else(|| self.wrong(key, value, allowed))
    }
}

/// A number that is whole and not below 0.
pub(super) fn whole(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A value as an error shows it.
pub(super) fn found(value: &DeValue<'_>) -> String {
    /// More of a text is not shown.
    const SHOWN_MAX: usize = 40;
    match value {
        DeValue::String(text) if text.chars().count() > SHOWN_MAX => {
            let first: String = text.chars().take(SHOWN_MAX).collect();
            format!("the text {first:?}…")
        }
        DeValue::String(text) => format!("the text {text:?}"),
        DeValue::Integer(number) => format!("the number {}", number.as_str()),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(is) => is.to_string(),
        DeValue::Datetime(time) => format!("the time {time}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Refuses the first key that is none of `known`, with those that are near.
pub(super) fn check_keys(
    text: &str,
    table: &DeTable<'_>,
    of: &str,
    known: &[&str],
) -> Result<(), RulesError> {
    let unknown = table
        .keys()
        .filter(|key| !known.contains(&key.get_ref().as_ref()));
    let Some(key) = unknown.min_by_key(|key| key.span().start) else {
        return Ok(());
    };
    let name = key.get_ref();
    let near = known.iter().min_by_key(|own| osa_distance(name, own));
    let near = near.filter(|own| osa_distance(name, own) <= name.chars().count() / 2);
    let meant = near.map_or_else(String::new, |own| format!(" did you mean `{own}`?"));
    let all: Vec<_> = known.iter().map(|own| format!("`{own}`")).collect();
    let all = all.join(", ");
    let message = format!("`{name}` is no key of {of}:{meant} There is {all}");
    Err(RulesError::at(text, &key.span(), message))
}
