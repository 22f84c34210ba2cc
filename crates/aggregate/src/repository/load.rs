//! Loading: the state of an entity, made of its events.

use super::handle::{Repository, coordinate};
use super::held::{Head, Held};
use crate::{Aggregate, Gone, Loaded};
use std::sync::Arc;
use strandline::{Coordinate, Error, EventRef, Snapshot};

impl<A: Aggregate> Repository<A> {
    /// An aggregate as it is now. One of which there is no event has the default state.
    ///
    /// Reads and decodes each event of the entity.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](strandline::ErrorKind::InvalidInput) if the id makes no name;
    /// [`ErrorKind::Payload`](strandline::ErrorKind::Payload) if an event of the entity is none of the aggregate's;
    /// [`ErrorKind::Redacted`](strandline::ErrorKind::Redacted) if some are gone and
    /// [`Aggregate::evolve_without`] does not go on; and those of reading.
    pub fn load(&self, id: &str) -> Result<Loaded<A>, Error> {
        self.load_in(&self.store.snapshot(), id)
    }

    /// An aggregate as it was after the event with this clock; after its newest one if there is none so late.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_at(&self, id: &str, version: u32) -> Result<Loaded<A>, Error> {
        let coordinate = coordinate::<A>(id)?;
        let held = self.read_all(&self.store.snapshot(), &coordinate, version)?;
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
        Ok(self.read(snapshot, &coordinate)?.into_loaded())
    }

    /// The state of an entity in a snapshot.
    pub(super) fn read(
        &self,
        snapshot: &Snapshot,
        coordinate: &Coordinate,
    ) -> Result<Held<A>, Error> {
        self.read_all(snapshot, coordinate, u32::MAX)
    }

    /// The state of an entity after the event with the clock `last`, or its newest one, from its first event on.
    fn read_all(
        &self,
        snapshot: &Snapshot,
        coordinate: &Coordinate,
        last: u32,
    ) -> Result<Held<A>, Error> {
        let mut state = A::default();
        let mut head = None;
        let mut events = snapshot.stream(coordinate.entity());
        while let Some(event) = events.next_ref() {
            let event = event?;
            if event.clock() > last {
                break;
            }
            head = Some(self.apply(&mut state, head, coordinate, &event)?);
        }
        Ok(Held {
            state: Arc::new(state),
            head,
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
            state.evolve(&self.registry.decode_ref(event)?);
        }
        let hash = event.hash();
        Ok(Head { clock, hash })
    }
}
