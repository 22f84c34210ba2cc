//! Types, which are texts, and the kinds that they are names of.
//!
//! A kind without a name has a type too, made of its number, as exports write it: so events that were appended
//! otherwise can be read and asked for.

use strandline_core::EventKind;

/// What the type of a kind without a name begins with, before its number.
const NUMBERED: &str = "strandline.kind.";

/// The type of events of a kind, which may have a name.
pub(crate) fn type_of(kind: EventKind, name: Option<&str>) -> String {
    name.map_or_else(|| format!("{NUMBERED}{kind}"), str::to_owned)
}

/// The kind that a type is the number of.
pub(crate) fn numbered(event_type: &str) -> Option<EventKind> {
    let number = event_type.strip_prefix(NUMBERED)?;
    let kind = EventKind::parse(number, 0).ok()?;
    // Each kind has one such type.
    (kind.to_string() == number).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_without_a_name_has_one_type() {
        let kind = EventKind::new(0x1, 0x002);
        assert_eq!(type_of(kind, Some("Paid")), "Paid");
        let text = type_of(kind, None);
        assert_eq!(text, "strandline.kind.0x1002");
        assert_eq!(numbered(&text), Some(kind));
        for other in [
            "strandline.kind.1:2",
            "strandline.kind.4098",
            "strandline.kind.0x0001",
            "strandline.kind.0xd001",
            "strandline.kind.",
            "0x1002",
            "",
        ] {
            assert_eq!(numbered(other), None, "{other}");
        }
    }
}
