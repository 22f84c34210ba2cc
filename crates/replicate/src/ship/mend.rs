//! `Mending`: when it is looked whether what was put in the bucket is there, and what of it is put again.
//!
//! Nothing that others may rely on is written over. Files and parts of files are put under keys that are named by their
//! content: who writes one again writes the same bytes, and is wanted to where those that are there have not the length
//! that they were put with. Chunks and states are never put again: what a chunk had is put as a part of its file, and the
//! next state lists that.

use super::catalog::{Catalog, InObject};
use super::error::ReplicateError;
use super::files::Job;
use super::look::{Looked, Place, Wanted};
use super::options::ReplicateOptions;
use super::source::Source;
use crate::object::Key;
use crate::overview::Lack;
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Mending {
    interval: Duration,
    next: Duration,
    /// The object of the term.
    record: Bytes,
    /// It is being looked.
    is_looking: bool,
    /// What was found lacking and is not looked at yet.
    lacking: VecDeque<Lack>,
    /// What is being put again.
    putting: Option<Lack>,
    /// The newest state is damaged or gone: the next one takes its place.
    is_state_bad: bool,
    /// How many were put again since it was asked last.
    mended: u64,
    lost: BTreeSet<Key>,
}

impl Mending {
    /// Of a term that has begun, and was looked through with that.
    pub(crate) const fn new(
        record: Bytes,
        lost: BTreeSet<Key>,
        options: &ReplicateOptions,
        now: Duration,
    ) -> Self {
        Self {
            interval: options.look_interval,
            next: now.saturating_add(options.look_interval),
            record,
            is_looking: false,
            lacking: VecDeque::new(),
            putting: None,
            is_state_bad: false,
            mended: 0,
            lost,
        }
    }

    /// A look, if one is due.
    pub(crate) fn look(&mut self, catalog: &Catalog, state: u64, now: Duration) -> Option<Job> {
        if now < self.next {
            return None;
        }
        self.next = now.saturating_add(self.interval);
        self.is_looking = true;
        Some(Job::Look(Wanted {
            objects: catalog.needed(),
            state,
            record: self.record.clone(),
        }))
    }

    /// Takes what a look has found. Says whether another state is wanted for it.
    pub(crate) fn looked(&mut self, looked: Looked) -> bool {
        if looked.term_again {
            tracing::warn!("the object of the term was not in the bucket, and is put there again");
            self.mended += 1;
        }
        self.is_looking = false;
        self.is_state_bad = looked.state.is_some();
        if let Some(reason) = looked.state {
            tracing::warn!(
                reason,
                "the newest state is damaged or gone: another one follows"
            );
        }
        let is_lacking = |key: &Key| looked.lacking.iter().any(|lack| lack.key == *key);
        self.lost.retain(is_lacking);
        self.lacking = looked.lacking.into();
        self.is_state_bad
    }

    /// The next thing to be put again, where the catalog still has it in the object that lacks.
    pub(crate) fn next(
        &mut self,
        catalog: &Catalog,
        source: &Source,
    ) -> Result<Option<Job>, ReplicateError> {
        while let Some(lack) = self.lacking.pop_front() {
            let job = match catalog.in_object(&lack.key) {
                // It was joined or rewritten meanwhile.
                None => continue,
                Some(InObject::Whole { name, header }) => match Place::of(source, name.as_str()) {
                    Place::Nowhere => continue,
                    Place::Bucket => {
                        tracing::error!(%lack, "an object of the bucket is lost, and nothing of it is here");
                        self.lost.insert(lack.key);
                        continue;
                    }
                    Place::Here => Job::Whole { name, header },
                },
                Some(InObject::Part(join)) => {
                    let view = source.log()?;
                    let info = view.info(join.header.id);
                    if info.is_none_or(|info| *info.header() != join.header) {
                        continue;
                    }
                    Job::Tail { view, join }
                }
            };
            tracing::warn!(%lack, "what an object of the bucket had is put there again");
            self.putting = Some(lack);
            return Ok(Some(job));
        }
        Ok(None)
    }

    /// What was being put is there; or its file is gone, which needs it no more.
    pub(crate) fn done(&mut self, is_put: bool) {
        if self.putting.take().is_some() && is_put {
            self.mended += 1;
        }
    }

    /// What was being put failed, or a look: it is done later.
    pub(crate) fn failed(&mut self) {
        if std::mem::take(&mut self.is_looking) {
            self.next = Duration::ZERO;
        }
        self.lacking.extend(self.putting.take());
    }

    /// A state is acknowledged.
    pub(crate) fn acknowledged(&mut self) {
        if std::mem::take(&mut self.is_state_bad) {
            self.mended += 1;
        }
    }

    /// How many objects were put again since this was asked last, and how many are lost.
    pub(crate) fn mended(&mut self) -> (u64, usize) {
        (std::mem::take(&mut self.mended), self.lost.len())
    }
}
