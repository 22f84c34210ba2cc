//! `TagNames` and `TagLists`: the tags of a region, hashed once for all parts, and looked up once in each.
//! Chooses no key.

use crate::block::HashedName;
use crate::part::{List, Part};
use strandline_core::Region;

/// The hashes of the tags of a region, in their order: first of those that are all wanted, then of
/// those of which one is.
pub(super) struct TagNames {
    hashes: Vec<u64>,
}

/// The rows of the tags of a region in a part.
#[derive(Default)]
pub(super) struct TagLists {
    /// Of each tag that is wanted; none if one has no row.
    pub(super) all: Option<Vec<List>>,
    /// Of those of the tags, of which one is wanted, that have a row.
    pub(super) any: Vec<List>,
}

impl TagNames {
    pub(super) fn of(region: &Region) -> Self {
        let names = region.tag_filter().iter().chain(any_of(region));
        let hashes = names.map(|name| HashedName::new(name).hash());
        Self {
            hashes: hashes.collect(),
        }
    }

    /// Looks up the tags of the region that the names are of.
    pub(super) fn lists(&self, part: &Part, region: &Region) -> TagLists {
        if self.hashes.is_empty() {
            return TagLists {
                all: Some(Vec::new()),
                any: Vec::new(),
            };
        }
        let wanted = region.tag_filter();
        let named = |names: &[String], hashes: &[u64]| {
            let both = names.iter().zip(hashes);
            let names: Vec<_> = both
                .map(|(name, hash)| HashedName::hashed(name, *hash))
                .collect();
            part.tagged(&names)
        };
        let (own, rest) = self
            .hashes
            .split_at_checked(wanted.len())
            .unwrap_or_default();
        let all = named(wanted, own);
        if all.len() < wanted.len() {
            return TagLists::default();
        }
        TagLists {
            all: Some(all),
            any: named(any_of(region), rest),
        }
    }
}

fn any_of(region: &Region) -> &[String] {
    region.any_tag_filter().unwrap_or_default()
}
