//! `FileKeys`: keys in a file, wrapped; changed as a whole, under a lock.

use super::error::{damaged_key, no_key_file, refused};
use super::format::{BYTES_MAX, CHECKSUM_BYTES, KeyFile, MARK_BYTES, Mark, Seen};
use super::options::KeyFileOptions;
use super::secret::Secret;
use crate::crypto::{Key, WrappingKey, secret_of};
use crate::keys::{Found, KeyRecord, KeyStore, Table, was_forgotten};
use crate::subject::Subject;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use strandline::fs::{FileLock, OpenMode, read_file, replace_file};
use strandline::{Error, ErrorKind, SealKeyId};
use strandline_core::sync::{Mutex, RwLock, thread};
use strandline_core::{Random, check_name};

/// What the file that is locked is called: the file of keys, and this.
const LOCK_SUFFIX: &str = ".lock";
/// How long whoever finds the file locked waits before he looks again.
const LOCK_TRY_INTERVAL: Duration = Duration::from_millis(5);

/// Keys in a file that only its owner can read, each encrypted with a [`WrappingKey`] that is elsewhere.
///
/// The file is held in memory, and replaced as a whole by each change, durably: after a power cut it is as before or
/// as after. Several processes may use it: who changes it has the lock `<file>.lock`, and whoever only reads sees a
/// change after [`KeyFileOptions::look_interval`]. A key that is made takes a write of the whole file, some 130 bytes
/// a key, and two syncs; so a file is for some ten thousands of keys ([`create_all`](Self::create_all) makes many at
/// once), and what has millions keeps them elsewhere, with a [`KeyStore`] of its own.
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
    /// Which state of the file that is.
    seen: Seen,
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
            identity,
            generation,
        };
        let file = KeyFile {
            mark,
            check: wrapping.wrap(&[0; 32], &mark.bound(), nonce(&random)),
            table: Table::new(),
        };
        let bytes = file.encode();
        let written = replace_file(&*options.fs, path, &bytes);
        written.map_err(|error| refused("write", path, error))?;
        let seen = seen_in(path, &bytes)?;
        Ok(Self::with(options, path, wrapping, (file, seen)))
    }

    fn read(options: KeyFileOptions, path: &Path, wrapping: WrappingKey) -> Result<Self, Error> {
        let file = load(&options, path, &wrapping)?;
        Ok(Self::with(options, path, wrapping, file))
    }

    fn with(
        options: KeyFileOptions,
        path: &Path,
        wrapping: WrappingKey,
        (file, seen): (KeyFile, Seen),
    ) -> Self {
        let state = State {
            wrapping: Arc::new(wrapping),
            file: Arc::new(file),
            seen,
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
        let mut made = 0;
        self.change(None, |wrapping, file| {
            for subject in subjects {
                check_name("name of a subject", subject.name()).map_err(|error| {
                    let message = format!("there is no {subject}");
                    Error::new(ErrorKind::InvalidInput, message).with_source(error)
                })?;
                let newest = file.table.newest(subject);
                if newest.is_some_and(|(record, _)| record.forgotten_ms.is_none()) {
                    continue;
                }
                // Not of a source that a fork of this process would have too.
                let random = random()?;
                let id = SealKeyId::from_bytes(random.nonce().0);
                let record = KeyRecord::new(id, subject, now_ms);
                let secret = secret_of(&random);
                let identity = &file.mark.identity;
                let secret = Secret::wrap(identity, &record, &secret, wrapping, nonce(&random));
                if !file.table.add(record, secret) {
                    // Two draws of 128 bits are equal only where what draws is broken.
                    return Err(Error::new(ErrorKind::Io, "an id of a key was drawn twice"));
                }
                made += 1;
            }
            Ok(made > 0)
        })?;
        Ok(made)
    }

    /// Encrypts every key with another wrapping key, in one change of the file: after it the wrapping key of before
    /// opens only older copies of the file, and nothing once it is destroyed. Until this has returned keep both.
    /// Other processes that use the file are to be started anew with the new one.
    ///
    /// # Errors
    ///
    /// As [`create`](KeyStore::create); the file has one of the two then.
    pub fn rotate(&self, to: WrappingKey) -> Result<(), Error> {
        let to = Arc::new(to);
        self.change(Some(to.clone()), |wrapping, file| {
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

    /// Changes what is in the file, under the lock, if `change` says that it changed it. What it makes of it is
    /// encrypted with another wrapping key, if one is given.
    fn change(
        &self,
        to: Option<Arc<WrappingKey>>,
        change: impl FnOnce(&WrappingKey, &mut KeyFile) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let _changing = self.changing.lock();
        let _lock = lock(&self.options, &self.path)?;
        self.read_again()?;
        let (wrapping, file) = {
            let state = self.state.read();
            (state.wrapping.clone(), state.file.clone())
        };
        let mut file = KeyFile::clone(&file);
        if !change(&wrapping, &mut file)? {
            return Ok(());
        }
        file.mark.generation = file.mark.generation.saturating_add(1);
        let bytes = file.encode();
        if bytes.len() as u64 > BYTES_MAX {
            let message = format!(
                "{} would have more than {BYTES_MAX} bytes",
                self.path.display()
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let seen = seen_in(&self.path, &bytes)?;
        let written = replace_file(&*self.options.fs, &self.path, &bytes);
        let mut state = self.state.write();
        if let Err(error) = written {
            // The file of before may stand, or this one.
            state.looked = None;
            return Err(refused("write", &self.path, error));
        }
        (state.file, state.seen) = (Arc::new(file), seen);
        if let Some(to) = to {
            state.wrapping = to;
        }
        state.looked = Some(self.options.clock.elapsed());
        Ok(())
    }

    /// Looks whether the file is another one than was read, if that is due or asked for, and reads it then.
    fn look(&self, now: bool) -> Result<(), Error> {
        let elapsed = self.options.clock.elapsed();
        let seen = {
            let state = self.state.read();
            let is_new =
                |looked: Duration| elapsed.saturating_sub(looked) < self.options.look_interval;
            if !now && state.looked.is_some_and(is_new) {
                return Ok(());
            }
            state.seen
        };
        if seen_at(&self.options, &self.path)? != seen {
            // What a thread here has written is known once it is done, and so is its wrapping key.
            let _changing = self.changing.lock();
            return self.read_again();
        }
        self.state.write().looked = Some(elapsed);
        Ok(())
    }

    /// Reads the file if it is another one than was read. Nobody else changes what was read meanwhile.
    fn read_again(&self) -> Result<(), Error> {
        let elapsed = self.options.clock.elapsed();
        let (wrapping, seen) = {
            let state = self.state.read();
            (state.wrapping.clone(), state.seen)
        };
        let file = match seen_at(&self.options, &self.path)? == seen {
            true => None,
            false => Some(load(&self.options, &self.path, &wrapping)?),
        };
        let mut state = self.state.write();
        if let Some((file, seen)) = file {
            (state.file, state.seen) = (Arc::new(file), seen);
        }
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

/// The lock of whoever changes the file.
fn lock(options: &KeyFileOptions, path: &Path) -> Result<Box<dyn FileLock>, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(LOCK_SUFFIX);
    let name = PathBuf::from(name);
    let mut waited = Duration::ZERO;
    loop {
        let locked = options.fs.try_lock(&name);
        if let Some(lock) = locked.map_err(|error| refused("lock", &name, error))? {
            return Ok(lock);
        }
        if waited >= options.lock_wait_max {
            let message = format!("another process changes {}", path.display());
            return Err(Error::new(ErrorKind::Locked, message));
        }
        thread::sleep(LOCK_TRY_INTERVAL);
        waited += LOCK_TRY_INTERVAL;
    }
}

/// Reads the file, and holds the wrapping key against it.
fn load(
    options: &KeyFileOptions,
    path: &Path,
    wrapping: &WrappingKey,
) -> Result<(KeyFile, Seen), Error> {
    let bytes = read_file(&*options.fs, path, BYTES_MAX);
    let bytes = bytes.map_err(|error| refused("read", path, error))?;
    let file = KeyFile::decode(&bytes).map_err(|why| no_key_file(path, why))?;
    match wrapping.unwrap(&file.check, &file.mark.bound()) {
        Some(_) => Ok((file, seen_in(path, &bytes)?)),
        None => {
            let message = format!(
                "the keys in {} are encrypted with another wrapping key: with that of another file, or of before or \
                 after a rotation",
                path.display()
            );
            Err(Error::new(ErrorKind::InvalidInput, message))
        }
    }
}

/// Which state of the file is there now.
fn seen_at(options: &KeyFileOptions, path: &Path) -> Result<Seen, Error> {
    let read = || {
        let file = options.fs.open(path, OpenMode::Read)?;
        let part = |from, length| {
            let mut bytes = vec![0; length];
            let count = file.read_up_to(&mut bytes, from)?;
            bytes.truncate(count);
            Ok::<_, io::Error>(bytes)
        };
        let end = file.len()?.saturating_sub(CHECKSUM_BYTES as u64);
        Ok((part(0, MARK_BYTES)?, part(end, CHECKSUM_BYTES)?))
    };
    let (begin, end) = read().map_err(|error| refused("read", path, error))?;
    Seen::read(&begin, &end).map_err(|why| no_key_file(path, why))
}

/// Which state of the file these bytes are.
fn seen_in(path: &Path, bytes: &[u8]) -> Result<Seen, Error> {
    Seen::read(bytes, bytes).map_err(|why| no_key_file(path, why))
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
