//! Small plots in text.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Counts as one line of bars, the greatest the highest; a count of 0 is a space.
///
/// ```
/// assert_eq!(strandline_cli::plot::bars(&[1, 2, 0, 4]), "▂▄ █");
/// ```
#[must_use]
pub fn bars(counts: &[u64]) -> String {
    let most = u128::from(counts.iter().copied().max().unwrap_or(0).max(1));
    let level = |count: &u64| match u128::from(*count) {
        0 => ' ',
        count => {
            let level = (count * LEVELS.len() as u128).div_ceil(most) - 1;
            let level = usize::try_from(level).unwrap_or(0);
            LEVELS.get(level).copied().unwrap_or('█')
        }
    };
    counts.iter().map(level).collect()
}

/// A bar of at most `width` blocks for a part of a whole.
#[must_use]
pub fn bar(part: u64, whole: u64, width: usize) -> String {
    let blocks = u128::from(part) * width as u128;
    let blocks = blocks.div_ceil(u128::from(whole.max(1)));
    "█".repeat(usize::try_from(blocks).unwrap_or(width).min(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_rise_with_the_counts() {
        assert_eq!(bars(&[]), "");
        assert_eq!(bars(&[0, 0]), "  ");
        assert_eq!(bars(&[u64::MAX, 1]), "█▁");
        assert_eq!(bar(1, 1000, 10), "█");
        assert_eq!(bar(1000, 1000, 3), "███");
        assert_eq!(bar(0, 0, 3), "");
    }
}
