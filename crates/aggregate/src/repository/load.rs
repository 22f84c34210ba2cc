//! Loading: the state of an entity, made of its events.

use super::handle::{Repository, coordinate};
use crate::kept::{Head, Held};
use crate::sealing::key_of;
use crate::{Aggregate, Gone, Loaded};
use std::sync::Arc;
use strandline::{Coordinate, Error, ErrorKind, EventRef, Region, Snapshot};

impl<A: Aggregate> Repository<A> {
    /// An aggregate as it is now. One of which there is no event has the default state.
    ///
    /// Reads and decodes each event of the entity, or those after a state that is kept.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](strandline::ErrorKind::InvalidInput) if the id makes no name;
    /// [`ErrorKind::Payload`](strandline::ErrorKind::Payload) if an event of the entity is none of the aggregate's;
    /// [`ErrorKind::Redacted`](strandline::ErrorKind::Redacted) if some are gone and
    /// [`Aggregate::evolve_without`] does not go on; and those of reading.
    pub fn load(&self, id: &str) -> Result<Loaded<A>, Error> {
        let coordinate = coordinate::<A>(id)?;
        let known = self.known(&coordinate);
        let held = self.read(&self.store.snapshot(), &coordinate, known)?;
        Ok(self.keep(&coordinate, held).into_loaded())
    }

    /// An aggregate as it was after the event with this clock; after its newest one if there is none so late.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_at(&self, id: &str, version: u32) -> Result<Loaded<A>, Error> {
        let coordinate = coordinate::<A>(id)?;
        let held = self.read_then(&self.store.snapshot(), &coordinate, version)?;
        Ok(held.into_loaded())
    }

    /// An aggregate as it was at a time: with the events that happened at `wall_ms` or before, in milliseconds since
    /// 1970.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_as_of(&self, id: &str, wall_ms: u64) -> Result<Loaded<A>, Error> {
        self.load_in(&self.store.snapshot().as_of(wall_ms), id)
    }

    /// An aggregate as it was in a snapshot of the store, of which several can be loaded as they were at one moment.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_in(&self, snapshot: &Snapshot, id: &str) -> Result<Loaded<A>, Error> {
        let coordinate = coordinate::<A>(id)?;
        let held = self.read_then(snapshot, &coordinate, u32::MAX)?;
        Ok(held.into_loaded())
    }

    /// A state that is kept, in memory or else in a file. To be taken before the snapshot that it is held against, which
    /// then has all that is in it.
    pub(super) fn known(&self, coordinate: &Coordinate) -> Option<Known<A>> {
        let entity = coordinate.entity();
        let hot = self.hot.as_ref().and_then(|hot| hot.get(entity));
        let saved = || self.saved_state(coordinate).map(Known::Saved);
        hot.map(Known::Hot).or_else(saved)
    }

    /// The state of an entity in a snapshot that was taken after `known`.
    pub(super) fn read(
        &self,
        snapshot: &Snapshot,
        coordinate: &Coordinate,
        known: Option<Known<A>>,
    ) -> Result<Held<A>, Error> {
        match known {
            Some(Known::Hot(held)) => {
                let change = || self.take(coordinate);
                if let Some(held) = self.read_on(snapshot, coordinate, held, u32::MAX, change)? {
                    return Ok(held);
                }
                // It is not of the log any more.
                self.take(coordinate);
                self.read_then(snapshot, coordinate, u32::MAX)
            }
            Some(Known::Saved(held)) => self.read_saved(snapshot, coordinate, held, u32::MAX),
            None => self.read_all(snapshot, coordinate, u32::MAX),
        }
    }

    /// Keeps a state of now in memory, and saves it if that is due.
    pub(super) fn keep(&self, coordinate: &Coordinate, mut held: Held<A>) -> Held<A> {
        let entity = coordinate.entity();
        if let Some(saved) = &self.saved
            && self.store.check_writable().is_ok()
        {
            saved.save_if_due(coordinate, self.sealing.as_deref(), &mut held);
        }
        if let Some(hot) = &self.hot
            && held.head.is_some()
        {
            hot.keep(entity, held.clone());
        }
        held
    }

    /// Lets go of what is kept in memory, so that who changes a state need not copy it.
    pub(super) fn take(&self, coordinate: &Coordinate) {
        if let Some(hot) = &self.hot {
            hot.take(coordinate.entity());
        }
    }

    /// The state of an entity after the event with the clock `last`, or its newest one: from a saved state on, if there
    /// is one that is not later.
    fn read_then(
        &self,
        snapshot: &Snapshot,
        coordinate: &Coordinate,
        last: u32,
    ) -> Result<Held<A>, Error> {
        match self.saved_state(coordinate) {
            Some(held) => self.read_saved(snapshot, coordinate, held, last),
            None => self.read_all(snapshot, coordinate, last),
        }
    }

    fn saved_state(&self, coordinate: &Coordinate) -> Option<Held<A>> {
        let saved = self.saved.as_ref()?;
        saved.load(coordinate, self.sealing.as_deref())
    }

    /// Whether what a state was made of is to be read no more.
    fn is_forgotten(&self, held: &Held<A>) -> Result<bool, Error> {
        match (&self.sealing, held.key) {
            (Some(sealing), Some(key)) => sealing.is_forgotten(key),
            _ => Ok(false),
        }
    }

    /// As [`read_then`](Self::read_then), with the saved state that there is.
    fn read_saved(
        &self,
        snapshot: &Snapshot,
        coordinate: &Coordinate,
        held: Held<A>,
        last: u32,
    ) -> Result<Held<A>, Error> {
        let held = self.read_on(snapshot, coordinate, held, last, || ())?;
        if let Some(saved) = &self.saved {
            match held {
                Some(_) => saved.used(),
                None => saved.discard(),
            }
        }
        held.map_or_else(|| self.read_all(snapshot, coordinate, last), Ok)
    }

    /// A state that is kept and what came after it, up to the clock `last`; none if the log has not the event that it
    /// ends with, that one is redacted, or the key of its events was forgotten. Says when the state is to be changed.
    fn read_on(
        &self,
        snapshot: &Snapshot,
        coordinate: &Coordinate,
        mut held: Held<A>,
        last: u32,
        change: impl FnOnce(),
    ) -> Result<Option<Held<A>>, Error> {
        let Some(head) = held.head.filter(|head| head.clock <= last) else {
            return Ok(None);
        };
        let region = Region::all()
            .entity(coordinate.entity())
            .clock(head.clock..=last);
        let mut events = snapshot.query(region);
        match events.next_ref().transpose()? {
            Some(event) if event.hash() == head.hash && !event.is_redacted() => {
                held.key = key_of(&event).or(held.key);
            }
            _ => return Ok(None),
        }
        if self.is_forgotten(&held)? {
            return Ok(None);
        }
        let Some(next) = events.next_ref().transpose()? else {
            return Ok(Some(held));
        };
        change();
        let state = Arc::make_mut(&mut held.state);
        let mut head = self.apply(state, Some(head), coordinate, &next)?;
        held.key = key_of(&next).or(held.key);
        while let Some(event) = events.next_ref().transpose()? {
            head = self.apply(state, Some(head), coordinate, &event)?;
            held.key = key_of(&event).or(held.key);
        }
        held.head = Some(head);
        Ok(Some(held))
    }

    /// The state of an entity after the event with the clock `last`, or its newest one, from its first event on.
    fn read_all(
        &self,
        snapshot: &Snapshot,
        coordinate: &Coordinate,
        last: u32,
    ) -> Result<Held<A>, Error> {
        let mut state = A::default();
        let (mut head, mut key) = (None, None);
        let mut events = snapshot.stream(coordinate.entity());
        while let Some(event) = events.next_ref().transpose()? {
            if event.clock() > last {
                break;
            }
            head = Some(self.apply(&mut state, head, coordinate, &event)?);
            key = key_of(&event).or(key);
        }
        Ok(Held {
            state: Arc::new(state),
            head,
            saved: 0,
            key,
        })
    }

    /// Applies the next event that is there to a state that ends with `head`, and gives where it ends then.
    fn apply(
        &self,
        state: &mut A,
        head: Option<Head>,
        coordinate: &Coordinate,
        event: &EventRef<'_>,
    ) -> Result<Head, Error> {
        let clock = event.clock();
        let next = head.map_or(0, |head| head.clock.saturating_add(1));
        let mut without = |gone: Gone| match state.evolve_without(&gone) {
            true => Ok(()),
            false => Err(gone.refused(coordinate)),
        };
        if clock > next {
            without(Gone::Removed {
                clocks: next..clock,
            })?;
        }
        if event.is_redacted() {
            without(Gone::Redacted {
                clock,
                kind: event.kind(),
            })?;
        } else {
            match self.registry.decode_ref(event) {
                Err(error) if error.kind() == ErrorKind::Forgotten => without(Gone::Forgotten {
                    clock,
                    kind: event.kind(),
                    id: event.id(),
                })?,
                decoded => state.evolve(&decoded?),
            }
        }
        let hash = event.hash();
        Ok(Head { clock, hash })
    }
}

/// A state that is kept, and where.
#[derive(Debug)]
pub(super) enum Known<A> {
    Hot(Held<A>),
    Saved(Held<A>),
}
