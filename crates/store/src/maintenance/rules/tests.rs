//! Texts of rules: what they mean, and how those are refused that mean nothing.

use crate::maintenance::{Retention, RetentionRule};
use crate::{EventKind, KindFilter, Query, Region};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn refused(text: &str) -> String {
    Retention::from_toml(text).unwrap_err().to_string()
}

#[test]
fn the_example_means_what_it_says() {
    let text = include_str!("../../../../../examples/retention.toml");
    let read = Retention::from_toml(text).unwrap();
    let meters = Region::all().entity_prefix("meter:");
    let scope = |name| Region::all().scope(name);
    let letters = Region::all()
        .entity_prefix("customer:")
        .kind_named("letter.received");
    let prefix = |name| Region::all().entity_prefix(name);
    let expected = [
        RetentionRule::of(Region::all().tag("legal-hold")).named("held"),
        RetentionRule::of(meters.kinds_named(["meter.read", "meter.estimated"]))
            .named("readings")
            .keep_for(90 * DAY)
            .keep_newest(1),
        RetentionRule::of(Query::any_of(["eu/sessions", "us/sessions"].map(scope)))
            .named("sessions")
            .keep_for(7 * DAY),
        RetentionRule::of(letters)
            .named("letters")
            .keep_for(2 * 365 * DAY)
            .keep_headers(),
        RetentionRule::of(Query::any_of(["test:", "trial:"].map(prefix)))
            .named("trials")
            .keep_none(),
    ];
    let expected = expected.into_iter().fold(Retention::new(), Retention::rule);
    assert_eq!(read, expected);
}

#[test]
fn kinds_are_named_or_numbered_and_tags_are_all_or_any() {
    let text = r#"
        [[rule]]
        kind = ["order.paid", 0x1002, "1:3", "name:12", "2fa.enabled"]
        category = 2
        entity = "user:1"
        prefix = "order:"
        tag = ["a", "b"]
        any-tag = ["c", "d"]
        keep-newest = 2
    "#;
    let all = Region::all().tag("a").tag("b").any_tag(["c", "d"]);
    let numbers = [1, 2].map(|low| KindFilter::from(EventKind::new(1, low + 1)));
    let numbers = numbers.into_iter().chain([KindFilter::Category(2)]);
    let regions = [
        all.clone().kinds(numbers),
        all.kinds_named(["order.paid", "12", "2fa.enabled"]),
    ];
    let regions = regions.into_iter().flat_map(|region| {
        [
            region.clone().entity("user:1"),
            region.entity_prefix("order:"),
        ]
    });
    let rule = RetentionRule::of(Query::any_of(regions)).keep_newest(2);
    assert_eq!(Retention::from_toml(text), Ok(Retention::new().rule(rule)));
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_what_is_allowed() {
    for (text, said) in [
        ("", "line 1: there is no rule: each begins with `[[rule]]`"),
        (
            "[rule]\nkeep = \"all\"",
            "line 1: `rule` is a table; each rule begins with `[[rule]]`, in two brackets",
        ),
        (
            "rules = 1\n",
            "line 1: `rules` is no key of a file of rules: did you mean `rule`? There is `forget-digests`, `rule`",
        ),
        ("\n[[rule]\n", "line 2: this is no TOML: "),
        (
            "[[rule]]\nkeep = \"al\"",
            "line 2: `keep` is the text \"al\"; it has to be \"all\" or \"none\"",
        ),
        (
            "[[rule]]\ntag = \"x\"",
            "line 1: the rule does not say what is kept: `keep-for`, `keep-newest`, or ",
        ),
        (
            "[[rule]]\n\n# \nkeep_newest = 1",
            "line 4: `keep_newest` is no key of a rule: did you mean `keep-newest`? There is `name`, `entity`, ",
        ),
        (
            "[[rule]]\nowner = 1",
            "line 2: `owner` is no key of a rule: There is `name`",
        ),
        (
            "[[rule]]\nkeep-for = 90",
            "line 2: `keep-for` is the number 90; it has to be a length of time of at least a second, such as \"90d\"",
        ),
        (
            "[[rule]]\nkeep-for = \"90 days\"",
            "line 2: `keep-for` is the text \"90 days\"; it has to be",
        ),
        (
            "[[rule]]\nkeep-newest = 0",
            "line 2: `keep-newest` is the number 0; it has to be a whole number from 1 on",
        ),
        (
            "[[rule]]\nkeep-newest = -1",
            "line 2: `keep-newest` is the number -1; it",
        ),
        (
            "[[rule]]\nkeep-newest = 5000000000",
            "line 2: `keep-newest` is the number 5000000000; it",
        ),
        (
            "[[rule]]\nkeep = \"all\"\nkeep-for = \"1d\"",
            "line 2: `keep` says all, so",
        ),
        (
            "[[rule]]\nentity = \"\"",
            "line 2: `entity` is empty; leave it out, or name one",
        ),
        (
            "[[rule]]\nprefix = []",
            "line 2: `prefix` is a list of nothing",
        ),
        (
            "[[rule]]\nscope = [\"a\",\n 3]",
            "line 3: `scope` is the number 3; it has to be a text, such as",
        ),
        (
            "[[rule]]\nkind = \"0x0002\"\nkeep = \"none\"",
            "line 2: `kind`: ",
        ),
        (
            "[[rule]]\nkind = true",
            "line 2: `kind` is true; it has to be the name of a kind",
        ),
        (
            "[[rule]]\ncategory = 16",
            "line 2: `category` is the number 16; it has to be a number from 0 to 15",
        ),
        (
            "[[rule]]\nkeep-newest = 1\nkeep-headers = 1",
            "line 3: `keep-headers` is the number 1; it has to be true or false",
        ),
        (
            "[[rule]]\nkeep = \"none\"",
            "line 1: the rule \"rule 1\" is refused: it is of every event and keeps none",
        ),
        (
            "[[rule]]\nkeep = \"all\"\ntag = \"x\"",
            "line 1: every rule keeps all of its events, so there is nothing",
        ),
        (
            "[[rule]]\nname = \"a\"\nkeep-newest = 1\n[[rule]]\nname = \"a\"\nkeep-newest = 1",
            "line 4: the rule in line 1 is called \"a\" as well",
        ),
    ] {
        let error = refused(text);
        assert!(error.starts_with(said), "{text:?}: {error}");
    }
}

/// A rule of a thousand names is one of as many regions, which is walked for each; hostile ones are bounded.
#[test]
fn rules_and_texts_are_bounded() {
    let names: Vec<_> = (0..50).map(|number| format!("\"{number}\"")).collect();
    let names = names.join(",");
    let error = refused(&format!(
        "[[rule]]\nprefix = [{names}]\nscope = [{names}]\nkeep-newest = 1"
    ));
    assert!(error.contains("more than 1000 combinations"), "{error}");
    let error = refused(&"#".repeat((1 << 20) + 1));
    assert!(error.contains("at most 1048576 are read"), "{error}");
    let tag = "x".repeat(129);
    let error = refused(&format!("[[rule]]\ntag = \"{tag}\"\nkeep-newest = 1"));
    assert!(
        error.starts_with("line 2: `tag`: a tag has at most 128 bytes"),
        "{error}"
    );
}
