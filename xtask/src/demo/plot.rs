//! Small plots in text.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How many of `times` fall into each of `width` equal parts of `first..=last`, as one line; a
/// part without any is a space.
pub(super) fn sparkline(times: &[i64], first: i64, last: i64, width: usize) -> String {
    let mut counts = vec![0_u64; width.max(1)];
    let span = i128::from(last) - i128::from(first) + 1;
    for time in times {
        let place = (i128::from(*time) - i128::from(first)) * counts.len() as i128 / span.max(1);
        let place = usize::try_from(place).unwrap_or(0).min(counts.len() - 1);
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let level = |count: u64| match count {
        0 => ' ',
        _ => {
            let level = (count * LEVELS.len() as u64).div_ceil(most) - 1;
            let level = usize::try_from(level).unwrap_or(0);
            LEVELS.get(level).copied().unwrap_or('█')
        }
    };
    counts.into_iter().map(level).collect()
}

/// A date, `year-month-day`, from seconds since 1970 (the civil calendar of Howard Hinnant,
/// *chrono-Compatible Low-Level Date Algorithms*).
pub(super) fn date(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_rises_with_the_counts() {
        assert_eq!(sparkline(&[0, 1, 1, 3, 3, 3, 3], 0, 3, 4), "▂▄ █");
        assert_eq!(sparkline(&[], 0, 0, 3), "   ");
        assert_eq!(
            sparkline(&[i64::MIN, i64::MAX], i64::MIN, i64::MAX, 2),
            "██"
        );
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(1_732_320_000), "2024-11-23");
    }
}
