//! Numbers and times as people read them.

use std::time::Duration;

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
    // Of entity and entry it is -ies, of key -ys.
    match thing.strip_suffix('y').filter(|stem| !stem.ends_with('e')) {
        Some(stem) => format!("{} {stem}ies", number(count)),
        None => format!("{} {thing}s", number(count)),
    }
}

/// A number of bytes, for people.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut shown = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        if shown < 1024.0 {
            break;
        }
        shown /= 1024.0;
        unit = larger;
    }
    match unit {
        "B" => format!("{bytes} B"),
        unit if shown < 10.0 => format!("{shown:.1} {unit}"),
        unit => format!("{shown:.0} {unit}"),
    }
}

/// How long something takes or took, in its two greatest units: `3d 4h`, `12s`.
pub(crate) fn duration(time: Duration) -> String {
    const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let seconds = time.as_secs();
    let mut left = seconds;
    let mut parts = Vec::new();
    for (unit, in_seconds) in UNITS {
        let (count, rest) = (left / in_seconds, left % in_seconds);
        left = rest;
        match (count, parts.is_empty()) {
            (0, true) => {}
            // What follows a missing unit is too small to be told.
            (0, false) => break,
            _ => parts.push(format!("{count}{unit}")),
        }
        if parts.len() == 2 {
            break;
        }
    }
    match seconds {
        0 => "0s".to_owned(),
        _ => parts.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_two_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (190, "3m 10s"),
            (3601, "1h"),
            (93_784, "1d 2h"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }

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

    #[test]
    fn sizes_are_rounded_for_people() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(256 << 20), "256 MiB");
    }
}
