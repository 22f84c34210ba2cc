//! A store that is controlled through its socket, by clients that mean well and by others.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and looks at files behind the seam"
)]

mod asked;
mod given_up;
mod hostile;
mod placed;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::{Coordinate, Event, EventKind, Store};
use strandline_control::{CONTROL_FILE, Client};
use tempfile::TempDir;

pub(crate) const PLACED: EventKind = EventKind::new(1, 1);

/// A directory with a store of some events of two entities, open.
pub(crate) fn store(events: u64) -> (TempDir, PathBuf, Arc<Store>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    let store = Store::open(&path).unwrap();
    fill(&store, events);
    (dir, path, Arc::new(store))
}

pub(crate) fn fill(store: &Store, events: u64) {
    for number in 0..events {
        let coordinate = Coordinate::new(format!("order:{}", number % 2), "eu").unwrap();
        let event = Event::json(PLACED, &number).unwrap().tagged("customer:7");
        store.append(&coordinate, event).unwrap();
    }
}

/// A store of so many events that a verification of it tells how far it is several times.
pub(crate) fn long_store() -> (TempDir, PathBuf, Arc<Store>) {
    let (dir, path, store) = store(0);
    for first in (0..20_000_u64).step_by(1_000) {
        let mut batch = strandline::Batch::new();
        let coordinate = Coordinate::new("order:0", "eu").unwrap();
        for number in first..first + 1_000 {
            batch = batch.push(&coordinate, Event::json(PLACED, &number).unwrap());
        }
        store.append_batch(batch).unwrap();
    }
    (dir, path, store)
}

pub(crate) fn client(path: &Path) -> Client {
    Client::connect(path).unwrap().unwrap()
}

/// A connection on which anything may be said.
pub(crate) fn raw(path: &Path) -> UnixStream {
    let stream = UnixStream::connect(path.join(CONTROL_FILE)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

/// What the last line says that comes until the connection is closed.
pub(crate) fn last_line(stream: &UnixStream) -> serde_json::Value {
    let lines = BufReader::new(stream).lines();
    let last = lines.map_while(Result::ok).last();
    last.map_or(serde_json::Value::Null, |line| {
        serde_json::from_str(&line).unwrap()
    })
}

/// What comes of a line.
pub(crate) fn say(path: &Path, line: &[u8]) -> serde_json::Value {
    let mut stream = raw(path);
    // It may be refused before all of it is sent.
    let _ = stream.write_all(line);
    last_line(&stream)
}

/// Waits until something is so; that it never is fails after 20 s.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never was");
}
