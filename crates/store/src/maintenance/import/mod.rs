//! `import`: lines into a store.

mod appender;
mod ids;
mod importer;
mod twins;

pub(super) use ids::foreign_id;

use super::export::LineFormat;
use super::progress::{Meter, OnProgress};
use crate::group_sync::KeepsWakeUp;
use crate::model::Access;
use crate::{Error, ErrorKind, Hash, Store, StoreOptions};
use appender::Appender;
use importer::{Importer, Sink};
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::MemFs;
use twins::Twins;

/// How lines are imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct ImportOptions {
    format: LineFormat,
    category: u8,
    input_bytes: Option<u64>,
    source: Hash,
    takes_future_times: bool,
    is_trial: bool,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ImportOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            format: LineFormat::Lines,
            category: 1,
            input_bytes: None,
            source: Hash::ZERO,
            takes_future_times: false,
            is_trial: false,
        }
    }

    /// What lines look like. Default: [`LineFormat::Lines`].
    pub const fn format(mut self, format: LineFormat) -> Self {
        self.format = format;
        self
    }

    /// The category of kinds that are given as a number below 0x1000, which is then the type, and
    /// of events without a kind, whose type is 0. Default: 1; 1 to 15, not 13.
    pub const fn category(mut self, category: u8) -> Self {
        self.category = category;
        self
    }

    /// How many bytes there are to read, for the progress. Default: not known.
    pub const fn input_bytes(mut self, bytes: Option<u64>) -> Self {
        self.input_bytes = bytes;
        self
    }

    /// Where the lines come from, by any name. Default: none.
    ///
    /// A line without an id that is equal to one of the same source is the same event; under another name
    /// it is another one. CloudEvents have a source of their own.
    pub fn source(mut self, name: &str) -> Self {
        self.source = match name {
            "" => Hash::ZERO,
            name => Hash::of(name.as_bytes()),
        };
        self
    }

    /// Takes times that are further ahead of this machine's clock, and of the newest time in the store,
    /// than [`StoreOptions::clock_drift_max`](crate::StoreOptions::clock_drift_max) allows. Default: such
    /// a line is refused, since no later event of the store can have an earlier time.
    pub const fn allow_future(mut self) -> Self {
        self.takes_future_times = true;
        self
    }

    /// Checks every line and appends nothing. Default: appends.
    ///
    /// Comes to what the import would, line by line, and takes a store that was opened to read only.
    /// Remembers what it has seen: some 100 bytes for each event that would be appended.
    pub const fn trial(mut self) -> Self {
        self.is_trial = true;
        self
    }
}

/// What an import came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Imported {
    /// Lines that were read, empty ones too.
    pub lines: u64,
    /// Events that were appended.
    pub events: u64,
    /// Events that were in the store already, with the same content.
    pub repeated: u64,
    /// Events whose time was earlier than the newest one of the store: they have that now, as the times
    /// of a store never go back. That is the newest one that the store has given or observed, whether
    /// its event is there or was removed.
    pub moved_times: u64,
    /// Events that had been exported without their payload, and were passed over.
    pub redacted: u64,
    /// Removals of the other store whose records were kept. They explain nothing that is missing here.
    pub removals: u64,
}

/// Why an import stopped. What is counted is in the store; the same import again goes on after it.
///
/// It is durable, too, unless `error` says that writing has stopped: [`ErrorKind::Unknown`] or
/// [`ErrorKind::Poisoned`].
#[derive(Debug, thiserror::Error)]
#[error("{}{error}", self.place())]
#[non_exhaustive]
pub struct ImportError {
    /// The line, from 1, that is wrong; none where the failure is no line's fault, but the disk's, say.
    pub line: Option<u64>,
    /// Why.
    pub error: Error,
    /// What was imported before.
    pub imported: Imported,
}

impl ImportError {
    fn new(Failure { line, error }: Failure, imported: Imported) -> Self {
        Self {
            line,
            error,
            imported,
        }
    }

    fn place(&self) -> String {
        self.line
            .map_or_else(String::new, |line| format!("line {line}: "))
    }
}

/// Why it stopped, and at which line if that is wrong.
#[derive(Debug)]
struct Failure {
    line: Option<u64>,
    error: Error,
}

/// An error that is no line's fault.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { line: None, error }
    }
}

/// Appends the events of `input`, one a line.
///
/// An event that is in the store already, by its id, is passed over if it is the same, and refused
/// if not. The id of another program's CloudEvents event is made of its source and id alone. A line without
/// an id gets one that is made of its text, of [`ImportOptions::source`], and of how many equal lines were
/// before it in `input`, for which 20 bytes of each text are kept. So importing the same lines again, after
/// an interruption say, or where others stand before them, appends only what is missing.
///
/// The records of removals that an export has are kept too, once, with the identity of the log that they
/// happened in.
///
/// Times are kept; where one is earlier than the newest time in the store, that is taken.
/// Appends in commits of up to 1,000 events, as they fit in a segment, and syncs once at the end. Nothing
/// else should append meanwhile: times may be moved that need not be.
///
/// # Errors
///
/// [`ImportError`] for the first line that is wrong; the lines before it are imported. Without a line for
/// what is no line's fault.
pub fn import(
    store: &Store,
    input: &mut dyn BufRead,
    options: ImportOptions,
    on_progress: OnProgress<'_>,
) -> Result<Imported, ImportError> {
    if options.is_trial {
        let sink = Sink::Trial(Twins::default());
        return import_to(store, input, options, sink, on_progress);
    }
    if let Err(error) = store.shared().writer() {
        return Err(ImportError::new(error.into(), Imported::default()));
    }
    let _kept = KeepsWakeUp::new();
    // One thread reads lines, the other appends what was read before.
    std::thread::scope(|scope| {
        let sink = Sink::Append(Appender::start(scope, store));
        import_to(store, input, options, sink, on_progress)
    })
}

/// Says what an [`import`] into the store in `dir` would come to, opened with `store_options`: the same
/// counts, or the same error of the same line.
///
/// Reads the store, if there is one, beside a writer if need be. Takes no lock, and makes and changes
/// nothing: no directory and no file.
///
/// # Errors
///
/// As [`import`], and without a line those of opening the store to read.
pub fn try_import(
    dir: impl AsRef<Path>,
    store_options: &StoreOptions,
    input: &mut dyn BufRead,
    options: ImportOptions,
    on_progress: OnProgress<'_>,
) -> Result<Imported, ImportError> {
    let opened = store_options.clone().read_only().open(dir);
    let store = match opened {
        Err(error)
            if error.kind() == ErrorKind::NotFound && store_options.access == Access::Create =>
        {
            // One that is as empty, with the same limits.
            let nowhere = store_options.clone().fs(Arc::new(MemFs::new()));
            nowhere.no_background_sync().open("/store")
        }
        opened => opened,
    };
    match store {
        Ok(store) => import(&store, input, options.trial(), on_progress),
        Err(error) => Err(ImportError::new(error.into(), Imported::default())),
    }
}

fn import_to(
    store: &Store,
    input: &mut dyn BufRead,
    options: ImportOptions,
    sink: Sink,
    on_progress: OnProgress<'_>,
) -> Result<Imported, ImportError> {
    let mut importer = Importer::new(store, options, sink)
        .map_err(|error| ImportError::new(error.into(), Imported::default()))?;
    let read = importer.read(input, &mut Meter::bytes(options.input_bytes, on_progress));
    // Lines before a wrong one are imported, and durable, whatever comes after them. What stands in the
    // way of one of them came first.
    let finished = importer.finish();
    let failure = finished.err().or_else(|| read.err());
    let synced = match options.is_trial {
        true => Ok(()),
        false => store.sync(),
    };
    let imported = importer.imported();
    let failure = match (failure, synced) {
        (None, Ok(())) => return Ok(imported),
        (Some(failure), Ok(())) => failure,
        (None, Err(error)) => error.into(),
        (Some(first), Err(error)) => {
            let message = format!(
                "{}; and what was imported before may not be durable",
                ImportError::new(first, imported)
            );
            Error::new(error.kind(), message).with_source(error).into()
        }
    };
    Err(ImportError::new(failure, imported))
}
