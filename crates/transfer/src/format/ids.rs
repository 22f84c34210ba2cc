//! Ids of what comes without an event id: hashes of what names it, in the layout of a UUID version 8
//! ([RFC 9562], section 5.8), of which 122 bits are the hash.
//!
//! That layout, so that none of them is taken for one whose first bits are a time.
//!
//! [RFC 9562]: https://www.rfc-editor.org/rfc/rfc9562

use std::collections::HashMap;
use strandline::{EventId, Hash};

const FOREIGN_DOMAIN: &[u8] = b"strandline/import/cloudevent/1";
const LINE_DOMAIN: &[u8] = b"strandline/import/line/1";
const EQUAL_LINE_DOMAIN: &[u8] = b"strandline/import/equal-line/1";

/// The id of another program's event, which its source and id name, and nothing else does.
pub(super) fn foreign_id(source: &str, id: &str) -> EventId {
    // The length of the source tells where it ends.
    let bytes = (source.len() as u64).to_le_bytes();
    id_of(&hash(&[
        FOREIGN_DOMAIN,
        &bytes,
        source.as_bytes(),
        id.as_bytes(),
    ]))
}

/// Gives ids to lines that have none: of the text, and of how many equal lines came before it in the same
/// input. So a line is known again wherever it stands, and equal lines are so many events.
#[derive(Debug)]
pub(crate) struct LineIds {
    source: Hash,
    /// How many lines of each text there were.
    before: HashMap<[u8; 16], u32>,
}

impl LineIds {
    /// Lines of a source of this name.
    pub(crate) fn new(source: Hash) -> Self {
        let before = HashMap::new();
        Self { source, before }
    }

    /// The id of the next line with this text.
    pub(crate) fn next(&mut self, text: &str) -> EventId {
        let content = hash(&[LINE_DOMAIN, self.source.as_bytes(), text.as_bytes()]);
        let before = self.before.entry(first(&content)).or_default();
        let place = std::mem::replace(before, before.saturating_add(1));
        match place {
            0 => id_of(&content),
            place => id_of(&hash(&[
                EQUAL_LINE_DOMAIN,
                content.as_bytes(),
                &place.to_le_bytes(),
            ])),
        }
    }
}

fn hash(parts: &[&[u8]]) -> Hash {
    Hash::of(&parts.concat())
}

fn first(hash: &Hash) -> [u8; 16] {
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn id_of(hash: &Hash) -> EventId {
    const VERSION: u128 = 0xF << 76;
    const VARIANT: u128 = 0b11 << 62;
    let bits = u128::from_be_bytes(first(hash)) & !VERSION & !VARIANT;
    EventId::from_u128(bits | (8 << 76) | (0b10 << 62))
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;

    #[test]
    fn a_source_and_an_id_are_told_apart_wherever_one_ends() {
        let id = foreign_id("a", "bc");
        assert_ne!(id, foreign_id("ab", "c"));
        assert_ne!(id, foreign_id("a\nb", "c"));
        assert_ne!(id, foreign_id("a", "Bc"));
        assert_eq!(id, foreign_id("a", "bc"));
        // Stores have such ids: they are part of the format.
        assert_eq!(id.to_string(), "37149021-668b-83b8-88b7-8f2ed3a86c33");
    }

    #[test]
    fn no_id_of_a_hash_is_taken_for_a_time() {
        for number in 0..1000 {
            let id = foreign_id("a", &number.to_string());
            assert_eq!(id.hlc(), None);
            let text = id.to_string();
            assert!(
                text[14..].starts_with('8') && "89ab".contains(&text[19..20]),
                "{text}"
            );
        }
    }

    #[test]
    fn equal_lines_have_ids_by_how_many_came_before() {
        let source = |name: &str| LineIds::new(Hash::of(name.as_bytes()));
        let (mut one, mut two, mut other) = (source(""), source(""), source("x"));
        let first = one.next("a");
        assert_eq!(first.to_string(), "fe33eaf4-32d9-8050-a9ed-aba266210de0");
        two.next("b");
        assert_eq!(two.next("a"), first);
        assert_ne!(two.next("a"), first);
        assert_ne!(other.next("a"), first);
    }
}
