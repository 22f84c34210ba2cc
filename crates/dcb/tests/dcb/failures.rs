//! What callers are told when the disk fails, and whether anything was written.

use crate::{DIR, all, event};
use std::io;
use std::path::Path;
use std::sync::Arc;
use strandline::StoreOptions;
use strandline::fs::{Fault, FaultFs, Fs, MemFs, Operation, read_file, replace_file};
use strandline_dcb::DcbStore;
use umadb_dcb::{DcbError, DcbEventStoreSync};

fn open(fs: &FaultFs) -> DcbStore {
    let options = StoreOptions::new().fs(Arc::new(fs.clone()));
    DcbStore::new(options.no_background_sync().open(DIR).unwrap())
}

fn once(error: io::ErrorKind) -> Fault {
    Fault {
        after: 0,
        times: 1,
        error,
        partial_bytes: 0,
    }
}

#[test]
fn a_failed_sync_leaves_open_whether_the_events_are_there() {
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let store = open(&fs);
    store.append(vec![event("A", &[])], None, None).unwrap();
    fs.fail(Operation::Sync, once(io::ErrorKind::Other));
    let open = store.append(vec![event("B", &[])], None, None);
    assert!(matches!(open, Err(DcbError::Unknown(_))), "{open:?}");
    let refused = store.append(vec![event("C", &[])], None, None);
    assert!(
        matches!(refused, Err(DcbError::InternalError(_))),
        "{refused:?}"
    );
    assert_eq!(all(&store).len(), 1, "reads go on");
}

#[test]
fn a_full_disk_is_told_as_one_and_nothing_is_written() {
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let store = open(&fs);
    store.append(vec![event("A", &[])], None, None).unwrap();
    fs.fail(Operation::Write, once(io::ErrorKind::StorageFull));
    let refused = store.append(vec![event("A", &[])], None, None);
    assert!(
        matches!(&refused, Err(DcbError::Io(error)) if error.kind() == io::ErrorKind::StorageFull),
        "{refused:?}"
    );
    assert_eq!(store.append(vec![event("A", &[])], None, None).unwrap(), 2);
}

#[test]
fn an_event_that_cannot_be_read_is_an_error_after_those_before_it() {
    let fs = MemFs::new();
    let handle = Arc::new(crate::options(&fs).open(DIR).unwrap());
    let store = DcbStore::new(handle.clone());
    for text in ["first", "second", "third"] {
        let event = event("A", &[]).data(text);
        store.append(vec![event], None, None).unwrap();
    }
    drop(store);
    // So that the next opening need not read it.
    Arc::into_inner(handle).unwrap().close().unwrap();
    let mut segments = fs.list(Path::new(DIR)).unwrap().into_iter();
    let segment = segments.find(|entry| entry.name.starts_with("segment-"));
    let segment = Path::new(DIR).join(segment.unwrap().name);
    let mut bytes = read_file(&fs, &segment, 1 << 30).unwrap();
    let place = bytes.windows(6).position(|part| part == b"second").unwrap();
    bytes[place] ^= 1;
    replace_file(&fs, &segment, &bytes).unwrap();

    let store = crate::open(&fs);
    for (backwards, limit, before) in [(false, None, 1), (true, None, 3), (false, Some(3), 1)] {
        let mut response = store.read(None, None, backwards, limit).unwrap();
        let first = response.next().unwrap().unwrap();
        assert_eq!(first.position, before);
        let damaged = response.next();
        assert!(matches!(damaged, Some(Err(DcbError::Corruption(_)))));
        assert!(response.next().is_none() && response.next_batch().unwrap().is_empty());
        let all = store.read_with_head(None, None, backwards, limit);
        assert!(matches!(all, Err(DcbError::Corruption(_))));
    }
    let mut response = store.read(None, None, false, None).unwrap();
    assert_eq!(response.next_batch().unwrap().len(), 1);
    let damaged = response.next_batch();
    assert!(matches!(damaged, Err(DcbError::Corruption(_))));
    assert!(response.next_batch().unwrap().is_empty());

    let mut events = store.subscribe(None, None).unwrap();
    assert_eq!(events.next().unwrap().unwrap().position, 1);
    let damaged = events.next();
    assert!(matches!(damaged, Some(Err(DcbError::Corruption(_)))));
    assert!(events.next().is_none());
}
