//! `Watch`: the store as it is in its directory now.
//!
//! A store that is open to read only goes on to show what it showed where another process compacts or redacts, and
//! refuses to go on where another store takes its place. Whoever looks at it for hours wants what is there now, so it is
//! opened anew in both cases.

use super::closed::Closed;
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::Fs;
use strandline::{Clock, Error, Store, StoreOptions};
use strandline_live::Live;

/// How often it is looked whether there are new events.
const REFRESH: Duration = Duration::from_millis(100);
/// How often it is looked whether files were rewritten, and whether a store opens that did not.
const LOOK: Duration = Duration::from_secs(1);

/// A store that is open.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Arc<Store>,
    /// Its consumers, or why they cannot be looked at.
    pub(crate) live: Result<Live, String>,
    /// The segments that were there when it was opened.
    segments: Vec<String>,
}

/// The store of a directory, opened again whenever that has to be.
#[derive(Debug)]
pub(crate) struct Watch {
    dir: PathBuf,
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    found: Result<Arc<Opened>, Closed>,
    /// When it was refreshed last.
    refreshed: Duration,
    /// When the directory was looked at last.
    looked: Duration,
}

impl Watch {
    /// Opens the store of a directory, if it can be opened.
    pub(crate) fn new(dir: &Path, fs: Arc<dyn Fs>, clock: Arc<dyn Clock>) -> Self {
        let now = clock.elapsed();
        let found = open(dir, &fs, &clock);
        Self {
            dir: dir.to_owned(),
            fs,
            clock,
            state: Mutex::new(State {
                found,
                refreshed: now,
                looked: now,
            }),
        }
    }

    /// The store with what is there now, at most a tenth of a second old.
    ///
    /// # Errors
    ///
    /// [`Closed`] where no store opens.
    pub(crate) fn now(&self) -> Result<Arc<Opened>, Closed> {
        let mut state = self.state.lock();
        let now = self.clock.elapsed();
        let is_due = |last: Duration, interval| now.saturating_sub(last) >= interval;
        let looks = is_due(state.looked, LOOK);
        if looks {
            state.looked = now;
        }
        let opens_anew = match &state.found {
            Err(_) => looks,
            Ok(opened) if looks && self.is_rewritten(opened) => true,
            Ok(opened) if is_due(state.refreshed, REFRESH) => opened.store.refresh().is_err(),
            Ok(_) => false,
        };
        if is_due(state.refreshed, REFRESH) {
            state.refreshed = now;
        }
        if opens_anew {
            state.found = open(&self.dir, &self.fs, &self.clock);
        }
        state.found.clone()
    }

    /// Whether a segment that was there when the store was opened is not there any more: it was compacted, redacted or
    /// merged with others.
    fn is_rewritten(&self, opened: &Opened) -> bool {
        segments(&*self.fs, &self.dir).is_ok_and(|now| {
            let is_gone = |name: &String| now.binary_search(name).is_err();
            opened.segments.iter().any(is_gone)
        })
    }
}

fn open(dir: &Path, fs: &Arc<dyn Fs>, clock: &Arc<dyn Clock>) -> Result<Arc<Opened>, Closed> {
    let opened = || -> Result<Opened, Error> {
        // Before the opening: what is rewritten meanwhile is noticed at the next look.
        let segments = segments(&**fs, dir).unwrap_or_default();
        let options = StoreOptions::new().read_only();
        let store = Arc::new(options.fs(fs.clone()).clock(clock.clone()).open(dir)?);
        Ok(Opened {
            live: Live::open(&store).map_err(|error| error.to_string()),
            store,
            segments,
        })
    };
    opened().map(Arc::new).map_err(|error| Closed::from(&error))
}

/// The names of the files of segments that are there, in order.
fn segments(fs: &dyn Fs, dir: &Path) -> std::io::Result<Vec<String>> {
    let names = fs.list_names(dir)?.into_iter().map(|entry| entry.name);
    let mut names: Vec<_> = names.filter(|name| name.starts_with("segment-")).collect();
    names.sort();
    Ok(names)
}
