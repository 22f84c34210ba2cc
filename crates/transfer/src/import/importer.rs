//! `Importer`: what becomes of each line, the same in an import and in a trial of it.

use super::appender::{Appended, Appender, Origin, Portion};
use super::batches::{Batches, Members};
use super::elements::{Elements, Step};
use super::failure::{Begun, Failure, conflict};
use super::imported::Imported;
use super::kinds::LineKinds;
use super::options::ImportOptions;
use super::options::LINE_BYTES_MAX;
use super::twins::{Known, Twins, difference};
use crate::format::{
    ImportedEvent, Incoming, LineFormat, LineIds, RefusedLine, is_head, not_of_an_export,
    parse_cloud_event, parse_line, parse_removal,
};
use std::collections::HashSet;
use std::io::{self, BufRead, Read};
use strandline::maintenance::{ForeignNotes, Meter};
use strandline::{Error, ErrorKind, EventId, EventKind, Hlc, RefusedTime, Store};
use strandline_core::{HlcBehind, HlcClock, HlcExhausted, rfc3339};

/// How many events are appended at once, if they fit in a commit.
const PORTION_EVENTS: usize = 1000;
/// How many bytes are appended at once, about.
const PORTION_BYTES: usize = 8 << 20;

/// Where events go.
pub(super) enum Sink {
    Append(Appender),
    /// Nowhere; what was seen is remembered, as it would be in the store.
    Trial(Twins),
}

pub(super) struct Importer<'a> {
    store: &'a Store,
    options: ImportOptions,
    sink: Sink,
    batches: Batches<'a>,
    /// Of the events that wait in the batches.
    origins: Vec<Origin>,
    ids: HashSet<EventId>,
    /// Ids of the portion that is being appended.
    ids_before: HashSet<EventId>,
    line_ids: LineIds,
    kinds: LineKinds<'a>,
    /// The store's clock, as it will be when what was read is in the store.
    clock: HlcClock,
    removals: ForeignNotes<'a>,
    /// Removals that begin with notes that are not written yet.
    removals_waiting: u64,
    imported: Imported,
    /// Where the element of an array begins that is being read.
    begun: Option<Begun>,
    /// The array that is being read.
    array: Option<Elements>,
    /// Whether something that was read before cannot be appended: nothing after it may be.
    has_failed: bool,
    ends_with_first: bool,
}

impl<'a> Importer<'a> {
    pub(super) fn new(store: &'a Store, options: ImportOptions, sink: Sink) -> Result<Self, Error> {
        EventKind::try_new(options.category, 0).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the category cannot be used").with_source(error)
        })?;
        let newest = store.newest_time()?;
        Ok(Self {
            store,
            options,
            batches: Batches::new(store),
            origins: Vec::new(),
            ids: HashSet::new(),
            ids_before: HashSet::new(),
            line_ids: LineIds::new(options.source),
            kinds: LineKinds::new(store, matches!(sink, Sink::Trial(_))),
            clock: newest.map_or_else(HlcClock::default, HlcClock::after),
            removals: ForeignNotes::new(store),
            removals_waiting: 0,
            imported: Imported::default(),
            sink,
            begun: None,
            array: None,
            has_failed: false,
            ends_with_first: false,
        })
    }

    /// What has come of it until now.
    pub(super) const fn imported(&self) -> Imported {
        self.imported
    }

    pub(super) fn read(
        &mut self,
        input: &mut dyn BufRead,
        meter: &mut Meter<'_>,
    ) -> Result<(), Failure> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = input.take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
            let read = read.map_err(|error| {
                let lines = self.imported.lines;
                let message = format!("the lines cannot be read on after line {lines}");
                let kind = match error.kind() {
                    io::ErrorKind::InvalidData => ErrorKind::InvalidInput,
                    _ => ErrorKind::Io,
                };
                Error::new(kind, message).with_source(error)
            })?;
            if read == 0 {
                if self.array.is_some() {
                    return Err(self.in_array("the array has no end"));
                }
                return Ok(meter.report()?);
            }
            self.imported.lines += 1;
            self.line(&line)?;
            if self.ends_with_first && self.has_any() {
                return Ok(());
            }
            meter.add(read as u64)?;
        }
    }

    /// Reads no further than the line that the first event ends in.
    pub(super) const fn ending_with_first(mut self) -> Self {
        self.ends_with_first = true;
        self
    }

    /// Whether an event was read, or the record of a removal.
    pub(super) fn has_any(&self) -> bool {
        let Imported {
            events,
            repeated,
            redacted,
            removals,
            ..
        } = self.imported;
        let done = events + repeated + redacted + removals;
        done + self.removals_waiting > 0 || self.batches.len() > 0
    }

    /// Returns when everything that was read is in the store, unless something before cannot be.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        if self.has_failed {
            return Ok(());
        }
        self.drain()?;
        self.write_removals()
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        if line.len() as u64 > LINE_BYTES_MAX {
            let message = format!("it has more than {LINE_BYTES_MAX} bytes");
            return Err(self.wrong(Error::new(ErrorKind::TooLarge, message)));
        }
        if self.is_array(line) {
            return self.array_line(line);
        }
        let text = std::str::from_utf8(line)
            .map_err(|error| self.refused(RefusedLine::new(format!("it is no UTF-8: {error}"))))?;
        // What precedes the first line in files of some programs.
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(());
        }
        self.object(text)
    }

    /// Whether a line is more of an array, or begins one: a batch of CloudEvents.
    fn is_array(&self, line: &[u8]) -> bool {
        let begins = || {
            let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
            line.trim_ascii_start().first() == Some(&b'[')
        };
        self.array.is_some() || (self.options.format == LineFormat::CloudEvents && begins())
    }

    /// Takes the elements of an array that end in this line.
    fn array_line(&mut self, line: &[u8]) -> Result<(), Failure> {
        let mut bytes = line.iter();
        let mut array = match self.array.take() {
            Some(array) => array,
            None => {
                // What is before it is no more than a byte order mark and white space.
                bytes.find(|byte| **byte == b'[');
                Elements::new()
            }
        };
        while let Some(byte) = bytes.next() {
            let was_within = array.is_within();
            let step = array.push(*byte);
            if !was_within && array.is_within() {
                self.begun = Some(Begun {
                    line: self.imported.lines,
                    before: line.len() - bytes.as_slice().len() - 1,
                });
            }
            match step {
                Step::On if array.len() as u64 <= LINE_BYTES_MAX => {}
                Step::On => {
                    let message = format!("an event has more than {LINE_BYTES_MAX} bytes");
                    return Err(self.wrong(Error::new(ErrorKind::TooLarge, message)));
                }
                Step::Wrong => {
                    return Err(self.in_array("it is no array of JSON with an event in each place"));
                }
                Step::Element => self.element(array.take())?,
                Step::End | Step::LastElement => {
                    if step == Step::LastElement {
                        self.element(array.take())?;
                    }
                    return match bytes.as_slice().trim_ascii().is_empty() {
                        true => Ok(()),
                        false => Err(self.in_array("something comes after the array")),
                    };
                }
            }
        }
        self.array = Some(array);
        Ok(())
    }

    fn element(&mut self, element: Vec<u8>) -> Result<(), Failure> {
        let text = std::str::from_utf8(&element)
            .map_err(|error| self.refused(RefusedLine::new(format!("it is no UTF-8: {error}"))))?;
        let text = text.trim();
        self.object(text).map_err(|failure| match self.has_failed {
            // It is that of an event before.
            true => failure,
            false => failure.of_element(text),
        })?;
        self.begun = None;
        Ok(())
    }

    fn in_array(&self, reason: &str) -> Failure {
        self.refused(RefusedLine::new(reason.to_owned()))
    }

    /// Takes the object that an event or a record of a removal is.
    fn object(&mut self, text: &str) -> Result<(), Failure> {
        let note = parse_removal(text, self.options.format);
        if let Some(note) = note.map_err(|error| self.refused(error))? {
            let taken = self
                .removals
                .take(&note)
                .map_err(|error| match error.kind() {
                    ErrorKind::InvalidInput => self.refused(not_of_an_export()),
                    _ => error.into(),
                });
            self.removals_waiting += taken?;
            return match self.removals.are_many() {
                true => self.write_removals(),
                false => Ok(()),
            };
        }
        let parsed = match self.options.format {
            LineFormat::Lines => parse_line(text),
            LineFormat::CloudEvents => parse_cloud_event(text),
        };
        if parsed.is_err() && is_head(text) {
            let message = "this is an exact export, which is imported as a whole into a new store: by \
                           `strandline import --exact`, or `import_exact`";
            return Err(self.refused(RefusedLine::new(message.to_owned())));
        }
        let parsed = parsed.map_err(|error| Failure {
            looks_like: other_format(text, self.options.format),
            ..self.refused(error)
        })?;
        self.event(text, parsed)
    }

    fn event(&mut self, text: &str, line: ImportedEvent<'_>) -> Result<(), Failure> {
        if line.is_redacted {
            self.imported.redacted += 1;
            return Ok(());
        }
        let id = line.id.unwrap_or_else(|| self.line_ids.next(text));
        let kind = self.kind(&line)?;
        let read = line.coordinate().and_then(|coordinate| {
            let at = line.time()?;
            Ok((at, line.incoming(coordinate, kind)?))
        });
        let (at, incoming) = read.map_err(|error| self.refused(error))?;
        match self.known(id, &incoming)? {
            Known::No => {}
            Known::Same => {
                self.imported.repeated += 1;
                return Ok(());
            }
            Known::Other(what) => {
                let error = conflict(id, what, text, self.options.format);
                return Err(self.wrong(error));
            }
        }
        let reading = self.reading(at)?;
        let origin = Origin {
            line: self.place(),
            at: Some(reading),
            is_moved: at.is_some_and(|at| at.wall_ms() != reading.wall_ms()),
        };
        let (coordinate, event) = incoming.into_event(id);
        let added = self.batches.add(coordinate, event.at(reading));
        if let Some(before) = added.map_err(|error| self.wrong(error))? {
            self.hand_over(before)?;
        }
        self.origins.push(origin);
        self.ids.insert(id);
        if self.batches.len() >= PORTION_EVENTS || self.batches.bytes() >= PORTION_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// The kind that a line means: that of its name, or its number, or the first one of the category.
    fn kind(&mut self, line: &ImportedEvent<'_>) -> Result<EventKind, Failure> {
        let category = self.options.category;
        let kind = line.kind(category).map_err(|error| self.refused(error))?;
        match (&line.kind_name, kind) {
            (Some(name), kind) => {
                let named = self.kinds.kind(name, kind);
                named.map_err(|error| match error.kind() {
                    ErrorKind::InvalidInput | ErrorKind::Exhausted | ErrorKind::KindConflict => {
                        self.wrong(error)
                    }
                    _ => error.into(),
                })
            }
            (None, Some(kind)) => Ok(kind),
            (None, None) => {
                let first = EventKind::try_new(category, 0);
                first.map_err(|error| self.refused(RefusedLine::new(error.to_string())))
            }
        }
    }

    /// Whether the store has an event with this id, or an earlier line.
    fn known(&mut self, id: EventId, incoming: &Incoming) -> Result<Known, Failure> {
        if matches!(self.sink, Sink::Append(_))
            && (self.ids.contains(&id) || self.ids_before.contains(&id))
        {
            // Its twin is looked for in the store.
            self.drain()?;
        }
        let stored = self.store.snapshot();
        let compared = stored.get_with(id, |stored| difference(&stored, incoming))?;
        Ok(match (&mut self.sink, Known::by(compared)) {
            (Sink::Trial(twins), Known::No) => twins.see(id, incoming),
            (_, known) => known,
        })
    }

    /// The time that an event gets: its own, the next one that the store can give if that is later, or
    /// that of now if it has none.
    fn reading(&mut self, at: Option<Hlc>) -> Result<Hlc, Failure> {
        let now_ms = self.store.clock().now_ms();
        let Some(at) = at else {
            return Ok(self.clock.tick(now_ms).map_err(exhausted)?);
        };
        let newest_ms = self.clock.last().map_or(0, Hlc::wall_ms);
        let drift_ms_max = self.store.clock_drift_max().as_millis();
        let drift_ms_max = u64::try_from(drift_ms_max).unwrap_or(u64::MAX);
        let latest_ms = now_ms.saturating_add(drift_ms_max).max(newest_ms);
        if at.wall_ms() > latest_ms && !self.options.takes_future_times {
            let refused = RefusedTime::Ahead {
                supplied: at,
                now_ms,
                drift_ms_max,
            };
            let message = format!(
                "its time {} is in the future, {} ahead of this machine's clock, and would make every \
                 later event of the store have one that is",
                rfc3339(at.wall_ms()),
                duration(at.wall_ms() - now_ms),
            );
            return Err(
                self.wrong(Error::new(ErrorKind::RefusedTime, message).with_refused_time(refused))
            );
        }
        let reading = self.clock.tick_at(at);
        let reading = reading.or_else(|HlcBehind { last }| self.clock.tick(last.wall_ms()));
        Ok(reading.map_err(exhausted)?)
    }

    /// Hands the events that wait to the thread that appends.
    fn flush(&mut self) -> Result<(), Failure> {
        let members = self.batches.take();
        self.hand_over(members)
    }

    /// Hands events to the thread that appends, once that has done those before.
    fn hand_over(&mut self, members: Members) -> Result<(), Failure> {
        let origins = std::mem::take(&mut self.origins);
        let Sink::Append(appender) = &mut self.sink else {
            self.imported.events += origins.len() as u64;
            let moved = origins.iter().filter(|origin| origin.is_moved);
            self.imported.moved_times += moved.count() as u64;
            self.ids.clear();
            return Ok(());
        };
        let appended = appender.wait();
        self.count(appended?)?;
        self.ids_before = std::mem::take(&mut self.ids);
        match &mut self.sink {
            Sink::Append(appender) if !members.is_empty() => {
                Ok(appender.append(Portion { members, origins })?)
            }
            _ => Ok(()),
        }
    }

    /// Returns when every event that was read is in the store.
    fn drain(&mut self) -> Result<(), Failure> {
        self.flush()?;
        // Waits for what was handed over just now.
        self.flush()?;
        self.ids_before.clear();
        Ok(())
    }

    fn count(&mut self, appended: Appended) -> Result<(), Failure> {
        self.imported.events += appended.events;
        self.imported.repeated += appended.repeated;
        self.imported.moved_times += appended.moved_times;
        match appended.failure {
            None => Ok(()),
            Some(failure) => {
                self.has_failed = true;
                Err(failure)
            }
        }
    }

    fn write_removals(&mut self) -> Result<(), Failure> {
        match self.sink {
            Sink::Trial(_) => self.removals.forget(),
            Sink::Append(_) => self.removals.write()?,
        }
        self.imported.removals += std::mem::take(&mut self.removals_waiting);
        Ok(())
    }

    fn refused(&self, refused: RefusedLine) -> Failure {
        Failure::of_line(refused, self.imported.lines, self.begun)
    }

    /// The line that what is read begins in.
    fn place(&self) -> u64 {
        self.begun.map_or(self.imported.lines, |begun| begun.line)
    }

    /// An error that is the fault of the line that was read last.
    fn wrong(&self, error: Error) -> Failure {
        Failure {
            line: Some(self.place()),
            error,
            looks_like: None,
        }
    }
}

/// The format of a line that is none of `format`, if it is one of the other. A batch of CloudEvents is an array of
/// objects, of which this may be the first line.
fn other_format(text: &str, format: LineFormat) -> Option<LineFormat> {
    let in_array = text.strip_prefix('[').map(str::trim_start);
    let is_batch = in_array.is_some_and(|rest| rest.is_empty() || rest.starts_with('{'));
    match format {
        LineFormat::Lines => {
            (is_batch || parse_cloud_event(text).is_ok()).then_some(LineFormat::CloudEvents)
        }
        LineFormat::CloudEvents => parse_line(text).is_ok().then_some(LineFormat::Lines),
    }
}

fn exhausted(error: HlcExhausted) -> Error {
    let message = "no event after the last one can have a time; nothing more can be appended";
    Error::new(ErrorKind::Exhausted, message).with_source(error)
}

/// A duration for people, in the largest unit of which it has one.
fn duration(ms: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400_000, "days"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1000, "s"),
    ];
    let unit = UNITS.iter().find(|(unit_ms, _)| ms >= 2 * unit_ms);
    unit.map_or_else(
        || format!("{ms} ms"),
        |(unit_ms, name)| format!("{} {name}", ms / unit_ms),
    )
}
