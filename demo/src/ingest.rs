//! Reading the history into a store: one thread reads git, this one appends.

use crate::git::{Repository, WrongUsage};
use crate::history::{self, Commit, What};
use crate::names;
use crate::progress::{Timer, progress_bar};
use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use strandline::{Batch, Durability, Event, EventId, EventKind, Store, StoreOptions};

/// A file came into being.
pub(crate) const ADDED: EventKind = EventKind::new(0x1, 0x001);
/// A file changed.
pub(crate) const MODIFIED: EventKind = EventKind::new(0x1, 0x002);
/// A file went away.
pub(crate) const DELETED: EventKind = EventKind::new(0x1, 0x003);

/// Most events in one batch; a larger commit takes several.
const BATCH_EVENTS_MAX: usize = 16_384;
/// How many commits are read ahead.
const READ_AHEAD: usize = 1_024;
/// Longest subject that is kept, in characters.
const SUBJECT_CHARACTERS: usize = 60;

/// The payload of an event, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FileChange {
    /// First digits of the commit's hash.
    pub(crate) commit: String,
    /// Time of the commit, in seconds since 1970.
    pub(crate) time: i64,
    pub(crate) added: u64,
    pub(crate) deleted: u64,
    /// Author and subject, in the first event of a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) author: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
}

/// What reading the history came to.
#[derive(Debug, Default)]
pub(crate) struct Ingested {
    pub(crate) events: u64,
    pub(crate) commits: u64,
    /// Commits whose events did not fit in one batch.
    pub(crate) split_commits: u64,
    pub(crate) seconds: f64,
    /// Of these, waiting for git.
    pub(crate) git_seconds: f64,
}

impl Ingested {
    /// Time in the store and on the way to it.
    pub(crate) fn store_seconds(&self) -> f64 {
        (self.seconds - self.git_seconds).max(f64::EPSILON)
    }
}

/// Reads the history of a repository into a new store in `dir`.
pub(crate) fn ingest(repository: &Repository, dir: &Path) -> anyhow::Result<(Store, Ingested)> {
    let store = StoreOptions::new()
        .durability(Durability::Written)
        .no_background_sync()
        .open(dir)
        .with_context(|| format!("cannot open the store in {}", dir.display()))?;
    if !store.snapshot().is_empty() {
        bail!(WrongUsage(format!(
            "{} holds events already; give an empty directory with --dir",
            dir.display()
        )));
    }
    let ingested = fill(&store, repository, READ_AHEAD)?;
    Ok((store, ingested))
}

/// Appends the history of a repository to a store, reading `read_ahead` commits ahead.
pub(crate) fn fill(
    store: &Store,
    repository: &Repository,
    read_ahead: usize,
) -> anyhow::Result<Ingested> {
    let total = Timer::start();
    let mut ingested = Ingested::default();
    let (sender, commits) = sync_channel::<Commit>(read_ahead);
    let bar = progress_bar(repository.commits);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let sender = sender;
            history::read(repository, |commit| sender.send(commit).is_ok())
        });
        // Owned here, so that a failed append hangs up on the reader, which would wait for ever
        // to give the next commit.
        let commits = commits;
        let mut parent = None;
        loop {
            let waiting = Timer::start();
            let commit = commits.recv();
            ingested.git_seconds += waiting.seconds();
            let Ok(commit) = commit else { break };
            append(store, &commit, &mut parent, &mut ingested)?;
            bar.inc(1);
        }
        match reader.join() {
            Ok(read) => read,
            Err(_) => bail!("reading the history panicked"),
        }
    })?;
    store.sync()?;
    bar.finish_and_clear();
    ingested.seconds = total.seconds();
    ensure!(
        ingested.commits == repository.commits,
        "git gave {} commits, and counted {} before",
        ingested.commits,
        repository.commits
    );
    Ok(ingested)
}

/// The id of a commit: the first 128 bits of its hash.
fn commit_id(hash: &str) -> anyhow::Result<EventId> {
    hash.get(..32)
        .and_then(|digits| digits.parse().ok())
        .with_context(|| format!("git gave the commit hash {hash:?}"))
}

fn append(
    store: &Store,
    commit: &Commit,
    parent: &mut Option<EventId>,
    ingested: &mut Ingested,
) -> anyhow::Result<()> {
    ingested.commits += 1;
    if commit.changes.is_empty() {
        return Ok(());
    }
    let id = commit_id(&commit.hash)?;
    let short = commit.hash.get(..12).unwrap_or(&commit.hash);
    let mut first = true;
    for changes in commit.changes.chunks(BATCH_EVENTS_MAX) {
        let mut batch = Batch::new();
        for change in changes {
            let kind = match change.what {
                What::Added => ADDED,
                What::Modified => MODIFIED,
                What::Deleted => DELETED,
            };
            let payload = FileChange {
                commit: short.to_owned(),
                time: commit.time,
                added: change.added,
                deleted: change.deleted,
                author: first.then(|| commit.author.clone()),
                subject: first.then(|| commit.subject.chars().take(SUBJECT_CHARACTERS).collect()),
            };
            let mut event = Event::json(kind, &payload)?.correlated_with(id);
            if first {
                event = event.with_id(id);
            }
            if let Some(parent) = *parent {
                event = event.caused_by(parent);
            }
            batch.add(&names::coordinate(&change.path)?, event);
            first = false;
        }
        ingested.events += batch.len() as u64;
        store.append_batch(batch)?;
    }
    ingested.split_commits += u64::from(commit.changes.len() > BATCH_EVENTS_MAX);
    *parent = Some(id);
    Ok(())
}
