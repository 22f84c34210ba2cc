//! `Retention::from_toml`: rules of a text, checked.

use super::age::parse_age;
use super::error::RulesError;
use super::fields::{Fields, check_keys, found, whole};
use crate::maintenance::rewrite::{Retention, RetentionRule};
use crate::{EventKind, KindFilter, Query, Region, TAG_BYTES_MAX};
use strandline_core::check_name;
use toml::de::{DeTable, DeValue};

/// The longest text that is read.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Most regions of one rule: each of its entities and prefixes with each of its scopes.
const REGIONS_MAX: usize = 1000;
/// The category of a kind that is given by its type alone.
const CATEGORY_DEFAULT: u8 = 1;
/// What a text that means the name of a kind begins with, whatever number it looks like.
const NAME_PREFIX: &str = "name:";

impl Retention {
    /// Rules that stand in a text, as TOML: `[[rule]]` for each, and the first that an event is of decides about it. An
    /// event that none is of stays.
    ///
    /// The file `docs/retention.md` of the repository says what each key means, with an example that is worked through.
    ///
    /// ```
    /// use strandline::maintenance::Retention;
    ///
    /// let rules = Retention::from_toml(r#"
    ///     [[rule]]
    ///     name = "held"
    ///     tag = "legal-hold"
    ///     keep = "all"
    ///
    ///     [[rule]]
    ///     name = "readings"
    ///     scope = ["eu/meters", "us/meters"]
    ///     keep-for = "90d"
    ///     keep-newest = 1
    /// "#)?;
    /// assert_eq!(rules.rule_names(), ["held", "readings"]);
    ///
    /// let wrong = Retention::from_toml("[[rule]]\nkeep-fro = \"90d\"\n").unwrap_err();
    /// assert!(wrong.to_string().starts_with("line 2: `keep-fro` is no key of a rule: did you mean `keep-for`?"));
    /// # Ok::<(), strandline::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RulesError`], with the line, what is there, and what may be there. Rules that
    /// [`compact()`](crate::maintenance::compact()) refuses whatever is in a store are refused here too.
    pub fn from_toml(text: &str) -> Result<Self, RulesError> {
        let refused = |message: String| RulesError::at(text, &(0..0), message);
        if text.len() > TEXT_BYTES_MAX {
            let bytes = text.len();
            return Err(refused(format!(
                "the rules have {bytes} bytes, and at most {TEXT_BYTES_MAX} are read"
            )));
        }
        let parsed = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            RulesError::at(
                text,
                &span,
                format!("this is no TOML: {}", error.message().trim()),
            )
        })?;
        let table = parsed.get_ref();
        check_keys(text, table, "a file of rules", &["forget-digests", "rule"])?;
        let Some(value) = table.get("rule") else {
            return Err(refused(
                "there is no rule: each begins with `[[rule]]`".to_owned(),
            ));
        };
        let DeValue::Array(list) = value.get_ref() else {
            let found = found(value.get_ref());
            let message =
                format!("`rule` is {found}; each rule begins with `[[rule]]`, in two brackets");
            return Err(RulesError::at(text, &value.span(), message));
        };
        let mut rules = Self::new();
        if let Some(value) = table.get("forget-digests") {
            rules = match value.get_ref().as_bool() {
                Some(true) => rules.forget_digests(),
                Some(false) => rules,
                None => {
                    let found = found(value.get_ref());
                    let message =
                        format!("`forget-digests` is {found}, and is to be true or false");
                    return Err(RulesError::at(text, &value.span(), message));
                }
            };
        }
        let mut named: Vec<(String, usize)> = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let fields = Fields::of(text, value)?;
            let here = |message: String| RulesError::at(text, &fields.span, message);
            let rule = rule_of(&fields)?;
            let line = here(String::new()).line();
            let name = rule.name(index);
            if let Some((_, other)) = named.iter().find(|(other, _)| *other == name) {
                return Err(here(format!(
                    "the rule in line {other} is called {name:?} as well"
                )));
            }
            named.push((name, line));
            rule.check(index).map_err(|error| here(error.to_string()))?;
            rules = rules.rule(rule);
        }
        rules.check().map_err(|error| refused(error.to_string()))?;
        Ok(rules)
    }
}

fn rule_of(fields: &Fields<'_, '_>) -> Result<RetentionRule, RulesError> {
    let mut rule = kept_of(fields, RetentionRule::of(query_of(fields)?))?;
    if let Some(name) = fields.string("name")? {
        rule = rule.named(name);
    }
    if let Some(value) = fields.get("keep-headers") {
        rule = match value.get_ref().as_bool() {
            Some(true) => rule.keep_headers(),
            Some(false) => rule,
            None => return Err(fields.wrong("keep-headers", value, "true or false")),
        };
    }
    Ok(rule)
}

/// What the rule keeps: what `keep` says, or else an age, a number or both.
fn kept_of(fields: &Fields<'_, '_>, mut rule: RetentionRule) -> Result<RetentionRule, RulesError> {
    const AGE: &str = "a length of time of at least a second, such as \"90d\", \"12h\" or \"1h30m\" (w, d, h, m, s; y for \
        365 days)";
    const COUNT: &str = "a whole number from 1 on";
    let age = fields.get("keep-for");
    let newest = fields.get("keep-newest");
    if let Some(value) = fields.get("keep") {
        if age.is_some() || newest.is_some() {
            let message = "`keep` says all, so `keep-for` and `keep-newest` cannot stand beside it";
            return Err(fields.refuse(value, message));
        }
        return match value.get_ref().as_str() {
            Some("all") => Ok(rule),
            Some("none") => Ok(rule.keep_none()),
            _ => Err(fields.wrong("keep", value, "\"all\" or \"none\"")),
        };
    }
    if let Some(value) = age {
        let parsed = value.get_ref().as_str().and_then(parse_age);
        rule = rule.keep_for(parsed.ok_or_else(|| fields.wrong("keep-for", value, AGE))?);
    }
    if let Some(value) = newest {
        let count = whole(value.get_ref()).and_then(|count| u32::try_from(count).ok());
        let count = count.filter(|count| *count > 0);
        rule = rule.keep_newest(count.ok_or_else(|| fields.wrong("keep-newest", value, COUNT))?);
    }
    match age.is_some() || newest.is_some() {
        true => Ok(rule),
        false => Err(RulesError::at(
            fields.text,
            &fields.span,
            "the rule does not say what is kept: `keep-for`, `keep-newest`, or `keep = \"all\"` or `\"none\"`",
        )),
    }
}

/// Which events the rule is of: a region for each of what may be one or the other.
fn query_of(fields: &Fields<'_, '_>) -> Result<Query, RulesError> {
    let named = |key: &str, names: Vec<String>, check: &dyn Fn(&str) -> Result<(), String>| {
        for (name, value) in names.iter().zip(fields.values(key)?) {
            check(name).map_err(|error| fields.refuse(value, format!("`{key}`: {error}")))?;
        }
        Ok(names)
    };
    let name = |name: &str| check_name("name", name).map_err(|error| error.to_string());
    let tag = |tag: &str| match tag.len() {
        ..=TAG_BYTES_MAX => Ok(()),
        bytes => Err(format!(
            "a tag has at most {TAG_BYTES_MAX} bytes, and this has {bytes}"
        )),
    };
    let entities = named("entity", fields.strings("entity")?, &name)?;
    let prefixes = named("prefix", fields.strings("prefix")?, &name)?;
    let scopes = named("scope", fields.strings("scope")?, &name)?;
    let tags = named("tag", fields.strings("tag")?, &tag)?;
    let any_tags = named("any-tag", fields.strings("any-tag")?, &tag)?;

    let all = tags
        .iter()
        .fold(Region::all(), |region, tag| region.tag(tag));
    let all = match any_tags.is_empty() {
        true => all,
        false => all.any_tag(&any_tags),
    };
    let mut regions = with_kinds(fields, &all)?;
    if !entities.is_empty() || !prefixes.is_empty() {
        let of = |region: &Region| {
            let entities = entities.iter().map(|name| region.clone().entity(name));
            let prefixes = prefixes
                .iter()
                .map(|prefix| region.clone().entity_prefix(prefix));
            entities.chain(prefixes).collect::<Vec<_>>()
        };
        regions = regions.iter().flat_map(of).collect();
    }
    if !scopes.is_empty() && regions.len().saturating_mul(scopes.len()) <= REGIONS_MAX {
        let of = |region: &Region| {
            let scopes = scopes.iter().map(|scope| region.clone().scope(scope));
            scopes.collect::<Vec<_>>()
        };
        regions = regions.iter().flat_map(of).collect();
    } else if regions.len().saturating_mul(scopes.len().max(1)) > REGIONS_MAX {
        let message = format!(
            "the rule is of more than {REGIONS_MAX} combinations of entities, prefixes, scopes and kinds; make several of it"
        );
        return Err(RulesError::at(fields.text, &fields.span, message));
    }
    Ok(Query::any_of(regions))
}

/// A region with the kinds that the rule names, or one for those that have numbers and one for those that have names.
fn with_kinds(fields: &Fields<'_, '_>, all: &Region) -> Result<Vec<Region>, RulesError> {
    const KIND: &str =
        "the name of a kind, or its number as \"0x1002\", \"1:2\" or 0x1002, or a list of them";
    let (mut names, mut numbers) = (Vec::new(), Vec::new());
    for value in fields.values("kind")? {
        let refuse =
            |error: &dyn std::fmt::Display| fields.refuse(value, format!("`kind`: {error}"));
        let text = value.get_ref().as_str().filter(|text| !text.is_empty());
        if let Some(number) = whole(value.get_ref()) {
            let kind = EventKind::from_number(number, CATEGORY_DEFAULT);
            numbers.push(KindFilter::from(kind.map_err(|error| refuse(&error))?));
            continue;
        }
        let text = text.ok_or_else(|| fields.wrong("kind", value, KIND))?;
        let is_number = text.starts_with(|first: char| first.is_ascii_digit())
            && text
                .chars()
                .all(|c| c.is_ascii_hexdigit() || "x:".contains(c));
        if is_number {
            let kind = EventKind::parse(text, CATEGORY_DEFAULT).map_err(|error| refuse(&error))?;
            numbers.push(KindFilter::from(kind));
            continue;
        }
        let name = text.strip_prefix(NAME_PREFIX).unwrap_or(text);
        check_name("name of a kind", name).map_err(|error| refuse(&error))?;
        names.push(name.to_owned());
    }
    if let Some(category) = fields.number("category", "a number from 0 to 15")? {
        let value = fields.get("category");
        let category = u8::try_from(category)
            .ok()
            .filter(|category| *category <= 15);
        let category = category.map(KindFilter::Category);
        match (category, value) {
            (Some(category), _) => numbers.push(category),
            (None, Some(value)) => {
                return Err(fields.wrong("category", value, "a number from 0 to 15"));
            }
            (None, None) => {}
        }
    }
    let mut regions = Vec::new();
    if !numbers.is_empty() {
        regions.push(all.clone().kinds(numbers));
    }
    if !names.is_empty() {
        regions.push(all.clone().kinds_named(names));
    }
    if regions.is_empty() {
        regions.push(all.clone());
    }
    Ok(regions)
}
