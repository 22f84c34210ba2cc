//! Small plots in text.

use strandline::maintenance::civil_date;
use strandline_cli::plot::bars;

/// How many of `times` fall into each of `width` equal parts of `first..=last`, as one line; a
/// part without any is a space.
pub(crate) fn sparkline(times: &[i64], first: i64, last: i64, width: usize) -> String {
    let mut counts = vec![0_u64; width.max(1)];
    let span = i128::from(last) - i128::from(first) + 1;
    for time in times {
        let place = (i128::from(*time) - i128::from(first)) * counts.len() as i128 / span.max(1);
        let place = usize::try_from(place).unwrap_or(0).min(counts.len() - 1);
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    bars(&counts)
}

/// A date, `year-month-day`, from seconds since 1970.
pub(crate) fn date(seconds: i64) -> String {
    let (year, month, day) = civil_date(seconds.div_euclid(86_400));
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
