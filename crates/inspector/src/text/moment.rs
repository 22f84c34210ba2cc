//! Times: as they are shown, in UTC, and as people write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use strandline::maintenance::rfc3339;

/// A text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no time: a time is a date (`2026-01-31`), a date and a time in UTC (`2026-01-31T12:00`) or with an \
     offset (`2026-01-31T12:00:00+02:00`), how long ago it was (`30d`, `12h`, `15m`), or milliseconds since 1970, of \
     at least 12 digits"
)]
pub(crate) struct MomentError(String);

/// The fewest milliseconds since 1970 that are taken as such, of March 1973: fewer were meant to be something else.
const MILLISECONDS_MIN: u64 = 100_000_000_000;

/// A time as `2026-01-31 12:00:00.123`, in UTC.
pub(crate) fn time(wall_ms: u64) -> String {
    rfc3339(wall_ms).replace('T', " ").replace('Z', "")
}

/// A time as short as one in a span of this many milliseconds can be.
pub(crate) fn time_short(wall_ms: u64, span_ms: u64) -> String {
    const DAY_MS: u64 = 86_400_000;
    let text = time(wall_ms);
    let part = match span_ms {
        0..10_000 => text.get(11..),
        10_000..DAY_MS => text.get(11..19),
        DAY_MS..2_592_000_000 => text.get(5..16),
        _ => text.get(..10),
    };
    part.unwrap_or(&text).to_owned()
}

/// Milliseconds since 1970 of a time that somebody wrote, if it is `now_ms`.
///
/// # Errors
///
/// [`MomentError`], which says what a time looks like.
pub(crate) fn parse_moment(text: &str, now_ms: u64) -> Result<u64, MomentError> {
    let text = text.trim();
    let refused = || MomentError(text.to_owned());
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = text.parse().map_err(|_| refused())?;
        return match number {
            MILLISECONDS_MIN.. => Ok(number),
            _ => Err(refused()),
        };
    }
    if text == "now" {
        return Ok(now_ms);
    }
    if let Some(ago) = ago_ms(text) {
        return Ok(now_ms.saturating_sub(ago));
    }
    let at = text.parse::<Timestamp>().ok();
    let at = at.or_else(|| {
        let day = text.parse::<Date>().ok().filter(|_| text.len() <= 10);
        let civil = day.map(|day| day.at(0, 0, 0, 0));
        let civil = civil.or_else(|| text.parse::<DateTime>().ok())?;
        TimeZone::UTC.to_timestamp(civil).ok()
    });
    let at = at
        .ok_or_else(refused)?
        .duration_since(Timestamp::UNIX_EPOCH);
    whole_ms(at).ok_or_else(refused)
}

fn whole_ms(since: SignedDuration) -> Option<u64> {
    u64::try_from(since.as_millis()).ok()
}

/// How many milliseconds ago `30d`, `12h`, `15m` or `20s` is.
fn ago_ms(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit_ms = match unit {
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_each_form() {
        let now = 1_800_000_000_000;
        for (text, ms) in [
            ("2026-01-31", 1_769_817_600_000),
            ("2026-01-31T12:00", 1_769_860_800_000),
            ("2026-01-31 12:00:00.5", 1_769_860_800_500),
            ("2026-01-31T12:00:00+02:00", 1_769_853_600_000),
            ("1769860800500", 1_769_860_800_500),
            ("12h", now - 43_200_000),
            ("now", now),
        ] {
            assert_eq!(parse_moment(text, now), Ok(ms), "{text}");
        }
        for wrong in [
            "",
            "2026",
            "1.5h",
            "tomorrow",
            "1969-01-01",
            "-3d",
            "99999999999999999999",
        ] {
            assert!(parse_moment(wrong, now).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_as_short_as_their_span_lets_them_be() {
        let at = 1_769_860_800_500;
        assert_eq!(time(at), "2026-01-31 12:00:00.500");
        assert_eq!(time_short(at, 5), "12:00:00.500");
        assert_eq!(time_short(at, 60_000), "12:00:00");
        assert_eq!(time_short(at, 86_400_000), "01-31 12:00");
        assert_eq!(time_short(at, u64::MAX), "2026-01-31");
    }
}
