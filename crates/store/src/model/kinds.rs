//! `Kinds`: the names of kinds that all of a store sees. It grows with the writer, or with what a read-only
//! store reads of another process; what of it is written where is the writer's.

use super::kind_table::KindTable;
use std::fmt;
use std::sync::Arc;
use strandline_core::EventKind;
use strandline_core::sync::RwLock;

/// The names of kinds, for whoever reads. A thread holds its lock alone, and for no longer than a look.
#[derive(Default)]
pub(crate) struct Kinds(RwLock<KindTable>);

impl Kinds {
    /// Those that an opening found.
    pub(crate) fn new(table: KindTable) -> Self {
        Self(RwLock::new(table))
    }

    /// All that was said of kinds. O(kinds).
    pub(crate) fn table(&self) -> KindTable {
        self.0.read().clone()
    }

    /// The name of a kind, if it has one.
    pub(crate) fn name(&self, kind: EventKind) -> Option<Arc<str>> {
        self.0.read().name(kind).cloned()
    }

    /// The kind that has a name, if one has.
    pub(crate) fn kind(&self, name: &str) -> Option<EventKind> {
        self.0.read().kind(name)
    }

    /// Takes names that were written, or made. What speaks against one was told to whoever gave it.
    pub(crate) fn learn<'n>(&self, names: impl Iterator<Item = (EventKind, &'n Arc<str>)>) {
        let mut table = self.0.write();
        for (kind, name) in names {
            let _ = table.learn(kind, name);
        }
    }
}

impl fmt::Debug for Kinds {
    /// Under no lock: what is written to may be code of the caller's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kinds").finish_non_exhaustive()
    }
}
