//! `Extensions`: what a header has beside its fixed fields, as bytes with tags.

use super::attributes::Attributes;
use super::name::{NAME_BYTES_MAX, check_name};
use super::seal::Seal;
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
    /// How far a source was gone through: a position (u64), then the name of the source as UTF-8. With the
    /// first event of a commit that was appended with one.
    pub const TRACKING: u16 = 5;
    /// How the payload is sealed, as a [`Seal`](crate::Seal) is written.
    pub const SEAL: u16 = 6;
}

/// Most bytes that a position of a source takes among extensions.
pub const TRACKING_EXTENSION_BYTES_MAX: usize = EXTENSION_HEAD_BYTES + 8 + NAME_BYTES_MAX;

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
        // What most that have some have: a seal, or a few tags.
        let mut encoded = Vec::with_capacity(64);
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
        self.with((extension_tag::KIND_NAME, name.as_bytes()))
    }

    /// Whether the name of the event's kind can come to these, however long it is. It comes with the first event of a
    /// segment, so what has no room for it could be appended here and not there.
    ///
    /// ```
    /// use strandline_core::{EXTENSION_BYTES_MAX, Extensions};
    ///
    /// assert!(Extensions::default().leaves_room_for_name());
    /// let full = [0; EXTENSION_BYTES_MAX - 4];
    /// assert!(!Extensions::new([(9, full.as_slice())])?.leaves_room_for_name());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn leaves_room_for_name(&self) -> bool {
        self.as_bytes().len() <= EXTENSION_BYTES_MAX - KIND_NAME_EXTENSION_BYTES_MAX
    }

    /// How far a source was gone through when the event was appended: the source and the position in it,
    /// where one is written; none where what is written is none.
    ///
    /// It is no part of what the event is: it says what the commit was made of.
    #[must_use]
    pub fn tracking(&self) -> Option<(&str, u64)> {
        let (position, source) = self.get(extension_tag::TRACKING)?.split_first_chunk()?;
        let source = std::str::from_utf8(source).ok()?;
        let is_name = check_name("source", source).is_ok();
        is_name.then_some((source, u64::from_le_bytes(*position)))
    }

    /// These, and a position in a source in the place of one that is there.
    ///
    /// ```
    /// use strandline_core::Extensions;
    ///
    /// let tracked = Extensions::default().with_tracking("orders", 7)?;
    /// assert_eq!(tracked.tracking(), Some(("orders", 7)));
    /// assert!(tracked.are_same_event(&Extensions::default()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes).
    pub fn with_tracking(&self, source: &str, position: u64) -> Result<Self, DecodeError> {
        let mut bytes = position.to_le_bytes().to_vec();
        bytes.extend_from_slice(source.as_bytes());
        self.with((extension_tag::TRACKING, &bytes))
    }

    /// These, and one more in the place of one with the same tag.
    fn with(&self, own: (u16, &[u8])) -> Result<Self, DecodeError> {
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

    /// How the payload is sealed; `None` if it is not.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if what is written is no seal, or of a later form.
    pub fn seal(&self) -> Result<Option<Seal>, DecodeError> {
        let written = self.get(extension_tag::SEAL);
        written.map(Seal::from_bytes).transpose()
    }

    /// Whether both say the same of an event: the order of tags says nothing, and the name of its kind and
    /// the position in a source, which are written with some events alone, are left out. All else is compared
    /// byte for byte.
    #[must_use]
    pub fn are_same_event(&self, other: &Self) -> bool {
        use extension_tag::{KIND_NAME, TAGS, TRACKING};
        let own = |(tag, _): &(u16, &[u8])| !matches!(*tag, TAGS | KIND_NAME | TRACKING);
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
    fn a_position_in_a_source_is_put_among_the_others_and_is_not_what_the_event_is() {
        for tags in [&[][..], &[1, 2], &[4, 9], &[3, 5]] {
            let listed = tags.iter().map(|tag| (*tag, b"x".as_slice()));
            let plain = Extensions::new(listed).unwrap();
            let tracked = plain.with_tracking("orders", u64::MAX).unwrap();
            assert_eq!(tracked.tracking(), Some(("orders", u64::MAX)));
            assert!(tracked.are_same_event(&plain) && plain.are_same_event(&tracked));
            let moved = tracked.with_tracking("orders", 0).unwrap();
            assert_eq!(moved.tracking(), Some(("orders", 0)));
            let others = |all: &Extensions| {
                let all = all.iter().filter(|(tag, _)| *tag != 5);
                all.map(|(tag, bytes)| (tag, bytes.to_vec()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(others(&moved), others(&plain));
        }
        let written = |bytes: &[u8]| Extensions::new([(extension_tag::TRACKING, bytes)]).unwrap();
        let long = [b'a'; 8 + NAME_BYTES_MAX + 1];
        for hostile in [
            b"".as_slice(),
            b"1234567",
            b"12345678",
            b"12345678\xFF",
            b"12345678\n",
            &long,
        ] {
            assert_eq!(written(hostile).tracking(), None);
        }
        let longest = written(long.split_last().unwrap().1);
        assert!(longest.tracking().is_some());
        assert_eq!(longest.as_bytes().len(), TRACKING_EXTENSION_BYTES_MAX);
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
