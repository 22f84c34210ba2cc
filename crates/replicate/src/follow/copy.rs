//! `Copy`: the copy of a log in a directory, which grows by chunks and states of a bucket. Decides nothing of what
//! comes next: that is the protocol's.

use super::error::FollowError;
use super::fetch::Fetching;
use super::lazy::{Lazy, is_merged};
use crate::bucket::Bucket;
use crate::object::{Chunk, FileParts, State, Term};
use crate::remote::RemoteOptions;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{EntryKind, FileLock, Fs, TEMPORARY_SUFFIX};
use strandline_segment::{
    BUCKET_FILE, FOLLOWED_FILE, LogError, LogIdentity, LogPosition, LogReceiver, MANIFEST_FILE,
    Manifest, SegmentId, SegmentInfo, footer_on_disk,
};

/// The file that is locked while a directory is filled for the first time. Once there is a copy, that is locked.
const FILLING_FILE: &str = "FILLING";
/// The files of a store that is written, and of one that is shipped.
const LOCK: &str = "LOCK";
const OWNER_FILE: &str = "replica-owner.json";

/// A copy of a log in a directory of its own.
pub(crate) struct Copy {
    bucket: Bucket,
    /// Of all its files, those included that are in the bucket alone.
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    /// None if all its files are in the directory.
    lazy: Option<Lazy>,
    /// None until the first state came.
    receiver: Option<LogReceiver>,
    /// From before the first file is fetched until there is a copy.
    filling: Option<Box<dyn FileLock>>,
    /// Whether merged files of the index are fetched.
    has_merged: bool,
}

impl Copy {
    /// Goes on with the copy that is in the directory, if there is one. With `lazy`, or where the directory is such a
    /// one, sealed files stay in the bucket.
    pub(crate) fn open(
        bucket: Bucket,
        fs: Arc<dyn Fs>,
        dir: &Path,
        lazy: Option<&RemoteOptions>,
    ) -> Result<Self, FollowError> {
        bucket.check_apart(dir)?;
        let lazy = Lazy::open(&bucket, &fs, dir, lazy)?;
        let fs = match &lazy {
            Some(lazy) => Arc::new(lazy.fs().clone()),
            None => fs,
        };
        Ok(Self {
            receiver: LogReceiver::open(fs.clone(), dir)?,
            filling: None,
            has_merged: true,
            bucket,
            fs,
            dir: dir.to_path_buf(),
            lazy,
        })
    }

    /// The same without merged files of the index, which only save time: for a log that is taken from there.
    pub(crate) const fn without_merged(mut self) -> Self {
        self.has_merged = false;
        self
    }

    /// The file system in which all its files are.
    pub(crate) const fn fs(&self) -> &Arc<dyn Fs> {
        &self.fs
    }

    /// Whether files stay in the bucket.
    pub(crate) const fn is_lazy(&self) -> bool {
        self.lazy.is_some()
    }

    /// Fetches at once what an opening of a store would wait for, one after the other.
    pub(crate) fn prepare(&self) -> Result<(), FollowError> {
        self.lazy.as_ref().map_or(Ok(()), Lazy::prepare)
    }

    /// Where it ends; `None` while there is none.
    pub(crate) fn end(&self) -> Option<LogPosition> {
        self.receiver.as_ref().map(LogReceiver::end)
    }

    /// The identity of the log; `None` while there is none.
    pub(crate) fn identity(&self) -> Option<&LogIdentity> {
        self.receiver.as_ref().map(LogReceiver::identity)
    }

    /// Makes durable what was received.
    pub(crate) fn sync(&mut self) -> Result<(), FollowError> {
        match &mut self.receiver {
            Some(receiver) => Ok(receiver.sync()?),
            None => Ok(()),
        }
    }

    /// Takes over a state: files that are lacking are fetched, then its manifest is that of the copy. Where it
    /// covers more than the copy has, that is fetched too; where less, the copy keeps what it has.
    ///
    /// Says whether sealed segments of the copy were rewritten or merged: whoever has them open reads what they were.
    ///
    /// After an error the copy is as it was, or has the state.
    pub(crate) fn take_state(&mut self, state: &State) -> Result<bool, FollowError> {
        let term = state.term;
        self.check_log(state.identity())?;
        self.claim()?;
        let known = self.end();
        let before = self.sealed();
        if let Err(error) = self.fetch(state) {
            if let Some(lazy) = &mut self.lazy {
                lazy.give_up();
            }
            return Err(error);
        }
        match &mut self.receiver {
            None => {
                let (fs, dir) = (self.fs.clone(), &self.dir);
                self.receiver = Some(LogReceiver::create(fs, dir, &state.manifest)?);
                self.unclaim()?;
            }
            Some(receiver) => {
                let mut listed = receiver.list(&state.manifest);
                if let Err(LogError::Corrupt { .. }) = listed {
                    // What is here and what was fetched are one file, or the logs went two ways: the whole file says.
                    self.stage(state, false)?;
                    listed = match &mut self.receiver {
                        Some(receiver) => receiver.list(&state.manifest),
                        None => return Err(FollowError::Empty),
                    };
                }
                listed.map_err(|error| diverged(term, known, error))?;
            }
        }
        let end = self.end();
        let is_there = end.is_some_and(|end| {
            end.is_same_place(&state.end) || end.sequence >= state.end.sequence && known.is_some()
        });
        if !is_there {
            let reason = "the files that are listed do not end as they are said to";
            return Err(FollowError::Diverged {
                term,
                sequence: state.end.sequence.get(),
                reason: reason.to_owned(),
            });
        }
        if let Some((lazy, receiver)) = self.lazy.as_mut().zip(self.receiver.as_ref()) {
            lazy.end(state, receiver.manifest())?;
        }
        self.remove_merged(state)?;
        let after: BTreeSet<String> = self.sealed().into_iter().collect();
        Ok(before.iter().any(|name| !after.contains(name)))
    }

    /// Has the files of a state where they are looked for.
    fn fetch(&mut self, state: &State) -> Result<(), FollowError> {
        let lacking = self.lacking(&state.manifest);
        if let Some(lazy) = &mut self.lazy {
            lazy.begin(state, &lacking)?;
        }
        self.stage(state, true)
    }

    /// Has the directory to itself, which is made, if there is no copy in it: two that fetch into it would take each
    /// other's files away. A copy is locked itself.
    pub(crate) fn claim(&mut self) -> Result<(), FollowError> {
        if self.receiver.is_some() || self.filling.is_some() {
            return Ok(());
        }
        let (fs, dir) = (&*self.fs, &self.dir);
        fs.create_dir_all(dir)
            .map_err(|error| FollowError::io("make", dir, error))?;
        let path = dir.join(FILLING_FILE);
        let lock = fs.try_lock(&path);
        let lock = lock.map_err(|error| FollowError::io("lock", &path, error))?;
        // Whoever has filled it since this looked for a copy has it, or had it.
        let is_filled = Manifest::read(fs, dir)?.is_some();
        if lock.is_some() && !is_filled {
            self.filling = lock;
            return Ok(());
        }
        if lock.is_some() {
            // It was made by this, once that of the other was removed.
            let _ = fs.remove_file(&path);
        }
        let file = FILLING_FILE.to_owned();
        Err(LogError::BeingWritten { file }.into())
    }

    /// There is a copy, which is locked.
    fn unclaim(&mut self) -> Result<(), FollowError> {
        if self.filling.is_none() {
            return Ok(());
        }
        let path = self.dir.join(FILLING_FILE);
        match self.fs.remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FollowError::io("remove", &path, error));
            }
            _ => {}
        }
        self.filling = None;
        Ok(())
    }

    /// The names of the files of sealed segments.
    fn sealed(&self) -> Vec<String> {
        let segments = self
            .receiver
            .iter()
            .flat_map(|one| one.manifest().segments());
        let sealed = segments.filter(|info| info.is_sealed());
        sealed.map(SegmentInfo::file_name).collect()
    }

    /// Takes a chunk, of which the copy may have a part.
    pub(crate) fn take_chunk(&mut self, chunk: &Chunk) -> Result<(), FollowError> {
        self.check_log(chunk.identity())?;
        let Some(receiver) = &mut self.receiver else {
            return Err(FollowError::Empty);
        };
        let known = Some(receiver.end());
        let taken = receiver.receive(&chunk.header, &chunk.start, &chunk.body, &chunk.end);
        taken.map_err(|error| diverged(chunk.term, known, error))?;
        Ok(())
    }

    /// Checks that what it has, if anything, is of this log.
    pub(crate) fn check_log(&self, identity: &LogIdentity) -> Result<(), FollowError> {
        match &self.receiver {
            Some(own) if own.identity() != identity => Err(FollowError::OtherLog {
                dir: self.dir.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Fetches the files of a state that the copy lacks, to where they are looked for. Of those that it has a part of
    /// only the rest, if `goes_on` says so.
    fn stage(&self, state: &State, goes_on: bool) -> Result<(), FollowError> {
        let (fs, dir) = (&*self.fs, &self.dir);
        fs.create_dir_all(dir)
            .map_err(|error| FollowError::io("make", dir, error))?;
        self.clear_staged()?;
        let segments = state.manifest.segments();
        let lacking = self.lacking(&state.manifest);
        let lacking: BTreeSet<SegmentId> = lacking.iter().map(SegmentInfo::id).collect();
        let mut fetching = Fetching::new(&self.bucket, fs);
        for info in segments {
            let Some(file) = state.file(&info.file_name()) else {
                continue;
            };
            let own = self.own(info);
            let name = info.file_name();
            if let Some(lazy) = self.lazy.as_ref().filter(|lazy| lazy.stays(&name)) {
                let is_whole_here = own.is_some() && !lacking.contains(&info.id());
                if is_whole_here || !lazy.is_here(&name) {
                    continue;
                }
            }
            let is_wanted = match (lacking.contains(&info.id()), &own) {
                (true, _) => true,
                (false, Some(_)) => self.has_less(info, state, file)?,
                // The copy begins it by itself, if there is nothing in it.
                (false, None) => info.end().is_none() && !info.start().is_same_place(&state.end),
            };
            if is_wanted {
                let own = own.filter(|_| goes_on);
                let known = own.map_or(0, |end| u64::from(end.offset).min(file.length));
                let staged = LogReceiver::staged_path(dir, info.header());
                let local = dir.join(info.file_name());
                fetching.file(file, &staged, (&local, known))?;
            }
        }
        fetching.finish()?;
        match self.has_merged {
            true => state
                .files
                .iter()
                .try_for_each(|file| self.fetch_merged(file)),
            false => Ok(()),
        }
    }

    /// Removes what an earlier call has staged and not put in its place: half of a file may be there, and would be taken
    /// for all of it.
    fn clear_staged(&self) -> Result<(), FollowError> {
        let (fs, dir) = (&*self.fs, &self.dir);
        let entries = fs.list_names(dir);
        for entry in entries.map_err(|error| FollowError::io("list", dir, error))? {
            let whole = entry.name.strip_suffix(TEMPORARY_SUFFIX);
            let is_staged = whole.is_some_and(|name| SegmentId::parse_file_name(name).is_some());
            if entry.kind == EntryKind::File && is_staged {
                remove(fs, &dir.join(&entry.name))?;
            }
        }
        Ok(())
    }

    /// The segments of a manifest that the copy has not, or has less of.
    fn lacking(&self, manifest: &Manifest) -> Vec<SegmentInfo> {
        match &self.receiver {
            Some(receiver) => receiver.lacking(manifest),
            None => manifest.segments().to_vec(),
        }
    }

    /// Where the file of a segment ends that the copy has with this header.
    fn own(&self, info: &SegmentInfo) -> Option<LogPosition> {
        let receiver = self.receiver.as_ref()?;
        let own = receiver.manifest().segments();
        let own = own.iter().find(|own| own.header() == info.header())?;
        Some(own.end().unwrap_or_else(|| receiver.end()))
    }

    /// Whether the copy has less of a segment than a state: no footer, or not all of the active one.
    fn has_less(
        &self,
        info: &SegmentInfo,
        state: &State,
        file: &FileParts,
    ) -> Result<bool, FollowError> {
        let Some(end) = info.end() else {
            let end = self.end().filter(|end| end.segment == info.id());
            return Ok(end.is_some_and(|end| end.offset < state.end.offset));
        };
        if file.length <= u64::from(end.offset) {
            return Ok(false);
        }
        match footer_on_disk(&*self.fs, &self.dir, info) {
            Ok(footer) => Ok(footer.is_none()),
            Err(LogError::FooterDamaged { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Fetches a merged file of the index, which is written once and never changes.
    fn fetch_merged(&self, file: &FileParts) -> Result<(), FollowError> {
        let name = file.name.as_str();
        let path = self.dir.join(name);
        if !is_merged(name) || self.fs.identity(&path).is_ok() {
            return Ok(());
        }
        let staged = self.dir.join(format!("{name}{TEMPORARY_SUFFIX}"));
        let mut fetching = Fetching::new(&self.bucket, &*self.fs);
        fetching.file(file, &staged, (&path, 0))?;
        fetching.finish()?;
        let file = self.fs.open(&staged, strandline_core::fs::OpenMode::Read);
        let synced = file.and_then(|file| file.sync());
        synced.map_err(|error| FollowError::io("sync", &staged, error))?;
        let renamed = self.fs.rename(&staged, &path);
        renamed.map_err(|error| FollowError::io("rename", &staged, error))
    }

    /// Removes merged files that a state does not have: their segments were rewritten, or merged anew.
    fn remove_merged(&self, state: &State) -> Result<(), FollowError> {
        let (fs, dir) = (&*self.fs, &self.dir);
        let entries = fs.list_names(dir);
        for entry in entries.map_err(|error| FollowError::io("list", dir, error))? {
            let name = &entry.name;
            let whole = name.strip_suffix(TEMPORARY_SUFFIX).unwrap_or(name);
            let is_listed = state.file(name).is_some();
            if entry.kind == EntryKind::File && is_merged(whole) && !is_listed {
                let path = dir.join(name);
                remove(fs, &path)?;
            }
        }
        fs.sync_dir(dir)
            .map_err(|error| FollowError::io("sync", dir, error))
    }
}

/// Checks that a directory without a copy has nothing of anybody else in it: a copy is a directory's only contents, and
/// takes files of such names for its own. What an interrupted beginning has left is known by its names; a store, which may
/// lack its MANIFEST, by its lock, which a copy has not.
pub(crate) fn check_own(fs: &dyn Fs, dir: &Path) -> Result<(), FollowError> {
    if Manifest::read(fs, dir)?.is_some() {
        return Ok(());
    }
    let entries = match fs.list_names(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| FollowError::io("list", dir, error))?,
    };
    let names = || entries.iter().map(|entry| entry.name.as_str());
    let is_segment = |name: &str| SegmentId::parse_file_name(name).is_some();
    let reason = match names().find(|name| !is_of_copy(name)) {
        Some(other) => format!("it is no copy, and is not empty: {other} is in it"),
        None if names().any(|name| name == LOCK) && names().any(is_segment) => {
            "it has segments of a store, and no MANIFEST".to_owned()
        }
        None => return Ok(()),
    };
    let reason = format!("{reason}; name a directory that is not there yet");
    let error = io::Error::new(io::ErrorKind::AlreadyExists, reason);
    Err(FollowError::io("fill", dir, error))
}

/// Whether a copy that was begun, or what is in an empty directory, may have this name.
fn is_of_copy(name: &str) -> bool {
    let whole = name.strip_suffix(TEMPORARY_SUFFIX).unwrap_or(name);
    let others = [
        FILLING_FILE,
        BUCKET_FILE,
        FOLLOWED_FILE,
        MANIFEST_FILE,
        OWNER_FILE,
        LOCK,
        "lost+found",
    ];
    others.contains(&whole) || SegmentId::parse_file_name(whole).is_some() || is_merged(whole)
}

/// Removes a file, if it is there.
fn remove(fs: &dyn Fs, path: &Path) -> Result<(), FollowError> {
    match fs.remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FollowError::io("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// What it means that a copy refuses what the bucket has.
fn diverged(term: Term, end: Option<LogPosition>, error: LogError) -> FollowError {
    match error {
        LogError::OtherCourse { reason, .. } => FollowError::Diverged {
            term,
            sequence: end.map_or(0, |end| end.sequence.get()),
            reason: reason.to_owned(),
        },
        error => error.into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::bucket::BucketOptions;
    use crate::follow::survey::newest_state;
    use crate::replicator::Replicator;
    use crate::ship::ReplicateOptions;
    use std::ops::ControlFlow;
    use std::time::Duration;
    use strandline::maintenance::{Redaction, redact};
    use strandline::{Coordinate, Event, EventKind, Store, StoreOptions};
    use strandline_core::fs::OsFs;

    fn ship(store: &Store, bucket: &Bucket) -> State {
        let options = ReplicateOptions::new();
        let replicator = Replicator::start(store, bucket.clone(), options).unwrap();
        replicator.stop(Duration::from_secs(300)).unwrap();
        newest_state(bucket).unwrap()
    }

    /// Whoever begins while segments are rewritten finds that files of the state are gone, and takes the next one.
    #[test]
    fn a_state_whose_files_are_gone_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let bucket = Bucket::open("memory:", BucketOptions::new()).unwrap();
        let options = StoreOptions::new().segment_events_max(10);
        let store = options.clone().open(dir.path().join("store")).unwrap();
        for number in 0..45_u8 {
            let of = Coordinate::new(format!("order:{}", number % 20), "eu").unwrap();
            let event = Event::bytes(EventKind::new(1, 1), [number]);
            store.append(&of, event).unwrap();
        }
        // Closed and opened, so that what is sealed has its footers.
        store.close().unwrap();
        let store = options.open(dir.path().join("store")).unwrap();
        let before = ship(&store, &bucket);
        let go_on = &mut |_| ControlFlow::Continue(());
        redact(&store, &Redaction::new().entity("order:3"), go_on).unwrap();
        let after = ship(&store, &bucket);
        for (name, lazy) in [("whole", None), ("lazy", Some(RemoteOptions::default()))] {
            let copy = dir.path().join(name);
            let mut copy =
                Copy::open(bucket.clone(), Arc::new(OsFs), &copy, lazy.as_ref()).unwrap();
            let gone = copy.take_state(&before).unwrap_err();
            assert!(gone.is_gone(), "{gone:?}");
            copy.take_state(&after).unwrap();
            assert_eq!(copy.end().unwrap().sequence, after.end.sequence, "{name}");
        }
    }
}
