//! batpak: the nearest relative, an embedded event store with a hash chain for each entity.

use batpak::coordinate::EventCategory;
use batpak::id::{EntityIdType, IdempotencyKey};
use batpak::prelude::{
    AppendOptions, Coordinate, EventId, EventKind, Open, Region, Store, StoreConfig, SyncMode,
};
use batpak::store::{
    BatchAppendItem, CausationRef, Cursor, DurabilityGate, IndexEntry, IndexTopology, Subscription,
    WatermarkKind,
};
use parking_lot::{RwLock, RwLockReadGuard};
use serde_bytes::Bytes;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strandline_benches::engine::{
    Ability, Durability, Engine, EngineEntry, Failure, Filter, Follower, NewEvent,
};

/// batpak 0.10.
pub const ENTRY: EngineEntry = EngineEntry {
    name: "batpak",
    abilities: &[
        Ability::ConcurrentAppends,
        Ability::Written,
        Ability::Synced,
        Ability::ById,
        Ability::Stream,
        Ability::Scan,
        Ability::Kind,
        Ability::Scope,
        Ability::Verify,
        Ability::Mixed,
        Ability::Follow,
    ],
    notes: "Payloads as MessagePack binary, read raw; coordinates kept by the caller. Written never \
            reaches the number of events after which it syncs, but a batch always ends with an \
            fdatasync, which cannot be switched off. Synced waits at a gate for the durable \
            watermark, with group commit and the idempotency keys that it asks for. Verify hashes \
            every payload and looks up every link. \
            Prefixes of names are not queried but at a colon. An append of one waits for a writer \
            thread: its rate varies fivefold with how the two threads are scheduled. Who follows takes \
            from its cursor, and waits with its subscription.",
    open,
};

/// The category of the kinds here; those below are batpak's own.
const CATEGORY: u8 = 0x1;
const SYSTEM_CATEGORY: u8 = 0x0;

/// How long an append may wait for its sync.
const GATE: DurabilityGate = DurabilityGate::new(WatermarkKind::Durable, Duration::from_secs(60));

struct Batpak {
    directory: PathBuf,
    ids: crate::numbering::Ids,
    opened: RwLock<Opened>,
    /// Coordinates by number of the entity.
    coordinates: RwLock<Vec<Option<Coordinate>>>,
}

/// The store, open for one of the durabilities: its settings are fixed while it is open.
struct Opened {
    durability: Durability,
    store: Option<Store<Open>>,
}

impl Opened {
    fn new(directory: &Path, durability: Durability) -> Result<Self, Failure> {
        let config = StoreConfig::new(directory)
            .with_index_topology(IndexTopology::aos())
            .with_sync_mode(SyncMode::SyncData)
            .with_batch_max_size(4_096)
            .with_batch_max_bytes(16 << 20);
        let config = match durability {
            Durability::Written => config.with_sync_every_n_events(u32::MAX),
            Durability::Synced => config
                .with_sync_every_n_events(1)
                .with_group_commit_max_batch(256),
        };
        Ok(Self {
            durability,
            store: Some(Store::open(config)?),
        })
    }

    fn store(&self) -> Result<&Store<Open>, Failure> {
        Ok(self.store.as_ref().ok_or("the store is closed")?)
    }

    fn close(&mut self) -> Result<(), Failure> {
        if let Some(store) = self.store.take() {
            store.close()?;
        }
        Ok(())
    }
}

fn open(directory: &Path) -> Result<Box<dyn Engine>, Failure> {
    Ok(Box::new(Batpak {
        directory: directory.to_owned(),
        ids: crate::numbering::Ids::new(),
        opened: RwLock::new(Opened::new(directory, Durability::Written)?),
        coordinates: RwLock::default(),
    }))
}

const fn kind(kind: u16) -> EventKind {
    EventKind::custom(CATEGORY, kind)
}

/// Whether an event is one that was appended here, not one of batpak's own.
fn is_ours(entry: &IndexEntry) -> bool {
    entry.event_kind().category() == CATEGORY
}

impl Batpak {
    /// The store with the settings for a durability, opened anew if it has others.
    fn opened(&self, durability: Durability) -> Result<RwLockReadGuard<'_, Opened>, Failure> {
        loop {
            let opened = self.opened.read();
            if opened.durability == durability {
                return Ok(opened);
            }
            drop(opened);
            let mut opened = self.opened.write();
            if opened.durability != durability {
                opened.close()?;
                *opened = Opened::new(&self.directory, durability)?;
            }
        }
    }

    fn coordinate(&self, event: &NewEvent<'_>) -> Result<Coordinate, Failure> {
        let number = event.entity_number as usize;
        if let Some(Some(coordinate)) = self.coordinates.read().get(number) {
            return Ok(coordinate.clone());
        }
        let coordinate = Coordinate::new(event.entity, event.scope)?;
        let mut coordinates = self.coordinates.write();
        if coordinates.len() <= number {
            coordinates.resize(number + 1, None);
        }
        if let Some(slot) = coordinates.get_mut(number) {
            *slot = Some(coordinate.clone());
        }
        Ok(coordinate)
    }

    fn options(&self, durability: Durability) -> AppendOptions {
        match durability {
            Durability::Written => AppendOptions::new(),
            Durability::Synced => {
                AppendOptions::new().with_idempotency(IdempotencyKey::from(self.ids.next(0)))
            }
        }
    }
}

/// Reads the payload of an event.
fn payload(store: &Store<Open>, id: EventId, visit: impl FnOnce(&[u8])) -> Result<(), Failure> {
    let stored = store.read_raw(id)?;
    let payload: &Bytes = rmp_serde::from_slice(&stored.event.payload)?;
    visit(payload);
    Ok(())
}

impl Engine for Batpak {
    fn append(&self, events: &[NewEvent<'_>], durability: Durability) -> Result<(), Failure> {
        if let [event] = events {
            let opened = self.opened(durability)?;
            let store = opened.store()?;
            let coordinate = self.coordinate(event)?;
            let payload = Bytes::new(event.payload);
            let mut options = self.options(durability);
            if durability == Durability::Synced {
                options = options.with_gate(GATE);
            }
            let _receipt =
                store.append_with_options(&coordinate, kind(event.kind), &payload, options)?;
            return Ok(());
        }
        // A batch is synced when it returns, whatever the settings.
        let opened = self.opened.read();
        let items = events
            .iter()
            .map(|event| {
                Ok(BatchAppendItem::new(
                    self.coordinate(event)?,
                    kind(event.kind),
                    &Bytes::new(event.payload),
                    self.options(opened.durability),
                    CausationRef::None,
                )?)
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        let _receipts = opened.store()?.append_batch(items)?;
        Ok(())
    }

    fn ids(&self) -> Result<Vec<u128>, Failure> {
        let opened = self.opened.read();
        let entries = opened.store()?.query(&Region::all());
        Ok(entries
            .iter()
            .filter(|entry| is_ours(entry))
            .map(|entry| entry.event_id().as_u128())
            .collect())
    }

    fn get(&self, id: u128, bytes: &mut Vec<u8>) -> Result<(), Failure> {
        let opened = self.opened.read();
        payload(opened.store()?, EventId::from_u128(id), |payload| {
            bytes.extend_from_slice(payload);
        })
    }

    fn stream(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let opened = self.opened.read();
        let store = opened.store()?;
        for entry in store.by_entity(entity) {
            payload(store, entry.event_id(), &mut *visit)?;
        }
        Ok(())
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let opened = self.opened.read();
        let store = opened.store()?;
        for entry in store.query(&Region::all()) {
            if is_ours(&entry) {
                payload(store, entry.event_id(), &mut *visit)?;
            }
        }
        Ok(())
    }

    fn query(&self, filter: Filter<'_>, visit: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        let opened = self.opened.read();
        let store = opened.store()?;
        let entries = match filter {
            Filter::Kind(number) => store.by_fact(kind(number)),
            Filter::Scope(scope) => store.by_scope(scope),
            // A region takes whole parts of a name between colons, not any prefix.
            Filter::Prefix(_) => return Err("no query by prefix".into()),
        };
        for entry in &entries {
            visit(entry.global_sequence());
        }
        Ok(())
    }

    fn verify(&self) -> Result<u64, Failure> {
        let opened = self.opened.read();
        let store = opened.store()?;
        let report = store.verify_chain()?;
        if !report.is_intact() {
            return Err(format!("{report:?}").into());
        }
        // Opening and closing leave events of batpak's own, which are checked too.
        let system = Region::all().with_fact_category(EventCategory::new(SYSTEM_CATEGORY)?);
        let count = report.events_checked - store.query(&system).len();
        Ok(u64::try_from(count)?)
    }

    fn follow(&self) -> Result<Box<dyn Follower + '_>, Failure> {
        let opened = self.opened.read();
        let store = opened.store()?;
        let all = Region::all();
        Ok(Box::new(Reader {
            opened: &self.opened,
            // First, so that it tells of what the cursor does not find.
            news: store.subscribe_lossy(&all),
            cursor: store.cursor_guaranteed(&all),
        }))
    }

    fn close(self: Box<Self>) -> Result<(), Failure> {
        self.opened.into_inner().close()
    }
}

/// Events that a cursor is asked for at once.
const BATCH: usize = 4096;

/// A follower.
struct Reader<'a> {
    opened: &'a RwLock<Opened>,
    news: Subscription,
    cursor: Cursor,
}

impl Follower for Reader<'_> {
    fn next(&mut self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        loop {
            let batch = self.cursor.poll_batch(BATCH);
            let ours = batch.iter().filter(|entry| is_ours(entry));
            let mut given = 0;
            for entry in ours {
                payload(self.opened.read().store()?, entry.event_id(), &mut *visit)?;
                given += 1;
            }
            if given > 0 {
                return Ok(());
            }
            if batch.is_empty() {
                self.news.recv().ok_or("the store was closed")?;
            }
        }
    }
}
