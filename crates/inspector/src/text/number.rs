//! Numbers for people: counts, sizes and lengths of time.

/// A count with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A length in bytes.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut whole = bytes;
    while whole >= 1024 && unit + 1 < UNITS.len() {
        whole /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 {
        return format!("{bytes} B");
    }
    let tenths = u128::from(bytes) * 10 / (1_u128 << (10 * unit));
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// A length of time.
pub(crate) fn span(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
    ];
    match UNITS.iter().find(|(unit, _)| ms >= *unit) {
        Some((unit, name)) if ms < 10 * unit && *unit > 1 => {
            let tenths = ms * 10 / unit;
            match tenths % 10 {
                0 => format!("{} {name}", tenths / 10),
                rest => format!("{}.{rest} {name}", tenths / 10),
            }
        }
        Some((unit, name)) => format!("{} {name}", ms / unit),
        None => format!("{ms} ms"),
    }
}

/// How far a time is from another, with its sign.
pub(crate) fn signed_span(from_ms: u64, to_ms: u64) -> String {
    match to_ms.checked_sub(from_ms) {
        Some(later) => format!("+{}", span(later)),
        None => format!("−{}", span(from_ms - to_ms)),
    }
}

/// How much of a whole a part is, in thousandths; at least one where there is a part at all.
pub(crate) fn share(part: u64, whole: u64) -> u64 {
    match whole {
        0 => 0,
        _ if part == 0 => 0,
        _ => {
            let share = u128::from(part.min(whole)) * 1000 / u128::from(whole);
            u64::try_from(share).unwrap_or(1000).max(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1000, 1_234_567]
                .map(count)
                .each_ref()
                .map(String::as_str)
        );
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(u64::MAX), "16777215.9 TiB");
        assert_eq!(span(999), "999 ms");
        assert_eq!(span(1500), "1.5 s");
        assert_eq!(span(60_000), "1 min");
        assert_eq!(span(86_400_000 * 30), "30 d");
        assert_eq!(signed_span(5, 3), "−2 ms");
        assert_eq!(
            [share(0, 9), share(1, 1_000_000), share(9, 9)],
            [0, 1, 1000]
        );
    }
}
