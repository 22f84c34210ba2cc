//! `AskedRetention`: the rules of a compaction as they are said over the socket.

use serde::{Deserialize, Serialize};
use strandline::maintenance::Retention;
use strandline::{Error, ErrorKind, KindFilter};

/// The rules of a compaction, as they are said: those of [`Retention`], by the same names.
///
/// ```
/// use strandline::maintenance::Retention;
/// use strandline_control::AskedRetention;
///
/// let asked = AskedRetention::new().keep_newest(100).within("meter:");
/// assert_eq!(Retention::try_from(&asked)?, Retention::new().keep_newest(100).within("meter:"));
/// # Ok::<(), strandline::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskedRetention {
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_newest: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_since_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keep_headers_of: Vec<KindFilter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keep_headers_of_named: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keep_headers_tagged: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    drop_entity: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    drop_entities: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    forget_digests: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    toml: Option<String>,
}

impl AskedRetention {
    /// No rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The rules of a file, as [`Retention::from_toml`] reads them. They cannot be said together with others.
    #[must_use]
    pub fn of_toml(text: impl Into<String>) -> Self {
        Self {
            toml: Some(text.into()),
            ..Self::default()
        }
    }

    /// As [`Retention::keep_newest`].
    #[must_use]
    pub const fn keep_newest(mut self, count: u32) -> Self {
        self.keep_newest = Some(count);
        self
    }

    /// As [`Retention::keep_since`], in milliseconds since 1970.
    #[must_use]
    pub const fn keep_since(mut self, wall_ms: u64) -> Self {
        self.keep_since_ms = Some(wall_ms);
        self
    }

    /// As [`Retention::within`].
    #[must_use]
    pub fn within(mut self, prefix: impl Into<String>) -> Self {
        self.within = Some(prefix.into());
        self
    }

    /// As [`Retention::keep_headers_of`].
    #[must_use]
    pub fn keep_headers_of(mut self, kinds: impl Into<KindFilter>) -> Self {
        self.keep_headers_of.push(kinds.into());
        self
    }

    /// As [`Retention::keep_headers_of_named`].
    #[must_use]
    pub fn keep_headers_of_named(mut self, name: impl Into<String>) -> Self {
        self.keep_headers_of_named.push(name.into());
        self
    }

    /// As [`Retention::keep_headers_tagged`].
    #[must_use]
    pub fn keep_headers_tagged(mut self, prefix: impl Into<String>) -> Self {
        self.keep_headers_tagged.push(prefix.into());
        self
    }

    /// As [`Retention::forget_digests`].
    #[must_use]
    pub const fn forget_digests(mut self) -> Self {
        self.forget_digests = true;
        self
    }

    /// As [`Retention::drop_entity`].
    #[must_use]
    pub fn drop_entity(mut self, entity: impl Into<String>) -> Self {
        self.drop_entity.push(entity.into());
        self
    }

    /// As [`Retention::drop_entities`].
    #[must_use]
    pub fn drop_entities(mut self, prefix: impl Into<String>) -> Self {
        self.drop_entities.push(prefix.into());
        self
    }
}

impl TryFrom<&AskedRetention> for Retention {
    type Error = Error;

    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if rules of a file are refused, or others are said beside them.
    fn try_from(asked: &AskedRetention) -> Result<Self, Error> {
        if let Some(text) = &asked.toml {
            if *asked != AskedRetention::of_toml(text) {
                let message =
                    "rules of a file cannot be said together with others: say them in the file";
                return Err(Error::new(ErrorKind::InvalidInput, message.to_owned()));
            }
            return Ok(Self::from_toml(text)?);
        }
        let mut rules = Self::new();
        if let Some(count) = asked.keep_newest {
            rules = rules.keep_newest(count);
        }
        if let Some(wall_ms) = asked.keep_since_ms {
            rules = rules.keep_since(wall_ms);
        }
        if let Some(prefix) = &asked.within {
            rules = rules.within(prefix);
        }
        if asked.forget_digests {
            rules = rules.forget_digests();
        }
        let headers = asked.keep_headers_of.iter().copied();
        rules = headers.fold(rules, Self::keep_headers_of);
        let named = asked.keep_headers_of_named.iter();
        rules = named.fold(rules, Self::keep_headers_of_named);
        let tagged = asked.keep_headers_tagged.iter();
        rules = tagged.fold(rules, Self::keep_headers_tagged);
        rules = asked.drop_entity.iter().fold(rules, Self::drop_entity);
        Ok(asked.drop_entities.iter().fold(rules, Self::drop_entities))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strandline::EventKind;

    #[test]
    fn each_rule_arrives() {
        let asked = AskedRetention::new()
            .keep_newest(3)
            .keep_since(1_700_000_000_000)
            .within("meter:")
            .keep_headers_of(EventKind::new(1, 2))
            .keep_headers_of(KindFilter::Category(3))
            .keep_headers_of_named("order.placed")
            .keep_headers_tagged("name:")
            .drop_entity("order:1")
            .drop_entities("test:")
            .forget_digests();
        let json = serde_json::to_string(&asked).unwrap();
        let told: AskedRetention = serde_json::from_str(&json).unwrap();
        assert_eq!(told, asked);
        let rules = Retention::new()
            .keep_newest(3)
            .keep_since(1_700_000_000_000)
            .within("meter:")
            .keep_headers_of(EventKind::new(1, 2))
            .keep_headers_of(KindFilter::Category(3))
            .keep_headers_of_named("order.placed")
            .keep_headers_tagged("name:")
            .drop_entity("order:1")
            .drop_entities("test:")
            .forget_digests();
        assert_eq!(Retention::try_from(&told).unwrap(), rules);
    }

    #[test]
    fn rules_of_a_file_arrive_and_stand_alone() {
        let text = "[[rule]]\nkeep-newest = 3\n";
        let asked = AskedRetention::of_toml(text);
        let json = serde_json::to_string(&asked).unwrap();
        let told: AskedRetention = serde_json::from_str(&json).unwrap();
        let rules = Retention::try_from(&told).unwrap();
        assert_eq!(rules, Retention::from_toml(text).unwrap());

        for wrong in [
            AskedRetention::of_toml("[[rule]]\nkeep-fro = 3\n"),
            AskedRetention::of_toml(text).keep_newest(1),
        ] {
            let refused = Retention::try_from(&wrong).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
        }
    }
}
