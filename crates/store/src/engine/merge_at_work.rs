//! `MergeAtWork`: the merge of the index that is being done, which a rewriting can end, and wait for.

use super::merged_files::AtWork;
use super::shared::Shared;
use crate::model::IndexFileName;
use crate::{Error, ErrorKind};
use std::path::PathBuf;
use strandline_core::fs::TEMPORARY_SUFFIX;
use strandline_core::sync::thread;
use strandline_segment::SegmentId;

/// The right to merge, which one thread has at a time; dropping it lets it go.
pub(crate) struct MergeAtWork<'a>(&'a Shared);

impl<'a> MergeAtWork<'a> {
    /// None if somebody merges, or merges are held. What is merged is to be chosen after it.
    pub(crate) fn begin(shared: &'a Shared) -> Option<Self> {
        let mut files = shared.merged.lock();
        if files.is_held || files.at_work.is_some() {
            return None;
        }
        files.at_work = Some(AtWork {
            thread: thread::current().id(),
            ends: None,
            is_cancelled: false,
        });
        Some(Self(shared))
    }

    /// Says which segments are merged.
    pub(crate) fn set_ends(&self, ends: (SegmentId, SegmentId)) {
        if let Some(at_work) = &mut self.0.merged.lock().at_work {
            at_work.ends = Some(ends);
        }
        self.0.merge_ended.notify_all();
    }

    /// Whether what it makes is of no use any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        let files = self.0.merged.lock();
        files.at_work.as_ref().is_none_or(|own| own.is_cancelled)
    }
}

impl Drop for MergeAtWork<'_> {
    fn drop(&mut self) {
        self.0.merged.lock().at_work = None;
        self.0.merge_ended.notify_all();
    }
}

/// No merge begins while there is one.
pub(crate) struct MergesHeld<'a>(&'a Shared);

impl<'a> MergesHeld<'a> {
    /// Ends the merge that is being done, if one of the segments is in it, which were rewritten, and returns
    /// when its file is thrown away. Takes as long as a piece of a merge. Called without the commit lock.
    pub(crate) fn without(shared: &'a Shared, segments: &[SegmentId]) -> Self {
        let mut files = shared.merged.lock();
        files.is_held = true;
        while let Some(at_work) = &mut files.at_work {
            let is_of = |(first, last)| segments.iter().any(|id| (first..=last).contains(id));
            match at_work.ends {
                Some(ends) if !is_of(ends) => break,
                Some(_) => at_work.is_cancelled = true,
                None => {}
            }
            if at_work.thread == thread::current().id() {
                // It would wait for itself. What it leaves is removed with the rest.
                break;
            }
            shared.merge_ended.wait(&mut files);
        }
        Self(shared)
    }

    /// The merged files, temporary ones too, that have rows of rewritten segments as they were, by what their
    /// names say; none of them is used by an opening for rows of these. Notes that they are to be removed.
    ///
    /// # Errors
    ///
    /// `Io` if the directory cannot be listed; what is in use is given all the same.
    pub(crate) fn stale(&self, segments: &[SegmentId]) -> (Vec<PathBuf>, Result<(), Error>) {
        let Self(shared) = self;
        let mut stale = shared.merged.lock().remove_those_of(segments);
        let listed = shared.options.fs.list_names(&shared.dir);
        let files = shared.merged.lock();
        let path = |name: &str| shared.dir.join(name);
        let mut paths: Vec<_> = stale
            .drain(..)
            .map(|name| path(&name.to_string()))
            .collect();
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => {
                let message = "what was to go is gone from the log, and files of the index may have it \
                               still; call again, or open the store again";
                return (
                    paths,
                    Err(Error::new(ErrorKind::Io, message).with_source(error)),
                );
            }
        };
        for entry in listed {
            let whole = entry.name.strip_suffix(TEMPORARY_SUFFIX);
            let Some(name) = IndexFileName::parse(whole.unwrap_or(&entry.name)) else {
                continue;
            };
            let is_of = |id: &SegmentId| (name.first..=name.last).contains(id);
            let is_in_use = whole.is_none() && files.uses(name);
            if segments.iter().any(is_of) && !is_in_use {
                let path = path(&entry.name);
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        (paths, Ok(()))
    }
}

impl Drop for MergesHeld<'_> {
    fn drop(&mut self) {
        self.0.merged.lock().is_held = false;
    }
}
