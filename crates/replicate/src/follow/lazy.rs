//! `Lazy`: which files of a copy stay in the bucket until they are read, and the file that says so in its directory.
//!
//! These are merged files of the index, and sealed segments that the bucket has in one object with their footers: what
//! is so in a bucket stays under its key as long as the log has the file. All else is in the directory. Holds the
//! file system that knows both, and reads nothing of the log by itself.

use super::decode::decode_state;
use super::error::FollowError;
use super::place::Place;
use super::survey::newest_state;
use crate::bucket::Bucket;
use crate::object::{Key, State};
use crate::remote::{BucketFs, Catalog, RemoteOptions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{Fs, replace_file};
use strandline_segment::{
    BUCKET_FILE, FRAME_HEADER_BYTES, Manifest, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentInfo,
};

const FORMAT: &str = "strandline bucket";
const VERSION: u32 = 1;
/// What the names of merged index files begin and end with.
const MERGED: (&str, &str) = ("index-", ".idx");

/// The files of a copy that stay in the bucket.
pub(crate) struct Lazy {
    bucket: Bucket,
    below: Arc<dyn Fs>,
    dir: PathBuf,
    fs: BucketFs,
    /// What the file system lists.
    listed: Catalog,
    /// What it listed before a state that is being taken over.
    before: Option<Catalog>,
    /// The directory says so.
    is_marked: bool,
}

#[derive(Serialize, Deserialize)]
struct Json {
    format: String,
    version: u32,
    /// What it was called, for who wonders where the files are.
    bucket: String,
}

impl Lazy {
    /// That of a directory, if it is wanted or the directory is such a one already.
    pub(super) fn open(
        bucket: &Bucket,
        below: &Arc<dyn Fs>,
        dir: &Path,
        options: Option<&RemoteOptions>,
    ) -> Result<Option<Self>, FollowError> {
        let is_marked = is_lazy(&**below, dir);
        if options.is_none() && !is_marked {
            return Ok(None);
        }
        let own = Manifest::read(&**below, dir)?;
        let listed = match &own {
            Some(own) if !is_marked => Catalog::of_log(own.identity()),
            Some(own) => listed(bucket, &**below, dir, own)?,
            None => Catalog::of_log(newest_state(bucket)?.identity()),
        };
        let options = options.cloned().unwrap_or_default();
        let source = Arc::new(bucket.clone());
        let fs = BucketFs::open(below.clone(), dir, source, listed.clone(), &options);
        let fs = fs.map_err(|error| FollowError::io("open", dir, error))?;
        Ok(Some(Self {
            bucket: bucket.clone(),
            below: below.clone(),
            dir: dir.to_path_buf(),
            fs,
            listed,
            before: None,
            is_marked,
        }))
    }

    /// The file system in which all files are.
    pub(super) const fn fs(&self) -> &BucketFs {
        &self.fs
    }

    /// Whether a file stays in the bucket. It may be in the directory all the same.
    pub(super) fn stays(&self, name: &str) -> bool {
        self.listed.get(name).is_some()
    }

    /// Whether a file is in the directory itself.
    pub(super) fn is_here(&self, name: &str) -> bool {
        self.below.identity(&self.dir.join(name)).is_ok()
    }

    /// Has the files of a state be there beside those of before, and what is looked at of these segments when it is
    /// listed.
    pub(super) fn begin(
        &mut self,
        state: &State,
        lacking: &[SegmentInfo],
    ) -> Result<(), FollowError> {
        self.mark()?;
        let coming = staying(state, &state.manifest, &self.dir)?;
        let stays = |info: &&SegmentInfo| coming.get(&info.file_name()).is_some();
        let wanted: Vec<(String, Range<u64>)> =
            lacking.iter().filter(stays).flat_map(first_looks).collect();
        self.before = Some(self.listed.clone());
        self.listed.extend(&coming);
        self.fs.replace_catalog(self.listed.clone());
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(name, range)| (name.as_str(), range.clone()))
            .collect();
        let merged = coming.files().map(|(name, _)| name);
        let merged: Vec<_> = merged.filter(|name| is_merged(name)).collect();
        let fetched = self.fs.look_at_with(&wanted, &merged);
        fetched.map_err(|error| FollowError::io("read from the bucket for", &self.dir, error))
    }

    /// The state that was begun cannot be had: its files are not there. Whoever takes another one in its place would
    /// find names that belong to no log.
    pub(super) fn give_up(&mut self) {
        if let Some(before) = self.before.take() {
            self.listed = before;
            self.fs.replace_catalog(self.listed.clone());
        }
    }

    /// The state is that of the copy, which has this manifest: what stays in the bucket is not kept in the directory,
    /// and files of before are gone.
    pub(super) fn end(&mut self, state: &State, own: &Manifest) -> Result<(), FollowError> {
        self.listed = staying(state, own, &self.dir)?;
        self.before = None;
        self.fs.replace_catalog(self.listed.clone());
        let (below, dir) = (&self.below, &self.dir);
        let entries = below.list_names(dir);
        let entries = entries.map_err(|error| FollowError::io("list", dir, error))?;
        let mut any = false;
        for entry in entries {
            let is_segment = own
                .segments()
                .iter()
                .any(|info| info.file_name() == entry.name);
            if is_segment && self.stays(&entry.name) {
                let path = dir.join(&entry.name);
                let removed = below.remove_file(&path);
                removed.map_err(|error| FollowError::io("remove", &path, error))?;
                any = true;
            }
        }
        match any {
            true => below
                .sync_dir(dir)
                .map_err(|error| FollowError::io("sync", dir, error)),
            false => Ok(()),
        }
    }

    /// Fetches at once what an opening of the store would read one after the other.
    pub(super) fn prepare(&self) -> Result<(), FollowError> {
        let Some(own) = Manifest::read(&*self.below, &self.dir)? else {
            return Ok(());
        };
        let prepared = self.fs.prepare(&own);
        prepared.map_err(|error| FollowError::io("read from the bucket for", &self.dir, error))
    }

    /// Says in the directory that it has not all files, durably.
    fn mark(&mut self) -> Result<(), FollowError> {
        if self.is_marked {
            return Ok(());
        }
        let (below, dir) = (&*self.below, &self.dir);
        let path = dir.join(BUCKET_FILE);
        let json = Json {
            format: FORMAT.to_owned(),
            version: VERSION,
            bucket: self.bucket.name().to_owned(),
        };
        // Strings and a number: there is nothing in it that JSON has not.
        let bytes = serde_json::to_vec(&json).unwrap_or_default();
        let written = replace_file(below, &path, &bytes);
        written.map_err(|error| FollowError::io("write", &path, error))?;
        self.is_marked = true;
        Ok(())
    }
}

/// The files of a directory with this manifest that stay in the bucket. What the manifest does not list counts for
/// nothing. What both states list is where the newer one says: it is there longer.
pub(super) fn listed(
    bucket: &Bucket,
    below: &dyn Fs,
    dir: &Path,
    own: &Manifest,
) -> Result<Catalog, FollowError> {
    let state = newest_state(bucket)?;
    if own.identity() != state.identity() {
        let dir = dir.to_path_buf();
        return Err(FollowError::OtherLog { dir });
    }
    match listed_last(bucket, below, dir)? {
        Some(before) if before.identity() == own.identity() => {
            let mut listed = staying(&before, own, dir)?;
            listed.extend(&staying(&state, own, dir)?);
            Ok(listed)
        }
        _ => staying(&state, own, dir),
    }
}

/// The state that a directory was brought to last, if the bucket still has it. A newer one may be there that nobody is
/// told of yet.
fn listed_last(bucket: &Bucket, below: &dyn Fs, dir: &Path) -> Result<Option<State>, FollowError> {
    let Some(Place {
        term,
        state: number,
        ..
    }) = Place::read(below, dir)?
    else {
        return Ok(None);
    };
    let bytes = bucket.get(&Key::State { term, number }.to_string())?;
    bytes
        .map(|bytes| decode_state(term, number, &bytes))
        .transpose()
}

/// Whether a file is a merged one of the index, by its name.
pub(super) fn is_merged(name: &str) -> bool {
    name.starts_with(MERGED.0) && name.ends_with(MERGED.1)
}

/// What is read of a segment when it is taken over: its header, and that of its last frame.
fn first_looks(info: &SegmentInfo) -> Vec<(String, Range<u64>)> {
    let name = info.file_name();
    let frame = u64::try_from(FRAME_HEADER_BYTES).unwrap_or(u64::MAX);
    let last = info.end().map(|end| u64::from(end.last_frame));
    let last = last.map(|start| (name.clone(), start..start.saturating_add(frame)));
    let head = (name, 0..u64::from(SEGMENT_HEADER_BYTES));
    [Some(head), last].into_iter().flatten().collect()
}

/// The files of a state that stay in the bucket, of those that a manifest lists as sealed.
fn staying(state: &State, own: &Manifest, dir: &Path) -> Result<Catalog, FollowError> {
    let sealed = |manifest: &Manifest| -> BTreeMap<String, (SegmentHeader, u64)> {
        let segments = manifest.segments().iter();
        let sealed = segments.filter_map(|info| {
            let end = info.end()?;
            Some((info.file_name(), (*info.header(), end.offset.into())))
        });
        sealed.collect()
    };
    let (listed, own) = (sealed(&state.manifest), sealed(own));
    let catalog = Catalog::of(state);
    let unusable =
        |error: io::Error| FollowError::io("use the state of the bucket for", dir, error);
    let mut catalog = catalog.map_err(unusable)?;
    catalog.retain(|name| {
        let Some(file) = state.file(name).filter(|file| file.is_one_object()) else {
            return false;
        };
        match listed.get(name) {
            Some((header, end)) => {
                file.length > *end && own.get(name).is_some_and(|(own, _)| own == header)
            }
            None => is_merged(name),
        }
    });
    Ok(catalog)
}

/// Whether sealed files of a directory are in a bucket, so that it is opened through [`bucket_fs`](crate::bucket_fs) and no other way.
/// One of which that cannot be found out is taken for such a one.
#[must_use]
pub fn is_lazy(below: &dyn Fs, dir: impl AsRef<Path>) -> bool {
    let found = below.identity(&dir.as_ref().join(BUCKET_FILE));
    let is_missing = |error: io::Error| {
        let kinds = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        kinds.contains(&error.kind())
    };
    !found.is_err_and(is_missing)
}
