//! Ages as people write them: `90d`, `1h30m`.

use std::time::Duration;

/// The length of time that a text means: numbers with units, each once and the larger ones first.
pub(super) fn parse_age(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let seconds: u64 = match unit {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 7 * 86_400,
            "y" => 365 * 86_400,
            _ => return None,
        };
        if seconds >= last {
            return None;
        }
        last = seconds;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(seconds)?)?;
        rest = after.trim_start();
    }
    (total > 0).then_some(Duration::from_secs(total))
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_in_each_form() {
        for (text, seconds) in [
            ("90d", 90 * 86_400),
            ("1h30m", 5_400),
            ("2w 1d", 15 * 86_400),
            ("10y", 3650 * 86_400),
            ("45s", 45),
            ("10min", 600),
        ] {
            assert_eq!(
                parse_age(text),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for wrong in [
            "",
            "90",
            "d",
            "1m1h",
            "1d1d",
            "-1d",
            "90 d",
            "0d",
            "1.5d",
            "99999999999999999999d",
            "999999999999999999w",
            "30 days",
        ] {
            assert_eq!(parse_age(wrong), None, "{wrong}");
        }
    }
}
