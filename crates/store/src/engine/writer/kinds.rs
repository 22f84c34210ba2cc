//! `KindsWritten`: the names of kinds as the writer knows them: which there are, and which of them the active
//! segment has not got yet. A name is written with the first event of its kind in a segment, so that each
//! segment can be read without the others.

use super::prepared::Prepared;
use crate::model::{KindTable, Kinds, MADE_KINDS_CATEGORY};
use crate::rows::KindNames;
use crate::{Error, ErrorKind};
use std::fmt;
use std::sync::Arc;

use strandline_core::{EXTENSION_HEAD_BYTES, EventKind, Extensions, Sequence};

/// A bit for each kind.
const WORDS: usize = (1 << 16) / 64;

/// The names of kinds, under the commit lock.
pub(crate) struct KindsWritten {
    table: KindTable,
    /// By kind: whether it has a name that the active segment has not.
    missing: Box<[u64]>,
    /// The names that the active segment has.
    in_segment: KindNames,
    /// Of the commit that is being made: kinds that were given a name by it. Empty between commits.
    new: Vec<EventKind>,
    /// Of the commit that is being made: what is written of it with which event. Empty between commits.
    writing: Vec<(EventKind, Sequence)>,
    /// By kind: whether its name was counted; all zeros but while a commit is counted.
    counted: Box<[u64]>,
    /// Types before this one have a name, or are used, in the category of kinds that are made.
    next_made: u16,
}

impl KindsWritten {
    /// Those that an opening found, and those of them that the active segment has.
    pub(crate) fn new(table: KindTable, in_segment: KindNames) -> Self {
        let mut kinds = Self {
            table,
            missing: vec![0; WORDS].into(),
            counted: vec![0; WORDS].into(),
            in_segment,
            new: Vec::new(),
            writing: Vec::new(),
            next_made: 0,
        };
        kinds.find_missing();
        kinds
    }

    /// The kind with a name, if one has it.
    pub(super) fn kind(&self, name: &str) -> Option<EventKind> {
        self.table.kind(name)
    }

    /// The names that the active segment has.
    pub(crate) const fn in_segment(&self) -> &KindNames {
        &self.in_segment
    }

    fn find_missing(&mut self) {
        self.missing.fill(0);
        let kinds: Vec<_> = self.table.iter().map(|(kind, _)| kind).collect();
        kinds.into_iter().for_each(|kind| self.set_missing(kind));
        let has: Vec<_> = self.in_segment.iter().map(|(kind, _)| kind).collect();
        has.into_iter().for_each(|kind| self.clear_missing(kind));
    }

    /// Where the bit of a kind is.
    #[inline]
    fn bit(kind: EventKind) -> (usize, u64) {
        let bits = kind.bits();
        (usize::from(bits >> 6), 1 << (bits & 63))
    }

    #[inline]
    fn is_missing(&self, kind: EventKind) -> bool {
        let (word, bit) = Self::bit(kind);
        self.missing.get(word).is_some_and(|own| own & bit != 0)
    }

    fn set_missing(&mut self, kind: EventKind) {
        let (word, bit) = Self::bit(kind);
        if let Some(own) = self.missing.get_mut(word) {
            *own |= bit;
        }
    }

    fn clear_missing(&mut self, kind: EventKind) {
        let (word, bit) = Self::bit(kind);
        if let Some(own) = self.missing.get_mut(word) {
            *own &= !bit;
        }
    }

    /// Takes the names that the events of a commit give their kinds.
    ///
    /// # Errors
    ///
    /// `KindConflict` if one is not that of its kind. Nothing has changed then.
    #[inline]
    pub(super) fn begin(&mut self, events: &[Prepared<'_>]) -> Result<(), Error> {
        match events.iter().any(|event| event.event.kind_name.is_some()) {
            true => self.take_names(events),
            false => Ok(()),
        }
    }

    fn take_names(&mut self, events: &[Prepared<'_>]) -> Result<(), Error> {
        for prepared in events {
            let Some(name) = prepared.event.kind_name.as_deref() else {
                continue;
            };
            let kind = prepared.event.kind;
            match self.table.check(kind, name) {
                Ok(true) => {}
                Ok(false) => {
                    if self.table.learn(kind, &name.into()).is_ok() {
                        self.new.push(kind);
                        self.set_missing(kind);
                    }
                }
                Err(conflict) => {
                    self.undo();
                    return Err(Error::kind_refused(conflict));
                }
            }
        }
        Ok(())
    }

    /// Most bytes that the names of kinds take in the records of a commit whose names were taken, each once,
    /// whether the active segment has them or not.
    #[inline]
    pub(super) fn bytes_max(&mut self, events: &[Prepared<'_>]) -> usize {
        match (self.table.is_empty(), events) {
            (true, _) => 0,
            (false, [one]) => {
                let name = self.table.name(one.event.kind);
                name.map_or(0, |name| EXTENSION_HEAD_BYTES + name.len())
            }
            (false, several) => self.bytes_of_several(several),
        }
    }

    fn bytes_of_several(&mut self, events: &[Prepared<'_>]) -> usize {
        let mut bytes = 0;
        for prepared in events {
            let kind = prepared.event.kind;
            let (word, bit) = Self::bit(kind);
            if let Some(name) = self.table.name(kind)
                && let Some(counted) = self.counted.get_mut(word)
                && *counted & bit == 0
            {
                bytes += EXTENSION_HEAD_BYTES + name.len();
                *counted |= bit;
            }
        }
        if bytes > 0 {
            for prepared in events {
                let (word, _) = Self::bit(prepared.event.kind);
                if let Some(counted) = self.counted.get_mut(word) {
                    *counted = 0;
                }
            }
        }
        bytes
    }

    /// The extensions that an event is written with: its own, and the name of its kind, if that has one which
    /// the active segment has not.
    #[inline]
    pub(super) fn extensions(
        &mut self,
        prepared: &Prepared<'_>,
        at: Sequence,
    ) -> Result<Extensions, Error> {
        let kind = prepared.event.kind;
        match self.is_missing(kind) {
            false => Ok(prepared.extensions.clone()),
            true => self.named(kind, &prepared.extensions, at),
        }
    }

    #[cold]
    fn named(
        &mut self,
        kind: EventKind,
        extensions: &Extensions,
        at: Sequence,
    ) -> Result<Extensions, Error> {
        let Some(name) = self.table.name(kind) else {
            return Ok(extensions.clone());
        };
        let named = extensions.with_kind_name(name).map_err(|error| {
            Error::new(ErrorKind::TooLarge, "the event has too many extensions").with_source(error)
        })?;
        self.clear_missing(kind);
        self.writing.push((kind, at));
        Ok(named)
    }

    /// Notes that the commit was written, and shows the names that it gave.
    #[inline]
    pub(super) fn written(&mut self, shown: &Kinds) {
        if !self.writing.is_empty() {
            self.note_written(shown);
        }
    }

    #[cold]
    fn note_written(&mut self, shown: &Kinds) {
        for (kind, at) in self.writing.drain(..) {
            if let Some(name) = self.table.name(kind) {
                self.in_segment.note(kind, name, at);
            }
        }
        if !self.new.is_empty() {
            let new = self.new.drain(..);
            shown.learn(new.filter_map(|kind| Some((kind, self.table.name(kind)?))));
        }
    }

    /// Notes that the commit was not written: it gave no names.
    #[cold]
    pub(super) fn undo(&mut self) {
        for (kind, _) in std::mem::take(&mut self.writing) {
            self.set_missing(kind);
        }
        for kind in std::mem::take(&mut self.new) {
            self.table.forget(kind);
            self.clear_missing(kind);
        }
    }

    /// Notes that the active segment is another one, and gives the names that the one before has.
    pub(super) fn rotated(&mut self) -> KindNames {
        let before = std::mem::take(&mut self.in_segment);
        self.find_missing();
        before
    }

    /// The first kind, of the category of those that are made, of which nothing was said and for which `is_used`
    /// does not hold; none if there is no such.
    pub(super) fn next_made(&mut self, is_used: impl Fn(EventKind) -> bool) -> Option<EventKind> {
        loop {
            let kind = EventKind::try_new(MADE_KINDS_CATEGORY, self.next_made).ok()?;
            if self.table.is_free(kind) && !is_used(kind) {
                return Some(kind);
            }
            self.next_made += 1;
        }
    }

    /// Gives a kind a name, which is written with its next event; whether it is new.
    ///
    /// # Errors
    ///
    /// `KindConflict`.
    pub(crate) fn name(&mut self, kind: EventKind, name: &Arc<str>) -> Result<bool, Error> {
        self.table.check(kind, name).map_err(Error::kind_refused)?;
        let is_new = self.table.learn(kind, name).map_err(Error::kind_refused)?;
        if is_new {
            self.set_missing(kind);
        }
        Ok(is_new)
    }
}

impl fmt::Debug for KindsWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KindsWritten")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
