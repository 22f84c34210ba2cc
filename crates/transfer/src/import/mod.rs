//! `import`: lines into a store, and the trial of it, which goes through the same steps.
//!
//! What a line says is `format`'s to read. May know `format` and what is below it, not `export`.

mod appender;
mod batches;
mod elements;
mod error;
mod exact;
mod failure;
mod first;
mod imported;
mod importer;
mod kinds;
mod options;
mod twins;

pub use error::ImportError;
pub use exact::{ImportedExact, check_exact, import_exact};
pub use first::first_event;
pub use imported::Imported;
pub use options::ImportOptions;

use appender::Appender;
use importer::{Importer, Sink};
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::maintenance::{Meter, OnProgress};
use strandline::{Error, ErrorKind, Store, StoreOptions};
use strandline_core::sync::KeepsWakeUp;
use twins::Twins;

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
    if let Err(error) = store.check_writable() {
        return Err(ImportError::new(error.into(), Imported::default()));
    }
    let _kept = KeepsWakeUp::default();
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
            if error.kind() == ErrorKind::NotFound
                && !error.is_of_interrupted_restore()
                && store_options.makes_missing() =>
        {
            new_in_memory(store_options)
        }
        opened => opened,
    };
    match store {
        Ok(store) => import(&store, input, options.trial(), on_progress),
        Err(error) => Err(ImportError::new(error.into(), Imported::default())),
    }
}

/// A store that is as empty as one that an import would make, with the same limits.
fn new_in_memory(store_options: &StoreOptions) -> Result<Store, Error> {
    let nowhere = store_options.clone().fs(Arc::new(MemFs::new()));
    nowhere.no_background_sync().open("/store")
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
