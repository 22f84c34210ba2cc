//! The trait on a store, through the public interface of both.

#![forbid(unsafe_code)]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod decisions;
mod edges;
mod failures;
mod following;
mod mapping;
mod model;
mod repeats;

use std::path::Path;
use std::sync::Arc;
use strandline::StoreOptions;
use strandline::fs::{Fs, MemFs, read_file, replace_file};
use strandline_dcb::DcbStore;
use umadb_dcb::{
    DcbAppendCondition, DcbError, DcbEvent, DcbEventStoreSync, DcbQuery, DcbQueryItem, DcbResult,
    DcbSequencedEvent, TrackingInfo,
};

const DIR: &str = "/store";

fn options(fs: &MemFs) -> StoreOptions {
    StoreOptions::new().fs(Arc::new(fs.clone()))
}

fn open(fs: &MemFs) -> DcbStore {
    DcbStore::new(options(fs).open(DIR).unwrap())
}

/// An empty store.
fn fresh() -> DcbStore {
    open(&MemFs::new())
}

fn event(event_type: &str, tags: &[&str]) -> DcbEvent {
    DcbEvent::default()
        .event_type(event_type)
        .tags(tags.iter().copied())
}

fn item(types: &[&str], tags: &[&str]) -> DcbQueryItem {
    DcbQueryItem::new()
        .types(types.iter().copied())
        .tags(tags.iter().copied())
}

fn query<const N: usize>(items: [DcbQueryItem; N]) -> DcbQuery {
    DcbQuery::with_items(items)
}

fn none_of(query: DcbQuery, after: Option<u64>) -> Option<DcbAppendCondition> {
    Some(DcbAppendCondition::new(query).after(after))
}

fn tracking(source: &str, position: u64) -> Option<TrackingInfo> {
    Some(TrackingInfo {
        source: source.to_owned(),
        position,
    })
}

fn all(store: &DcbStore) -> Vec<DcbSequencedEvent> {
    store.read_with_head(None, None, false, None).unwrap().0
}

fn is_integrity(result: &DcbResult<u64>) -> bool {
    matches!(result, Err(DcbError::IntegrityError(_)))
}

/// Checks that an append is refused as an argument, and that nothing was written.
fn assert_invalid(store: &DcbStore, result: &DcbResult<u64>, why: &str) {
    assert!(
        matches!(result, Err(DcbError::InvalidArgument(_))),
        "{why}: {result:?}"
    );
    assert_eq!(store.head().unwrap(), None, "{why}");
}

/// What a kill leaves of a store whose appends have returned.
fn killed(fs: &MemFs) -> MemFs {
    let left = MemFs::new();
    let fs = fs.fork();
    for entry in fs.list(Path::new(DIR)).unwrap() {
        let path = Path::new(DIR).join(&entry.name);
        let is_whole = path.extension().is_none_or(|extension| extension != "tmp");
        if is_whole && !path.ends_with("LOCK") {
            let bytes = read_file(&fs, &path, 1 << 30).unwrap();
            replace_file(&left, &path, &bytes).unwrap();
        }
    }
    left
}
