//! Claims and saves: each order of two workers, and each power cut.

use super::{Claimant, Claimed, Consumer, Lease, Partition, Place};
use crate::{ConsumerInfo, ConsumerKind, Error, PartitionState};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::fs::Fs;
use strandline_core::{ManualClock, Random};

mod between;
mod damaged;
mod held;
mod hostile;
mod images;
mod orders;
mod states;
mod turns;

const ROOT: &str = "/shop.live";
const NAME: &str = "mailer";
const LEASE: Duration = Duration::from_secs(30);

fn place(fs: Arc<dyn Fs>, seed: u64) -> Place {
    Place {
        fs,
        clock: Arc::new(ManualClock::new(1_000)),
        random: Arc::new(Random::from_seed(seed)),
        seen: Arc::default(),
    }
}

fn consumer(place: &Place) -> Result<Consumer, Error> {
    let info = ConsumerInfo::new(NAME, ConsumerKind::Position, 1)?;
    Consumer::open_or_create(place, Path::new(ROOT), &info, 1)
}

/// Who takes over whoever holds the partition, dead or not.
fn claimant(place: &Place) -> Result<Claimant, Error> {
    let partition = consumer(place)?.partition(1, 0)?;
    Ok(Claimant::new(partition, Duration::ZERO))
}

fn claim(place: &Place) -> Result<Option<(Lease, PartitionState)>, Error> {
    Ok(match claimant(place)?.try_claim()? {
        Claimed::Taken(lease, state) => Some((lease, *state)),
        Claimed::Held(_) => None,
    })
}
