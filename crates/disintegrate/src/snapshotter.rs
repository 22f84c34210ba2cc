//! `FileSnapshotter`: states of decisions in files beside the store.

use crate::{Position, StrandlineEventStore};
use async_trait::async_trait;
use disintegrate::{
    BoxDynError, Event, IntoState, StatePart, StateQuery, StateSnapshotter, StreamQuery,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::fs::replace_file;
use strandline::{SavedPosition, Store};
use strandline_checkpoint::{Checkpoint, CheckpointWriter};

const ABOUT: &str = "about";
const STATE: &str = "state";
/// Of the name of a file.
const ENDING: &str = ".snapshot";

/// Keeps states of decisions beside a store, so that a state of many events is not read from all of them again.
///
/// A snapshot is written when more than `every` events were applied since the last one, in one file for each
/// state and query: `<store>.snapshots/<hash>.snapshot`. It is used only where it is of this store and scope, of what this store still
/// has, of that query and of that [`NAME`](StateQuery::NAME): a state whose fields have changed gets another name, or is
/// read from its events where the old one cannot be decoded. One that is damaged is not used either, nor is one that
/// cannot be read: the events are there. The directory may be removed at any time.
///
/// A state may have in it what was in a payload that is redacted later: call [`clear`](Self::clear) then.
///
/// Writing one waits for the disk, on the thread of whoever decides.
#[derive(Debug, Clone)]
pub struct FileSnapshotter {
    store: Arc<Store>,
    /// Whose events the states are of.
    scope: String,
    dir: PathBuf,
    every: u64,
}

/// What a snapshot is of.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct About {
    scope: String,
    name: String,
    query: String,
    position: SavedPosition,
}

impl FileSnapshotter {
    /// Beside the store, for states of these events that more than `every` were applied to.
    #[must_use]
    pub fn new<E: Event, S>(events: &StrandlineEventStore<E, S>, every: u64) -> Self {
        // Without a slash at its end, so that they are beside it and not in it.
        let store: PathBuf = events.store().dir().components().collect();
        let mut dir: OsString = store.into();
        dir.push(".snapshots");
        Self::new_in(events, dir, every)
    }

    /// In another directory, which is made when it is needed.
    #[must_use]
    pub fn new_in<E: Event, S>(
        events: &StrandlineEventStore<E, S>,
        dir: impl Into<PathBuf>,
        every: u64,
    ) -> Self {
        Self {
            store: Arc::clone(events.store()),
            scope: events.form().scope.clone(),
            dir: dir.into(),
            every,
        }
    }

    /// Removes all snapshots in the directory, also those of other scopes.
    ///
    /// # Errors
    ///
    /// What the file system says where one cannot be removed.
    pub fn clear(&self) -> io::Result<()> {
        let fs = self.store.fs();
        let names = match fs.list_names(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            names => names?,
        };
        for name in names.iter().filter(|name| name.name.ends_with(ENDING)) {
            fs.remove_file(&self.dir.join(&name.name))?;
        }
        Ok(())
    }

    fn path(&self, name: &str, query: &str) -> PathBuf {
        let mut hasher = blake3::Hasher::new();
        for part in [&self.scope, name] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(query.as_bytes());
        let hash = hasher.finalize().to_hex();
        let hash = hash.get(..32).unwrap_or_default();
        self.dir.join(format!("{hash}{ENDING}"))
    }

    /// The snapshot of a state, if it can be gone on from.
    fn load<S: DeserializeOwned>(&self, name: &str, query: &str) -> Option<(Position, S)> {
        let checkpoint =
            Checkpoint::open(self.store.fs().as_ref(), &self.path(name, query)).ok()?;
        let about: About = checkpoint.metadata(ABOUT).ok()?;
        if about.scope != self.scope || about.name != name || about.query != query {
            return None;
        }
        let next = self
            .store
            .snapshot()
            .verify_position(&about.position)
            .ok()?;
        let state = serde_json::from_slice(checkpoint.section(STATE)?).ok()?;
        Some((Position::before(next), state))
    }

    fn save<S: Serialize>(
        &self,
        name: &str,
        query: String,
        version: Position,
        state: &S,
    ) -> Result<(), BoxDynError> {
        let position = self.store.snapshot().position(version.next())?;
        if Position::before(position.sequence()) != version {
            return Ok(());
        }
        let (fs, path) = (self.store.fs().as_ref(), self.path(name, &query));
        fs.create_dir_all(&self.dir)?;
        let about = About {
            scope: self.scope.clone(),
            name: name.to_owned(),
            query,
            position,
        };
        let bytes = CheckpointWriter::new()
            .metadata(ABOUT, &about)?
            .section(STATE, serde_json::to_vec(state)?)?
            .encode(version.get());
        Ok(replace_file(fs, &path, &bytes)?)
    }
}

#[async_trait]
impl StateSnapshotter<Position> for FileSnapshotter {
    async fn load_snapshot<S>(&self, default: StatePart<Position, S>) -> StatePart<Position, S>
    where
        S: Send + Sync + DeserializeOwned + StateQuery + 'static,
    {
        let key = key(&default.query());
        match self.load(S::NAME, &key) {
            Some((version, state)) => StatePart::new(version, state),
            None => default,
        }
    }

    async fn store_snapshot<S>(&self, state: &StatePart<Position, S>) -> Result<(), BoxDynError>
    where
        S: Send + Sync + Serialize + StateQuery + 'static,
    {
        if state.applied_events() <= self.every {
            return Ok(());
        }
        let version = state.version();
        let state = state.clone().into_state();
        self.save(S::NAME, key(&state.query()), version, &state)
    }
}

/// A query as text, so that no two have the same.
fn key<E: Event + Clone>(query: &StreamQuery<Position, E>) -> String {
    let filters: Vec<_> = query
        .filters()
        .iter()
        .map(|filter| {
            let identifiers = filter.identifiers().iter();
            let identifiers: Vec<_> = identifiers
                .map(|(ident, value)| (ident.into_inner(), value))
                .collect();
            (
                filter.origin(),
                filter.events(),
                filter.excluded_events(),
                identifiers,
            )
        })
        .collect();
    serde_json::to_string(&filters).unwrap_or_default()
}
