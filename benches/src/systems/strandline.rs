//! Strandline behind [`Engine`].

use super::accounts::Repositories;
use crate::engine::{
    Ability, Accounts, Durability, Engine, EngineEntry, Failure, Filter, Follower, NewEvent,
};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use strandline::{
    AppendCondition, AppendOptions, Batch, Coordinate, Cursor, Event, EventId, EventKind, Region,
    Sequence, Start, Store, StoreOptions,
};

/// Strandline.
pub const ENTRY: EngineEntry = EngineEntry {
    name: "strandline",
    abilities: &[
        Ability::ConcurrentAppends,
        Ability::Written,
        Ability::Synced,
        Ability::ById,
        Ability::Stream,
        Ability::Scan,
        Ability::Kind,
        Ability::Scope,
        Ability::Prefix,
        Ability::Verify,
        Ability::Mixed,
        Ability::CallersIds,
        Ability::Conditions,
        Ability::Follow,
        Ability::Execute,
    ],
    notes: "Written: one pwrite a commit, interval syncs off. Synced: pwrite and fdatasync, shared \
            by those who wait. Every event is hashed into its entity's chain and the log's.",
    open: |dir| Ok(Box::new(Strandline::open(dir)?)),
};

/// How often a store is looked at that merges, twice a second.
const MERGED_LOOKS: usize = 360;

/// Events that a cursor is asked for at once.
const BATCH: usize = 4096;

struct Strandline {
    store: Arc<Store>,
    /// By number of the entity: an application keeps its coordinates too, unless it has too many.
    coordinates: Option<RwLock<Vec<Option<Coordinate>>>>,
}

/// Opens a store of many entities, in segments of a length.
pub(crate) fn open_growing(dir: &Path, segment_bytes: u64) -> Result<Box<dyn Engine>, Failure> {
    let store = options().segment_bytes_max(segment_bytes).open(dir)?;
    let coordinates = None;
    let store = Arc::new(store);
    Ok(Box::new(Strandline { store, coordinates }))
}

/// Options with which no sync runs that was not asked for.
#[must_use]
pub(crate) fn options() -> StoreOptions {
    StoreOptions::new()
        .durability(strandline::Durability::Written)
        .no_background_sync()
}

/// The kind of an event of the work.
#[must_use]
pub(crate) const fn kind(number: u16) -> EventKind {
    EventKind::new(1, number)
}

fn promise(durability: Durability) -> AppendOptions<'static> {
    AppendOptions::new().durability(match durability {
        Durability::Written => strandline::Durability::Written,
        Durability::Synced => strandline::Durability::Synced,
    })
}

/// An event of the work.
pub(crate) fn event(event: &NewEvent<'_>) -> Event {
    Event::bytes(kind(event.kind), event.payload)
}

/// How many parts are left of so many sealed segments, none of which was rewritten, once eight of each length were
/// merged into one: the sum of the digits to the base of eight.
fn parts_once_merged(sealed: usize) -> usize {
    std::iter::successors(Some(sealed), |left| Some(left / 8))
        .take_while(|left| *left > 0)
        .map(|left| left % 8)
        .sum()
}

/// Waits until nothing is left to be merged, for some minutes at most: a store that is closed before goes on
/// at the next opening, beside what is measured there.
fn wait_for_merges(store: &Store) -> Result<(), Failure> {
    for _ in 0..MERGED_LOOKS {
        let stats = store.stats()?;
        // And the part that grows.
        if stats.index_parts <= parts_once_merged(stats.segments.saturating_sub(1)) + 1 {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

impl Strandline {
    fn open(dir: &Path) -> Result<Self, strandline::Error> {
        Ok(Self {
            store: Arc::new(options().open(dir)?),
            coordinates: Some(RwLock::new(Vec::new())),
        })
    }

    fn coordinate(&self, event: &NewEvent<'_>) -> Result<Coordinate, Failure> {
        let Some(coordinates) = &self.coordinates else {
            return Ok(Coordinate::new(event.entity, event.scope)?);
        };
        let at = event.entity_number as usize;
        let known = coordinates.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        if let Some(Some(coordinate)) = known.get(at) {
            return Ok(coordinate.clone());
        }
        drop(known);
        let coordinate = Coordinate::new(event.entity, event.scope)?;
        let known = coordinates.write();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        if known.len() <= at {
            known.resize(at + 1, None);
        }
        if let Some(slot) = known.get_mut(at) {
            *slot = Some(coordinate.clone());
        }
        Ok(coordinate)
    }
}

impl Engine for Strandline {
    fn append(&self, events: &[NewEvent<'_>], durability: Durability) -> Result<(), Failure> {
        let options = promise(durability);
        if let [single] = events {
            let coordinate = self.coordinate(single)?;
            self.store
                .append_with(&coordinate, event(single), options)?;
            return Ok(());
        }
        let mut batch = Batch::new();
        for new in events {
            batch.add(&self.coordinate(new)?, event(new));
        }
        self.store.append_batch_with(batch, options)?;
        Ok(())
    }

    fn append_with_ids(
        &self,
        events: &[NewEvent<'_>],
        ids: &[u128],
        durability: Durability,
    ) -> Result<(), Failure> {
        let mut batch = Batch::new();
        for (new, id) in events.iter().zip(ids) {
            let event = event(new).with_id(EventId::from_u128(*id));
            batch.add(&self.coordinate(new)?, event);
        }
        self.store.append_batch_with(batch, promise(durability))?;
        Ok(())
    }

    fn append_unless(
        &self,
        new: &NewEvent<'_>,
        entities: &[&str],
        excluded: u16,
    ) -> Result<(), Failure> {
        let region = |entity: &&str| Region::all().entity(*entity).kind(kind(excluded));
        let all = AppendCondition::since(Sequence::ZERO);
        let condition = entities
            .iter()
            .map(region)
            .fold(all, AppendCondition::none_in);
        let options = promise(Durability::Written).condition(&condition);
        self.store
            .append_with(&self.coordinate(new)?, event(new), options)?;
        Ok(())
    }

    fn ids(&self) -> Result<Vec<u128>, Failure> {
        let now = self.store.snapshot();
        let rows = now.rows(Region::all());
        Ok(rows.map(|row| row.id().as_u128()).collect())
    }

    fn get(&self, id: u128, payload: &mut Vec<u8>) -> Result<(), Failure> {
        let now = self.store.snapshot();
        let found = now.get_with(EventId::from_u128(id), |event| {
            payload.extend_from_slice(event.payload()?);
            Ok::<_, strandline::Error>(())
        })?;
        found.ok_or_else(|| format!("there is no event {id:032x}"))??;
        Ok(())
    }

    fn stream(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let now = self.store.snapshot();
        let mut events = now.stream(entity);
        while let Some(event) = events.next_ref() {
            visit(event?.payload()?);
        }
        Ok(())
    }

    fn latest(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        if let Some(event) = self.store.snapshot().latest(entity)? {
            visit(event.payload()?);
        }
        Ok(())
    }

    fn segments(&self) -> Result<Option<u64>, Failure> {
        Ok(Some(self.store.stats()?.segments as u64))
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let now = self.store.snapshot();
        let mut events = now.query(Region::all());
        while let Some(event) = events.next_ref() {
            visit(event?.payload()?);
        }
        Ok(())
    }

    fn query(&self, filter: Filter<'_>, visit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        let region = match filter {
            Filter::Kind(number) => Region::all().kind(kind(number)),
            Filter::Scope(scope) => Region::all().scope(scope),
            Filter::Prefix(prefix) => Region::all().entity_prefix(prefix),
        };
        for row in self.store.snapshot().rows(&region) {
            visit(row.sequence().get());
        }
        Ok(())
    }

    fn verify(&self) -> Result<u64, Failure> {
        let report = self.store.verify()?;
        if !report.is_intact() {
            return Err(format!("the store is damaged: {:?}", report.problems.first()).into());
        }
        Ok(report.events)
    }

    fn follow(&self) -> Result<Box<dyn Follower + '_>, Failure> {
        Ok(Box::new(
            self.store.follow(Region::all(), Start::Beginning)?,
        ))
    }

    fn accounts(&self, states_max: usize) -> Result<Box<dyn Accounts + '_>, Failure> {
        let accounts = Repositories::new(&self.store, states_max, wait_for_merges)?;
        Ok(Box::new(accounts))
    }

    fn close(self: Box<Self>) -> Result<(), Failure> {
        if self.coordinates.is_none() {
            wait_for_merges(&self.store)?;
        }
        let store = Arc::into_inner(self.store).ok_or("somebody has the store")?;
        Ok(store.close()?)
    }
}

impl Follower for Cursor {
    fn next(&mut self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        visit(Self::next(self)?.payload()?);
        let mut unread = Ok(());
        self.try_batch_with(BATCH, |event| match event.payload() {
            Ok(payload) => visit(payload),
            Err(error) => unread = Err(error),
        })?;
        Ok(unread?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;

    #[test]
    fn commands_are_executed_on_the_accounts_that_a_store_was_filled_with() {
        let dir = tempfile::tempdir().unwrap();
        let engine = Strandline::open(dir.path()).unwrap();
        for states_max in [0, 2] {
            let accounts = engine.accounts(states_max).unwrap();
            accounts.append(0..3, Durability::Written).unwrap();
            accounts.execute(1, 5, Durability::Synced).unwrap();
            assert!(accounts.execute(2, -9, Durability::Written).is_err());
        }
        let accounts = engine.accounts(0).unwrap();
        let state = |account| {
            let Account { cents, events } = accounts.load(account).unwrap();
            (cents, events)
        };
        assert_eq!([0, 1, 2, 3].map(state), [(2, 2), (12, 4), (2, 2), (0, 0)]);
        drop(accounts);
        Box::new(engine).close().unwrap();
    }

    /// Cause: a store of 69 segments counted as merged with eight files of eight that were to be one, and reads
    /// were measured beside that merge.
    #[test]
    fn a_store_counts_as_merged_once_nothing_is_left_to_merge() {
        let left = [0, 7, 8, 63, 64, 68, 3_999].map(parts_once_merged);
        assert_eq!(left, [0, 7, 1, 14, 1, 5, 23]);
    }
}
