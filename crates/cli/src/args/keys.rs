//! Keys of sealed payloads, as a command line names them: a file of keys, and the wrapping key.

#[cfg(feature = "seal")]
use std::path::PathBuf;
use std::sync::Arc;
use strandline::{Error, ErrorKind, EventRef, OpenPayload, StoredEvent};

/// The keys to read sealed payloads with.
#[derive(Debug, clap::Args)]
pub(crate) struct OpenArgs {
    /// Show sealed payloads as they are for whoever has the keys: those of this file. Without it they are shown as
    /// sealed.
    #[cfg(feature = "seal")]
    #[arg(long, value_name = "FILE", help_heading = "Sealed payloads")]
    keys: Option<PathBuf>,
    #[cfg(feature = "seal")]
    #[command(flatten)]
    wrapping: WrappingArgs,
}

#[cfg(feature = "seal")]
impl OpenArgs {
    /// What opens payloads, if keys were given.
    ///
    /// # Errors
    ///
    /// Why the keys cannot be used.
    pub(crate) fn opener(&self) -> anyhow::Result<Option<Arc<dyn OpenPayload>>> {
        let Some(path) = &self.keys else {
            return Ok(None);
        };
        let keys = open_keys(path, &self.wrapping)?;
        Ok(Some(Arc::new(strandline_seal::Opener::new(Arc::new(keys)))))
    }
}

#[cfg(not(feature = "seal"))]
impl OpenArgs {
    /// What opens payloads: nothing in this program.
    ///
    /// # Errors
    ///
    /// None.
    pub(crate) fn opener(&self) -> anyhow::Result<Option<Arc<dyn OpenPayload>>> {
        Ok(None)
    }
}

/// The event opened, if it is sealed and there is a key. One of which the keys know nothing is shown as it is.
pub(crate) fn opened(
    opener: Option<&dyn OpenPayload>,
    event: &EventRef<'_>,
) -> Result<Option<StoredEvent>, Error> {
    let Some(opener) = opener.filter(|_| event.is_sealed()) else {
        return Ok(None);
    };
    opened_event(opener, event.into_owned()).map(Some)
}

/// The event opened, or as it is if the keys know nothing of its own.
pub(crate) fn opened_event(
    opener: &dyn OpenPayload,
    event: StoredEvent,
) -> Result<StoredEvent, Error> {
    match opener.open_payload(event.clone()) {
        Err(error) if error.kind() == ErrorKind::Sealed => Ok(event),
        opened => opened,
    }
}

#[cfg(feature = "seal")]
pub(crate) use with_keys::{WrappingArgs, advised, keeping_owner, open_keys};

#[cfg(feature = "seal")]
mod with_keys {
    use super::PathBuf;
    use crate::files::Input;
    use crate::outcome::{Advised, WrongUsage};
    use std::os::unix::fs::{MetadataExt as _, chown};
    use std::path::Path;
    use strandline::{Error, ErrorKind};
    use strandline_seal::{FileKeys, WrappingKey};

    /// The variable of the environment that has the wrapping key where no file is named.
    const VARIABLE: &str = "STRANDLINE_WRAPPING_KEY";
    /// Most bytes of a file that has a wrapping key.
    const BYTES_MAX: u64 = 1 << 20;

    /// The key that the keys of a file are encrypted with.
    #[derive(Debug, clap::Args)]
    pub(crate) struct WrappingArgs {
        /// The file that has the wrapping key, as 64 hex digits; `-` is standard input. Default: what the variable
        /// STRANDLINE_WRAPPING_KEY has.
        #[arg(long, value_name = "FILE", help_heading = "Sealed payloads")]
        pub(crate) wrapping_key: Option<PathBuf>,
    }

    impl WrappingArgs {
        pub(crate) fn read(&self) -> anyhow::Result<WrappingKey> {
            match &self.wrapping_key {
                Some(path) => read(path),
                None => match std::env::var(VARIABLE) {
                    Ok(text) => Ok(WrappingKey::from_hex(&text)
                        .map_err(|error| WrongUsage(format!("{VARIABLE}: {error}")))?),
                    Err(_) => {
                        let message = format!(
                            "the keys are encrypted: give --wrapping-key, or the key in {VARIABLE}"
                        );
                        Err(WrongUsage(message).into())
                    }
                },
            }
        }
    }

    /// The wrapping key that a file has.
    fn read(path: &Path) -> anyhow::Result<WrappingKey> {
        let bytes = Input::open(path)?.read_all(BYTES_MAX)?;
        let text = String::from_utf8_lossy(&bytes);
        let key = WrappingKey::from_hex(&text);
        Ok(key.map_err(|error| WrongUsage(format!("{}: {error}", path.display())))?)
    }

    /// A file of keys, opened.
    pub(crate) fn open_keys(path: &Path, wrapping: &WrappingArgs) -> anyhow::Result<FileKeys> {
        let wrapping = wrapping.read()?;
        FileKeys::open(path, wrapping).map_err(|error| {
            if !path.is_symlink() {
                return advised(error);
            }
            let next = "name the file itself: this is a link, and none is followed, as a file of keys is replaced \
                        when it changes, and what a link leads to would keep the old one";
            let next = next.to_owned();
            Advised { error, next }.into()
        })
    }

    /// Changes a file of keys, which is replaced by that, and leaves it to whoever it belongs to: a program of theirs
    /// would read no key any more once somebody else, such as root, has changed it.
    pub(crate) fn keeping_owner<T>(
        path: &Path,
        change: impl FnOnce() -> Result<T, Error>,
    ) -> anyhow::Result<T> {
        let before = path.metadata();
        let changed = change().map_err(advised)?;
        if let Ok(before) = before {
            let mut lock = path.as_os_str().to_owned();
            lock.push(".lock");
            for path in [path, Path::new(&lock)] {
                give(path, before.uid(), before.gid())?;
            }
        }
        Ok(changed)
    }

    /// Gives a file to somebody, if it is another's.
    fn give(path: &Path, user: u32, group: u32) -> anyhow::Result<()> {
        let is_theirs = |now: std::fs::Metadata| (now.uid(), now.gid()) == (user, group);
        if path.metadata().is_ok_and(is_theirs) {
            return Ok(());
        }
        chown(path, Some(user), Some(group)).map_err(|error| {
            let path = path.display();
            anyhow::anyhow!(
                "the keys were changed, but {path} is not user {user}'s any more, who had it: {error}; \
                 `chown {user}:{group} {path}` gives it back"
            )
        })
    }

    /// A failure of a file of keys, with what to do about it.
    pub(crate) fn advised(error: Error) -> anyhow::Error {
        let next = match error.kind() {
            ErrorKind::NotFound => {
                "check the path, or make a file of keys with `strandline key-store new`"
            }
            ErrorKind::Corrupt => {
                "put a copy of the file of keys back; keys that were forgotten since that was made are to be \
                 forgotten again"
            }
            ErrorKind::Locked => "try again once the program that changes it has done so",
            _ => return error.into(),
        };
        let next = next.to_owned();
        Advised { error, next }.into()
    }
}
