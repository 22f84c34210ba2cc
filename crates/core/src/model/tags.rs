//! Tags: short names that an event has beside its coordinate, and their bytes in an extension.

use super::name::{NameError, TAG_BYTES_MAX, check_name};
use crate::codec::{Reader, Writer};
use std::collections::HashSet;

/// Most tags of an event.
pub const TAGS_MAX: usize = 16;

/// Why tags were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// There are too many.
    #[error("there are {0} tags, the limit is {TAGS_MAX} (TAGS_MAX)")]
    TooMany(usize),
    /// One is too long.
    #[error("a tag has {0} bytes, the limit is {TAG_BYTES_MAX} (TAG_BYTES_MAX)")]
    TooLong(usize),
    /// One is no name: the rules are those of a coordinate's.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// The bytes of an extension that holds these tags: each as its length (u8) and its UTF-8, in the
/// order in which they are given. One that is given again is written once, in its first place.
///
/// ```
/// use strandline_core::{Extensions, encode_tags, extension_tag};
///
/// let bytes = encode_tags(["student:7", "course:3", "student:7"])?;
/// let extensions = Extensions::new([(extension_tag::TAGS, bytes.as_slice())])?;
/// assert!(extensions.tags().eq(["student:7", "course:3"]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`TagError`] if there are more than [`TAGS_MAX`], or one is longer than [`TAG_BYTES_MAX`] or not
/// a name.
pub fn encode_tags<'a>(tags: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, TagError> {
    let mut seen = HashSet::new();
    let mut tags: Vec<&str> = tags.into_iter().collect();
    tags.retain(|tag| seen.insert(*tag));
    if tags.len() > TAGS_MAX {
        return Err(TagError::TooMany(tags.len()));
    }
    let mut bytes = Vec::new();
    let mut out = Writer::new(&mut bytes);
    for tag in tags {
        let length = tag.len();
        let short = u8::try_from(length).ok();
        let short = short.filter(|_| length <= TAG_BYTES_MAX);
        out.u8(short.ok_or(TagError::TooLong(length))?);
        check_name("tag", tag)?;
        out.bytes(tag.as_bytes());
    }
    Ok(bytes)
}

/// The tags in the bytes of an extension, up to the first that is none.
pub(super) fn decode_tags(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let mut reader = Reader::new(bytes);
    std::iter::from_fn(move || {
        let length = reader.u8("length of a tag").ok()?;
        let tag = reader.bytes("tag", usize::from(length)).ok()?;
        let tag = std::str::from_utf8(tag).ok()?;
        (tag.len() <= TAG_BYTES_MAX && check_name("tag", tag).is_ok()).then_some(tag)
    })
    .take(TAGS_MAX)
}

/// Whether two extensions of tags are the same but for the order of their tags. Bytes that hold anything
/// but tags are the same only as themselves.
pub(super) fn same_set(one: &[u8], other: &[u8]) -> bool {
    if one == other {
        return true;
    }
    match (sorted(one), sorted(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// The tags in the order of their bytes, if there is nothing else.
fn sorted(bytes: &[u8]) -> Option<Vec<&str>> {
    let mut tags: Vec<&str> = decode_tags(bytes).collect();
    let read: usize = tags.iter().map(|tag| 1 + tag.len()).sum();
    tags.sort_unstable();
    (read == bytes.len()).then_some(tags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_come_back_in_their_order_each_once() {
        let bytes = encode_tags(["b", "a", "b", "c:ü"]).unwrap();
        assert!(decode_tags(&bytes).eq(["b", "a", "c:ü"]));
        assert!(encode_tags([]).unwrap().is_empty());
        let repeated = ["same"; 3 * TAGS_MAX];
        assert!(decode_tags(&encode_tags(repeated).unwrap()).eq(["same"]));
    }

    #[test]
    fn sets_of_tags_are_compared_and_nothing_else() {
        let of = |tags: &[&str]| encode_tags(tags.iter().copied()).unwrap();
        assert!(same_set(&of(&["b", "a"]), &of(&["a", "b"])));
        assert!(!same_set(&of(&["a"]), &of(&["a", "b"])));
        assert!(!same_set(&of(&["a", "c"]), &of(&["a", "b"])));
        let mut hostile = of(&["a", "b"]);
        hostile.push(0);
        assert!(
            !same_set(&hostile, &of(&["b", "a"])),
            "not all of it is tags"
        );
        assert!(same_set(&hostile, &hostile));
    }

    proptest! {
        #[test]
        fn a_shuffled_set_is_the_same(
            tags in proptest::collection::vec("[a-c]{1,3}", 0..TAGS_MAX),
            others in proptest::collection::vec("[a-c]{1,3}", 0..TAGS_MAX),
            turned in 0..TAGS_MAX,
        ) {
            let of = |tags: &[String]| encode_tags(tags.iter().map(String::as_str)).unwrap();
            let set = |tags: &[String]| tags.iter().cloned().collect::<std::collections::BTreeSet<_>>();
            let mut shuffled = tags.clone();
            shuffled.reverse();
            shuffled.rotate_left(turned.min(tags.len()));
            prop_assert!(same_set(&of(&tags), &of(&shuffled)));
            prop_assert_eq!(same_set(&of(&tags), &of(&others)), set(&tags) == set(&others));
        }
    }

    #[test]
    fn what_is_no_tag_is_refused_with_its_limit() {
        let many: Vec<_> = (0..=TAGS_MAX).map(|number| number.to_string()).collect();
        let many = many.iter().map(String::as_str);
        assert_eq!(encode_tags(many), Err(TagError::TooMany(17)));
        let long = "x".repeat(TAG_BYTES_MAX + 1);
        assert_eq!(encode_tags([long.as_str()]), Err(TagError::TooLong(129)));
        let longest = "x".repeat(TAG_BYTES_MAX);
        assert!(encode_tags([longest.as_str()]).is_ok());
        for wrong in ["", "a\u{0}"] {
            assert!(matches!(encode_tags([wrong]), Err(TagError::Name(_))));
        }
    }

    #[test]
    fn hostile_bytes_give_no_more_than_was_there() {
        assert_eq!(decode_tags(&[3, b'a']).count(), 0, "cut short");
        assert!(decode_tags(&[1, b'a', 1, 0xFF]).eq(["a"]), "not UTF-8");
        assert!(decode_tags(&[1, b'a', 0]).eq(["a"]), "empty");
        let endless = [1, b'a'].repeat(1000);
        assert_eq!(decode_tags(&endless).count(), TAGS_MAX);
    }
}
