//! `StrandlineViewRepository`: what the framework asks for its views.

use super::worker::Worker;
use crate::files::{Folder, Kept};
use crate::model::{Fault, damaged, unknown};
use cqrs_es::persist::{PersistenceError, ViewContext, ViewRepository};
use cqrs_es::{Aggregate, View};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use strandline::{Durability, Epoch, Store};

const FOLDER: &str = "views";

/// What a view is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ViewHead {
    id: String,
    /// How often it was updated.
    version: i64,
    /// The course of the store whose events are in it.
    epoch: Epoch,
}

/// Views of one type, each in a file beside the store of the events: a [`ViewRepository`].
///
/// The files are in the directory of the store's name with `.cqrs` after it, in a folder for each name of a
/// repository. One holder in one process has it open to update, in an `Arc`; where the store was opened to read only,
/// any number may load.
///
/// # Updates
///
/// An update replaces the file in one step: who loads meanwhile, and who opens after a power cut, finds the view before
/// it or after it, whole. It is taken if the view has the version that was loaded, or else it is an
/// [`OptimisticLockError`](PersistenceError::OptimisticLockError), and nothing changes. It is done on a thread of the
/// repository, one after the other, and no executor is blocked; synced, as by default, it takes two syncs of the disk, and
/// so does each update behind it. A load reads its file where it is polled. A view has at most 64 MiB of JSON.
///
/// # What it does not promise
///
/// The framework updates views after it has persisted events, so a process that is killed in between leaves a view
/// without the last ones, and an update that fails is told to the error handler of the query and to nobody else.
/// [`clear`](Self::clear) and a `QueryReplay` make all views anew. What must have each event in it once, whatever
/// happens, is a projection of the crate `strandline-live`, which saves how far it is with its state.
///
/// A view that cannot be right is an error and no empty view: one whose file is damaged, and one that was made before
/// the store was put back by a restore.
pub struct StrandlineViewRepository<V, A> {
    views: Arc<Views>,
    /// None where the store was opened to read only.
    worker: Option<Worker>,
    durability: Durability,
    types: PhantomData<fn() -> (V, A)>,
}

impl<V, A> fmt::Debug for StrandlineViewRepository<V, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StrandlineViewRepository")
            .field("views", &self.views)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

impl<V, A> StrandlineViewRepository<V, A> {
    /// The views of a name beside a store. The name may be any text. Does not keep the store open. Blocks while the
    /// directory is made, and so does dropping it while an update is being written.
    ///
    /// # Errors
    ///
    /// `ConnectionError` if another holder has them open, in this process or another, or the file system refuses;
    /// `UnknownError` if the system gives no thread.
    pub fn open(store: &Arc<Store>, name: &str) -> Result<Self, PersistenceError> {
        let folder = Folder::beside(store, FOLDER, Some(name));
        let worker = match store.check_writable() {
            Ok(()) => Some(Worker::start(folder.lock()?)?),
            Err(_) => None,
        };
        let views = Views {
            folder,
            epoch: store.epoch(),
        };
        Ok(Self {
            views: Arc::new(views),
            worker,
            durability: Durability::Synced,
            types: PhantomData,
        })
    }

    /// Whether an update is on the disk when it returns. Default: [`Durability::Synced`]. Written, it is faster by two
    /// syncs, and a power cut may leave a view that is an error until the views are cleared and replayed: for a replay,
    /// with a [`sync`](Self::sync) after it.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Removes a view, durably. Nothing happens if there is none.
    ///
    /// # Errors
    ///
    /// `ConnectionError` if the file system refuses, or the store was opened to read only.
    pub async fn remove(&self, view_id: &str) -> Result<(), PersistenceError> {
        let (views, id) = (self.views.clone(), view_id.to_owned());
        self.worker()?.run(move || views.folder.remove(&id)).await
    }

    /// Removes all views of the repository, durably: before they are made anew by a `QueryReplay`.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove). Some views may be removed then.
    pub async fn clear(&self) -> Result<(), PersistenceError> {
        let views = self.views.clone();
        self.worker()?.run(move || views.folder.clear()).await
    }

    /// Returns when all updates that returned before are on the disk. Takes a sync for each view there is.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub async fn sync(&self) -> Result<(), PersistenceError> {
        let views = self.views.clone();
        self.worker()?.run(move || views.folder.sync()).await
    }

    fn worker(&self) -> Result<&Worker, PersistenceError> {
        self.worker.as_ref().ok_or_else(|| {
            let fault = Fault("the store of these views was opened to read only".to_owned());
            PersistenceError::ConnectionError(Box::new(fault))
        })
    }
}

/// The files.
#[derive(Debug)]
struct Views {
    folder: Folder,
    epoch: Epoch,
}

impl Views {
    /// The view with this id, as JSON.
    ///
    /// # Errors
    ///
    /// `DeserializationError` if it cannot be right; `ConnectionError`.
    fn read(&self, id: &str) -> Result<Option<Kept<ViewHead>>, PersistenceError> {
        let Some(bytes) = self.folder.read(id)? else {
            return Ok(None);
        };
        let what = || format!("the view {id:?} cannot be used, and is to be removed and replayed");
        let kept: Kept<ViewHead> = Kept::decode(bytes).map_err(|error| damaged(what(), error))?;
        let fault = match &kept.head {
            head if head.id != id => "it is another one",
            head if head.epoch != self.epoch => "it was made before the store was put back",
            head if head.version < 1 => "its version is none",
            _ => return Ok(Some(kept)),
        };
        Err(damaged(what(), Fault(fault.to_owned())))
    }

    /// Replaces a view that has a version, 0 for one that is not there.
    fn update(
        &self,
        context: ViewContext,
        state: Vec<u8>,
        durability: Durability,
    ) -> Result<(), PersistenceError> {
        let ViewContext {
            view_instance_id: id,
            version,
        } = context;
        let found = self.read(&id)?.map_or(0, |kept| kept.head.version);
        let next = version.checked_add(1);
        let (true, Some(next)) = (found == version, next) else {
            return Err(PersistenceError::OptimisticLockError);
        };
        let head = ViewHead {
            id: id.clone(),
            version: next,
            epoch: self.epoch,
        };
        let bytes = Kept { head, state }.encode()?;
        self.folder.replace(&id, &bytes, durability)
    }
}

impl<V: View<A>, A: Aggregate> ViewRepository<V, A> for StrandlineViewRepository<V, A> {
    async fn load(&self, view_id: &str) -> Result<Option<V>, PersistenceError> {
        let loaded = ViewRepository::<V, A>::load_with_context(self, view_id).await?;
        Ok(loaded.map(|(view, _)| view))
    }

    async fn load_with_context(
        &self,
        view_id: &str,
    ) -> Result<Option<(V, ViewContext)>, PersistenceError> {
        let Some(Kept { head, state }) = self.views.read(view_id)? else {
            return Ok(None);
        };
        let view = serde_json::from_slice(&state)
            .map_err(|error| damaged(format!("the view {view_id:?}"), error))?;
        Ok(Some((view, ViewContext::new(head.id, head.version))))
    }

    async fn update_view(&self, view: V, context: ViewContext) -> Result<(), PersistenceError> {
        let state = serde_json::to_vec(&view).map_err(unknown)?;
        let (views, durability) = (self.views.clone(), self.durability);
        let update = move || views.update(context, state, durability);
        self.worker()?.run(update).await
    }
}
