//! The store and the directory of its consumers, opened; and a consumer by its name.

use crate::args::{StoreArgs, ZoneArgs, did_you_mean, nearest};
use crate::outcome::WrongUsage;
use crate::times::Zone;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::Store;
use strandline_live::{ConsumerInfo, Error, ErrorKind, Live, PartitionStatus, Status};

/// How many names are listed where one is not known.
const NAMES_LISTED: usize = 20;

#[derive(Debug, clap::Args)]
pub(super) struct TargetArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Directory of the consumers, where it is not beside the store, as `orders.strand.live`.
    #[arg(long = "dir", value_name = "LIVE_DIR", global = true)]
    live_dir: Option<PathBuf>,
    #[command(flatten)]
    zone: ZoneArgs,
}

/// The consumers of a store, which is opened to read only.
pub(super) struct Target<'a> {
    args: &'a TargetArgs,
    pub(super) live: Live,
}

/// A consumer of which not all can be read.
pub(super) struct Damaged {
    pub(super) info: ConsumerInfo,
    /// Each partition; none if it is not known which are served.
    pub(super) partitions: Vec<Result<PartitionStatus, Error>>,
    pub(super) error: Error,
}

impl TargetArgs {
    /// Opens the store to read only, and the directory of its consumers, which may not be there yet if it is not named.
    pub(super) fn open(&self) -> anyhow::Result<Target<'_>> {
        let store = self.store.open();
        let store = store.map_err(|error| match store_beside(&self.store.dir) {
            Some(store) => WrongUsage(format!(
                "{} is the directory of consumers; their store is {}",
                self.store.dir.display(),
                store.display()
            ))
            .into(),
            None => anyhow::Error::from(error),
        })?;
        let store = Arc::new(store);
        let live = match &self.live_dir {
            None => Live::open(&store)?,
            Some(dir) if is_same(dir, store.dir()) => {
                let message = format!(
                    "{} is the store; its consumers are in {}, which needs no --dir",
                    dir.display(),
                    Live::open(&store)?.dir().display()
                );
                return Err(WrongUsage(message).into());
            }
            Some(dir) if dir.metadata().is_ok_and(|found| found.is_dir()) => {
                Live::open_in(&store, dir)?
            }
            Some(dir) => {
                let message = format!("{} is no directory of consumers", dir.display());
                return Err(WrongUsage(message).into());
            }
        };
        Ok(Target { args: self, live })
    }

    pub(super) const fn json(&self) -> bool {
        self.store.json
    }

    pub(super) fn zone(&self) -> Zone {
        self.zone.zone()
    }
}

impl Target<'_> {
    pub(super) fn store(&self) -> &Store {
        self.live.store()
    }

    /// How a consumer is.
    ///
    /// # Errors
    ///
    /// `WrongUsage` if there is none of the name; as [`Live::status`].
    pub(super) fn status(&self, name: &str) -> anyhow::Result<Status> {
        match self.live.status(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(self.unknown(name)?.into()),
            status => Ok(status?),
        }
    }

    /// What a consumer is, and its partitions that can be read, where [`Live::status`] says that it is damaged and a reset
    /// mends that; the error where that mends nothing.
    pub(super) fn damaged(&self, name: &str, error: Error) -> Result<Damaged, Error> {
        let (consumers, _) = self.live.consumers_readable()?;
        let info = consumers.into_iter().find(|info| info.name == name);
        match info.filter(|_| error.kind() == ErrorKind::Corrupt) {
            Some(info) => Ok(Damaged {
                info,
                partitions: self.live.partitions_readable(name).unwrap_or_default(),
                error,
            }),
            None => Err(error),
        }
    }

    /// The command line that does something with the consumers, for people to copy.
    pub(super) fn command(&self, action: &str, words: &[&str]) -> String {
        let dir = self.args.store.dir.to_string_lossy();
        let mut command = format!("strandline live {} {action}", quoted(&dir));
        for word in words {
            command += &format!(" {}", quoted(word));
        }
        if let Some(dir) = &self.args.live_dir {
            command += &format!(" --dir {}", quoted(&dir.to_string_lossy()));
        }
        command
    }

    /// What is said of a name that no consumer has.
    fn unknown(&self, name: &str) -> anyhow::Result<WrongUsage> {
        let (consumers, _) = self.live.consumers_readable()?;
        let names: Vec<_> = consumers.iter().map(|info| info.name.as_str()).collect();
        let meant = did_you_mean(&nearest(name, names.iter().copied()));
        let dir = self.live.dir().display();
        let known = match names.as_slice() {
            [] => format!("there are none in {dir}"),
            [listed @ .., _] if listed.len() < NAMES_LISTED => {
                format!("there are {}", names.join(", "))
            }
            _ => format!("there are {} in {dir}", names.len()),
        };
        Ok(WrongUsage(format!(
            "no consumer is called {name:?}: {meant}{known}"
        )))
    }
}

/// The store whose consumers are in a directory of this name.
fn store_beside(dir: &Path) -> Option<PathBuf> {
    let name = dir.file_name()?.to_str()?;
    let store = dir.with_file_name(name.strip_suffix(".live")?);
    store.is_dir().then_some(store)
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:@%+=,".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        assert_eq!(quoted("order:1042"), "order:1042");
        assert_eq!(quoted("bestellung:ä"), "bestellung:ä");
        assert_eq!(quoted("it's new"), r"'it'\''s new'");
        assert_eq!(quoted("a;b"), "'a;b'");
        assert_eq!(quoted(""), "''");
    }
}
