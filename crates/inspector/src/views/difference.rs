//! What differs between two values of JSON, place by place; and values merged (RFC 7396).

use serde::Serialize;
use serde_json::Value;

/// The most changes that are given.
const CHANGES_MAX: usize = 500;
/// How deep values are compared by their parts.
const LEVELS_MAX: usize = 32;

/// A place that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// Where, as a JSON pointer (RFC 6901); empty for the whole.
    pub(crate) at: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// What differs, and whether there is more than is given.
pub(super) fn difference(before: &Value, after: &Value) -> (Vec<Change>, bool) {
    let mut changes = Vec::new();
    compare(
        &mut changes,
        String::new(),
        (Some(before), Some(after)),
        LEVELS_MAX,
    );
    let is_cut = changes.len() > CHANGES_MAX;
    changes.truncate(CHANGES_MAX);
    (changes, is_cut)
}

fn compare(
    changes: &mut Vec<Change>,
    at: String,
    both: (Option<&Value>, Option<&Value>),
    levels: usize,
) {
    if changes.len() > CHANGES_MAX {
        return;
    }
    let below = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    match both {
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) if levels > 0 => {
            for (name, value) in before {
                compare(
                    changes,
                    below(name),
                    (Some(value), after.get(name)),
                    levels - 1,
                );
            }
            for (name, value) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
                compare(changes, below(name), (None, Some(value)), levels - 1);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) if levels > 0 => {
            for place in 0..before.len().max(after.len()) {
                compare(
                    changes,
                    below(&place.to_string()),
                    (before.get(place), after.get(place)),
                    levels - 1,
                );
            }
        }
        (before, after) => changes.push(Change {
            before: before.map(ToString::to_string),
            after: after.map(ToString::to_string),
            at,
        }),
    }
}

/// A value with another merged into it: objects by their names, of which null takes one out; else the other.
pub(super) fn merged(state: Value, patch: Value) -> Value {
    match (state, patch) {
        (Value::Object(mut state), Value::Object(patch)) => {
            for (name, value) in patch {
                match (state.remove(&name), value) {
                    (_, Value::Null) => {}
                    (own, value) => {
                        drop(state.insert(name, merged(own.unwrap_or(Value::Null), value)))
                    }
                }
            }
            Value::Object(state)
        }
        (_, Value::Object(patch)) => {
            merged(Value::Object(serde_json::Map::new()), Value::Object(patch))
        }
        (_, patch) => patch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_is_named_by_its_place() {
        let (changes, is_cut) = difference(
            &json!({"a": 1, "b": {"c": [1, 2]}, "d/e": 0}),
            &json!({"a": 1, "b": {"c": [1, 3, 4]}, "f": null}),
        );
        let places: Vec<_> = changes.iter().map(|change| change.at.as_str()).collect();
        assert_eq!(places, ["/b/c/1", "/b/c/2", "/d~1e", "/f"]);
        assert!(!is_cut);
        let many: Vec<u32> = (0..2_000).collect();
        assert!(difference(&json!([]), &json!(many)).1);
    }

    #[test]
    fn states_are_merged_as_the_rfc_says() {
        let state = merged(
            json!({"a": 1, "b": {"c": 2, "d": 3}}),
            json!({"b": {"c": null}, "e": [1]}),
        );
        assert_eq!(state, json!({"a": 1, "b": {"d": 3}, "e": [1]}));
        assert_eq!(
            merged(json!([1]), json!({"a": {"b": null}})),
            json!({"a": {}})
        );
        assert_eq!(merged(json!({"a": 1}), json!(5)), json!(5));
    }
}
