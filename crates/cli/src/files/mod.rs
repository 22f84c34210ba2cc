//! Files that a command line names: opened as every filter opens them, links followed, pipes and devices as
//! good as files, `-` for standard input and output.
//!
//! The files of a store are not opened here but through `strandline::fs`, which follows no link.
//!
//! What a path leads to, `links` says. Knows `outcome` and `output`.

#![expect(
    clippy::disallowed_methods,
    reason = "what a user names is no file of a store, and may be a link, a pipe or a device"
)]

mod links;

use crate::outcome::WrongUsage;
use crate::output::{OutputFailed, Standard};
use links::{descriptor, followed};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Longest name that the name of a file that is not whole yet takes over.
const NAME_BYTES_MAX: usize = 200;

/// Opens a file that is read at any place.
#[cfg(feature = "parquet")]
pub(crate) fn open_file(path: &Path) -> Result<File, WrongUsage> {
    let wrong = |reason: &dyn std::fmt::Display| {
        WrongUsage(format!("{} cannot be read: {reason}", path.display()))
    };
    if path.as_os_str() == "-" {
        return Err(wrong(
            &"Parquet is read from its end on, so it has to be a file",
        ));
    }
    let file = File::open(path).map_err(|error| wrong(&error))?;
    let metadata = file.metadata().map_err(|error| wrong(&error))?;
    match metadata.is_file() {
        true => Ok(file),
        false => Err(wrong(
            &"Parquet is read from its end on, so it has to be a file",
        )),
    }
}

/// A file, a pipe or a device, to read from its start to its end.
pub(crate) struct Input {
    from: Box<dyn Read>,
    bytes: Option<u64>,
}

impl Input {
    /// Opens what `path` names; `-` is standard input.
    pub(crate) fn open(path: &Path) -> Result<Self, WrongUsage> {
        if path.as_os_str() == "-" || descriptor(path) == Some(0) {
            return Ok(Self {
                from: Box::new(io::stdin().lock()),
                bytes: None,
            });
        }
        let wrong = |reason: &dyn std::fmt::Display| {
            WrongUsage(format!("{} cannot be read: {reason}", path.display()))
        };
        let file = File::open(path).map_err(|error| wrong(&error))?;
        let metadata = file.metadata().map_err(|error| wrong(&error))?;
        if metadata.is_dir() {
            return Err(wrong(&"it is a directory"));
        }
        // Files that the kernel makes when they are read say that they are empty.
        let bytes = Some(metadata.len()).filter(|bytes| metadata.is_file() && *bytes > 0);
        Ok(Self {
            from: Box::new(file),
            bytes,
        })
    }

    /// How much there is to read, if that is known.
    pub(crate) const fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// All of it, but no more than `most` bytes.
    pub(crate) fn read_all(self, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.from.take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            let most = most >> 20;
            return Err(io::Error::other(format!("it has more than {most} MiB")));
        }
        Ok(bytes)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.from.read(buffer)
    }
}

/// All of a file that has a secret, but no more than `most` bytes. One that everybody can read is refused, and one that
/// others than its owner can write; a group may read it, which is how services are given secrets.
#[cfg(feature = "serve")]
pub(crate) fn read_secret(path: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    use std::os::unix::fs::PermissionsExt as _;
    /// What a group may not, and what others may not.
    const TOO_MUCH: u32 = 0o037;
    let wrong = |reason: &dyn std::fmt::Display| {
        WrongUsage(format!("{} cannot be used: {reason}", path.display()))
    };
    let file = File::open(path).map_err(|error| wrong(&error))?;
    // Of the file that is open, whatever takes its name meanwhile.
    let metadata = file.metadata().map_err(|error| wrong(&error))?;
    let mode = metadata.permissions().mode();
    if metadata.is_file() && mode & TOO_MUCH != 0 {
        let reason = format!(
            "others can read or change it (mode {:03o}); chmod 600 it",
            mode & 0o777
        );
        return Err(wrong(&reason).into());
    }
    let input = Input {
        from: Box::new(file),
        bytes: None,
    };
    input.read_all(most).map_err(|error| wrong(&error).into())
}

/// Makes a file that its owner alone can read, durable with what is in it. One that is there is refused.
#[cfg(feature = "proof")]
pub(crate) fn new_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(path);
        return Err(error);
    }
    sync_directory(path)
}

/// Puts a file in the place of what has its name, whole and durable, with the folders that it is in.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let failed = |error| OutputFailed::new(path.display().to_string(), error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut new = NewFile::create(path.to_owned()).map_err(failed)?;
    let written = new.file.write_all(bytes).and_then(|()| new.file.sync_all());
    let renamed = written.and_then(|()| fs::rename(&new.temporary, path));
    renamed.map_err(failed)?;
    new.is_published = true;
    Ok(sync_directory(path).map_err(failed)?)
}

/// A new file, a pipe or a device, to write from its start to its end.
pub(crate) struct Output {
    to: Sink,
    name: String,
    /// How many lines were written.
    lines: u64,
    /// Why it could not be written.
    failure: Option<OutputFailed>,
}

enum Sink {
    Standard(Standard),
    /// What was there before: a pipe, a device, a file that is open already.
    Open(File),
    New(NewFile),
}

impl Output {
    /// Standard output.
    pub(crate) fn standard() -> Self {
        Self {
            to: Sink::Standard(Standard::new()),
            name: "standard output".to_owned(),
            lines: 0,
            failure: None,
        }
    }

    /// Opens what `path` names; `-` is standard output. A file that is there is refused, and one that is not
    /// has its name once it is whole.
    pub(crate) fn open(path: &Path) -> Result<Self, WrongUsage> {
        if path.as_os_str() == "-" || descriptor(path) == Some(1) {
            return Ok(Self::standard());
        }
        let name = path.display().to_string();
        let wrong = |reason: &dyn std::fmt::Display| WrongUsage(format!("{name} {reason}"));
        let unopened = |error: io::Error| wrong(&format_args!("cannot be written: {error}"));
        let to = match fs::metadata(path) {
            _ if descriptor(path).is_some() => {
                // Behind what was written through the descriptor, which has a place of its own.
                let file = OpenOptions::new().append(true).open(path);
                Sink::Open(file.map_err(unopened)?)
            }
            Ok(metadata) if metadata.is_dir() => return Err(wrong(&"is a directory")),
            Ok(metadata) if metadata.is_file() => {
                return Err(wrong(&"is there already, and no file is overwritten"));
            }
            Ok(_) => Sink::Open(
                OpenOptions::new()
                    .write(true)
                    .open(path)
                    .map_err(unopened)?,
            ),
            Err(_) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
                return Err(wrong(&"names a directory"));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Sink::New(
                NewFile::create(followed(path))
                    .map_err(|error| wrong(&format_args!("cannot be made: {error}")))?,
            ),
            Err(error) => return Err(unopened(error)),
        };
        Ok(Self {
            to,
            name,
            lines: 0,
            failure: None,
        })
    }

    pub(crate) const fn is_standard(&self) -> bool {
        matches!(self.to, Sink::Standard(_))
    }

    /// How many lines were written, whole ones.
    pub(crate) const fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether what was written stays, though not all of it was.
    pub(crate) const fn keeps_a_part(&self) -> bool {
        !matches!(self.to, Sink::New(_))
    }

    /// Whether the reader went away, so that nothing more has to be made.
    pub(crate) fn is_unread(&self) -> bool {
        match &self.to {
            Sink::Standard(out) => out.is_unread(),
            _ => self.failure.as_ref().is_some_and(OutputFailed::is_unread),
        }
    }

    /// Ends what was written, or failed to be: gives a new file its name, and makes it durable.
    pub(crate) fn finish(mut self, written: anyhow::Result<()>) -> anyhow::Result<()> {
        if let Some(failure) = self.failure.take() {
            return Err(failure.into());
        }
        if self.is_unread() {
            return Ok(());
        }
        let name = self.name;
        match self.to {
            Sink::New(_) if written.is_err() => {
                written.map_err(|error| error.context(format!("{name} was not made")))
            }
            Sink::New(file) => file.publish(&name),
            Sink::Standard(_) | Sink::Open(_) => written,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.to {
            // The library is to stop, and only a failure makes it.
            Sink::Standard(out) => match out.write(bytes) {
                Ok(_) if out.is_unread() => return Err(ErrorKind::BrokenPipe.into()),
                written => written,
            },
            Sink::Open(file) => file.write(bytes),
            Sink::New(file) => file.file.write(bytes),
        };
        if let Ok(count) = written {
            let written = bytes.get(..count).unwrap_or(bytes);
            self.lines += written.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        written.inspect_err(|error| self.remember(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            Sink::Standard(out) => out.flush().inspect_err(|error| self.remember(error)),
            Sink::Open(_) | Sink::New(_) => Ok(()),
        }
    }
}

impl Output {
    fn remember(&mut self, error: &io::Error) {
        if error.kind() != ErrorKind::Interrupted {
            // An `io::Error` cannot be copied, and what is in it may say its own name already.
            let error = match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => error.kind().into(),
            };
            self.failure = Some(OutputFailed::new(self.name.clone(), error));
        }
    }
}

/// A file that has another name until it is whole, and none if it never is.
struct NewFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    is_published: bool,
}

impl NewFile {
    fn create(path: PathBuf) -> io::Result<Self> {
        let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
        let name = match name.len() <= NAME_BYTES_MAX {
            true => name.to_owned(),
            false => OsString::from("export"),
        };
        let process = std::process::id();
        let mut number = 0_u32;
        loop {
            let mut temporary = name.clone();
            temporary.push(format!(".partial-{process}"));
            if number > 0 {
                temporary.push(format!("-{number}"));
            }
            let temporary = path.with_file_name(temporary);
            match File::create_new(&temporary) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 1000 => {
                    number += 1;
                }
                Err(error) => return Err(error),
                Ok(file) => {
                    return Ok(Self {
                        file,
                        temporary,
                        path,
                        is_published: false,
                    });
                }
            }
        }
    }

    fn publish(mut self, name: &str) -> anyhow::Result<()> {
        let failed = |error| OutputFailed::new(name, error);
        self.file.sync_all().map_err(failed)?;
        match rename_to_nothing(&self.temporary, &self.path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                // Made by somebody else meanwhile. What was made here is whole.
                self.is_published = true;
                let temporary = self.temporary.display();
                anyhow::bail!(
                    "{name} was made by another program meanwhile, and no file is overwritten; all \
                     that was to be in it is in {temporary}"
                );
            }
            renamed => renamed.map_err(failed)?,
        }
        self.is_published = true;
        sync_directory(&self.path).map_err(failed)?;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_published {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Renames a file to a name that nothing has.
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => return Ok(()),
        Err(error) if error == rustix::io::Errno::EXIST => return Err(error.into()),
        // The file system cannot, or the kernel.
        Err(_) => {}
    }
    match fs::hard_link(from, to) {
        Ok(()) => return fs::remove_file(from),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
        // It has no links either.
        Err(_) => {}
    }
    match fs::symlink_metadata(to) {
        Err(error) if error.kind() == ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
        Ok(_) => Err(ErrorKind::AlreadyExists.into()),
    }
}

fn sync_directory(of: &Path) -> io::Result<()> {
    let directory = match of.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        // Some file systems sync no directory.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_appeared_meanwhile_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines");
        let mut output = Output::open(&path).unwrap();
        output.write_all(b"whole").unwrap();
        fs::write(&path, "another's").unwrap();
        let error = output.finish(Ok(())).unwrap_err().to_string();
        assert_eq!(fs::read(&path).unwrap(), b"another's");
        let temporary = dir
            .path()
            .join(format!("lines.partial-{}", std::process::id()));
        assert!(error.contains(&temporary.display().to_string()), "{error}");
        assert_eq!(fs::read(temporary).unwrap(), b"whole");
    }

    #[test]
    fn a_file_that_is_not_whole_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines");
        let long = dir.path().join("l".repeat(255));
        for path in [&path, &long] {
            let mut output = Output::open(path).unwrap();
            output.write_all(b"half").unwrap();
            assert!(output.finish(Err(anyhow::anyhow!("damage"))).is_err());
            drop(Output::open(path).unwrap());
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }
        let mut output = Output::open(&long).unwrap();
        output.write_all(b"whole").unwrap();
        output.finish(Ok(())).unwrap();
        assert_eq!(fs::read(long).unwrap(), b"whole");
    }
}
