//! `import`: lines into a store.

use super::cloud_event::parse_cloud_event;
use super::export::LineFormat;
use super::imported::{ImportedEvent, RefusedLine, parse_line};
use super::progress::{Meter, OnProgress};
use super::removal_line::parse_removal;
use crate::removals::ForeignNotes;
use crate::{
    AppendOptions, Batch, Coordinate, Durability, Error, ErrorKind, Event, EventId, EventRef, Hlc,
    Region, Store,
};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::HashSet;
use std::io::{BufRead, Read};

/// How many events are appended at once.
const BATCH_EVENTS: usize = 1000;
/// How many bytes of lines are appended at once, about.
const BATCH_BYTES: usize = 8 << 20;
/// Longest line, in bytes: a payload of 64 MiB as base64, and some.
const LINE_BYTES_MAX: u64 = 96 << 20;

/// How lines are imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct ImportOptions {
    format: LineFormat,
    category: u8,
    input_bytes: Option<u64>,
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

    /// Checks every line and appends nothing. Default: appends.
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
    /// Events whose time was earlier than that of the one before them: they have its time now, as
    /// the times of a store never go back.
    pub moved_times: u64,
    /// Events that had been exported without their payload, and were passed over.
    pub redacted: u64,
    /// Removals of the other store whose records were kept. They explain nothing that is missing here.
    pub removals: u64,
}

/// Why an import stopped. What is counted is in the store, and durable; the same import again goes
/// on after it.
#[derive(Debug, thiserror::Error)]
#[error("{}{error}", self.place())]
#[non_exhaustive]
pub struct ImportError {
    /// The line, from 1, if it is one that is wrong.
    pub line: Option<u64>,
    /// Why.
    pub error: Error,
    /// What was imported before.
    pub imported: Imported,
}

impl ImportError {
    fn place(&self) -> String {
        self.line
            .map_or_else(String::new, |line| format!("line {line}: "))
    }
}

/// Appends the events of `input`, one a line.
///
/// An event that is in the store already, by its id, is passed over if it is the same, and refused
/// if not. A line without an id gets one that is made of the line, its number and its time, so that
/// importing the same lines again, after an interruption say, appends only what is missing.
///
/// The records of removals that an export has are kept too, once, with the identity of the log that they
/// happened in.
///
/// Times are kept; where one is earlier than the time of the event before, that is taken.
/// Appends in batches, and syncs once at the end. Nothing else may append meanwhile.
///
/// # Errors
///
/// [`ImportError`] for the first line that is wrong; the lines before it are imported.
pub fn import(
    store: &Store,
    input: &mut dyn BufRead,
    options: ImportOptions,
    on_progress: OnProgress<'_>,
) -> Result<Imported, ImportError> {
    // One thread reads lines, the other appends what was read before.
    std::thread::scope(|scope| {
        let (batches, to_append) = bounded::<Batch>(1);
        let (appended, acknowledged) = bounded(1);
        scope.spawn(move || {
            for batch in to_append {
                if appended.send(append(store, batch)).is_err() {
                    break;
                }
            }
        });
        let appender = Appender {
            batches,
            acknowledged,
            is_busy: false,
        };
        import_with(store, input, options, appender, on_progress)
    })
}

fn import_with(
    store: &Store,
    input: &mut dyn BufRead,
    options: ImportOptions,
    appender: Appender,
    on_progress: OnProgress<'_>,
) -> Result<Imported, ImportError> {
    let importer = Importer::new(store, options, appender);
    let mut importer = importer.map_err(|error| ImportError {
        line: None,
        error,
        imported: Imported::default(),
    })?;
    let read = importer.read(input, &mut Meter::bytes(options.input_bytes, on_progress));
    // Lines before a wrong one are imported, and durable, whatever comes after them.
    let flushed = importer
        .drain()
        .and_then(|()| importer.write_removals())
        .and_then(|()| match options.is_trial {
            true => Ok(()),
            false => store.sync(),
        });
    let imported = importer.imported;
    let (line, error) = match (read, flushed) {
        (Ok(()), Ok(())) => return Ok(imported),
        (Err(error), Ok(())) => (importer.wrong_line, error),
        (_, Err(error)) => (None, error),
    };
    Err(ImportError {
        line,
        error,
        imported,
    })
}

fn append(store: &Store, batch: Batch) -> Result<u64, Error> {
    let written = AppendOptions::new().durability(Durability::Written);
    let receipts = store.append_batch_with(batch, written)?;
    Ok(receipts.len() as u64)
}

/// The thread that appends, which has one batch at a time.
struct Appender {
    batches: Sender<Batch>,
    acknowledged: Receiver<Result<u64, Error>>,
    is_busy: bool,
}

impl Appender {
    /// Waits for the batch that is being appended, and says how many events it had.
    fn wait(&mut self) -> Result<u64, Error> {
        if !std::mem::take(&mut self.is_busy) {
            return Ok(0);
        }
        let acknowledged = self.acknowledged.recv();
        acknowledged.map_err(|_| ended())?
    }

    fn append(&mut self, batch: Batch) -> Result<(), Error> {
        self.is_busy = true;
        self.batches.send(batch).map_err(|_| ended())
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Unknown, "the thread that appends has ended")
}

struct Importer<'a> {
    store: &'a Store,
    options: ImportOptions,
    appender: Appender,
    batch: Batch,
    /// Ids of the batch.
    ids: HashSet<EventId>,
    /// Ids of the batch that is being appended.
    ids_before: HashSet<EventId>,
    batch_bytes: usize,
    /// The time of the newest event.
    newest: Hlc,
    imported: Imported,
    removals: ForeignNotes,
    wrong_line: Option<u64>,
}

impl<'a> Importer<'a> {
    fn new(store: &'a Store, options: ImportOptions, appender: Appender) -> Result<Self, Error> {
        crate::EventKind::try_new(options.category, 0).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the category cannot be used").with_source(error)
        })?;
        let snapshot = store.snapshot();
        let newest = match snapshot.query(&Region::all()).next_back_ref() {
            Some(event) => event?.hlc(),
            None => Hlc::default(),
        };
        Ok(Self {
            store,
            options,
            appender,
            batch: Batch::new(),
            ids: HashSet::new(),
            ids_before: HashSet::new(),
            batch_bytes: 0,
            newest,
            imported: Imported::default(),
            removals: ForeignNotes::default(),
            wrong_line: None,
        })
    }

    fn read(&mut self, input: &mut dyn BufRead, meter: &mut Meter<'_>) -> Result<(), Error> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = input.take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
            let read = read.map_err(|error| {
                Error::new(ErrorKind::Io, "the lines cannot be read").with_source(error)
            })?;
            if read == 0 {
                return meter.report();
            }
            self.imported.lines += 1;
            if let Err(error) = self.line(&line) {
                self.wrong_line = Some(self.imported.lines);
                return Err(error);
            }
            meter.add(read as u64)?;
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        if line.len() as u64 > LINE_BYTES_MAX {
            let message = format!("it has more than {LINE_BYTES_MAX} bytes");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let text = std::str::from_utf8(line)
            .map_err(|error| refused(RefusedLine::new(format!("it is no UTF-8: {error}"))))?;
        // What precedes the first line in files of some programs.
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(());
        }
        if let Some(note) = parse_removal(text, self.options.format).map_err(refused)? {
            self.imported.removals += self.removals.take(self.store, &note)?;
            return match self.removals.are_many() {
                true => self.write_removals(),
                false => Ok(()),
            };
        }
        let parsed = match self.options.format {
            LineFormat::Lines => parse_line(text),
            LineFormat::CloudEvents => parse_cloud_event(text),
        };
        self.add(text, &parsed.map_err(refused)?)
    }

    fn add(&mut self, text: &str, line: &ImportedEvent<'_>) -> Result<(), Error> {
        if line.is_redacted {
            self.imported.redacted += 1;
            return Ok(());
        }
        let id = line.id(text, self.imported.lines);
        let coordinate = line.coordinate().map_err(refused)?;
        if self.ids.contains(&id) || self.ids_before.contains(&id) {
            // Its twin is looked for in the store.
            self.drain()?;
        }
        let at = line.time().map_err(refused)?;
        let event = line.event(id, self.options.category, at).map_err(refused)?;
        self.check(&event)?;
        let known = self
            .store
            .snapshot()
            .get_with(id, |stored| difference(&stored, &coordinate, &event))?;
        match known {
            Some(None) => {
                self.imported.repeated += 1;
                return Ok(());
            }
            Some(Some(what)) => {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("event {id} is in the store with another {what}"),
                ));
            }
            None => {}
        }
        let event = self.keep_order(event, at);
        self.ids.insert(id);
        self.batch_bytes += text.len();
        self.batch.add(&coordinate, event);
        if self.batch.len() >= BATCH_EVENTS || self.batch_bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn write_removals(&mut self) -> Result<(), Error> {
        if self.options.is_trial {
            self.removals.forget();
            return Ok(());
        }
        self.removals.write(self.store)
    }

    /// Gives an event without a time that of now, and one that comes too early the time of the one
    /// before it.
    fn keep_order(&mut self, event: Event, at: Option<Hlc>) -> Event {
        let now_ms = || self.store.shared().options.clock.now_ms();
        let wall_ms = at.map_or_else(now_ms, Hlc::wall_ms);
        if wall_ms < self.newest.wall_ms() {
            self.imported.moved_times += u64::from(at.is_some());
            let newest = Hlc::new(self.newest.wall_ms(), 0).unwrap_or_default();
            return event.at(newest);
        }
        let time = at.unwrap_or_else(|| Hlc::new(wall_ms, 0).unwrap_or_default());
        self.newest = time;
        event.at(time)
    }

    /// Checks what the append would refuse the whole batch for.
    fn check(&self, event: &Event) -> Result<(), Error> {
        let options = &self.store.shared().options;
        let limit = options.payload_bytes_max;
        if event.payload.len() > limit {
            let bytes = event.payload.len();
            let message = format!("the payload has {bytes} bytes, the limit is {limit}");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let latest = options
            .clock
            .now_ms()
            .saturating_add(options.drift_ms_max());
        match event.at {
            Some(at) if at.wall_ms() > latest => Err(refused(RefusedLine::new(format!(
                "its time {} is in the future",
                super::rfc3339(at.wall_ms())
            )))),
            _ if event.version == 0 => Err(refused(RefusedLine::new(
                "version is 0; versions begin at 1".to_owned(),
            ))),
            _ => Ok(()),
        }
    }

    /// Hands the batch to the thread that appends, once that has done the one before.
    fn flush(&mut self) -> Result<(), Error> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        if self.options.is_trial {
            self.ids.clear();
            self.imported.events += batch.len() as u64;
            return Ok(());
        }
        self.ids_before = std::mem::take(&mut self.ids);
        self.imported.events += self.appender.wait()?;
        if batch.is_empty() {
            return Ok(());
        }
        self.appender.append(batch)
    }

    /// Returns when everything that was read is in the store.
    fn drain(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.imported.events += self.appender.wait()?;
        self.ids_before.clear();
        Ok(())
    }
}

fn refused(RefusedLine(reason): RefusedLine) -> Error {
    Error::new(ErrorKind::InvalidInput, reason)
}

/// What a stored event has that differs.
fn difference(
    stored: &EventRef<'_>,
    coordinate: &Coordinate,
    event: &Event,
) -> Option<&'static str> {
    let links = |link: Option<crate::event::Link>| match link {
        Some(crate::event::Link::Id(id)) => Some(id),
        _ => None,
    };
    let correlation = links(event.correlation).unwrap_or_else(|| stored.id());
    let mut tags: Vec<_> = event.tags.iter().map(String::as_str).collect();
    tags.sort_unstable();
    tags.dedup();
    let same = [
        (stored.coordinate() == *coordinate, "entity or scope"),
        (stored.kind() == event.kind, "kind"),
        (stored.encoding() == event.encoding, "encoding"),
        (stored.version() == event.version, "version"),
        (stored.extensions().tags().eq(tags), "set of tags"),
        (stored.correlation() == correlation, "correlation"),
        (stored.causation() == links(event.causation), "causation"),
        // A payload that was removed cannot be compared, and is not put back.
        (
            stored
                .payload()
                .map_or(true, |payload| payload == event.payload),
            "payload",
        ),
    ];
    same.iter().find(|(same, _)| !same).map(|(_, what)| *what)
}
