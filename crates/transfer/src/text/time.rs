//! Times as text: milliseconds since 1970 and RFC 3339, in UTC.

use strandline_core::civil_date;

/// The milliseconds since 1970 of an RFC 3339 text; parts of a millisecond are cut off. `None` if
/// it is none, or before 1970.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        let all = digits.bytes().all(|byte| byte.is_ascii_digit());
        all.then(|| digits.parse().ok()).flatten()
    };
    let marks = [(4, b"-"), (7, b"-"), (13, b":"), (16, b":")];
    let marked = marks
        .iter()
        .all(|(at, mark)| bytes.get(*at) == mark.first());
    let t = matches!(bytes.get(10), Some(b'T' | b't' | b' '));
    if !marked || !t {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let days = days_from_civil(year, month, day);
    // A day that its month does not have comes back as another.
    let is_date = (1..=12).contains(&month) && civil_date(days) == (year, month, day);
    if !is_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut ms = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, after) = fraction.split_at(digits);
        if fraction.is_empty() {
            return None;
        }
        let kept: String = fraction.chars().chain("00".chars()).take(3).collect();
        ms = kept.parse::<i64>().ok()?;
        rest = after;
    }
    let offset_minutes = offset(rest)?;
    let seconds = ((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second;
    u64::try_from(seconds * 1000 + ms).ok()
}

/// The minutes that a zone is ahead of UTC.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, text) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| -> Option<i64> {
        let fine = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        fine.then(|| digits.parse().ok()).flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

/// The day since 1970, by the source of [`civil_date`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use strandline_core::rfc3339;

    #[test]
    fn times_come_back_from_their_texts() {
        for ms in [
            0,
            1,
            951_782_399_999,
            1_732_320_000_123,
            253_402_300_799_999,
        ] {
            assert_eq!(parse_rfc3339(&rfc3339(ms)), Some(ms), "{}", rfc3339(ms));
        }
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
    }

    #[test]
    fn texts_that_are_no_time_are_refused() {
        for text in [
            "",
            "2018-09-23",
            "2018-02-30T00:00:00Z",
            "2018-13-01T00:00:00Z",
            "2018-09-23T24:00:00Z",
            "2018-09-23T18:30:14",
            "2018-09-23T18:30:14.Z",
            "2018-09-23T18:30:14+2:00",
            "1969-12-31T23:59:59Z",
            "2018-09-23T18:30:1éZ",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00.5Z"), Some(500));
        assert_eq!(
            parse_rfc3339("1970-01-01t00:00:01.98765-00:01"),
            Some(61_987)
        );
    }
}
