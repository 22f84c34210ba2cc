//! Binary search over places of which only a question is known. What is at them is the caller's.

/// The first of `count` places for which `before` does not hold; it holds for all up to one.
pub(crate) fn partition(count: u32, mut before: impl FnMut(usize) -> bool) -> u32 {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle as usize) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
