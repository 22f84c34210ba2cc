//! Numbers as people read them.

/// A number with a comma between each three digits.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 event`, `2,000 events`.
pub(crate) fn count(count: u64, thing: &str) -> String {
    if count == 1 {
        return format!("1 {thing}");
    }
    match thing.strip_suffix('y') {
        Some(stem) => format!("{} {stem}ies", number(count)),
        None => format!("{} {thing}s", number(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (given, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(given), text);
        }
    }

    #[test]
    fn things_are_counted() {
        assert_eq!(count(1, "entity"), "1 entity");
        assert_eq!(count(0, "entity"), "0 entities");
        assert_eq!(count(2000, "event"), "2,000 events");
    }
}
