//! `RetentionRule`: what is kept of some events. Chooses none itself.

use super::rule::query_text;
use crate::{Error, ErrorKind, Query, Region};
use std::fmt;
use std::time::Duration;

/// What is kept of the events of a query: one of several rules, of which the first that an event is of decides about
/// it ([`Retention::rule`](super::Retention::rule)).
///
/// ```
/// use std::time::Duration;
/// use strandline::Region;
/// use strandline::maintenance::{Retention, RetentionRule};
///
/// let day = Duration::from_secs(24 * 60 * 60);
/// let rules = Retention::new()
///     .rule(RetentionRule::of(Region::all().tag("legal-hold")).named("held"))
///     .rule(RetentionRule::of(Region::all().scope("eu/meters")).keep_for(90 * day).keep_newest(1));
/// assert_eq!(
///     rules.to_string(),
///     "held: keep all of tag legal-hold, rule 2: keep for 90d or newest 1 of scope eu/meters"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRule {
    pub(super) name: Option<String>,
    pub(super) query: Query,
    pub(super) keep: RuleKeep,
    pub(super) keeps_headers: bool,
}

/// What a rule keeps of its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RuleKeep {
    All,
    None,
    Some {
        newest: Option<u32>,
        age: Option<Duration>,
    },
}

impl RuleKeep {
    /// What is kept by number and by age.
    const fn parts(self) -> (Option<u32>, Option<Duration>) {
        match self {
            Self::Some { newest, age } => (newest, age),
            Self::All | Self::None => (None, None),
        }
    }
}

impl RetentionRule {
    /// Keeps all of these events, until it is said how many or how long: whatever rules after it say.
    #[must_use]
    pub fn of(query: impl Into<Query>) -> Self {
        Self {
            name: None,
            query: query.into(),
            keep: RuleKeep::All,
            keeps_headers: false,
        }
    }

    /// The name by which plans, reports and the log's records of removals tell of the rule. Default: its number,
    /// `rule 2`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Keeps the newest `count` of each entity, at least 1: of the events that the rule decides about. With
    /// [`keep_for`](Self::keep_for) too, what either keeps.
    #[must_use]
    pub const fn keep_newest(mut self, count: u32) -> Self {
        let (_, age) = self.keep.parts();
        self.keep = RuleKeep::Some {
            newest: Some(count),
            age,
        };
        self
    }

    /// Keeps those that are no older than this, to the millisecond and by the store's clock when it is compacted.
    #[must_use]
    pub const fn keep_for(mut self, age: Duration) -> Self {
        let (newest, _) = self.keep.parts();
        self.keep = RuleKeep::Some {
            newest,
            age: Some(age),
        };
        self
    }

    /// Keeps none of them.
    #[must_use]
    pub const fn keep_none(mut self) -> Self {
        self.keep = RuleKeep::None;
        self
    }

    /// Keeps the headers of those that go, without their payloads: as
    /// [`Retention::keep_headers_of`](super::Retention::keep_headers_of).
    #[must_use]
    pub const fn keep_headers(mut self) -> Self {
        self.keeps_headers = true;
        self
    }

    /// Whether nothing goes by it.
    pub(super) fn keeps_all(&self) -> bool {
        self.keep == RuleKeep::All
    }

    /// Its name, or its place among the rules.
    pub(in crate::maintenance) fn name(&self, index: usize) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("rule {}", index + 1),
        }
    }

    /// Refuses a rule that says nothing, or that would remove everything by a slip.
    pub(in crate::maintenance) fn check(&self, index: usize) -> Result<(), Error> {
        let (newest, age) = self.keep.parts();
        let slip = if self.query.regions().is_empty() {
            "it is of no region, and so of no event"
        } else if self.query.events_max().is_some() {
            "a query with a limit does not say which events it is of"
        } else if newest == Some(0) {
            "to keep the newest 0 events of each entity is to remove them all; keep 1 or more, or none"
        } else if age.is_some_and(|age| age.as_millis() == 0) {
            "to keep events for less than a millisecond is to remove them all; say so, or keep them longer"
        } else if self.keep == RuleKeep::None && self.query.regions().iter().any(is_everything) {
            "it is of every event and keeps none, so that all would be removed; say which go"
        } else if self.keeps_headers && self.keeps_all() {
            "headers are kept of events that go, and by it none goes"
        } else {
            return Ok(());
        };
        let message = format!("the rule {:?} is refused: {slip}", self.name(index));
        Err(Error::new(ErrorKind::InvalidInput, message))
    }

    /// The rule as text, as the log records it.
    pub(super) fn text(&self, index: usize) -> String {
        let what = match self.keep {
            RuleKeep::All => "keep all".to_owned(),
            RuleKeep::None => "keep none".to_owned(),
            RuleKeep::Some { newest, age } => {
                let age = age.map(|age| format!("for {}", AgeText(age)));
                let newest = newest.map(|count| format!("newest {count}"));
                let parts: Vec<_> = age.into_iter().chain(newest).collect();
                format!("keep {}", parts.join(" or "))
            }
        };
        let headers = if self.keeps_headers {
            ", else headers,"
        } else {
            ""
        };
        let (name, of) = (self.name(index), query_text(&self.query));
        format!("{name}: {what}{headers} of {of}")
    }
}

/// Whether a region has every event that there can be.
pub(super) fn is_everything(region: &Region) -> bool {
    let all = Region::all();
    *region == all || *region == all.entity_prefix("")
}

/// A length of time as people write it: `90d`, `1h30m`, as far as it is of whole milliseconds.
pub(super) struct AgeText(pub(super) Duration);

impl fmt::Display for AgeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0ms");
        }
        for (unit, ms) in [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1000),
            ("ms", 1),
        ] {
            if rest >= ms {
                write!(f, "{}{unit}", rest / ms)?;
                rest %= ms;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn ages_are_written_as_people_do() {
        let text = |ms| AgeText(Duration::from_millis(ms)).to_string();
        let all = [0, 1, 1500, 60_000, 5_400_000, 90 * 86_400_000, 90_061_001].map(text);
        let expected = ["0ms", "1ms", "1s500ms", "1m", "1h30m", "90d", "1d1h1m1s1ms"];
        assert_eq!(all, expected);
    }
}
