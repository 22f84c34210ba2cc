//! `BucketFs`: the directory of a store, of whose files some are in a bucket.

use super::blocks::Blocks;
use super::catalog::{Catalog, RemoteFile};
use super::file::{BucketFile, Course};
use super::files::{Files, objects_of};
use super::objects::ReadObjects;
use super::options::{RemoteOptions, RemoteStats};
use super::prepare::{FirstReads, first_reads};
use super::whole::{WholeFiles, is_kept_whole, write_whole};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use strandline_core::fs::{
    DirEntry, DirName, EntryKind, FileIdentity, FileLock, Fs, FsFile, FsLayer, OpenMode,
};
use strandline_core::sync::Mutex;
use strandline_segment::{BUCKET_FILE, MANIFEST_FILE, Manifest};

/// Why the directory is not moved.
const STAYS: &str = "files of the directory are in a bucket, so it can be neither moved nor replaced: restore the bucket into another one";

/// A file system over another, in which one directory has the files of a [`Catalog`] too.
///
/// A file that is in the directory below is used as it is. One that is listed and is not there:
///
/// - is listed, and opened to read: its bytes are fetched as they are read. A merged file
///   of an index is fetched whole when it is used first, and kept as a file, which is mapped.
/// - is brought into the directory, whole, before it is appended to, locked, renamed or exchanged.
/// - has no second name: [`Fs::link`] says `Unsupported`, so a backup copies it.
/// - cannot be moved with its directory: that is refused.
/// - is gone once it was removed, until another file is listed by its name; the bucket is left as it is. Who opens the
///   directory again with the same catalog finds it again.
///
/// The file [`BUCKET_FILE`] is not shown: to whoever sees it, it says that the directory has not all files.
///
/// A read that fails says so in an error that has a [`NotFetched`](super::NotFetched), and may be tried again.
///
/// Cheap to clone: clones share all.
#[derive(Debug, Clone)]
pub struct BucketFs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    below: Arc<dyn Fs>,
    /// The directory, as it was given and without links.
    dirs: [PathBuf; 2],
    files: Arc<Files>,
    device: u64,
    /// Where a newer catalog comes from, if anybody knows.
    renewal: OnceLock<Arc<dyn RenewCatalog>>,
    /// Held while a file is brought into the directory, so that each is brought once.
    bringing: Mutex<()>,
}

impl BucketFs {
    /// The directory `dir`, which is made where it is missing, with the files of `catalog`, whose objects are in
    /// `bucket`.
    ///
    /// What was fetched is kept in a [directory of its own](RemoteOptions::cache_dir), beyond the end of this
    /// process, and is used again for the same log in a bucket of the same [name](ReadObjects::name). While another process has that, it is kept in memory alone. O(objects, and blocks that are kept).
    ///
    /// # Errors
    ///
    /// What the file system says of the directory, or of that of the cache.
    pub fn open(
        below: Arc<dyn Fs>,
        dir: &Path,
        bucket: Arc<dyn ReadObjects>,
        catalog: Catalog,
        options: &RemoteOptions,
    ) -> io::Result<Self> {
        let dir = std::path::absolute(dir)?;
        below.create_dir_all(&dir)?;
        let canonical = below.canonical(&dir)?;
        // However the directory is called: what is to go from its cache is in one place.
        let cache_dir = options.cache_dir_of(&canonical);
        let objects = objects_of(&catalog);
        let of = format!("{} {}", bucket.name(), catalog.log());
        let place = (cache_dir.as_path(), of.as_str());
        let blocks = Blocks::open(bucket, below.clone(), place, options, objects)?;
        let whole_dir = blocks.stats().is_on_disk.then_some(cache_dir.as_path());
        let whole = WholeFiles::new(below.clone(), whole_dir, of);
        let digest = blake3::hash(dir.as_os_str().as_encoded_bytes());
        Ok(Self {
            shared: Arc::new(Shared {
                below,
                dirs: [dir, canonical],
                files: Arc::new(Files::new(blocks, whole, catalog, options)),
                device: first_number(&digest),
                renewal: OnceLock::new(),
                bringing: Mutex::new(()),
            }),
        })
    }

    /// Lists other files from now on: those of a newer state of the bucket.
    ///
    /// Who has a file open reads on in the objects that it was in. What was kept of objects that no listed file has is
    /// gone when this returns, from memory and from the disk: so a redaction reaches it. Files that are in the
    /// directory itself are not touched. O(objects, and blocks that are kept).
    pub fn replace_catalog(&self, catalog: Catalog) {
        self.shared.files.replace(catalog);
    }

    /// Has a newer catalog asked for where a segment is to be read that is neither in the directory nor listed: another
    /// process may have left it in the bucket since. The first call counts.
    pub(crate) fn renew_from(&self, renewal: Arc<dyn RenewCatalog>) {
        let _ = self.shared.renewal.set(renewal);
    }

    /// Fetches ranges of files, many at once, so that whoever reads them next waits for nothing; of files that are
    /// not in the bucket, or are in the directory, nothing. What is longer than the budgets is not kept.
    ///
    /// # Errors
    ///
    /// The first that could not be fetched; others may have been.
    pub fn fetch(&self, ranges: &[(&str, Range<u64>)]) -> io::Result<()> {
        let files = ranges.iter().filter_map(|(name, range)| {
            let file = self.shared.remote(name)?;
            Some((file, range.clone()))
        });
        self.shared.files.fetch(&files.collect::<Vec<_>>())
    }

    /// Fetches short ranges of files, many at once, and keeps in memory just these, for whoever reads them, as long as the
    /// files are listed; of files that are not in the bucket, or are in the directory, nothing.
    ///
    /// # Errors
    ///
    /// The first that could not be fetched; none is kept then.
    pub fn look_at(&self, ranges: &[(&str, Range<u64>)]) -> io::Result<()> {
        self.look_at_with(ranges, &[])
    }

    /// As [`look_at`](Self::look_at), with files beside that are kept whole: so that who looks at segments does not wait
    /// for them, and then for the index.
    pub(crate) fn look_at_with(
        &self,
        ranges: &[(&str, Range<u64>)],
        whole: &[&str],
    ) -> io::Result<()> {
        let remote = |name: &str| Some((name.to_owned(), self.shared.remote(name)?));
        let ranges = ranges.iter().filter_map(|(name, range)| {
            let (name, file) = remote(name)?;
            Some((name, file, range.clone()))
        });
        let whole: Vec<_> = whole.iter().filter_map(|name| remote(name)).collect();
        let files = &self.shared.files;
        files.look_at(&ranges.collect::<Vec<_>>(), &whole)
    }

    /// Fetches what an opening of the store reads one after the other, as much at once as may be: the merged files
    /// of the index, and of segments that none of these stands for, and the newest ones, their headers and
    /// footers. So the opening waits for the bucket no more.
    ///
    /// `manifest` is the one in the directory: [`Manifest::read`]. O(files) and the bytes of the index.
    ///
    /// # Errors
    ///
    /// The first that could not be fetched; others may have been.
    pub fn prepare(&self, manifest: &Manifest) -> io::Result<()> {
        let shared = &self.shared;
        let merged = shared.files.list().into_iter().map(|(name, _)| name);
        let merged: Vec<_> = merged.filter(|name| is_kept_whole(name)).collect();
        let FirstReads { looks, footers } = first_reads(manifest, &merged);
        let looks = looks.into_iter().filter_map(|(name, range)| {
            let file = shared.remote(&name)?;
            Some((name, file, range))
        });
        shared.files.look_at(&looks.collect::<Vec<_>>(), &[])?;
        let footers = footers.into_iter().filter_map(|(name, range)| {
            let file = shared.remote(&name)?;
            Some((file, range))
        });
        shared.files.fetch(&footers.collect::<Vec<_>>())?;
        let merged = merged.into_iter().filter_map(|name| {
            let file = shared.remote(&name)?;
            Some((name, file))
        });
        shared.files.fetch_whole(&merged.collect::<Vec<_>>())
    }

    /// Brings a file into the directory, whole, unless it is there. Nothing if it is not listed either.
    ///
    /// # Errors
    ///
    /// What stands against fetching or writing it; nothing of it is there then.
    pub fn bring(&self, name: &str) -> io::Result<()> {
        self.shared.bring(name)
    }

    /// What was asked of the bucket and of the cache.
    #[must_use]
    pub fn stats(&self) -> RemoteStats {
        self.shared.files.stats()
    }
}

/// Knows which files a bucket has by now.
pub(crate) trait RenewCatalog: Send + Sync + std::fmt::Debug {
    /// A catalog that may have the file with this name, if one can be had that was not had before.
    ///
    /// # Errors
    ///
    /// What stands against finding out.
    fn catalog_with(&self, name: &str) -> io::Result<Option<Catalog>>;

    /// What of a catalog the directory still has, if that is less.
    fn left_of(&self, catalog: &Catalog) -> Option<Catalog>;
}

impl Shared {
    /// Looks for a file that is listed nowhere in a newer catalog.
    fn renewed(&self, name: &str) -> io::Result<Option<RemoteFile>> {
        let Some(renewal) = self.renewal.get() else {
            return Ok(None);
        };
        if let Some(catalog) = renewal.catalog_with(name)? {
            self.files.replace(catalog);
        }
        Ok(self.files.get(name))
    }

    /// The manifest is about to be read: what another process has rewritten since is kept no more.
    fn shrink(&self) {
        let renewal = self.renewal.get();
        if let Some(left) = renewal.and_then(|renewal| renewal.left_of(&self.files.catalog())) {
            self.files.replace(left);
        }
    }

    fn opened(&self, name: &str, file: RemoteFile) -> Arc<dyn FsFile> {
        Arc::new(BucketFile {
            files: self.files.clone(),
            name: name.to_owned(),
            file,
            identity: self.identity_of(name),
            read: Mutex::new(Course::default()),
            whole: OnceLock::new(),
        })
    }

    fn is_dir(&self, path: &Path) -> bool {
        let is_one = |path: &Path| self.dirs.iter().any(|dir| dir == path);
        // Whoever gave a path from where the process is asks by such paths.
        is_one(path)
            || path.is_relative() && std::path::absolute(path).is_ok_and(|path| is_one(&path))
    }

    /// Whether a path is that of the file that says to others that files are lacking.
    fn is_hidden(&self, path: &Path) -> bool {
        self.name_of(path) == Some(BUCKET_FILE)
    }

    /// The name of what may be a file of the bucket.
    fn name_of<'p>(&self, path: &'p Path) -> Option<&'p str> {
        let is_in = path.parent().is_some_and(|parent| self.is_dir(parent));
        is_in.then(|| path.file_name()?.to_str()).flatten()
    }

    fn path_of(&self, name: &str) -> PathBuf {
        let [dir, _] = &self.dirs;
        dir.join(name)
    }

    /// A file that is in the bucket and not in the directory.
    fn remote(&self, name: &str) -> Option<RemoteFile> {
        let file = self.files.get(name)?;
        // One that is no regular file has the name, too.
        let local = self.below.open(&self.path_of(name), OpenMode::Read);
        matches!(local, Err(error) if error.kind() == io::ErrorKind::NotFound).then_some(file)
    }

    fn bring(&self, name: &str) -> io::Result<()> {
        let _bringing = self.bringing.lock();
        let Some(file) = self.remote(name) else {
            return Ok(());
        };
        write_whole(
            &*self.below,
            &self.path_of(name),
            file.bytes(),
            |buffer, offset| self.files.read(&file, buffer, offset),
        )
    }

    /// Brings the file of a path, if it is one of the bucket.
    fn bring_at(&self, path: &Path) -> io::Result<()> {
        self.name_of(path).map_or(Ok(()), |name| self.bring(name))
    }

    /// Notes that a name was taken away.
    fn removed(&self, path: &Path) -> bool {
        self.name_of(path)
            .is_some_and(|name| self.files.remove(name))
    }

    fn identity_of(&self, name: &str) -> FileIdentity {
        FileIdentity {
            device: self.device,
            inode: first_number(&blake3::hash(name.as_bytes())),
        }
    }

    /// The files of the bucket that are in a directory, but for those whose names it has itself.
    fn also_in(&self, path: &Path, has: impl Fn(&str) -> bool) -> Vec<(String, u64)> {
        if !self.is_dir(path) {
            return Vec::new();
        }
        let mut files = self.files.list();
        files.retain(|(name, _)| !has(name));
        files
    }

    /// The files of the bucket are of a path: they would stay, while the rest goes.
    fn check_stays(&self, path: &Path) -> io::Result<()> {
        match self.is_dir(path) {
            true => Err(io::Error::new(io::ErrorKind::Unsupported, STAYS)),
            false => Ok(()),
        }
    }
}

impl FsLayer for BucketFs {
    fn below(&self) -> &dyn Fs {
        &*self.shared.below
    }

    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        let shared = &self.shared;
        if shared.is_hidden(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        match shared.below.identity(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let name = shared
                    .name_of(path)
                    .filter(|name| shared.files.get(name).is_some());
                name.map(|name| shared.identity_of(name)).ok_or(error)
            }
            identity => identity,
        }
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let shared = &self.shared;
        if shared.is_hidden(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let Some(name) = shared.name_of(path) else {
            return shared.below.open(path, mode);
        };
        if name == MANIFEST_FILE {
            shared.shrink();
        }
        let listed = shared.files.get(name);
        match (mode, listed) {
            (OpenMode::Read, listed) => match shared.below.open(path, mode) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let file = match listed {
                        None => shared.renewed(name)?,
                        listed => listed,
                    };
                    file.map(|file| shared.opened(name, file)).ok_or(error)
                }
                opened => opened,
            },
            (OpenMode::Create, Some(_)) => Err(io::ErrorKind::AlreadyExists.into()),
            // To be appended to.
            (_, Some(_)) => {
                shared.bring(name)?;
                shared.below.open(path, mode)
            }
            (_, None) => shared.below.open(path, mode),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = self.shared.below.list(path)?;
        entries.retain(|entry| !self.shared.is_hidden(&path.join(&entry.name)));
        let has = |name: &str| {
            let found = entries.binary_search_by(|own| own.name.as_str().cmp(name));
            found.is_ok()
        };
        let files = self.shared.also_in(path, has).into_iter();
        entries.extend(files.map(|(name, bytes)| DirEntry {
            name,
            kind: EntryKind::File,
            bytes,
        }));
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn list_names(&self, path: &Path) -> io::Result<Vec<DirName>> {
        let mut names = self.shared.below.list_names(path)?;
        names.retain(|entry| !self.shared.is_hidden(&path.join(&entry.name)));
        let has = |name: &str| {
            let found = names.binary_search_by(|own| own.name.as_str().cmp(name));
            found.is_ok()
        };
        let files = self.shared.also_in(path, has).into_iter();
        names.extend(files.map(|(name, _)| DirName {
            name,
            kind: EntryKind::File,
        }));
        names.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let shared = &self.shared;
        shared.check_stays(from)?;
        shared.check_stays(to)?;
        shared.bring_at(from)?;
        shared.below.rename(from, to)?;
        shared.removed(from);
        Ok(())
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let shared = &self.shared;
        if let Some(name) = shared.name_of(to)
            && shared.files.get(name).is_some()
        {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        shared.check_stays(from)?;
        shared.bring_at(from)?;
        shared.below.rename_new(from, to)?;
        shared.removed(from);
        Ok(())
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let shared = &self.shared;
        shared.check_stays(one)?;
        shared.check_stays(other)?;
        shared.bring_at(one)?;
        shared.bring_at(other)?;
        shared.below.exchange(one, other)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let shared = &self.shared;
        match shared.below.remove_file(path) {
            Ok(()) => {
                shared.removed(path);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => match shared.removed(path) {
                true => Ok(()),
                false => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        let shared = &self.shared;
        if let Some(own) = shared.name_of(file)
            && shared.remote(own).is_some()
        {
            return Err(io::ErrorKind::Unsupported.into());
        }
        shared.below.link(file, name)
    }

    fn discard_copy(&self, path: &Path) -> bool {
        let shared = &self.shared;
        match shared
            .name_of(path)
            .filter(|name| shared.remote(name).is_some())
        {
            Some(name) => shared.files.discard_whole(name),
            None => shared.below.discard_copy(path),
        }
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        // Below, the lock of a file that is missing makes it, and it would stand for that of the bucket.
        self.shared.bring_at(path)?;
        self.shared.below.try_lock(path)
    }
}

/// Eight bytes of a hash as a number.
fn first_number(hash: &blake3::Hash) -> u64 {
    let (first, _) = hash.as_bytes().as_chunks::<8>();
    first.first().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
