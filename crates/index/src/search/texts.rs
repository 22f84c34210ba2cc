//! Sorting numbers by the texts that they stand for. Keeps no texts.

use std::ops::Range;

/// Bytes of a text that are compared as one number.
const KEY: usize = 8;
/// So few are compared byte by byte.
const FEW: usize = 12;

/// Sorts `numbers` by the bytes that `text` gives for each. O(n log n).
///
/// Eight bytes of each text at a time, as numbers beside those that are sorted: a comparison reads no
/// text, and what many texts begin with is looked at once for each.
pub(crate) fn sort_by_text<'t>(numbers: &mut [u32], text: impl Fn(u32) -> &'t [u8]) {
    let mut keyed: Vec<(u64, u32)> = numbers.iter().map(|number| (0, *number)).collect();
    let mut unsorted = vec![(0..keyed.len(), 0)];
    while let Some((range, depth)) = unsorted.pop() {
        let Some(run) = keyed.get_mut(range.clone()) else {
            continue;
        };
        let rest = |number: u32| text(number).get(depth..).unwrap_or_default();
        if run.len() <= FEW {
            run.sort_unstable_by(|(_, a), (_, b)| rest(*a).cmp(rest(*b)));
            continue;
        }
        for (key, number) in &mut *run {
            *key = key_of(rest(*number));
        }
        run.sort_unstable_by_key(|(key, _)| *key);
        let mut start = range.start;
        for equal in run.chunk_by_mut(|(a, _), (b, _)| a == b) {
            let end = start + equal.len();
            if equal.len() > 1 {
                let more = sort_ended(equal, start..end, |number| rest(number).len());
                unsorted.push((more, depth + KEY));
            }
            start = end;
        }
    }
    for (own, (_, number)) in numbers.iter_mut().zip(keyed) {
        *own = number;
    }
}

/// The next bytes of a text; zeros after its end.
fn key_of(rest: &[u8]) -> u64 {
    match rest.first_chunk::<KEY>() {
        Some(key) => u64::from_be_bytes(*key),
        None => {
            let mut key = [0; KEY];
            for (to, from) in key.iter_mut().zip(rest) {
                *to = *from;
            }
            u64::from_be_bytes(key)
        }
    }
}

/// Puts first, by length, the texts that end within the key that all of these have, and gives where the
/// others are: a text may have zeros where another has ended.
fn sort_ended(
    equal: &mut [(u64, u32)],
    range: Range<usize>,
    length: impl Fn(u32) -> usize,
) -> Range<usize> {
    let ended = |number: u32| length(number) <= KEY;
    if equal.iter().any(|(_, number)| ended(*number)) {
        equal.sort_unstable_by_key(|(_, number)| length(*number).min(KEY + 1));
    }
    let ended = equal.iter().take_while(|(_, number)| ended(*number));
    range.start + ended.count()..range.end
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(texts: &[Vec<u8>]) {
        let count = u32::try_from(texts.len()).unwrap();
        let mut numbers: Vec<u32> = (0..count).collect();
        sort_by_text(&mut numbers, |number| &texts[number as usize]);
        let sorted: Vec<_> = numbers.iter().map(|n| &texts[*n as usize]).collect();
        assert!(sorted.is_sorted(), "{sorted:?}");
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..count));
    }

    proptest! {
        #[test]
        fn texts_are_sorted_as_their_bytes_are(
            texts in proptest::collection::vec(
                (0..3_usize, proptest::collection::vec(0..3_u8, 0..30)),
                0..200,
            ),
        ) {
            let begin = |(many, rest): (usize, Vec<u8>)| {
                [vec![7; many * 9], rest].concat()
            };
            check(&texts.into_iter().map(begin).collect::<Vec<_>>());
        }
    }

    #[test]
    fn texts_that_are_equal_and_those_that_begin_alike_are_sorted() {
        check(&vec![b"order:1".to_vec(); 1000]);
        check(&vec![b"order:00000000000000".to_vec(); 1000]);
        let many = (0..5000_u32).map(|n| {
            let n = n.wrapping_mul(0x9E37_79B1) % 3000;
            format!("order:{n}").into_bytes()
        });
        check(&many.collect::<Vec<_>>());
        // A zero is above the end of a text.
        let zeros = (0..40).map(|count| vec![0; count]).rev();
        check(&zeros.collect::<Vec<_>>());
    }
}
