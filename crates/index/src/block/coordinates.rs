//! `KeptCoordinates`: coordinates of a block that were asked for, within what all blocks of an index may keep.
//! Makes none.

use crate::model::CacheShare;
use std::fmt;
use std::sync::{Arc, OnceLock};
use strandline_core::Coordinate;
use strandline_core::sync::atomic::{AtomicUsize, Ordering};

/// Most coordinates of a block that are kept.
const KEPT_MAX: u32 = 1 << 14;
/// How many of them are made room for at once.
const CHUNK: u32 = 64;
/// What a block keeps that is in no index.
const ALONE_BYTES_MAX: usize = 2 << 20;
/// What an allocation takes beside the names: the two counts of references, and what rounds it up.
const ALLOCATION_BYTES: usize = 32;

/// A coordinate with its place.
type Cell = OnceLock<(u32, Coordinate)>;

/// Coordinates that were asked for. Whoever was asked for first stays: nothing is ever taken out, so nothing
/// needs a lock.
#[derive(Default)]
pub(super) struct KeptCoordinates {
    share: OnceLock<Arc<CacheShare>>,
    /// What was taken of the share.
    bytes: AtomicUsize,
    chunks: List<List<Cell>>,
}

/// A list that is made when it is used first and the share has room for it.
type List<T> = OnceLock<Box<[T]>>;

impl KeptCoordinates {
    /// Takes from a share from now on, if nothing was kept yet.
    pub(super) fn draw_from(&self, share: &Arc<CacheShare>) {
        let _ = self.share.set(share.clone());
    }

    /// The coordinate at a place, of `count`: kept, or as `make` makes it. One reference count where it is
    /// kept.
    pub(super) fn get(
        &self,
        place: u32,
        count: u32,
        make: impl FnOnce() -> Option<Coordinate>,
    ) -> Option<Coordinate> {
        let Some(cell) = self.cell(place, count) else {
            return make();
        };
        match cell.get() {
            Some((own, known)) if *own == place => return Some(known.clone()),
            Some(_) => return make(),
            None => {}
        }
        let made = make()?;
        let bytes = made.entity().len() + made.scope().len() + ALLOCATION_BYTES;
        if self.take(bytes) && cell.set((place, made.clone())).is_err() {
            self.give_back(bytes);
        }
        Some(made)
    }

    /// Whether the coordinate at a place is kept.
    pub(super) fn has(&self, place: u32) -> bool {
        let at = place % KEPT_MAX;
        let chunks = self.chunks.get();
        let chunk = chunks.and_then(|chunks| chunks.get((at / CHUNK) as usize)?.get());
        let cell = chunk.and_then(|cells| cells.get((at % CHUNK) as usize)?.get());
        cell.is_some_and(|(own, _)| *own == place)
    }

    fn cell(&self, place: u32, count: u32) -> Option<&Cell> {
        let at = place % KEPT_MAX;
        let chunks = self.list(&self.chunks, count.min(KEPT_MAX).div_ceil(CHUNK))?;
        let cells = self.list(chunks.get((at / CHUNK) as usize)?, CHUNK)?;
        cells.get((at % CHUNK) as usize)
    }

    /// A list, if it was made or the share has room for it.
    fn list<'a, T: Default>(&self, list: &'a List<T>, length: u32) -> Option<&'a [T]> {
        if let Some(made) = list.get() {
            return Some(made);
        }
        let bytes = size_of::<T>() * length as usize;
        if !self.take(bytes) {
            return None;
        }
        let made = (0..length).map(|_| T::default()).collect();
        if list.set(made).is_err() {
            self.give_back(bytes);
        }
        list.get().map(|made| &**made)
    }

    fn share(&self) -> &CacheShare {
        self.share
            .get_or_init(|| Arc::new(CacheShare::new(ALONE_BYTES_MAX)))
    }

    fn take(&self, bytes: usize) -> bool {
        let is_taken = self.share().take(bytes);
        if is_taken {
            // Relaxed: whoever drops this is alone with it.
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        is_taken
    }

    fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.share().give_back(bytes);
    }
}

impl Drop for KeptCoordinates {
    fn drop(&mut self) {
        if let Some(share) = self.share.get() {
            share.give_back(self.bytes.load(Ordering::Relaxed));
        }
    }
}

impl fmt::Debug for KeptCoordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptCoordinates").finish_non_exhaustive()
    }
}
