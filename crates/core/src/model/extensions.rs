//! `Extensions`: what a header has beside its fixed fields, as bytes with tags.

use super::attributes::Attributes;
use super::name::{NAME_BYTES_MAX, check_name};
use super::tags::{decode_tags, same_set};
use crate::codec::{DecodeError, Reader, Writer};

/// Longest extension area, in bytes.
pub const EXTENSION_BYTES_MAX: usize = 4096;

/// The tags of the extensions that the store writes itself.
pub mod extension_tag {
    /// Tags of the event, as [`encode_tags`](crate::encode_tags) writes them.
    pub const TAGS: u16 = 1;
    /// Version of the payload's type: u16, not 0. Version 1 is not written.
    pub const PAYLOAD_VERSION: u16 = 2;
    /// Name of the event's kind, as UTF-8: with the first event of a kind in a segment, if it has a name.
    pub const KIND_NAME: u16 = 3;
    /// What the event had in another system, as [`Attributes`](crate::Attributes) are encoded.
    pub const ATTRIBUTES: u16 = 4;
}

/// Most bytes that the name of a kind takes among extensions. What else there is leaves room for it.
pub const KIND_NAME_EXTENSION_BYTES_MAX: usize = EXTENSION_HEAD_BYTES + NAME_BYTES_MAX;

/// Length of an extension's tag and length.
pub const EXTENSION_HEAD_BYTES: usize = 2 + 2;

/// The typed extensions of a header: a list of (tag u16, length u16, bytes), tags ascending.
///
/// Empty for most events; readers keep what they do not know.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Extensions(Box<[u8]>);

impl Extensions {
    /// Extensions from their encoded bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are longer than [`EXTENSION_BYTES_MAX`], are cut short, or
    /// their tags do not strictly ascend.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if bytes.len() > EXTENSION_BYTES_MAX {
            return Err(reader.invalid("extensions", "more than 4096 bytes"));
        }
        let mut last = None;
        while reader.left() > 0 {
            let tag = reader.u16("extension tag")?;
            if last.is_some_and(|last| last >= tag) {
                return Err(reader.invalid("extension tag", "tags do not ascend"));
            }
            reader.short_bytes("extension")?;
            last = Some(tag);
        }
        Ok(Self(bytes.into()))
    }

    /// Extensions from their tags and bytes.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes).
    pub fn new<'a>(
        extensions: impl IntoIterator<Item = (u16, &'a [u8])>,
    ) -> Result<Self, DecodeError> {
        let mut encoded = Vec::new();
        let mut writer = Writer::new(&mut encoded);
        for (tag, bytes) in extensions {
            if bytes.len() > EXTENSION_BYTES_MAX {
                return Err(Reader::new(bytes).invalid("extension", "more than 4096 bytes"));
            }
            writer.u16(tag);
            writer.short_bytes(bytes);
        }
        Self::from_bytes(&encoded)
    }

    /// The bytes of one extension.
    #[must_use]
    pub fn get(&self, tag: u16) -> Option<&[u8]> {
        self.iter()
            .find_map(|(own, bytes)| (own == tag).then_some(bytes))
    }

    /// Version of the payload's type: 1 where none is written, and 0, which none is, where what is
    /// written is no version.
    #[must_use]
    pub fn payload_version(&self) -> u16 {
        match self.get(extension_tag::PAYLOAD_VERSION) {
            None => 1,
            Some(bytes) => bytes.try_into().map_or(0, u16::from_le_bytes),
        }
    }

    /// The name of the event's kind, where it is written; none where what is written is no name.
    ///
    /// It is written with the first event of a kind in a segment alone, and no part of what the event is:
    /// the store knows the names of kinds.
    #[must_use]
    pub fn kind_name(&self) -> Option<&str> {
        let name = std::str::from_utf8(self.get(extension_tag::KIND_NAME)?).ok()?;
        check_name("name of a kind", name).is_ok().then_some(name)
    }

    /// These, and the name of the event's kind in the place of one that is there.
    ///
    /// ```
    /// use strandline_core::Extensions;
    ///
    /// let named = Extensions::default().with_kind_name("order.placed")?;
    /// assert_eq!(named.kind_name(), Some("order.placed"));
    /// assert!(named.are_same_event(&Extensions::default()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes).
    pub fn with_kind_name(&self, name: &str) -> Result<Self, DecodeError> {
        let own = (extension_tag::KIND_NAME, name.as_bytes());
        let others = || self.iter().filter(|(tag, _)| *tag != own.0);
        let before = others().take_while(|(tag, _)| *tag < own.0);
        let after = others().skip_while(|(tag, _)| *tag < own.0);
        Self::new(before.chain([own]).chain(after))
    }

    /// The tags of the event, in the order in which they were written. Events of stores of before that
    /// order was kept have them in the order of their bytes.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let bytes = self.get(extension_tag::TAGS).unwrap_or_default();
        decode_tags(bytes)
    }

    /// What the event had in another system; nothing where what is written is none. Allocates if there are
    /// some.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        let bytes = self.get(extension_tag::ATTRIBUTES).unwrap_or_default();
        Attributes::from_bytes(bytes).unwrap_or_default()
    }

    /// Whether both say the same of an event: the order of tags says nothing, and the name of its kind,
    /// which is written with some events alone, is left out. All else is compared byte for byte.
    #[must_use]
    pub fn are_same_event(&self, other: &Self) -> bool {
        const TAGS: u16 = extension_tag::TAGS;
        let own = |(tag, _): &(u16, &[u8])| !matches!(*tag, TAGS | extension_tag::KIND_NAME);
        let same_tags = || match (self.get(TAGS), other.get(TAGS)) {
            (Some(one), Some(other)) => same_set(one, other),
            (one, other) => one == other,
        };
        self == other || (self.iter().filter(own).eq(other.iter().filter(own)) && same_tags())
    }

    /// The encoded bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Each extension as its tag and bytes, tags ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let mut reader = Reader::new(&self.0);
        // The bytes were checked when the value was made, so an error here is the end.
        std::iter::from_fn(move || {
            let tag = reader.u16("extension tag").ok()?;
            Some((tag, reader.short_bytes("extension").ok()?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_checked_and_listed() {
        let bytes = [1, 0, 2, 0, 0xAA, 0xBB, 9, 0, 0, 0];
        let extensions = Extensions::from_bytes(&bytes).unwrap();
        let listed: Vec<_> = extensions.iter().collect();
        assert_eq!(listed, [(1, [0xAA, 0xBB].as_slice()), (9, [].as_slice())]);
        assert!(Extensions::from_bytes(&bytes[..3]).is_err(), "cut short");
        assert!(
            Extensions::from_bytes(&[1, 0, 0, 0, 1, 0, 0, 0]).is_err(),
            "tag twice"
        );
        assert!(
            Extensions::from_bytes(&[0; EXTENSION_BYTES_MAX + 1]).is_err(),
            "too long"
        );
        assert_eq!(
            Extensions::new([(1, [0xAA, 0xBB].as_slice()), (9, &[])]),
            Ok(extensions)
        );
        assert!(Extensions::new([(2, [].as_slice()), (1, &[])]).is_err());
        assert!(Extensions::new([(1, [0; EXTENSION_BYTES_MAX + 1].as_slice())]).is_err());
    }

    #[test]
    fn only_the_order_of_tags_says_nothing() {
        let of = |tags: &[&str], more: &[u8]| {
            let tags = crate::encode_tags(tags.iter().copied()).unwrap();
            Extensions::new([(extension_tag::TAGS, tags.as_slice()), (9, more)]).unwrap()
        };
        let ab = of(&["a", "b"], &[1, 2]);
        assert!(ab.are_same_event(&of(&["b", "a"], &[1, 2])));
        assert!(!ab.are_same_event(&of(&["b", "a"], &[2, 1])));
        assert!(!ab.are_same_event(&of(&["b"], &[1, 2])));
        let without = Extensions::new([(9, [1, 2].as_slice())]).unwrap();
        assert!(!ab.are_same_event(&without));
        assert!(without.are_same_event(&without.clone()));
    }

    #[test]
    fn the_name_of_a_kind_is_put_among_the_others_and_is_not_what_the_event_is() {
        let of = |tags: &[u16]| {
            let listed = tags.iter().map(|tag| (*tag, b"x".as_slice()));
            Extensions::new(listed).unwrap()
        };
        for tags in [&[][..], &[1], &[1, 2], &[9], &[1, 9], &[1, 3, 9]] {
            let plain = of(tags);
            let named = plain.with_kind_name("order.placed").unwrap();
            assert_eq!(named.kind_name(), Some("order.placed"));
            assert!(named.are_same_event(&plain) && plain.are_same_event(&named));
            let others: Vec<_> = named
                .iter()
                .map(|(tag, _)| tag)
                .filter(|tag| *tag != 3)
                .collect();
            let expected: Vec<_> = tags.iter().copied().filter(|tag| *tag != 3).collect();
            assert_eq!(others, expected);
        }
        assert!(!of(&[1]).are_same_event(&of(&[1, 9])));
        let named = |name: &[u8]| Extensions::new([(extension_tag::KIND_NAME, name)]).unwrap();
        for hostile in [b"".as_slice(), b"\xFF", b"a\n", &[b'a'; NAME_BYTES_MAX + 1]] {
            assert_eq!(named(hostile).kind_name(), None);
        }
    }

    #[test]
    fn a_version_is_1_unless_another_is_written() {
        let tag = extension_tag::PAYLOAD_VERSION;
        let version = |extensions: &[(u16, &[u8])]| {
            let extensions = extensions.iter().copied();
            Extensions::new(extensions).unwrap().payload_version()
        };
        assert_eq!(version(&[]), 1);
        assert_eq!(version(&[(1, b"other"), (tag, &[7, 0])]), 7);
        assert_eq!(version(&[(tag, &[7])]), 0);
        assert_eq!(version(&[(tag, &[7, 0, 0])]), 0);
    }
}
