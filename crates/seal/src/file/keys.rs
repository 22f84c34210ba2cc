//! `FileKeys`: keys in a file, wrapped; added to or replaced, under a lock.

use super::disk::{Extent, Opened, add, lock, refused, replace};
use super::format::KeyFile;
use super::mark::{Mark, VERSION};
use super::options::KeyFileOptions;
use super::secret::Secret;
use super::tail::Tail;
use crate::crypto::{Key, WrappingKey, secret_of};
use crate::keys::{Found, KeyRecord, KeyStore, Table, was_forgotten};
use crate::subject::Subject;
use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::OpenMode;
use strandline::{Error, ErrorKind, SealKeyId};
use strandline_core::sync::{Mutex, RwLock};
use strandline_core::{Random, check_name};

/// Keys in a file that only its owner can read, each encrypted with a [`WrappingKey`] that is elsewhere.
///
/// The file is held in memory. A key that is made is added behind the others with one sync, in some hundred bytes; to
/// forget one, or to [`rotate`](Self::rotate), replaces the file as a whole, so that what is to be gone is. Either is
/// durable when it returns: after a power cut the file is as before or as after. Several processes may use it: who changes
/// it has the lock `<file>.lock`, and whoever only reads sees a change after [`KeyFileOptions::look_interval`]. So a file
/// is for hundreds of thousands of keys, some 130 bytes each ([`create_all`](Self::create_all) makes many at once); what
/// has millions keeps them elsewhere, with a [`KeyStore`] of its own.
///
/// A copy of the file from before a key was forgotten still has that key, as have the disk's blocks of before. To end
/// those too, [`rotate`](Self::rotate) and destroy the wrapping key of before.
///
/// ```
/// use strandline_seal::{FileKeys, KeyStore, Subject, WrappingKey};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("customers.keys");
/// let wrapping = WrappingKey::random()?;
/// let kept_elsewhere = wrapping.to_hex();
/// let keys = FileKeys::create(&path, wrapping)?;
/// let key = keys.create(Subject::Entity("customer:7"))?;
///
/// let keys = FileKeys::open(&path, WrappingKey::from_hex(&kept_elsewhere)?)?;
/// assert_eq!(keys.current(Subject::Entity("customer:7"))?.unwrap().secret(), key.secret());
/// assert!(FileKeys::open(&path, WrappingKey::random()?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileKeys {
    options: KeyFileOptions,
    path: PathBuf,
    /// Held by the thread that changes the file, which others read meanwhile.
    changing: Mutex<()>,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    wrapping: Arc<WrappingKey>,
    file: Arc<KeyFile>,
    /// What there was of the file when it was read.
    extent: Extent,
    /// When the file was looked at; `None` if it is to be before it is used again.
    looked: Option<Duration>,
}

impl FileKeys {
    /// Makes a file of keys, which has none.
    ///
    /// # Errors
    ///
    /// As [`KeyFileOptions::create`].
    pub fn create(path: impl AsRef<Path>, wrapping: WrappingKey) -> Result<Self, Error> {
        KeyFileOptions::new().create(path, wrapping)
    }

    /// Opens a file of keys.
    ///
    /// # Errors
    ///
    /// As [`KeyFileOptions::open`].
    pub fn open(path: impl AsRef<Path>, wrapping: WrappingKey) -> Result<Self, Error> {
        KeyFileOptions::new().open(path, wrapping)
    }

    fn make(options: KeyFileOptions, path: &Path, wrapping: WrappingKey) -> Result<Self, Error> {
        let _lock = lock(&options, path)?;
        match options.fs.open(path, OpenMode::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refused("look for", path, error)),
            Ok(_) => {
                let message = format!("{} is there already", path.display());
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        }
        let random = random()?;
        let (identity, generation) = (random.nonce().0, 1);
        let mark = Mark {
            version: VERSION,
            identity,
            generation,
        };
        let mut file = KeyFile {
            mark,
            check: wrapping.wrap(&[0; 32], &mark.bound(), nonce(&random)),
            table: Table::new(),
            tail: Tail::of_base(&mark, 0),
        };
        let extent = replace(&options, path, &file)?;
        file.tail.end = extent.length;
        Ok(Self::with(options, path, wrapping, (file, extent)))
    }

    fn read(options: KeyFileOptions, path: &Path, wrapping: WrappingKey) -> Result<Self, Error> {
        let opened = Opened::open(&options, path)?;
        let file = opened.load(path, &wrapping)?;
        Ok(Self::with(options, path, wrapping, (file, opened.extent)))
    }

    fn with(
        options: KeyFileOptions,
        path: &Path,
        wrapping: WrappingKey,
        (file, extent): (KeyFile, Extent),
    ) -> Self {
        let state = State {
            wrapping: Arc::new(wrapping),
            file: Arc::new(file),
            extent,
            looked: Some(options.clock.elapsed()),
        };
        Self {
            options,
            path: path.to_owned(),
            changing: Mutex::new(()),
            state: RwLock::new(state),
        }
    }

    /// What is known of each key, in the order in which they were made. Linear in their number.
    ///
    /// # Errors
    ///
    /// As [`current`](KeyStore::current).
    pub fn records(&self) -> Result<Vec<KeyRecord>, Error> {
        self.look(true)?;
        let file = self.state.read().file.clone();
        Ok(file
            .table
            .iter()
            .map(|(record, _)| record.clone())
            .collect())
    }

    /// Makes the keys of many subjects that have none, in one change of the file. How many were made.
    ///
    /// # Errors
    ///
    /// As [`create`](KeyStore::create).
    pub fn create_all<'a>(
        &self,
        subjects: impl IntoIterator<Item = Subject<'a>>,
    ) -> Result<usize, Error> {
        let now_ms = self.options.clock.now_ms();
        let _changing = self.changing.lock();
        let _lock = lock(&self.options, &self.path)?;
        self.read_again()?;
        let (wrapping, file) = {
            let state = self.state.read();
            (state.wrapping.clone(), state.file.clone())
        };
        let (mut made, mut of) = (Vec::new(), HashSet::new());
        for subject in subjects {
            check_name("name of a subject", subject.name()).map_err(|error| {
                let message = format!("there is no {subject}");
                Error::new(ErrorKind::InvalidInput, message).with_source(error)
            })?;
            let newest = file.table.newest(subject);
            if newest.is_some_and(|(record, _)| record.forgotten_ms.is_none())
                || !of.insert(subject)
            {
                continue;
            }
            // Not of a source that a fork of this process would have too.
            let random = random()?;
            let id = SealKeyId::from_bytes(random.nonce().0);
            let record = KeyRecord::new(id, subject, now_ms);
            let secret = secret_of(&random);
            let identity = &file.mark.identity;
            let secret = Secret::wrap(identity, &record, &secret, &wrapping, nonce(&random));
            made.push((record, secret));
        }
        let count = made.len();
        // Nobody else has it, or adding to it would copy it.
        drop(file);
        self.add(made)?;
        Ok(count)
    }

    /// Adds keys to the file, or replaces it where something stands behind what counts of it: what a crash left, and keys
    /// that it may have taken back. Under the lock.
    fn add(&self, made: Vec<(KeyRecord, Secret)>) -> Result<(), Error> {
        let (mark, end, is_whole, is_proven) = {
            let State { file, extent, .. } = &*self.state.read();
            let tail = &file.tail;
            let is_whole = tail.is_whole && tail.end == extent.length;
            (file.mark, tail.end, is_whole, tail.unproven.is_empty())
        };
        if made.is_empty() && is_proven {
            return Ok(());
        }
        if is_whole {
            let added = add(&self.options, &self.path, (&mark, end), &made);
            let mut state = self.state.write();
            match added {
                // Some of it may be there.
                Err(error) => {
                    state.looked = None;
                    return Err(error);
                }
                Ok(Some(extent)) => {
                    let file = Arc::make_mut(&mut state.file);
                    file.tail.end = extent.length;
                    for (record, secret) in made {
                        add_to(file, record, secret)?;
                    }
                    state.extent = extent;
                    state.looked = Some(self.options.clock.elapsed());
                    return Ok(());
                }
                Ok(None) => {}
            }
        }
        self.replaced(None, |_, file| {
            let mut made = made.into_iter();
            made.try_for_each(|(record, secret)| add_to(file, record, secret))?;
            Ok(true)
        })
    }

    /// Encrypts every key with another wrapping key, in one change of the file: after it the wrapping key of before
    /// opens only older copies of the file, and nothing once it is destroyed. Until this has returned keep both.
    /// Other processes that use the file are to be started anew with the new one.
    ///
    /// # Errors
    ///
    /// As [`create`](KeyStore::create); the file has one of the two then. [`ErrorKind::InvalidInput`] if the keys are
    /// encrypted with that one already.
    pub fn rotate(&self, to: WrappingKey) -> Result<(), Error> {
        let to = Arc::new(to);
        self.change(Some(to.clone()), |wrapping, file| {
            // Whoever destroyed the key of before would destroy this one.
            if wrapping.secret() == to.secret() {
                let path = self.path.display();
                let message =
                    format!("the keys in {path} are encrypted with this wrapping key already");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
            let random = random()?;
            let mark = file.mark;
            file.check = to.wrap(&[0; 32], &mark.bound(), nonce(&random));
            for (record, secret) in file.table.iter_mut() {
                let again = secret.again(&mark.identity, record, (wrapping, &to), nonce(&random));
                *secret = again.ok_or_else(|| damaged_key(&self.path, record))?;
            }
            Ok(true)
        })
    }

    /// Changes what is in the file, under the lock, and replaces it, if `change` says that it changed it. What it makes of
    /// it is encrypted with another wrapping key, if one is given.
    fn change(
        &self,
        to: Option<Arc<WrappingKey>>,
        change: impl FnOnce(&WrappingKey, &mut KeyFile) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock();
        let _lock = lock(&self.options, &self.path)?;
        self.read_again()?;
        self.replaced(to, change)
    }

    fn replaced(
        &self,
        to: Option<Arc<WrappingKey>>,
        change: impl FnOnce(&WrappingKey, &mut KeyFile) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let (wrapping, file) = {
            let state = self.state.read();
            (state.wrapping.clone(), state.file.clone())
        };
        let mut file = KeyFile::clone(&file);
        if !change(&wrapping, &mut file)? {
            return Ok(());
        }
        file.mark.generation = file.mark.generation.saturating_add(1);
        file.mark.version = VERSION;
        let written = replace(&self.options, &self.path, &file);
        let mut state = self.state.write();
        let extent = written.inspect_err(|_| {
            // The file of before may stand, or this one.
            state.looked = None;
        })?;
        file.tail = Tail::of_base(&file.mark, 0);
        file.tail.end = extent.length;
        state.file = Arc::new(file);
        state.extent = extent;
        if let Some(to) = to {
            state.wrapping = to;
        }
        state.looked = Some(self.options.clock.elapsed());
        Ok(())
    }

    /// Looks whether the file is another one than was read, if that is due or asked for, and reads it then.
    fn look(&self, now: bool) -> Result<(), Error> {
        let elapsed = self.options.clock.elapsed();
        let known = {
            let state = self.state.read();
            let is_new =
                |looked: Duration| elapsed.saturating_sub(looked) < self.options.look_interval;
            if !now && state.looked.is_some_and(is_new) {
                return Ok(());
            }
            (state.file.mark, state.extent)
        };
        let opened = Opened::open(&self.options, &self.path)?;
        if (opened.mark, opened.extent) != known {
            // What a thread here has written is known once it is done, and so is its wrapping key.
            let _changing = self.changing.lock();
            return self.read_again();
        }
        self.state.write().looked = Some(elapsed);
        Ok(())
    }

    /// Reads the file if it is another one than was read, or what was added to it. Nobody else changes what was read
    /// meanwhile.
    fn read_again(&self) -> Result<(), Error> {
        let elapsed = self.options.clock.elapsed();
        let (wrapping, mark, extent) = {
            let state = self.state.read();
            (state.wrapping.clone(), state.file.mark, state.extent)
        };
        let opened = Opened::open(&self.options, &self.path)?;
        let anew = match opened.goes_on_from(&self.path, &mark, &extent)? {
            true => None,
            false => Some(opened.load(&self.path, &wrapping)?),
        };
        let mut state = self.state.write();
        match anew {
            Some(file) => state.file = Arc::new(file),
            None if opened.extent.length > state.file.tail.end => {
                // What of it was right is taken, also where something after it is not.
                opened.load_more(&self.path, Arc::make_mut(&mut state.file))?;
            }
            None => {}
        }
        state.extent = opened.extent;
        state.looked = Some(elapsed);
        Ok(())
    }

    fn found(&self, id: SealKeyId) -> Result<Found, Error> {
        let state = self.state.read();
        let identity = &state.file.mark.identity;
        let Some((record, secret)) = state.file.table.by_id(id) else {
            return Ok(Found::Unknown);
        };
        let damaged = || damaged_key(&self.path, record);
        match record.forgotten_ms {
            None => {
                let key = secret.key(identity, record, &state.wrapping);
                Ok(Found::Key(key.ok_or_else(damaged)?))
            }
            Some(at_ms) if secret.are_remains(identity, record, &state.wrapping) => {
                Ok(Found::Forgotten { at_ms })
            }
            Some(_) => Err(damaged()),
        }
    }
}

impl KeyFileOptions {
    /// Makes a file of keys, which has none, and opens it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](strandline::ErrorKind::InvalidInput) if there is a file; as
    /// [`KeyStore::create`](crate::KeyStore::create) of [`FileKeys`].
    pub fn create(self, path: impl AsRef<Path>, wrapping: WrappingKey) -> Result<FileKeys, Error> {
        FileKeys::make(self, path.as_ref(), wrapping)
    }

    /// Opens a file of keys.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](strandline::ErrorKind::NotFound) if there is none;
    /// [`InvalidInput`](strandline::ErrorKind::InvalidInput) if the wrapping key is another one, or the file is no
    /// file of keys; [`Corrupt`](strandline::ErrorKind::Corrupt) if it is damaged;
    /// [`UnsupportedVersion`](strandline::ErrorKind::UnsupportedVersion); [`Io`](strandline::ErrorKind::Io).
    pub fn open(self, path: impl AsRef<Path>, wrapping: WrappingKey) -> Result<FileKeys, Error> {
        FileKeys::read(self, path.as_ref(), wrapping)
    }
}

impl KeyStore for FileKeys {
    fn current(&self, subject: Subject<'_>) -> Result<Option<Arc<Key>>, Error> {
        self.look(false)?;
        let state = self.state.read();
        match state.file.table.newest(subject) {
            None => Ok(None),
            Some((record, _)) if record.forgotten_ms.is_some() => Err(was_forgotten(subject)),
            // Nothing is to be sealed with a key that a power cut may take back: who makes one makes it last.
            Some((record, _)) if state.file.tail.unproven.contains(&record.id) => Ok(None),
            Some((record, secret)) => {
                let key = secret.key(&state.file.mark.identity, record, &state.wrapping);
                Ok(Some(key.ok_or_else(|| damaged_key(&self.path, record))?))
            }
        }
    }

    fn create(&self, subject: Subject<'_>) -> Result<Arc<Key>, Error> {
        self.create_all([subject])?;
        self.current(subject)?.ok_or_else(|| was_forgotten(subject))
    }

    fn find(&self, id: SealKeyId) -> Result<Found, Error> {
        self.look(false)?;
        match self.found(id)? {
            // Another process may have made it since.
            Found::Unknown => {
                self.look(true)?;
                self.found(id)
            }
            found => Ok(found),
        }
    }

    fn forget(&self, subject: Subject<'_>) -> Result<bool, Error> {
        let now_ms = self.options.clock.now_ms();
        let mut any = false;
        self.change(None, |wrapping, file| {
            let (random, identity) = (random()?, file.mark.identity);
            any = file.table.forget(subject, now_ms, |record| {
                Secret::remains(&identity, record, wrapping, nonce(&random))
            });
            Ok(any)
        })?;
        Ok(any)
    }
}

impl fmt::Debug for FileKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKeys")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn add_to(file: &mut KeyFile, record: KeyRecord, secret: Secret) -> Result<(), Error> {
    match file.table.add(record, secret) {
        true => Ok(()),
        // Two draws of 128 bits are equal only where what draws is broken.
        false => Err(Error::new(ErrorKind::Io, "an id of a key was drawn twice")),
    }
}

fn random() -> Result<Random, Error> {
    Random::from_os().map_err(|error| {
        Error::new(ErrorKind::Io, "there are no random bytes to make keys of").with_source(error)
    })
}

fn nonce(random: &Random) -> [u8; 24] {
    let bytes = random.bytes();
    bytes.first_chunk().copied().unwrap_or_default()
}

fn damaged_key(path: &Path, record: &KeyRecord) -> Error {
    let (path, id, subject) = (path.display(), record.id, record.subject());
    let message = format!("in {path} key {id} of {subject} is not what was written");
    Error::new(ErrorKind::Corrupt, message)
}
