//! Times of texts: RFC 3339 as milliseconds since 1970. Writes none: `strandline_core::rfc3339` does.

use jiff::civil::{Date, DateTime, date};

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
    rfc3339_ms(text).ok()
}

/// Why a text is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeFault {
    Form,
    NoTimeOfDay,
    Space,
    NoSuchDay,
    NoSuchTimeOfDay,
    NoZone,
    Zone,
    Before1970,
}

impl TimeFault {
    /// What is wrong, and what would be right, for a sentence that begins with the text.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Form => "is no time as of RFC 3339, such as 2018-09-23T20:30:14+02:00",
            Self::NoTimeOfDay => {
                "is no time but a day: a time of day and a zone belong to it, as in 2018-09-23T20:30:14Z"
            }
            Self::Space => {
                "is no time as of RFC 3339, for a space that does not belong there: it is written as \
                 2018-09-23T20:30:14Z"
            }
            Self::NoSuchDay => {
                "is no time, as the month has no such day or the year no such month; the last of February \
                 is 2018-02-28T23:59:59Z, say"
            }
            Self::NoSuchTimeOfDay => {
                "is no time, as there is no such time of day: it ends with 2018-09-23T23:59:59Z, and the \
                 next is 2018-09-24T00:00:00Z"
            }
            Self::NoZone => {
                "is no time without its zone, which is `Z` for UTC or an offset from it, as in \
                 2018-09-23T20:30:14Z or 2018-09-23T20:30:14+02:00"
            }
            Self::Zone => {
                "is no time, as its zone is none: it is `Z` for UTC, or an offset as in \
                 2018-09-23T20:30:14+02:00"
            }
            Self::Before1970 => {
                "is no time that a store has: it is before 1970, and the first one is 1970-01-01T00:00:00Z"
            }
        }
    }
}

/// The milliseconds since 1970 of an RFC 3339 text, or why it is none.
pub(crate) fn rfc3339_ms(text: &str) -> Result<u64, TimeFault> {
    let day = text.get(.."0000-00-00".len()).filter(|day| is_shaped(day));
    let (date_time, mut rest) = text
        .split_at_checked(SHAPE.len())
        .filter(|(date_time, _)| is_shaped(date_time))
        .ok_or(match day {
            _ if text.trim() != text => TimeFault::Space,
            Some(day) if day == text => TimeFault::NoTimeOfDay,
            _ => TimeFault::Form,
        })?;
    let civil: DateTime = date_time.parse().map_err(|_| {
        let has_day = day.is_some_and(|day| day.parse::<Date>().is_ok());
        match has_day {
            true => TimeFault::NoSuchTimeOfDay,
            false => TimeFault::NoSuchDay,
        }
    })?;
    // Jiff takes a leap second for the one before it.
    let leap_second = i64::from(date_time.ends_with("60"));
    let mut ms = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, after) = fraction.split_at(digits);
        if fraction.is_empty() {
            return Err(TimeFault::Form);
        }
        let kept: String = fraction.chars().chain("00".chars()).take(3).collect();
        ms = kept.parse::<i64>().map_err(|_| TimeFault::Form)?;
        rest = after;
    }
    let offset_minutes = offset(rest).ok_or(match rest {
        "" => TimeFault::NoZone,
        _ if rest.contains(' ') => TimeFault::Space,
        _ => TimeFault::Zone,
    })?;
    let epoch = date(1970, 1, 1).at(0, 0, 0, 0);
    let seconds = civil.duration_since(epoch).as_secs() + leap_second - offset_minutes * 60;
    u64::try_from(seconds * 1000 + ms).map_err(|_| TimeFault::Before1970)
}

/// Whether a text has digits and marks where a time has them, or the beginning of one.
fn is_shaped(text: &str) -> bool {
    // Jiff reads more of ISO 8601 than RFC 3339 has: dates without marks, say, and times without seconds.
    text.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        mark => byte == *mark,
    })
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
    fn what_is_wrong_with_a_time_is_told() {
        for (text, fault) in [
            ("", TimeFault::Form),
            ("yesterday", TimeFault::Form),
            ("2018-09", TimeFault::Form),
            ("20180923T183014Z", TimeFault::Form),
            ("2018-09-23T18:30Z", TimeFault::Form),
            ("2018-09-23", TimeFault::NoTimeOfDay),
            (" 2018-09-23T18:30:14Z", TimeFault::Space),
            ("2018-09-23T18:30:14Z ", TimeFault::Space),
            ("2018-09-23T18:30:14 Z", TimeFault::Space),
            ("2018-09-23 18:30:14 +02:00", TimeFault::Space),
            ("2018-02-30T00:00:00Z", TimeFault::NoSuchDay),
            ("2018-02-30T00:00:00", TimeFault::NoSuchDay),
            ("2018-13-01T00:00:00Z", TimeFault::NoSuchDay),
            ("2018-09-23T24:00:00Z", TimeFault::NoSuchTimeOfDay),
            ("2018-09-23T18:30:61Z", TimeFault::NoSuchTimeOfDay),
            ("2018-09-23T18:30:14", TimeFault::NoZone),
            ("2018-09-23 18:30:14.5", TimeFault::NoZone),
            ("2018-09-23T18:30:14+0200", TimeFault::Zone),
            ("2018-09-23T18:30:14Z[UTC]", TimeFault::Zone),
            ("1969-12-31T23:59:59.999Z", TimeFault::Before1970),
            ("1970-01-01T00:00:00+00:01", TimeFault::Before1970),
        ] {
            assert_eq!(rfc3339_ms(text), Err(fault), "{text}");
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
