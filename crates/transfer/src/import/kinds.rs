//! `LineKinds`: the kinds that names in lines mean in a store, and in a trial. Reads no line.

use std::collections::HashMap;
use strandline::{Error, ErrorKind, EventKind, MADE_KINDS_CATEGORY, Region, Store};

/// Kinds by their names, as lines gave them.
pub(super) struct LineKinds<'a> {
    store: &'a Store,
    /// Whether nothing may be made or named in the store.
    is_trial: bool,
    /// What was found out before. As many as the store has kinds, at most.
    known: HashMap<Box<str>, EventKind>,
    /// The type of the last kind that a trial took for one that would be made.
    pretended: Option<u16>,
}

impl<'a> LineKinds<'a> {
    pub(super) fn new(store: &'a Store, is_trial: bool) -> Self {
        Self {
            store,
            is_trial,
            known: HashMap::new(),
            pretended: None,
        }
    }

    /// The kind that a name means here. A kind that comes with it is kept. One that a store made for the name is
    /// kept if the name is new here and nothing is of that kind, so that events of other kinds without a name,
    /// which have their numbers alone, are not taken for events of it; else this store makes its own.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it is no name, `Exhausted` if there is no kind for it, and `KindConflict` if the
    /// kind has another name here, or the name another kind.
    pub(super) fn kind(&mut self, name: &str, kind: Option<EventKind>) -> Result<EventKind, Error> {
        let declared = kind.filter(|kind| kind.category() != MADE_KINDS_CATEGORY);
        if let Some(known) = self.known.get(name)
            && declared.is_none_or(|kind| kind == *known)
        {
            return Ok(*known);
        }
        let kind = match (declared, self.is_trial) {
            (Some(kind), false) => self.store.name_kind(kind, name).map(|()| kind)?,
            (None, false) => self.made(name, kind)?,
            (declared, true) => self.tried(name, declared)?,
        };
        self.known.insert(name.into(), kind);
        Ok(kind)
    }

    /// The kind with a name that some store makes kinds for, as it was `elsewhere`.
    fn made(&self, name: &str, elsewhere: Option<EventKind>) -> Result<EventKind, Error> {
        let now = self.store.snapshot();
        let is_free = |kind: &EventKind| {
            let is_new = now.kind_named(name).is_none() && now.kind_name(*kind).is_none();
            is_new && now.rows(Region::all().kind(*kind)).next().is_none()
        };
        match elsewhere.filter(is_free) {
            // Somebody else may have been faster.
            Some(own) if self.store.name_kind(own, name).is_ok() => Ok(own),
            _ => self.store.kind(name),
        }
    }

    /// What it would come to.
    fn tried(&mut self, name: &str, declared: Option<EventKind>) -> Result<EventKind, Error> {
        strandline_core::check_name("name of a kind", name).map_err(|error| {
            let message = "the name of a kind is refused";
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        })?;
        let found = self.store.snapshot().kind_named(name);
        let found = found.or_else(|| self.known.get(name).copied());
        let Some(kind) = declared else {
            return found.map_or_else(|| self.pretend(), Ok);
        };
        let own = self.store.kind_name(kind);
        let given = || self.known.iter().find(|(_, given)| **given == kind);
        let other = match own.as_deref() {
            Some(own) => Some(own),
            None => given().map(|(name, _)| &**name),
        };
        let is_other = other.is_some_and(|other| other != name);
        if is_other || found.is_some_and(|found| found != kind) {
            return Err(conflict(kind, name, other.filter(|_| is_other), found));
        }
        Ok(kind)
    }

    /// A kind that no event has, in the place of one that would be made: from the end of the category, as
    /// stores begin at its beginning.
    fn pretend(&mut self) -> Result<EventKind, Error> {
        let mut next = self
            .pretended
            .map_or(Some(0xFFF), |last| last.checked_sub(1));
        while let Some(in_category) = next {
            let kind = EventKind::try_new(MADE_KINDS_CATEGORY, in_category).ok();
            let is_free = |kind: &EventKind| self.store.kind_name(*kind).is_none();
            if let Some(kind) = kind.filter(is_free) {
                self.pretended = Some(in_category);
                return Ok(kind);
            }
            next = in_category.checked_sub(1);
        }
        let message = "there is no kind left for another name";
        Err(Error::new(ErrorKind::Exhausted, message))
    }
}

/// What the store would say.
fn conflict(kind: EventKind, name: &str, own: Option<&str>, other: Option<EventKind>) -> Error {
    let mut message = format!("kind {kind} cannot be named {name:?}");
    if let Some(own) = own {
        message += &format!(", as it is named {own:?}");
    }
    if let Some(other) = other.filter(|other| *other != kind) {
        let and = if own.is_some() { " and" } else { "," };
        message += &format!("{and} {name:?} is the name of kind {other}");
    }
    message += "; nothing was written";
    Error::new(ErrorKind::KindConflict, message)
}
