//! `diff`: two values line by line, as they are shown for debugging.

use std::fmt::{Debug, Write};

/// Longer texts, in lines together, are shown one after the other: the table grows with the product.
const LINES_MAX: usize = 4_000;

/// What has to go from the one and come to the other: lines with `-` are of `expected`, those with `+` of `found`.
pub(super) fn diff(expected: &impl Debug, found: &impl Debug) -> String {
    let (expected, found) = (format!("{expected:#?}"), format!("{found:#?}"));
    let one: Vec<_> = expected.lines().collect();
    let other: Vec<_> = found.lines().collect();
    let mut out = String::new();
    let mut show = |sign: char, line: &str| {
        // Writing to a text does not fail.
        let _ = writeln!(out, "{sign} {line}");
    };
    let (mut one, mut other) = (one.as_slice(), other.as_slice());
    let common = match one.len() + other.len() > LINES_MAX {
        true => Vec::new(),
        false => common(one, other),
    };
    for line in common {
        one = until(one, line, |gone| show('-', gone));
        other = until(other, line, |new| show('+', new));
        show(' ', line);
    }
    for line in one {
        show('-', line);
    }
    for line in other {
        show('+', line);
    }
    out
}

/// Shows the lines before `line`, and gives those after it.
fn until<'a, 'b>(lines: &'b [&'a str], line: &str, mut show: impl FnMut(&'a str)) -> &'b [&'a str] {
    let mut rest = lines;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == line {
            break;
        }
        show(first);
    }
    rest
}

/// The longest list of lines that both have in this order.
fn common<'a>(one: &[&'a str], other: &[&'a str]) -> Vec<&'a str> {
    // How many lines the rest of both has in common, from each pair of places on; the last row and column are 0.
    let width = other.len() + 1;
    let mut lengths = vec![0_usize; (one.len() + 1) * width];
    let at = |row: usize, column: usize| row * width + column;
    let of = |lengths: &[usize], place: usize| lengths.get(place).copied().unwrap_or_default();
    for (row, left) in one.iter().enumerate().rev() {
        for (column, right) in other.iter().enumerate().rev() {
            let length = match left == right {
                true => of(&lengths, at(row + 1, column + 1)) + 1,
                false => of(&lengths, at(row + 1, column)).max(of(&lengths, at(row, column + 1))),
            };
            if let Some(place) = lengths.get_mut(at(row, column)) {
                *place = length;
            }
        }
    }
    let (mut row, mut column, mut found) = (0, 0, Vec::new());
    while let (Some(left), Some(right)) = (one.get(row), other.get(column)) {
        if left == right {
            found.push(*left);
            (row, column) = (row + 1, column + 1);
        } else if of(&lengths, at(row + 1, column)) >= of(&lengths, at(row, column + 1)) {
            row += 1;
        } else {
            column += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_the_same_stays() {
        let shown = diff(&["a", "b", "c"], &["a", "x", "c", "d"]);
        let lines = [
            "  [",
            "      \"a\",",
            "-     \"b\",",
            "+     \"x\",",
            "      \"c\",",
            "+     \"d\",",
            "  ]",
        ];
        assert_eq!(shown.lines().collect::<Vec<_>>(), lines);
    }

    proptest! {
        /// Without the lines of one side, what is shown is the other.
        #[test]
        fn a_diff_has_both_values(
            one in proptest::collection::vec(0..4_u8, 0..12),
            other in proptest::collection::vec(0..4_u8, 0..12),
        ) {
            let shown = diff(&one, &other);
            let side = |sign: char| {
                let lines = shown.lines().filter(|line| !line.starts_with(sign));
                lines.filter_map(|line| line.get(2..)).collect::<Vec<_>>().join("\n")
            };
            prop_assert_eq!(side('+'), format!("{one:#?}"));
            prop_assert_eq!(side('-'), format!("{other:#?}"));
            prop_assert_eq!(one == other, shown.lines().all(|line| line.starts_with(' ')));
        }
    }
}
