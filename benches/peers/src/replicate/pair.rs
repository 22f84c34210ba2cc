//! `Setup`: a store with what ships it, or alone; and `Pair`, one that is open.

use super::far::Far;
use super::litestream::{self, Litestream};
use crate::sqlite;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strandline::{AppendOptions, Batch, Coordinate, Event, EventKind, Store, StoreOptions};
use strandline_benches::engine::{Durability, Engine, Failure, NewEvent};
use strandline_replicate::{Bucket, BucketOptions, ReplicateOptions, Replicator, ReplicatorStage};

/// Longer than anything that is waited for.
pub(super) const LONG: Duration = Duration::from_secs(300);

/// A store, and what ships it to a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setup {
    /// SQLite by itself.
    Sqlite,
    /// SQLite beside Litestream, which looks and sends so often.
    Litestream(Duration),
    /// Strandline by itself.
    Strandline,
    /// Strandline with a shipper, which sends so often.
    Shipped(Duration),
    /// Strandline with a shipper, whose appends wait until they are replicated.
    Replicated,
}

impl Setup {
    pub(super) fn name(self) -> String {
        match self {
            Self::Sqlite => "SQLite".to_owned(),
            Self::Litestream(every) => format!("SQLite, Litestream each {every:?}"),
            Self::Strandline => "Strandline".to_owned(),
            Self::Shipped(every) => format!("Strandline, shipped each {every:?}"),
            Self::Replicated => "Strandline, replicated".to_owned(),
        }
    }
}

/// Where a pair lives.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) dir: &'a Path,
    pub(super) far: &'a Far,
    /// The program.
    pub(super) litestream: &'a Path,
}

impl Place<'_> {
    /// SQLite's file.
    pub(super) fn database(&self) -> PathBuf {
        self.dir.join(sqlite::FILE)
    }

    /// The bucket, for Strandline.
    pub(super) fn bucket(&self) -> Result<Bucket, Failure> {
        let server = self.far.server();
        let mut options = BucketOptions::new();
        for (name, value) in server.settings() {
            options = options.setting(name, value);
        }
        Ok(Bucket::open(&format!("{}/log", server.url()), options)?)
    }
}

/// A store that is open, and what ships it, which has begun.
pub(super) enum Pair {
    Sqlite(Option<Litestream>, Box<dyn Engine>),
    Strandline(Option<Replicator>, Box<Own>),
}

/// Strandline.
pub(super) struct Own {
    store: Store,
    /// By number of the entity.
    coordinates: Vec<Option<Coordinate>>,
    is_replicated: bool,
}

impl Pair {
    pub(super) fn open(setup: Setup, place: Place<'_>) -> Result<Self, Failure> {
        match setup {
            Setup::Sqlite => Ok(Self::Sqlite(None, (sqlite::ENTRY.open)(place.dir)?)),
            Setup::Litestream(every) => Self::beside_litestream(every, place),
            Setup::Strandline => Self::own(None, false, place),
            Setup::Shipped(every) => {
                Self::own(Some(ReplicateOptions::new().interval(every)), false, place)
            }
            Setup::Replicated => Self::own(Some(ReplicateOptions::new()), true, place),
        }
    }

    fn own(
        shipped: Option<ReplicateOptions>,
        is_replicated: bool,
        place: Place<'_>,
    ) -> Result<Self, Failure> {
        // Synced in the background, as a store is by default: what is durable is shipped.
        let store = StoreOptions::new()
            .durability(strandline::Durability::Written)
            .open(place.dir.join("store"))?;
        let mut replicator = None;
        if let Some(options) = shipped {
            let started = Replicator::start(&store, place.bucket()?, options)?;
            if !started.wait_begun(LONG) {
                return Err(format!("{:?}", started.status()).into());
            }
            replicator = Some(started);
        }
        Ok(Self::Strandline(
            replicator,
            Box::new(Own {
                store,
                coordinates: Vec::new(),
                is_replicated,
            }),
        ))
    }

    /// Litestream has begun once an event is in the bucket that was there before it: the first thing that it sends is the
    /// whole database.
    fn beside_litestream(every: Duration, place: Place<'_>) -> Result<Self, Failure> {
        let engine = sqlite::open_checkpointed_elsewhere(place.dir)?;
        let config = litestream::configure(place.dir, &place.database(), place.far, every)?;
        let mut watch = place.far.watch();
        let mut litestream = Litestream::start(place.litestream, &config)?;
        let first = payload(u64::MAX);
        engine.append(&[marked(&first)], Durability::Written)?;
        let found = watch.wait(&first, LONG, || litestream.check())?;
        if found.is_none() {
            return Err(litestream.failure("it does not begin"));
        }
        Ok(Self::Sqlite(Some(litestream), engine))
    }

    /// One commit.
    pub(super) fn append(
        &mut self,
        events: &[NewEvent<'_>],
        durability: Durability,
    ) -> Result<(), Failure> {
        match self {
            Self::Sqlite(_, engine) => engine.append(events, durability),
            Self::Strandline(_, own) => own.append(events, durability),
        }
    }

    /// # Errors
    ///
    /// Why nothing is shipped any more.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        match self {
            Self::Sqlite(Some(litestream), _) => litestream.check(),
            Self::Strandline(Some(replicator), _) => {
                let status = replicator.status();
                match status.stage {
                    ReplicatorStage::Beginning | ReplicatorStage::Shipping => Ok(()),
                    _ => Err(format!("{status:?}").into()),
                }
            }
            Self::Sqlite(None, _) | Self::Strandline(None, _) => Ok(()),
        }
    }

    /// Litestream is killed: what is to be in the bucket is waited for before.
    pub(super) fn close(self) -> Result<(), Failure> {
        match self {
            Self::Sqlite(litestream, engine) => {
                drop(litestream);
                engine.close()
            }
            Self::Strandline(replicator, own) => {
                replicator.map_or(Ok(()), |replicator| replicator.stop(LONG))?;
                Ok(own.store.close()?)
            }
        }
    }
}

impl Own {
    fn append(&mut self, events: &[NewEvent<'_>], durability: Durability) -> Result<(), Failure> {
        let durability = match durability {
            _ if self.is_replicated => strandline::Durability::Replicated,
            Durability::Written => strandline::Durability::Written,
            Durability::Synced => strandline::Durability::Synced,
        };
        let options = AppendOptions::new().durability(durability);
        if let [single] = events {
            let event = event(single);
            let coordinate = self.coordinate(single)?.clone();
            self.store.append_with(&coordinate, event, options)?;
            return Ok(());
        }
        let mut batch = Batch::new();
        for new in events {
            batch.add(self.coordinate(new)?, event(new));
        }
        self.store.append_batch_with(batch, options)?;
        Ok(())
    }

    fn coordinate(&mut self, event: &NewEvent<'_>) -> Result<&Coordinate, Failure> {
        let at = event.entity_number as usize;
        if self.coordinates.len() <= at {
            self.coordinates.resize(at + 1, None);
        }
        let slot = self.coordinates.get_mut(at).ok_or("there is a slot")?;
        if slot.is_none() {
            *slot = Some(Coordinate::new(event.entity, event.scope)?);
        }
        Ok(slot.as_ref().ok_or("it was filled")?)
    }
}

fn event(new: &NewEvent<'_>) -> Event {
    Event::bytes(EventKind::new(1, new.kind), new.payload)
}

/// An event that is looked for in the bucket.
pub(super) fn marked(payload: &[u8]) -> NewEvent<'_> {
    NewEvent {
        entity_number: 0,
        entity: "order:000000",
        scope: "region-0",
        kind: 1,
        payload,
    }
}

/// 200 bytes that are nowhere else.
pub(super) fn payload(number: u64) -> Vec<u8> {
    // xorshift64 (Marsaglia, 2003), from another seed for each number.
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut payload = Vec::new();
    for _ in 0..25 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        payload.extend_from_slice(&state.to_le_bytes());
    }
    payload
}
