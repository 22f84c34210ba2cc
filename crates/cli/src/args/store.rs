//! The store that a command is of, and how it is opened.

use crate::output::note;
use clap::builder::{PathBufValueParser, TypedValueParser};
use std::path::{Path, PathBuf};
use strandline::{Error, Store, StoreOptions};

/// The store, and how results are printed.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// Directory of the store.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    pub(crate) dir: PathBuf,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Reads the directory of a store, and refuses a file: another argument may have been left out before it.
pub(crate) fn store_dir() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        match path.metadata().is_ok_and(|found| !found.is_dir()) {
            true => Err(format!(
                "{} is a file; a store is a directory",
                path.display()
            )),
            false => Ok(path),
        }
    })
}

impl StoreArgs {
    /// The store, opened to read only: beside a writer if there is one, and changing nothing.
    pub(crate) fn open(&self) -> Result<Store, Error> {
        open(&self.dir)
    }

    /// As [`open`](Self::open), and all of it can be read as it is now, whatever a writer rewrites meanwhile.
    pub(crate) fn open_whole(&self) -> Result<Store, Error> {
        open_whole(&self.dir)
    }
}

/// A store, opened to read only.
pub(crate) fn open(dir: &Path) -> Result<Store, Error> {
    StoreOptions::new().read_only().open(dir)
}

/// A store, opened to read only, of which all can be read as it is now, whatever a writer rewrites meanwhile.
pub(crate) fn open_whole(dir: &Path) -> Result<Store, Error> {
    let options = StoreOptions::new().read_only();
    options.keep_segments().open(dir)
}

/// Opens a store to write to it. What the opening repaired or set aside is told on standard error, as nobody
/// finds it later: the next opening has a store that is in order.
pub(crate) fn open_to_write(options: StoreOptions, dir: &Path) -> Result<Store, Error> {
    let store = options.open(dir)?;
    for notice in &store.open_report().notices {
        note(notice);
    }
    Ok(store)
}
