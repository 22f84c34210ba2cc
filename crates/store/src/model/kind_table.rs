//! `KindTable`: which kinds have which names, one to one and for good. Where names are written is not here.

use super::kind_conflict::KindConflict;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use strandline_core::EventKind;

/// The category of kinds that a store makes for names: [`Store::kind`](crate::Store::kind).
pub const MADE_KINDS_CATEGORY: u8 = 0xF;

/// How many categories there are.
const CATEGORIES: usize = 16;

/// The names of kinds, each of one kind. What a kind was named first counts, and the kind that had a name
/// first.
#[derive(Clone, Default)]
pub(crate) struct KindTable {
    /// By category, then type in it: what a kind was named first.
    names: [Vec<Option<Given>>; CATEGORIES],
    /// The kind that was given a name first.
    kinds: HashMap<Arc<str>, EventKind>,
}

/// What a kind was named first.
#[derive(Debug, Clone)]
struct Given {
    name: Arc<str>,
    /// Whether no other kind had the name before.
    is_own: bool,
}

impl KindTable {
    /// Whether no kind has a name. O(1).
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// What a kind was named first, be it another's name. O(1).
    #[inline]
    fn given(&self, kind: EventKind) -> Option<&Given> {
        let names = self.names.get(usize::from(kind.category()))?;
        names.get(usize::from(kind.type_in_category()))?.as_ref()
    }

    /// The name of a kind, if it has one. O(1).
    #[inline]
    pub(crate) fn name(&self, kind: EventKind) -> Option<&Arc<str>> {
        let given = self.given(kind)?;
        given.is_own.then_some(&given.name)
    }

    /// The kind that has a name, if one has. Expected O(1).
    pub(crate) fn kind(&self, name: &str) -> Option<EventKind> {
        self.kinds.get(name).copied()
    }

    /// Whether a kind may have a name: it has it already, or both are free. Expected O(1).
    ///
    /// # Errors
    ///
    /// What speaks against it.
    pub(crate) fn check(&self, kind: EventKind, name: &str) -> Result<bool, KindConflict> {
        let given = self.given(kind);
        let is_same = given.is_some_and(|given| *given.name == *name);
        if is_same && given.is_some_and(|given| given.is_own) {
            return Ok(true);
        }
        let other = self.kind(name).filter(|other| *other != kind);
        if other.is_none() && given.is_none() {
            return Ok(false);
        }
        let kind_is = given.filter(|_| !is_same);
        Err(KindConflict {
            kind,
            name: name.to_owned(),
            kind_is: kind_is.map(|given| given.name.to_string()),
            name_is_of: other,
        })
    }

    /// Takes what is said of a kind, if nothing was said before; whether that is new. O(kinds of the
    /// category) for the first of them, then expected O(1).
    ///
    /// # Errors
    ///
    /// What speaks against it. A name that is another kind's is kept all the same, so that the kind gets no
    /// other.
    pub(crate) fn learn(&mut self, kind: EventKind, name: &Arc<str>) -> Result<bool, KindConflict> {
        let checked = self.check(kind, name);
        if let Some(own @ None) = self.slot(kind) {
            *own = Some(Given {
                name: name.clone(),
                is_own: checked.is_ok(),
            });
        }
        let is_known = checked?;
        if !is_known {
            self.kinds.insert(name.clone(), kind);
        }
        Ok(!is_known)
    }

    /// Whether nothing was said of a kind. O(1).
    pub(crate) fn is_free(&self, kind: EventKind) -> bool {
        self.given(kind).is_none()
    }

    /// Forgets the name of a kind: one that was not written.
    pub(crate) fn forget(&mut self, kind: EventKind) {
        let given = self.slot(kind).and_then(Option::take);
        if let Some(Given { name, is_own: true }) = given {
            self.kinds.remove(&name);
        }
    }

    fn slot(&mut self, kind: EventKind) -> Option<&mut Option<Given>> {
        let names = self.names.get_mut(usize::from(kind.category()))?;
        let at = usize::from(kind.type_in_category());
        if names.len() <= at {
            names.resize(at + 1, None);
        }
        names.get_mut(at)
    }

    /// The kinds that have a name, ascending, each with it. O(the greatest type of each category).
    pub(crate) fn iter(&self) -> impl Iterator<Item = (EventKind, &Arc<str>)> {
        let own = self.all_given().filter(|(_, given)| given.is_own);
        own.map(|(kind, given)| (kind, &given.name))
    }

    /// All that was said first of a kind, in an order in which another table learns the same of it: kinds that
    /// have their name, then those whose name is another's.
    pub(crate) fn said(&self) -> impl Iterator<Item = (EventKind, &Arc<str>)> {
        let others = self.all_given().filter(|(_, given)| !given.is_own);
        self.iter()
            .chain(others.map(|(kind, given)| (kind, &given.name)))
    }

    fn all_given(&self) -> impl Iterator<Item = (EventKind, &Given)> {
        let categories = (0_u16..).zip(&self.names);
        categories.flat_map(|(category, names)| {
            let first = category << 12;
            let kinds = (first..=first | 0xFFF).map(EventKind::from_bits);
            let given = kinds.zip(names);
            given.filter_map(|(kind, given)| Some((kind, given.as_ref()?)))
        })
    }
}

impl fmt::Debug for KindTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KindTable")
            .field("names", &self.kinds.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Against what was said, in the order in which it was.
        #[test]
        fn what_was_said_first_counts(
            said in proptest::collection::vec((0..6_u16, "[a-d]"), 0..30),
        ) {
            let mut table = KindTable::default();
            let (mut given, mut owners) = (BTreeMap::new(), BTreeMap::new());
            for (bits, name) in said {
                // In two categories, far apart.
                let kind = EventKind::from_bits(0x1FFF ^ (bits << 11));
                let first = given.entry(kind).or_insert(name.clone()).clone();
                let owner = *owners.entry(name.clone()).or_insert(kind);
                // A name that a kind does not take stays free.
                if first != name && owner == kind {
                    owners.remove(&name);
                }
                let learned = table.learn(kind, &Arc::from(&*name));
                prop_assert_eq!(learned.is_ok(), first == name && owner == kind);
            }
            let expected: Vec<_> = given
                .iter()
                .filter(|(kind, name)| owners.get(*name) == Some(kind))
                .map(|(kind, name)| (*kind, name.clone()))
                .collect();
            let listed: Vec<_> = table.iter().map(|(kind, name)| (kind, name.to_string())).collect();
            prop_assert_eq!(&listed, &expected);
            // Another table learns the same of it, and of what is said then.
            let mut other = KindTable::default();
            for (kind, name) in table.said() {
                let _ = other.learn(kind, name);
            }
            for bits in 0..6_u16 {
                let kind = EventKind::from_bits(0x1FFF ^ (bits << 11));
                for name in ["a", "b", "c", "d"] {
                    prop_assert_eq!(other.check(kind, name), table.check(kind, name));
                }
            }
            for (kind, name) in expected {
                prop_assert_eq!(table.kind(&name), Some(kind));
                prop_assert_eq!(table.name(kind).map(|name| name.to_string()), Some(name));
            }
        }
    }

    #[test]
    fn a_conflict_says_what_kind_and_name_are() {
        let mut table = KindTable::default();
        let (a, b) = (EventKind::new(1, 1), EventKind::new(1, 2));
        assert_eq!(table.learn(a, &"a".into()), Ok(true));
        assert_eq!(table.learn(b, &"b".into()), Ok(true));
        assert_eq!(table.learn(a, &"a".into()), Ok(false));
        let message = |kind, name| table.check(kind, name).unwrap_err().to_string();
        assert_eq!(
            message(a, "c"),
            r#"kind 0x1001 cannot be named "c", as it is named "a""#
        );
        assert_eq!(
            message(EventKind::new(1, 3), "b"),
            r#"kind 0x1003 cannot be named "b", "b" is the name of kind 0x1002"#
        );
        assert_eq!(
            message(a, "b"),
            r#"kind 0x1001 cannot be named "b", as it is named "a" and "b" is the name of kind 0x1002"#
        );
        table.forget(a);
        assert_eq!((table.name(a), table.kind("a")), (None, None));
        assert_eq!(table.learn(a, &"c".into()), Ok(true));
    }
}
