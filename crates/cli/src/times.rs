//! Times as people write and read them: dates, times with a zone or without, how long ago; in UTC, or in the
//! zone of this machine.
//!
//! Knows no command. Asks no clock: who resolves a time says what time it is.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use strandline::maintenance::rfc3339;

/// What a time can look like, for errors.
const FORMS: &str = "a time is a date (`2026-01-31`), a date and a time (`2026-01-31T12:00`, \
    `2026-01-31T12:00:00+02:00`), how long ago it was (`30d`, `12h`, `1h30m`), `now`, `today`, `yesterday`, \
    or milliseconds since 1970, of at least 12 digits";

/// The fewest milliseconds since 1970 that are taken, of March 1973. Numbers below it were mostly meant to
/// be something else: days, a year, a date, or seconds.
const MILLISECONDS_MIN: u64 = 100_000_000_000;

/// The length of time that a text means, of a second at least: `60s`, `10m`, `1h30m`.
///
/// # Errors
///
/// What it looks like.
#[cfg(feature = "proof")]
pub(crate) fn parse_interval(text: &str) -> Result<std::time::Duration, String> {
    let is_length = text.starts_with(|first: char| first.is_ascii_digit());
    let length = ago(text).filter(|ms| is_length && !text.ends_with("ago") && *ms >= 1000);
    let length = length.map(std::time::Duration::from_millis);
    length.ok_or_else(|| {
        format!("{text:?} is no length of time of a second or more: `60s`, `10m`, `1h30m`, `1d`")
    })
}

/// A time as somebody wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Milliseconds since 1970.
    At(u64),
    /// So many milliseconds before now.
    Ago(u64),
    /// A date and a time of day, in the zone that is asked for.
    Civil(DateTime),
    /// The first moment of the day so many days before today.
    Day(i64),
}

impl Moment {
    /// The time that a text means.
    ///
    /// # Errors
    ///
    /// What a time looks like.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let refused = || format!("{text:?} is no time since 1970: {FORMS}");
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.parse().map_err(|_| refused())? {
                small @ ..MILLISECONDS_MIN => Err(meant(text, small)),
                wall_ms => Ok(Self::At(wall_ms)),
            };
        }
        if !is_offset_below_a_day(text) {
            return Err(format!("{text:?}: an offset from UTC is at most 23:59"));
        }
        match text {
            "now" => return Ok(Self::Ago(0)),
            "today" => return Ok(Self::Day(0)),
            "yesterday" => return Ok(Self::Day(1)),
            _ => {}
        }
        if let Some(ago) = ago(text) {
            return Ok(Self::Ago(ago));
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            let at = u64::try_from(at.as_millisecond());
            return at.map(Self::At).map_err(|_| refused());
        }
        let date = text.parse::<Date>().ok().filter(|_| text.len() <= 10);
        let civil = date.map(|date| date.at(0, 0, 0, 0));
        let civil = civil.or_else(|| text.parse().ok());
        civil.map(Self::Civil).ok_or_else(refused)
    }

    /// Milliseconds since 1970, if it is `now_ms`.
    ///
    /// # Errors
    ///
    /// Why there is no such time.
    pub(crate) fn resolve(self, now_ms: u64, zone: &Zone) -> Result<u64, String> {
        let civil = match self {
            Self::At(wall_ms) => return Ok(wall_ms),
            Self::Ago(ago) => {
                let at = now_ms.checked_sub(ago);
                return at.ok_or_else(|| "that is before 1970".to_owned());
            }
            Self::Civil(civil) => civil,
            Self::Day(days) => {
                let now = i64::try_from(now_ms).unwrap_or(i64::MAX);
                let now = Timestamp::from_millisecond(now).map_err(|error| error.to_string())?;
                let today = now.to_zoned_datetime(zone.0.clone()).date();
                let day = today.checked_sub(days.days());
                day.map_err(|error| error.to_string())?.at(0, 0, 0, 0)
            }
        };
        let at = zone.0.to_timestamp(civil);
        let at = at.map_err(|error| error.to_string())?.as_millisecond();
        u64::try_from(at).map_err(|_| "that is before 1970".to_owned())
    }
}

/// Why a number is not taken as milliseconds since 1970, and what it may have been meant to be.
fn meant(text: &str, number: u64) -> String {
    let day = (text.len() == 8).then(|| text.split_at(4));
    let day = day.map(|(year, day)| (year, day.split_at(2)));
    let day = day.map(|(year, (month, day))| format!("{year}-{month}-{day}"));
    let guess = match day.filter(|day| day.parse::<Date>().is_ok()) {
        Some(day) => format!("`{day}`"),
        None if text.len() == 4 => format!("`{text}-01-01`"),
        // Seconds since September 2001, and before 5138.
        None if number >= 1_000_000_000 => {
            format!("`{number}000`, which are these seconds in milliseconds")
        }
        None => format!("`{number}d`, which is {number} days ago"),
    };
    format!(
        "{text:?} would be milliseconds of the first years after 1970; did you mean {guess}? {FORMS}"
    )
}

/// Whether the offset from UTC that a time has, if it has one, is of less than a day.
fn is_offset_below_a_day(text: &str) -> bool {
    let time = text.split_once(['T', 't', ' ']);
    let offset = time.and_then(|(_, time)| time.split_once(['+', '-', '\u{2212}']));
    let Some((_, offset)) = offset else {
        return true;
    };
    let hours = offset.get(..2).and_then(|hours| hours.parse::<u8>().ok());
    hours.is_none_or(|hours| hours < 24)
}

/// How many milliseconds ago something was: `30d`, `1h30m`, `2w`, with a minus before it or `ago` after it if
/// one likes.
fn ago(text: &str) -> Option<u64> {
    let mut rest = text.strip_prefix('-').unwrap_or(text);
    rest = rest.strip_suffix("ago").unwrap_or(rest).trim_end();
    let mut total: u64 = 0;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let unit: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return None,
        };
        if unit >= last {
            return None;
        }
        last = unit;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = after.trim_start();
    }
    (last < u64::MAX).then_some(total)
}

/// In which zone times are written, and read where they have none.
#[derive(Debug, Clone)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    /// That of this machine, or UTC.
    pub(crate) fn new(is_local: bool) -> Self {
        Self(match is_local {
            true => TimeZone::system(),
            false => TimeZone::UTC,
        })
    }

    /// A time as text, to the millisecond.
    pub(crate) fn text(&self, wall_ms: u64) -> String {
        if self.0 == TimeZone::UTC {
            return rfc3339(wall_ms);
        }
        let at = i64::try_from(wall_ms).ok();
        let at = at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        match at {
            Some(at) => {
                let zoned = at.to_zoned_datetime(self.0.clone());
                zoned.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
            }
            // After the year 9999.
            None => rfc3339(wall_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::{Offset, offset};

    const NOW: u64 = 1_700_000_000_000;

    fn read(text: &str, zone: &Zone) -> Result<u64, String> {
        Moment::parse(text)?.resolve(NOW, zone)
    }

    fn ahead() -> Zone {
        Zone(offset(2).to_time_zone())
    }

    #[test]
    fn times_are_read_in_each_form() {
        let utc = Zone::new(false);
        let day = 86_400_000;
        for (text, expected) in [
            ("100000000000", 100_000_000_000),
            ("1793000000000", 1_793_000_000_000),
            ("1970-01-02", day),
            ("1970-01-01T00:00:01Z", 1000),
            ("1970-01-01T00:00:01.5Z", 1500),
            ("1970-01-01T02:00:01+02:00", 1000),
            ("1970-01-01 02:00+02", 0),
            ("1970-01-01T23:59:01+23:59", 1000),
            ("1970-01-01T00:00:01-00:00", 1000),
            ("1970-01-02T01:00", day + 3_600_000),
            ("1970-01-02 01:00:30", day + 3_630_000),
            ("30d", NOW - 30 * day),
            ("-30d", NOW - 30 * day),
            ("30d ago", NOW - 30 * day),
            ("1h30m", NOW - 5_400_000),
            ("2w 1d", NOW - 15 * day),
            ("10min", NOW - 600_000),
            ("45s", NOW - 45_000),
            ("now", NOW),
            ("today", NOW / day * day),
            ("yesterday", NOW / day * day - day),
        ] {
            assert_eq!(read(text, &utc), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let utc = Zone::new(false);
        for text in [
            "",
            "-",
            "ago",
            "tomorrow",
            "30",
            "30x",
            "d",
            "1m1h",
            "1d1d",
            "2026-02-30",
            "2026-13-01",
            "2026-01-31T25:00",
            "1969-12-31",
            "1969-12-31T23:59:59Z",
            "99999w",
            "18446744073709551616",
            "99999999999999999999d",
            "12:00",
            "2026-01-31T12:00:00+26:00",
            "2026-01-31T12:00:00+24:00",
            "2026-01-31T12:00:00-25:00",
            "2026-01-31 12:00+24",
            "2026-01-31T12:00+2400",
            "2026-01-31T12:00:00+23:60",
        ] {
            assert!(read(text, &utc).is_err(), "{text}");
        }
    }

    /// A number of days, a year, a date and seconds were all a moment of January 1970.
    #[test]
    fn numbers_that_mean_something_else_are_refused_with_a_guess() {
        for (text, guess) in [
            ("0", "`0d`"),
            ("30", "`30d`"),
            ("365", "`365d`"),
            ("2026", "`2026-01-01`"),
            ("20261101", "`2026-11-01`"),
            ("20261301", "`20261301d`"),
            ("1793000000", "`1793000000000`"),
            ("99999999999", "`99999999999000`"),
        ] {
            let error = Moment::parse(text).unwrap_err();
            assert!(error.contains(&format!("did you mean {guess}")), "{error}");
        }
    }

    #[test]
    fn a_zone_decides_where_none_is_written() {
        let ahead = ahead();
        let hours = |hours: u64| hours * 3_600_000;
        assert_eq!(read("1970-01-02", &ahead), Ok(hours(22)));
        assert_eq!(read("1970-01-02T00:00Z", &ahead), Ok(hours(24)));
        assert_eq!(ahead.text(hours(22) + 7), "1970-01-02T00:00:00.007+02:00");
        assert_eq!(Zone::new(false).text(7), "1970-01-01T00:00:00.007Z");
        assert_eq!(ahead.text((1 << 48) - 1), rfc3339((1 << 48) - 1));
        // The 14th of November 2023, 22:13 in UTC, is the 15th there.
        assert_eq!(read("today", &ahead), read("2023-11-15", &ahead));
        assert_eq!(Offset::UTC, offset(0));
    }

    #[test]
    fn a_time_that_is_written_is_read_as_it_was() {
        for zone in [Zone::new(false), Zone::new(true), ahead()] {
            for wall_ms in [0, NOW, 951_782_399_999] {
                assert_eq!(read(&zone.text(wall_ms), &zone), Ok(wall_ms));
            }
        }
    }
}
