//! States as they are saved, for who does not run the projection.

use super::definition::{EntityProjection, Projection};
use super::fold::decode;
use super::versions::check_served;
use crate::handle::Live;
use crate::{ConsumerKind, Error, ErrorKind, partition_of};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use strandline::SavedPosition;

/// A state as it was saved, and up to where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Projected<S> {
    /// The state.
    pub state: S,
    /// Every event before this position is in it.
    pub position: SavedPosition,
}

impl Live {
    /// The state of a projection as it was saved last, by whatever process; none if it was not saved yet.
    ///
    /// # Errors
    ///
    /// `NotFound`, `OtherConsumer`; `Rebuilding` if a lower version than that of `P` is served; `Corrupt`, `UnsupportedVersion`, `Io`.
    pub fn projected<P: Projection>(
        &self,
        name: &str,
    ) -> Result<Option<Projected<P::State>>, Error> {
        self.saved_state(name, P::VERSION, |_| 0)
    }

    /// The state of an entity as it was saved last; none if its partition was not saved yet, or has no event of it.
    ///
    /// Reads the states of the whole partition.
    ///
    /// # Errors
    ///
    /// As [`projected`](Self::projected).
    pub fn projected_entity<P: EntityProjection>(
        &self,
        name: &str,
        entity: &str,
    ) -> Result<Option<Projected<P::State>>, Error> {
        let of_entity = |partitions| partition_of(entity, partitions);
        let saved = self.saved_state(name, P::VERSION, of_entity)?;
        Ok(
            saved.and_then(|saved: Projected<HashMap<String, P::State>>| {
                let Projected {
                    mut state,
                    position,
                } = saved;
                let state = state.remove(entity)?;
                Some(Projected { state, position })
            }),
        )
    }

    fn saved_state<S: DeserializeOwned>(
        &self,
        name: &str,
        version: u32,
        partition: impl Fn(u32) -> u32,
    ) -> Result<Option<Projected<S>>, Error> {
        let consumer = self.consumer(name)?;
        let info = consumer.info();
        if info.kind != ConsumerKind::Projection {
            let message = format!("{name:?} is a {}, and not a projection", info.kind);
            return Err(Error::new(ErrorKind::OtherConsumer, message));
        }
        check_served(&consumer, version)?;
        let partition = consumer.partition_there(version, partition(info.partitions));
        consumer.check_there(version, &partition)?;
        let loaded = partition.load()?.state;
        let (state, position) = loaded.map_or((None, None), |state| (state.state, state.position));
        match (state, position) {
            (Some(bytes), Some(position)) => Ok(Some(Projected {
                state: decode(&bytes)?,
                position,
            })),
            _ => Ok(None),
        }
    }
}
