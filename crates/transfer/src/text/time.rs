//! Times of texts: RFC 3339 as milliseconds since 1970. Writes none: `strandline_core::rfc3339` does.

use jiff::civil::{DateTime, date};

/// What a date and a time of day look like.
const SHAPE: &[u8] = b"0000-00-00T00:00:00";

/// The milliseconds since 1970 of an RFC 3339 text; parts of a millisecond are cut off, and a leap second is
/// the first one of the next minute. `None` if it is none, or before 1970.
///
/// ```
/// use strandline_transfer::parse_rfc3339;
///
/// assert_eq!(parse_rfc3339("2018-09-23T20:30:14+02:00"), Some(1_537_727_414_000));
/// ```
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let (date_time, mut rest) = text.split_at_checked(SHAPE.len())?;
    // Jiff reads more of ISO 8601 than RFC 3339 has: dates without marks, say, and times without seconds.
    let is_shaped = date_time
        .bytes()
        .zip(SHAPE)
        .all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b't' | b' '),
            mark => byte == *mark,
        });
    if !is_shaped {
        return None;
    }
    let civil: DateTime = date_time.parse().ok()?;
    // Jiff takes a leap second for the one before it.
    let leap_second = i64::from(date_time.ends_with("60"));
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
    let epoch = date(1970, 1, 1).at(0, 0, 0, 0);
    let seconds = civil.duration_since(epoch).as_secs() + leap_second - offset_minutes * 60;
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
            "20180923T183014Z",
            "2018-09-23T18:30Z",
            "2018-09-23T18:30:14,5Z",
            "2018-09-23T18:30:14+0200",
            "2018-09-23T18:30:14+02",
            "2018-09-23T18:30:14+24:00",
            "2018-09-23T18:30:14Z[UTC]",
            "2018-09-23T18:30:61Z",
            "+002018-09-23T18:30:14Z",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00.5Z"), Some(500));
        assert_eq!(
            parse_rfc3339("1970-01-01t00:00:01.98765-00:01"),
            Some(61_987)
        );
        assert_eq!(
            parse_rfc3339("2016-12-31 23:59:60.0001234567890123z"),
            parse_rfc3339("2017-01-01T00:00:00Z")
        );
        assert_eq!(
            parse_rfc3339("9999-12-31T23:59:59-23:59"),
            Some(253_402_387_139_000)
        );
    }
}
