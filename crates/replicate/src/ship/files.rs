//! `Files`: a thread that puts sealed segments, merged files and joined tails into the bucket beside the chunks, and
//! deletes what nothing needs any more. One job at a time, so its memory is that of one upload.

use super::ask::{OnPanic, Stop};
use super::catalog::Join;
use super::error::ReplicateError;
use super::look::{Looked, Wanted, look};
use super::source::Source;
use super::upload;
use crate::bucket::Bucket;
use crate::object::{FileName, Key, Term};
use crate::protocol::Sweeper;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use strandline_core::sync::thread::{self, JoinHandle};
use strandline_segment::{LogView, SegmentHeader};

/// Something to do beside the chunks.
#[derive(Debug)]
pub(crate) enum Job {
    /// Put a file whole.
    Whole {
        name: FileName,
        header: Option<SegmentHeader>,
    },
    /// Put parts of a segment's file as one.
    Tail { view: LogView, join: Join },
    /// Delete what both allow, one as of a while ago, for whoever has not caught up, and one as of now; and these.
    Sweep {
        before: Option<Sweeper>,
        now: Sweeper,
        orphans: BTreeSet<Key>,
    },
    /// Look whether what was put is there.
    Look(Wanted),
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Done {
    Whole {
        name: FileName,
        header: Option<SegmentHeader>,
        length: u64,
        key: Key,
    },
    Tail {
        join: Join,
        key: Key,
    },
    Swept {
        objects: usize,
    },
    NotSwept {
        before: Option<Sweeper>,
        orphans: BTreeSet<Key>,
        error: ReplicateError,
    },
    /// It was looked whether what was put is there.
    Looked(Looked),
    /// The file was removed or rewritten meanwhile.
    Gone,
    /// It failed; an object with the key may be there all the same, or come.
    Failed {
        tried: Option<Key>,
        error: ReplicateError,
    },
}

/// The thread. Dropping it ends its job, and waits for no answer to what that has asked.
#[derive(Debug)]
pub(crate) struct Files {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    over: Arc<Stop>,
}

impl Files {
    /// Starts the thread; `done` is called with what came of each job.
    pub(crate) fn start(
        source: Arc<Source>,
        bucket: Bucket,
        stop: Arc<Stop>,
        term: Term,
        done: impl Fn(Done) + Send + 'static,
    ) -> Result<Self, ReplicateError> {
        let (jobs, to_do) = std::sync::mpsc::channel();
        let over = Arc::new(Stop::with(stop));
        let stop = Arc::clone(&over);
        let thread = thread::Builder::new().name("strandline-ship-files".to_owned());
        let thread = thread.spawn(move || {
            let _tells = OnPanic(|| {
                let (tried, error) = (None, ReplicateError::Panicked);
                done(Done::Failed { tried, error });
            });
            for job in to_do {
                done(run(&source, &bucket, &stop, term, job));
            }
        });
        let thread = thread
            .map_err(|error| super::error::of_file("strandline-ship-files".as_ref())(error))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            over,
        })
    }

    /// Has a job done after those before it.
    pub(crate) fn add(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // It only fails once the thread has ended, with the term.
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.jobs = None;
        self.over.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(source: &Source, bucket: &Bucket, stop: &Stop, term: Term, job: Job) -> Done {
    let mut tried = None;
    let done = match job {
        Job::Whole { name, header } => {
            let whole = upload::whole(source, bucket, stop, term, &name, &mut tried);
            whole.map(|(length, key)| Done::Whole {
                name,
                header,
                length,
                key,
            })
        }
        Job::Tail { view, join } => {
            let tail = upload::tail(&view, bucket, stop, term, &join, &mut tried);
            tail.map(|key| Done::Tail { join, key })
        }
        Job::Sweep {
            before,
            now,
            orphans,
        } => match sweep(bucket, stop, before.as_ref(), &now, &orphans) {
            Ok(objects) => Ok(Done::Swept { objects }),
            Err(error) => Ok(Done::NotSwept {
                before,
                orphans,
                error,
            }),
        },
        Job::Look(wanted) => look(bucket, stop, term, &wanted).map(Done::Looked),
    };
    match done {
        Ok(done) => done,
        Err(ReplicateError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Done::Gone
        }
        Err(error) => Done::Failed { tried, error },
    }
}

/// Deletes what is listed and may go. Listings and not memory say what there is, so a PUT that is done after its
/// object was deleted is found by the next sweep.
fn sweep(
    bucket: &Bucket,
    stop: &Stop,
    before: Option<&Sweeper>,
    now: &Sweeper,
    orphans: &BTreeSet<Key>,
) -> Result<usize, ReplicateError> {
    let orphans: Vec<_> = orphans.iter().map(ToString::to_string).collect();
    stop.during(bucket.start_delete(&orphans))?;
    let mut deleted = orphans.len();
    let Some(before) = before else {
        return Ok(deleted);
    };
    for under in ["log", "state", "data"] {
        let listed = stop.during(bucket.start_list(under, None))?;
        let may_go = |key: &String| {
            let key = key.parse::<Key>();
            key.is_ok_and(|key| before.may_delete(&key) && now.may_delete(&key))
        };
        let keys = listed.into_iter().map(|listed| listed.key);
        let keys: Vec<_> = keys.filter(may_go).collect();
        stop.during(bucket.start_delete(&keys))?;
        deleted = deleted.saturating_add(keys.len());
    }
    Ok(deleted)
}
