//! Whoever waits for the disk lets the executor go on: one thread has all tasks here, and a sync that was waited for on it
//! would never end.

use crate::common::{Tally, TallyView, added};
use cqrs_es::persist::{PersistedEventRepository, ViewContext, ViewRepository};
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use strandline::StoreOptions;
use strandline::fs::{Fs, FsFile, FsFileLayer, FsLayer, MemFs, OpenMode};
use strandline_cqrs_es::{StrandlineEventRepository, StrandlineViewRepository};

/// After which a sync that nobody lets go fails, so that a test does.
const LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, Default)]
struct Gate {
    is_shut: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn shut(&self) {
        *self.is_shut.lock().unwrap() = true;
    }

    fn open(&self) {
        *self.is_shut.lock().unwrap() = false;
        self.opened.notify_all();
    }
}

/// A file system whose syncs wait at a gate.
#[derive(Debug, Clone, Default)]
struct GateFs {
    inner: MemFs,
    gate: Arc<Gate>,
}

impl FsLayer for GateFs {
    fn below(&self) -> &dyn Fs {
        &self.inner
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        Ok(Arc::new(GateFile {
            inner: self.inner.open(path, mode)?,
            gate: self.gate.clone(),
        }))
    }
}

#[derive(Debug)]
struct GateFile {
    inner: Arc<dyn FsFile>,
    gate: Arc<Gate>,
}

impl FsFileLayer for GateFile {
    fn below(&self) -> &dyn FsFile {
        &*self.inner
    }

    fn sync(&self) -> io::Result<()> {
        let now = self.gate.is_shut.lock().unwrap();
        let waited = self
            .gate
            .opened
            .wait_timeout_while(now, LIMIT, |shut| *shut);
        if waited.unwrap().1.timed_out() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.inner.sync()
    }
}

#[tokio::test(flavor = "current_thread")]
async fn no_executor_waits_for_a_sync() {
    let fs = GateFs::default();
    let options = StoreOptions::new().fs(Arc::new(fs.clone()));
    let store = Arc::new(options.open("/tallies.strand").unwrap());
    let repository = StrandlineEventRepository::new(&store);
    let views = StrandlineViewRepository::<TallyView, Tally>::open(&store, "tallies").unwrap();
    let views = Arc::new(views);
    repository
        .persist::<Tally>(&[added("a", 1, 5)], None)
        .await
        .unwrap();

    fs.gate.shut();
    let mut tasks = Vec::new();
    for (id, sequence) in [("a", 2), ("b", 1), ("c", 1)] {
        let repository = repository.clone();
        let events = [added(id, sequence, 7)];
        tasks.push(tokio::spawn(async move {
            repository.persist::<Tally>(&events, None).await
        }));
        let context = ViewContext::new(id.to_owned(), 0);
        let views = views.clone();
        let update = async move { views.update_view(TallyView::default(), context).await };
        tasks.push(tokio::spawn(update));
    }
    // All of them are polled, and wait.
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    // Nothing is shown before it is on the disk, and what is there can be read.
    let events = repository.get_events::<Tally>("a").await.unwrap();
    assert_eq!(events, [added("a", 1, 5)]);
    assert!(views.load("a").await.unwrap().is_none());
    assert!(tasks.iter().all(|task| !task.is_finished()));

    fs.gate.open();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let events = repository.get_events::<Tally>("a").await.unwrap();
    assert_eq!(events, [added("a", 1, 5), added("a", 2, 7)]);
    assert!(views.load("c").await.unwrap().is_some());
}
