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

/// As [`partition`], with `near` a place that may be near what is sought: O(log of the distance).
pub(crate) fn partition_near(count: u32, near: u32, before: impl Fn(u32) -> bool) -> u32 {
    let Some(near) = count.checked_sub(1).map(|last| near.min(last)) else {
        return 0;
    };
    let (mut low, mut high) = (0, count);
    let mut step = 1_u32;
    if before(near) {
        low = near + 1;
        while let Some(at) = low.checked_add(step - 1).filter(|at| *at < count) {
            if !before(at) {
                high = at;
                break;
            }
            low = at + 1;
            step = step.saturating_mul(2);
        }
    } else {
        high = near;
        while high > 0 {
            let at = high.saturating_sub(step);
            if before(at) {
                low = at + 1;
                break;
            }
            high = at;
            step = step.saturating_mul(2);
        }
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn wherever_a_search_begins_it_ends_at_the_same_place() {
        for count in 0..40 {
            for first in 0..=count {
                let before = |at: u32| at < first;
                assert_eq!(partition(count, |at| before(at.try_into().unwrap())), first);
                for near in 0..count + 2 {
                    assert_eq!(partition_near(count, near, before), first, "{count} {near}");
                }
            }
        }
    }
}
