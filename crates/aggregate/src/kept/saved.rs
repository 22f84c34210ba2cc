//! `Saved`: states in files, a bounded number of them.

use super::file::{self, Of, SEALED_SECTION, STATE_SECTION};
use super::held::{Head, Held};
use crate::sealing::Sealing;
use crate::{Aggregate, SnapshotCounts, Snapshots};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::{Coordinate, SealKeyId};
use strandline_checkpoint::{CheckpointError, file_name};
use strandline_core::Hash;
use strandline_core::fs::Fs;
use strandline_core::sync::Mutex;

/// A failure to write a state, or to read one.
type CodecFailure = Box<dyn std::error::Error + Send + Sync>;

/// The saved states of one kind of aggregate.
pub(crate) struct Saved<A> {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    snapshots: Snapshots,
    encode: fn(&A) -> Result<Vec<u8>, CodecFailure>,
    decode: fn(&[u8]) -> Result<A, CodecFailure>,
    /// Held while a file is written, so that no two write the same one.
    writing: Mutex<()>,
    counts: Mutex<SnapshotCounts>,
}

impl<A: Aggregate> Saved<A> {
    /// Those beside a store in `store_dir`, unless the options say where.
    pub(crate) fn new(fs: &Arc<dyn Fs>, store_dir: &Path, snapshots: Snapshots) -> Self
    where
        A: Serialize + DeserializeOwned,
    {
        let beside = || {
            let mut dir = store_dir.as_os_str().to_owned();
            dir.push(".aggregates");
            PathBuf::from(dir)
        };
        let dir = snapshots.dir.clone().unwrap_or_else(beside);
        // Names never become paths.
        let mut folder = Hash::of(A::NAME.as_bytes()).to_string();
        folder.truncate(32);
        Self {
            fs: fs.clone(),
            dir: dir.join(folder),
            snapshots,
            encode: |state| Ok(rmp_serde::to_vec_named(state)?),
            decode: |bytes| Ok(rmp_serde::from_slice(bytes)?),
            writing: Mutex::new(()),
            counts: Mutex::new(SnapshotCounts::default()),
        }
    }

    /// The saved state of an entity, if there is one that can be read. Whether it is of the log is not looked at.
    /// With `sealing` it has to be sealed, and without it not.
    pub(crate) fn load(
        &self,
        coordinate: &Coordinate,
        sealing: Option<&dyn Sealing>,
    ) -> Option<Held<A>> {
        let entity = coordinate.entity();
        let place = self.place(entity);
        match file::read(&*self.fs, &self.path(place), place, section(sealing)) {
            Ok((of, state)) if of == self.of(entity, of.head()) => {
                let opened = match sealing {
                    Some(sealing) => self.opened(coordinate, sealing, &of, &state),
                    None => (self.decode)(&state).map(|state| (None, state)),
                };
                match opened {
                    Ok((key, state)) => Some(Held {
                        state: Arc::new(state),
                        head: Some(of.head()),
                        saved: u64::from(of.clock) + 1,
                        key,
                    }),
                    Err(_) => {
                        self.discard();
                        None
                    }
                }
            }
            Err(CheckpointError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                None
            }
            _ => {
                self.discard();
                None
            }
        }
    }

    fn opened(
        &self,
        coordinate: &Coordinate,
        sealing: &dyn Sealing,
        of: &Of,
        sealed: &[u8],
    ) -> Result<(Option<SealKeyId>, A), CodecFailure> {
        let (key, state) = sealing.open_state(coordinate, &of.bound(), sealed)?;
        Ok((Some(key), (self.decode)(&state)?))
    }

    /// Counts a saved state that is not used.
    pub(crate) fn discard(&self) {
        self.counts.lock().discarded += 1;
    }

    /// Counts one that is.
    pub(crate) fn used(&self) {
        self.counts.lock().used += 1;
    }

    /// Saves a state, if it has enough events more than the saved one.
    pub(crate) fn save_if_due(
        &self,
        coordinate: &Coordinate,
        sealing: Option<&dyn Sealing>,
        held: &mut Held<A>,
    ) {
        let events = held.events();
        let Some(head) = held.head else {
            return;
        };
        if events < held.saved.saturating_add(self.snapshots.every.into()) {
            return;
        }
        // Whether it succeeds or not: it is tried again when it is due again.
        held.saved = events;
        let saved = self.save(coordinate, sealing, head, &held.state);
        let mut counts = self.counts.lock();
        match saved {
            Ok(()) => counts.saved += 1,
            Err(error) => {
                counts.failed += 1;
                counts.last_failure = Some(error.to_string());
            }
        }
    }

    fn save(
        &self,
        coordinate: &Coordinate,
        sealing: Option<&dyn Sealing>,
        head: Head,
        state: &A,
    ) -> Result<(), CodecFailure> {
        let entity = coordinate.entity();
        let mut bytes = (self.encode)(state)?;
        let place = self.place(entity);
        let of = self.of(entity, head);
        if let Some(sealing) = sealing {
            bytes = sealing.seal_state(coordinate, &of.bound(), &bytes)?;
        }
        let _writing = self.writing.lock();
        self.fs.create_dir_all(&self.dir)?;
        Ok(file::write(
            &*self.fs,
            &self.path(place),
            place,
            &of,
            (section(sealing), bytes),
        )?)
    }

    /// Removes the saved state of an entity, durably.
    pub(crate) fn remove(&self, entity: &str) -> io::Result<()> {
        let _writing = self.writing.lock();
        let path = self.path(self.place(entity));
        match self.fs.remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.and_then(|()| self.fs.sync_dir(&self.dir)),
        }
    }

    pub(crate) fn counts(&self) -> SnapshotCounts {
        self.counts.lock().clone()
    }

    fn of(&self, entity: &str, head: Head) -> Of {
        Of {
            aggregate: A::NAME.to_owned(),
            version: self.snapshots.version,
            entity: entity.to_owned(),
            clock: head.clock,
            hash: head.hash,
        }
    }

    fn place(&self, entity: &str) -> u64 {
        let hash = Hash::of(entity.as_bytes());
        let first = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        u64::from_le_bytes(first) % u64::from(self.snapshots.places)
    }

    fn path(&self, place: u64) -> PathBuf {
        self.dir.join(file_name(place))
    }
}

/// Where a file has its state: who does not know that it is sealed finds none.
fn section(sealing: Option<&dyn Sealing>) -> &'static str {
    match sealing {
        Some(_) => SEALED_SECTION,
        None => STATE_SECTION,
    }
}

impl<A> fmt::Debug for Saved<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saved")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}
