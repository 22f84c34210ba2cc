//! Making a kind for a name that no kind has. Writes nothing.

use super::state::Writer;
use crate::model::MADE_KINDS_CATEGORY;
use crate::{Error, ErrorKind};
use std::sync::Arc;
use strandline_core::{EventKind, Region};

impl Writer {
    /// The kind with a name, which is made if there is none: the first that has no name and no events.
    ///
    /// # Errors
    ///
    /// `Exhausted` if every kind of the category is taken; `Corrupt` if part of the index is lost.
    pub(crate) fn kind_or_new(&mut self, name: &Arc<str>) -> Result<EventKind, Error> {
        if let Some(known) = self.kinds.kind(name) {
            return Ok(known);
        }
        // What was written and is not visible yet counts too.
        let inserted = self.index.inserted();
        let is_used = |kind| {
            let region = Region::all().kind(kind);
            inserted.query(region).next().is_some()
        };
        let made = self.kinds.next_made(is_used);
        self.check_index()?;
        let kind = made.ok_or_else(|| {
            let message = format!(
                "there is no kind left for the name {name:?}: all 4,096 of category \
                 {MADE_KINDS_CATEGORY:#x} have a name or events; give it a kind of another category"
            );
            Error::new(ErrorKind::Exhausted, message)
        })?;
        self.kinds.name(kind, name)?;
        Ok(kind)
    }
}
