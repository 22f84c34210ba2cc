//! `States`: when a state is due and what it lists, which files are to be put or joined, and what may be deleted after
//! it.
//!
//! Decides, and asks no bucket.

use super::begin::{BegunTerm, merged_files};
use super::catalog::{Catalog, Shipped};
use super::error::ReplicateError;
use super::files::{Done, Job};
use super::mend::Mending;
use super::options::ReplicateOptions;
use super::source::Source;
use crate::object::{FileName, Key, Owner, Predecessor, State, Term};
use crate::protocol::Sweeper;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use strandline_segment::{LogPosition, Manifest, SegmentId, SegmentInfo, footer_on_disk};

/// How often is looked for new files.
const LOOK: Duration = Duration::from_secs(1);
/// The longest time between two looks at the directory while the log has the same segments.
const LOOK_MAX: Duration = Duration::from_secs(60);
/// How long after a state could not be made it is tried again.
const RETRY: Duration = Duration::from_millis(100);
/// Into how many steps the grace is divided.
const STEPS: u32 = 16;

#[derive(Debug)]
pub(crate) struct States {
    term: Term,
    owner: Owner,
    predecessor: Option<Predecessor>,
    catalog: Catalog,
    /// Where the log ends that the catalog has.
    end: LogPosition,
    /// A state would list other files than the last one.
    is_due: bool,
    /// Number of the last state that was offered.
    last: u64,
    /// Number of the newest one that is acknowledged.
    acknowledged: u64,
    /// The one that is offered and not acknowledged.
    offered: Option<Offered>,
    /// A state of rewritten segments that no acknowledged chunk has told of yet. Readers learn of states from chunks.
    untold: Option<u64>,
    /// The chunk that tells of it.
    telling: Option<u64>,
    sweeper: Sweeper,
    /// What was allowed when, oldest first; without a time where no reader is waited for.
    allowed: VecDeque<(Option<Duration>, Sweeper)>,
    /// Data that were put in this term and that no state has listed.
    unlisted: BTreeSet<Key>,
    /// Those of them that no state will list: nobody knows of them, and they may go at once.
    orphans: BTreeSet<Key>,
    /// Data of which it is not known whether they were put, or will be.
    uncertain: BTreeSet<Key>,
    /// Those of them that may have what was redacted since: deleted with every sweep, as they may come late.
    condemned: BTreeSet<Key>,
    /// Those whose deletion was asked for, and of which the sweeper does not know. A state that lists one is not put.
    doomed: BTreeSet<Key>,
    /// A job is under way.
    is_busy: bool,
    /// It deletes.
    is_sweeping: bool,
    next_look: Duration,
    /// Before it no state is tried: for the last one something was not there.
    next_state: Duration,
    /// Merged files when it was looked last.
    merged: Vec<FileName>,
    /// The segments when the directory was looked at last.
    looked: Option<Looked>,
    /// Before it the directory is not looked at if the log has the same segments.
    next_files: Duration,
    /// How long it is to the look after that.
    between: Duration,
    mending: Mending,
    chunks_per_state: u64,
    grace: Duration,
}

/// Which segments a log has, as far as one look differs from another by it: how often some were rewritten, the newest
/// one, and the newest one that the bucket has something of.
type Looked = (u64, Option<SegmentId>, SegmentId);

/// A state that is offered.
#[derive(Debug)]
struct Offered {
    number: u64,
    listed: BTreeSet<Key>,
    /// It lists segments that were rewritten. Something may have been redacted, so no reader is waited for.
    is_urgent: bool,
}

impl States {
    /// Of a term that has begun, at this time.
    pub(crate) fn new(begun: BegunTerm, options: &ReplicateOptions, now: Duration) -> Self {
        let mut sweeper = Sweeper::new(begun.term);
        sweeper.acknowledged(0, begun.listed);
        Self {
            term: begun.term,
            owner: begun.owner,
            predecessor: begun.predecessor,
            catalog: begun.catalog,
            end: begun.end,
            is_due: false,
            last: 0,
            acknowledged: 0,
            offered: None,
            untold: None,
            telling: None,
            allowed: VecDeque::from([((!begun.is_rewritten).then_some(now), sweeper.clone())]),
            sweeper,
            unlisted: BTreeSet::new(),
            orphans: begun.unlisted.clone(),
            uncertain: BTreeSet::new(),
            condemned: begun.unlisted,
            doomed: BTreeSet::new(),
            next_state: now,
            is_busy: false,
            is_sweeping: false,
            next_look: now,
            merged: Vec::new(),
            looked: None,
            next_files: now,
            between: LOOK,
            mending: Mending::new(begun.record, begun.lost, options, now),
            chunks_per_state: options.chunks_per_state.max(1),
            grace: options.grace,
        }
    }

    /// Adds a chunk that is confirmed: the next one.
    pub(crate) fn confirmed(&mut self, chunk: &Shipped) {
        self.catalog.add_chunk(chunk);
        self.end = chunk.end;
    }

    /// Takes what came of a job; the error of one that failed.
    pub(crate) fn done(&mut self, done: Done) -> Option<ReplicateError> {
        (self.is_busy, self.is_sweeping) = (false, false);
        match done {
            Done::Whole {
                name,
                header,
                length,
                key,
            } => {
                self.unlisted.insert(key.clone());
                self.catalog.add_whole(name, length, key, header);
                self.is_due = true;
                self.mending.done(true);
            }
            Done::Tail { join, key } => {
                self.unlisted.insert(key.clone());
                self.is_due |= self.catalog.add_tail(&join, key);
                self.mending.done(true);
            }
            Done::Swept { objects } => tracing::debug!(objects, "deleted from the bucket"),
            Done::Looked(looked) => self.is_due |= self.mending.looked(looked),
            Done::Gone => self.mending.done(false),
            Done::NotSwept {
                before,
                orphans,
                error,
            } => {
                // It is tried again, before what was allowed since.
                self.orphans.extend(orphans);
                if let Some(before) = before {
                    self.allowed.push_front((None, before));
                }
                return Some(error);
            }
            Done::Failed { tried, error } => {
                self.uncertain.extend(tried);
                self.mending.failed();
                return Some(error);
            }
        }
        // There may be more to do.
        self.next_look = Duration::ZERO;
        None
    }

    /// The next thing to do beside the chunks, if there is one and nothing else is done.
    pub(crate) fn job(
        &mut self,
        source: &Source,
        now: Duration,
    ) -> Result<Option<Job>, ReplicateError> {
        if self.is_busy || now < self.next_look {
            return Ok(None);
        }
        self.next_look = now.saturating_add(LOOK);
        let mut job = self.mending.next(&self.catalog, source)?;
        if job.is_none() {
            job = self.mending.look(&self.catalog, self.acknowledged, now);
        }
        if job.is_none() {
            job = self.join(source)?;
        }
        if job.is_none() {
            job = self.file(source, now)?;
        }
        if job.is_none() {
            job = self.sweep(now);
        }
        self.is_busy = job.is_some();
        Ok(job)
    }

    /// How many objects of the bucket were mended since it was asked last, and how many are lost.
    pub(crate) fn mended(&mut self) -> (u64, usize) {
        self.mending.mended()
    }

    /// Has the next look be later than this.
    pub(crate) fn wait_until(&mut self, then: Duration) {
        self.next_look = then;
    }

    /// Parts of a segment's file to be joined, if the file is still there.
    fn join(&mut self, source: &Source) -> Result<Option<Job>, ReplicateError> {
        let Some(join) = self.catalog.to_join() else {
            return Ok(None);
        };
        let view = source.log()?;
        let is_there = view
            .info(join.header.id)
            .is_some_and(|info| *info.header() == join.header);
        Ok(is_there.then_some(Job::Tail { view, join }))
    }

    /// A file that the bucket lacks, or has without its footer.
    ///
    /// Footers and merged files come a while after their segments, and who has them made tells nobody: so the directory is
    /// looked at again, and after twice as long each time if there was nothing new. A store at rest costs a look a minute.
    fn file(&mut self, source: &Source, now: Duration) -> Result<Option<Job>, ReplicateError> {
        let view = source.log()?;
        let newest = view.infos().map(SegmentInfo::id).last();
        let looked = Some((view.rewritings(), newest, self.end.segment));
        if self.looked != looked {
            (self.looked, self.between, self.next_files) = (looked, LOOK, now);
        }
        if now < self.next_files {
            return Ok(None);
        }
        let before = self.merged.clone();
        let job = self.lacking_file(source)?;
        if job.is_some() || self.merged != before {
            self.between = LOOK;
        } else {
            self.next_files = now.saturating_add(self.between);
            self.between = self.between.saturating_mul(2).min(LOOK_MAX);
        }
        Ok(job)
    }

    /// As [`file`](Self::file), with a look at the directory.
    fn lacking_file(&mut self, source: &Source) -> Result<Option<Job>, ReplicateError> {
        let manifest = source.manifest()?;
        for info in manifest.segments().iter().filter(|info| info.is_sealed()) {
            if self.is_lacking(source, info) {
                let name = info.file_name().parse().ok();
                let header = Some(*info.header());
                return Ok(name.map(|name| Job::Whole { name, header }));
            }
        }
        let merged = merged_files(source)?;
        self.is_due |= merged != self.merged;
        self.merged = merged;
        let lacking = self
            .merged
            .iter()
            .find(|name| self.catalog.whole(name.as_str()).is_none());
        Ok(lacking.map(|name| Job::Whole {
            name: name.clone(),
            header: None,
        }))
    }

    /// Whether the file of a sealed segment is to be put whole. While its frames are there in parts, its footer is
    /// waited for.
    fn is_lacking(&self, source: &Source, info: &SegmentInfo) -> bool {
        let Some(end) = info.end() else {
            return false;
        };
        let end = u64::from(end.offset);
        if self
            .catalog
            .length(info.header())
            .is_none_or(|length| length < end)
        {
            // What is being shipped in chunks is on its way.
            return info.id() < self.end.segment;
        }
        let has_footer = self
            .catalog
            .whole(&info.file_name())
            .is_some_and(|length| length > end);
        !has_footer
            && footer_on_disk(&**source.fs(), source.dir(), info)
                .is_ok_and(|footer| footer.is_some())
    }

    /// What may be deleted by now, if that is more than last time.
    fn sweep(&mut self, now: Duration) -> Option<Job> {
        let grace = self.grace;
        let may_go = |(at, _): &(Option<Duration>, Sweeper)| {
            at.is_none_or(|at| now.saturating_sub(at) >= grace)
        };
        let gone = self
            .allowed
            .iter()
            .rposition(may_go)
            .map_or(0, |last| last.saturating_add(1));
        let before = self.allowed.drain(..gone).next_back();
        if before.is_none() && self.orphans.is_empty() {
            return None;
        }
        let mut orphans = std::mem::take(&mut self.orphans);
        orphans.extend(self.condemned.iter().cloned());
        self.doomed.extend(orphans.iter().cloned());
        self.is_sweeping = true;
        Some(Job::Sweep {
            before: before.map(|(_, sweeper)| sweeper),
            now: self.sweeper.clone(),
            orphans,
        })
    }

    /// Whether there is nothing that is to be deleted at once, nor will be by what the log is now.
    pub(crate) fn is_settled(&self, source: &Source) -> Result<bool, ReplicateError> {
        let is_offered = self
            .offered
            .as_ref()
            .is_some_and(|offered| offered.is_urgent);
        let is_allowed = self.allowed.iter().any(|(at, _)| at.is_none());
        if is_offered
            || self.untold.is_some()
            || is_allowed
            || self.is_sweeping
            || !self.orphans.is_empty()
        {
            return Ok(false);
        }
        Ok(!self.catalog.is_superseded(&source.manifest()?))
    }

    /// Whether a chunk is to tell of a state: readers would show what was redacted until the next one comes.
    pub(crate) const fn is_untold(&self) -> bool {
        self.untold.is_some() && self.telling.is_none()
    }

    /// A chunk of this number, which tells of a state, is offered.
    pub(crate) fn tells(&mut self, number: u64, state: u64) {
        if self.is_untold() && self.untold.is_some_and(|untold| untold <= state) {
            self.telling = Some(number);
        }
    }

    /// The chunks below this number are acknowledged.
    pub(crate) fn told(&mut self, chunks: u64) {
        if self.telling.is_some_and(|number| number < chunks) {
            (self.untold, self.telling) = (None, None);
        }
    }

    /// Whether the state that is offered has objects deleted at once.
    pub(crate) fn is_urgent(&self) -> bool {
        let offered = self.offered.as_ref();
        offered.is_some_and(|offered| offered.is_urgent || !self.orphans.is_empty())
    }

    /// Whether a state is due, and nothing else is done for it.
    pub(crate) const fn is_waiting(&self) -> bool {
        self.is_due && !self.is_busy && self.offered.is_none()
    }

    /// Whether a state that is due has no number of its own: a chunk without frames will give it one.
    pub(crate) const fn wants_chunk(&self, confirmed: u64) -> bool {
        confirmed == self.last
    }

    /// The next state, with its number, if one is due and everything that it lists is there; `confirmed` chunks are.
    pub(crate) fn next(
        &mut self,
        source: &Source,
        confirmed: u64,
        now: Duration,
    ) -> Result<Option<(u64, State)>, ReplicateError> {
        let enough = confirmed.saturating_sub(self.last) >= self.chunks_per_state;
        let is_due = enough || self.is_due && !self.is_busy;
        if !is_due || now < self.next_state || self.offered.is_some() || confirmed <= self.last {
            return Ok(None);
        }
        let manifest = source.manifest()?;
        let Some(files) = self.catalog.files_of(&manifest, &self.end, &self.merged) else {
            self.next_state = now.saturating_add(RETRY);
            return Ok(None);
        };
        let parts = files.iter().flat_map(|file| &file.parts);
        let listed: BTreeSet<Key> = parts.map(|part| part.key.clone()).collect();
        // A file that came back as it was before: a next term puts it under a key of its own.
        let is_doomed = listed.iter().any(|key| self.doomed.contains(key));
        if is_doomed || self.sweeper.check(&listed).is_err() {
            return Err(ReplicateError::Rewritten);
        }
        let is_urgent = self.keep(&manifest);
        self.unlisted.retain(|key| !listed.contains(key));
        // What the catalog has not any more is listed by no later state. It lists all that it has.
        self.orphans.append(&mut self.unlisted);
        if is_urgent {
            let uncertain = std::mem::take(&mut self.uncertain).into_iter();
            let condemned: Vec<_> = uncertain.filter(|key| !listed.contains(key)).collect();
            self.orphans.extend(condemned.iter().cloned());
            self.condemned.extend(condemned);
        }
        self.is_due = false;
        self.last = confirmed;
        self.offered = Some(Offered {
            number: confirmed,
            listed,
            is_urgent,
        });
        let state = State {
            term: self.term,
            number: confirmed,
            owner: self.owner,
            predecessor: self.predecessor,
            end: self.end,
            manifest,
            files,
        };
        Ok(Some((confirmed, state)))
    }

    /// Drops what neither the manifest nor the directory has any more, and says whether a segment is among it: then
    /// it was rewritten.
    fn keep(&mut self, manifest: &Manifest) -> bool {
        let merged = &self.merged;
        let mut is_rewritten = false;
        self.catalog.retain(|name, header| match header {
            Some(header) => {
                let is_kept = manifest.lists(header);
                is_rewritten |= !is_kept;
                is_kept
            }
            None => merged.contains(name),
        });
        is_rewritten
    }

    /// States up to this number are acknowledged.
    pub(crate) fn acknowledged(&mut self, number: u64, now: Duration) {
        let Some(offered) = self.offered.take_if(|offered| offered.number <= number) else {
            return;
        };
        self.acknowledged = offered.number;
        self.mending.acknowledged();
        self.sweeper.acknowledged(offered.number, offered.listed);
        // What the sweeper knows of need not be remembered twice.
        let sweeper = &self.sweeper;
        self.doomed.retain(|key| !sweeper.may_delete(key));
        let step = self.grace.checked_div(STEPS).unwrap_or_default();
        let last = self.allowed.iter().rev().find_map(|(at, _)| *at);
        if offered.is_urgent {
            (self.untold, self.telling) = (Some(offered.number), None);
            self.allowed.push_back((None, self.sweeper.clone()));
        } else if last.is_none_or(|last| now.saturating_sub(last) >= step) {
            self.allowed.push_back((Some(now), self.sweeper.clone()));
        }
    }
}
