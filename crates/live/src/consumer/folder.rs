//! `Consumer`: the folder of a consumer, what it is, and which of its versions is served.

use super::partition::Partition;
use super::place::Place;
use crate::{ConsumerInfo, ConsumerKind, Error, ErrorKind, Request};
use std::io;
use std::path::{Path, PathBuf};
use strandline_checkpoint::{CheckpointError, CheckpointWriter, newest};
use strandline_core::Hash;
use strandline_core::fs::{EntryKind, Fs, read_file, replace_file};

const INFO_SECTION: &str = "consumer";
const FORMAT_SECTION: &str = "format";
/// Of the files of a consumer and its folder.
const FORMAT: u32 = 1;
const CURRENT: &str = "current";
const CURRENT_BYTES_MAX: u64 = 64;
const VERSION: &str = "v";
/// The version of a consumer that has no others: all but projections.
pub(crate) const ONLY_VERSION: u32 = 1;
/// What a folder is called until all is in it.
const NEW: &str = "new-";

/// The folder of a consumer.
#[derive(Debug, Clone)]
pub(crate) struct Consumer {
    place: Place,
    dir: PathBuf,
    info: ConsumerInfo,
}

impl Consumer {
    /// The consumer with this name, if there is one.
    ///
    /// # Errors
    ///
    /// `Corrupt`, `UnsupportedVersion`, `Io`.
    pub(crate) fn open(place: &Place, root: &Path, name: &str) -> Result<Option<Self>, Error> {
        let found = Self::at(place, root.join(folder(name)))?;
        if let Some(found) = found.as_ref().filter(|found| found.info.name != name) {
            let message = format!("{} is the folder of another consumer", found.dir.display());
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        Ok(found)
    }

    /// The consumer as it is to be, made if it is missing, with `version` as the one that is served.
    ///
    /// # Errors
    ///
    /// `OtherConsumer` if it is there and of another kind, or has another number of partitions; as
    /// [`open`](Self::open).
    pub(crate) fn open_or_create(
        place: &Place,
        root: &Path,
        info: &ConsumerInfo,
        version: u32,
    ) -> Result<Self, Error> {
        if let Some(found) = Self::open(place, root, &info.name)? {
            found.check(info)?;
            // Whoever made it may have been killed before.
            sync_entries(&*place.fs, root)?;
            return Ok(found);
        }
        Self::create(place, root, info, version)?;
        let found = Self::open(place, root, &info.name)?;
        let found = found.ok_or_else(|| {
            let message = format!(
                "the folder of {:?} was removed as soon as it was made, or does not say what it is",
                info.name
            );
            Error::new(ErrorKind::NotFound, message)
        })?;
        found.check(info)?;
        Ok(found)
    }

    /// All consumers, by their names, and why others cannot be read.
    ///
    /// # Errors
    ///
    /// `Io` if the directory cannot be listed.
    pub(crate) fn list(place: &Place, root: &Path) -> Result<(Vec<Self>, Vec<Error>), Error> {
        let entries = match place.fs.list_names(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
            entries => entries.map_err(|error| Error::io("list", root, error))?,
        };
        let (mut consumers, mut unreadable) = (Vec::new(), Vec::new());
        for entry in entries {
            if entry.kind == EntryKind::Directory && is_folder(&entry.name) {
                match Self::at(place, root.join(entry.name)) {
                    Ok(consumer) => consumers.extend(consumer),
                    Err(error) => unreadable.push(error),
                }
            }
        }
        consumers.sort_by(|a, b| a.info.name.cmp(&b.info.name));
        Ok((consumers, unreadable))
    }

    pub(crate) const fn info(&self) -> &ConsumerInfo {
        &self.info
    }

    /// Which version is served. Only a projection has several, so of the others the file that says so is not read.
    ///
    /// # Errors
    ///
    /// `Corrupt` if the file that says so does not; `Io`.
    pub(crate) fn version(&self) -> Result<u32, Error> {
        if self.info.kind != ConsumerKind::Projection {
            return Ok(ONLY_VERSION);
        }
        self.current()?.ok_or_else(|| {
            let message = format!(
                "{} does not say which version is served; reset the consumer, which writes that anew and lets it \
                 begin anew",
                self.dir.join(CURRENT).display()
            );
            Error::new(ErrorKind::Corrupt, message)
        })
    }

    /// As [`version`](Self::version), for who is to go on elsewhere anyway: where the file does not say it, it is
    /// written anew, of the highest version that has a whole state, or is there at all. Says so then.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn version_mended(&self) -> Result<(u32, Option<String>), Error> {
        if let Some(version) = self.current()? {
            let is_only = self.info.kind != ConsumerKind::Projection;
            return Ok((if is_only { ONLY_VERSION } else { version }, None));
        }
        let version = match self.info.kind {
            ConsumerKind::Projection => {
                let versions = self.versions()?;
                let mut highest = versions.iter().rev();
                let whole = highest.find(|version| self.is_whole(**version));
                *whole.or_else(|| versions.last()).unwrap_or(&ONLY_VERSION)
            }
            _ => ONLY_VERSION,
        };
        self.set_version(version)?;
        let path = self.dir.join(CURRENT);
        let mended = format!(
            "{} did not say which version is served, and was written anew: it is version {version}",
            path.display()
        );
        Ok((version, Some(mended)))
    }

    /// What the file says that names the version that is served; none if it is damaged or missing.
    fn current(&self) -> Result<Option<u32>, Error> {
        let path = self.dir.join(CURRENT);
        let bytes = match read_file(&*self.place.fs, &path, CURRENT_BYTES_MAX) {
            Err(error) if is_not_said(&error) => return Ok(None),
            bytes => bytes.map_err(|error| Error::io("read", &path, error))?,
        };
        let text = String::from_utf8(bytes).unwrap_or_default();
        Ok(text.strip_suffix('\n').and_then(version_of))
    }

    /// Whether a version has a state with a position in each partition.
    fn is_whole(&self, version: u32) -> bool {
        (0..self.info.partitions).all(|index| {
            let loaded = self.partition_there(version, index).load();
            let state = loaded.ok().and_then(|loaded| loaded.state);
            state.is_some_and(|state| state.position.is_some())
        })
    }

    /// Serves another version from now on: one rename.
    ///
    /// # Errors
    ///
    /// `Io`; then either is served.
    pub(crate) fn set_version(&self, version: u32) -> Result<(), Error> {
        let path = self.dir.join(CURRENT);
        let replaced = replace_file(&*self.place.fs, &path, current(version).as_bytes());
        replaced.map_err(|error| Error::io("write", &path, error))
    }

    /// The versions that there are folders of, ascending.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn versions(&self) -> Result<Vec<u32>, Error> {
        let entries = self.place.fs.list_names(&self.dir);
        let entries = entries.map_err(|error| Error::io("list", &self.dir, error))?;
        let folders = entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Directory);
        let mut versions: Vec<_> = folders
            .filter_map(|entry| version_of(&entry.name))
            .collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// A partition of a version, to be worked on. Its directory is made if it is missing, but not that of the version
    /// that is served: all of those were made before it was.
    ///
    /// # Errors
    ///
    /// `Corrupt` if the version is served and the directory is gone: who goes on there would begin anew and not know it.
    /// `Io`.
    pub(crate) fn partition(&self, version: u32, index: u32) -> Result<Partition, Error> {
        let partition = self.partition_there(version, index);
        self.check_there(version, &partition)?;
        let dir = partition.dir();
        let io = |error| Error::io("make", dir, error);
        if !partition.is_there()? {
            self.place.fs.create_dir_all(dir).map_err(io)?;
        }
        // The entries of both directories, the upper one first; also where whoever made them was killed before.
        self.place.fs.sync_dir(&self.dir).map_err(io)?;
        self.place
            .fs
            .sync_dir(&self.version_dir(version))
            .map_err(io)?;
        Ok(partition)
    }

    /// Fails if the directory of a partition is gone, of the version that is served.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it is; `Io`.
    pub(crate) fn check_there(&self, version: u32, partition: &Partition) -> Result<(), Error> {
        // In this order: what is served no more may be removed.
        if partition.is_there()? || self.version()? != version {
            return Ok(());
        }
        let message = format!(
            "the directory {} of partition {} of {:?} is gone, and with it how far that was; look at what the \
             consumer has done last, then reset it",
            partition.dir().display(),
            partition.index(),
            self.info.name
        );
        Err(Error::new(ErrorKind::Corrupt, message))
    }

    /// Asks to go on elsewhere, and gives the partition and the name of the request. A directory that is gone is made
    /// again, with the request in it: nobody finds it without.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn ask_reset(
        &self,
        version: u32,
        index: u32,
        request: &Request,
    ) -> Result<(Partition, String), Error> {
        let (partition, fs) = (self.partition_there(version, index), &*self.place.fs);
        if partition.is_there()? {
            return Ok((partition.clone(), partition.ask(request)?));
        }
        let versions = self.version_dir(version);
        let new = versions.join(format!("{NEW}{:016x}", self.place.random.number()));
        let made = fs.create_dir_all(&new);
        let made = made.map_err(|error| Error::io("make", &new, error));
        let asked = made.and_then(|()| {
            let asked = Partition::new(self.place.clone(), new.clone(), index).ask(request)?;
            let renamed = fs.rename_new(&new, partition.dir());
            renamed.map_err(|error| Error::io("make", partition.dir(), error))?;
            Ok(asked)
        });
        let asked = match asked {
            Ok(asked) => asked,
            Err(error) => {
                let _ = remove_all(fs, &new);
                // Somebody else may have made it meanwhile.
                match partition.is_there()? {
                    true => partition.ask(request)?,
                    false => return Err(error),
                }
            }
        };
        for dir in [&self.dir, &versions] {
            let synced = fs.sync_dir(dir);
            synced.map_err(|error| Error::io("sync", dir, error))?;
        }
        Ok((partition, asked))
    }

    /// A partition of a version, to be read, whether it is there or not.
    pub(crate) fn partition_there(&self, version: u32, index: u32) -> Partition {
        let dir = self.version_dir(version).join(index.to_string());
        Partition::new(self.place.clone(), dir, index).of(&self.info.name)
    }

    /// Removes the folder of a version and all that is in it. Removing what is not there is fine.
    ///
    /// # Errors
    ///
    /// `Io`; what was not removed is still there.
    pub(crate) fn remove_version(&self, version: u32) -> Result<(), Error> {
        let dir = self.version_dir(version);
        remove_all(&*self.place.fs, &dir).map_err(|error| Error::io("remove", &dir, error))?;
        let synced = self.place.fs.sync_dir(&self.dir);
        synced.map_err(|error| Error::io("sync", &self.dir, error))
    }

    fn version_dir(&self, version: u32) -> PathBuf {
        self.dir.join(format!("{VERSION}{version}"))
    }

    fn at(place: &Place, dir: PathBuf) -> Result<Option<Self>, Error> {
        let unreadable = |error: CheckpointError| {
            let kind = match &error {
                CheckpointError::Io { .. } => ErrorKind::Io,
                CheckpointError::VersionUnsupported { .. } => ErrorKind::UnsupportedVersion,
                _ => ErrorKind::Corrupt,
            };
            let advice = match kind {
                ErrorKind::Corrupt => {
                    "; put its folder back from a backup, or remove it, and the consumer begins anew"
                }
                _ => "",
            };
            let message = format!(
                "cannot read what the consumer in {} is{advice}",
                dir.display()
            );
            Error::new(kind, message).with_source(error)
        };
        let found = newest(&*place.fs, &dir).map_err(unreadable)?;
        let Some(checkpoint) = found.checkpoint else {
            return match found.discarded.into_iter().next() {
                Some(discarded) => Err(unreadable(discarded.reason)),
                None => Ok(None),
            };
        };
        let format: u32 = checkpoint.metadata(FORMAT_SECTION).map_err(unreadable)?;
        if format != FORMAT {
            return Err(unreadable(CheckpointError::VersionUnsupported {
                found: format,
                supported: FORMAT,
            }));
        }
        let info: ConsumerInfo = checkpoint.metadata(INFO_SECTION).map_err(unreadable)?;
        // What is in a file is held to what can be made.
        let info = ConsumerInfo::new(info.name, info.kind, info.partitions).map_err(|error| {
            let message = format!("the consumer in {} cannot be", dir.display());
            Error::new(ErrorKind::Corrupt, message).with_source(error)
        })?;
        let place = place.clone();
        Ok(Some(Self { place, dir, info }))
    }

    /// Makes a folder with all that is in it, and gives it its name: of two who do that at once, one succeeds, and the
    /// other finds it.
    fn create(place: &Place, root: &Path, info: &ConsumerInfo, version: u32) -> Result<(), Error> {
        let fs = &*place.fs;
        let new = root.join(format!("{NEW}{:016x}", place.random.number()));
        let dir = root.join(folder(&info.name));
        let make = || {
            // Of what is served each partition is there from the beginning, so one that is not is gone.
            let versions = new.join(format!("{VERSION}{version}"));
            for index in 0..info.partitions {
                fs.create_dir_all(&versions.join(index.to_string()))?;
            }
            fs.sync_dir(&versions)?;
            replace_file(fs, &new.join(CURRENT), current(version).as_bytes())
        };
        let made = make().map_err(|error| Error::io("make", &new, error));
        let made = made.and_then(|()| {
            let writer = CheckpointWriter::new()
                .metadata(FORMAT_SECTION, &FORMAT)
                .and_then(|writer| writer.metadata(INFO_SECTION, info))
                .and_then(|writer| writer.publish(fs, &new, 0));
            writer.map(drop).map_err(|error| {
                let message = format!("cannot write what the consumer {:?} is", info.name);
                Error::new(ErrorKind::Io, message).with_source(error)
            })
        });
        if let Err(error) = made {
            // Each try would leave a folder.
            let _ = remove_all(fs, &new);
            return Err(error);
        }
        match fs.rename_new(&new, &dir) {
            // Where the system cannot do that in one step, whoever was interrupted left an empty folder, which a rename
            // takes the place of, and of no other.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if fs.rename(&new, &dir).is_err() {
                    return remove_all(fs, &new).map_err(|error| Error::io("remove", &new, error));
                }
            }
            renamed => renamed.map_err(|error| Error::io("make", &dir, error))?,
        }
        sync_entries(fs, root)
    }

    fn check(&self, wanted: &ConsumerInfo) -> Result<(), Error> {
        let (found, name) = (&self.info, &wanted.name);
        if found.kind != wanted.kind {
            let message = format!(
                "{name:?} is a {}, and not a {}: choose another name",
                found.kind, wanted.kind
            );
            return Err(Error::new(ErrorKind::OtherConsumer, message));
        }
        if found.partitions != wanted.partitions {
            let message = format!(
                "{name:?} was made with {} partitions, and not {}; the number is fixed, since each has a position of \
                 its own: choose another name, or let all events be handled, remove the consumer, and make it anew \
                 where it was",
                found.partitions, wanted.partitions
            );
            return Err(Error::new(ErrorKind::OtherConsumer, message));
        }
        Ok(())
    }
}

/// Makes the entries of consumers durable, and that of the directory that they are in.
fn sync_entries(fs: &dyn Fs, root: &Path) -> Result<(), Error> {
    let parent = root.parent().unwrap_or(root);
    let parent = match parent.as_os_str().is_empty() {
        true => Path::new("."),
        false => parent,
    };
    for dir in [parent, root] {
        let synced = fs.sync_dir(dir);
        synced.map_err(|error| Error::io("sync", dir, error))?;
    }
    Ok(())
}

/// The folder of a consumer: from the hash of its name, so that no name is a path.
fn folder(name: &str) -> String {
    let hash = Hash::of(name.as_bytes()).to_string();
    hash.chars().take(32).collect()
}

fn is_folder(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn current(version: u32) -> String {
    format!("{VERSION}{version}\n")
}

/// The version that a folder is of: as it is written, without zeros before it.
fn version_of(name: &str) -> Option<u32> {
    let version = name.strip_prefix(VERSION)?.parse().ok()?;
    (current(version).trim_end() == name).then_some(version)
}

/// Whether a file is not there, or is none that says which version is served.
fn is_not_said(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::FileTooLarge
    )
}

/// Removes a directory and all that is in it. One that is not there is removed.
fn remove_all(fs: &dyn Fs, dir: &Path) -> io::Result<()> {
    let entries = match fs.list_names(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = dir.join(&entry.name);
        match entry.kind {
            EntryKind::Directory => remove_all(fs, &path)?,
            _ => fs.remove_file(&path)?,
        }
    }
    fs.remove_dir(dir)
}
