//! `Failure`: why it stopped, before it is told what was imported; and how places in lines and names of events are
//! told.

use crate::format::{LineFormat, Position, RefusedLine, cloud_event_name, shown};
use std::error::Error as _;
use strandline::{Error, ErrorKind, EventId};

/// Why it stopped, and at which line if that is wrong.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) line: Option<u64>,
    pub(super) error: Error,
    /// The format of the line, if it is none of the one that was said, and one of this.
    pub(super) looks_like: Option<LineFormat>,
}

/// Where an element of an array begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    /// The line, from 1.
    pub(super) line: u64,
    /// How many bytes of the line are before it.
    pub(super) before: usize,
}

/// An error that is no line's fault.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            line: None,
            error,
            looks_like: None,
        }
    }
}

impl Failure {
    /// That a line was refused, or an element of an array that begins where `begun` says.
    pub(super) fn of_line(
        RefusedLine { reason, at }: RefusedLine,
        line: u64,
        begun: Option<Begun>,
    ) -> Self {
        let of = |line: u64, reason| Self {
            line: Some(line),
            error: Error::new(ErrorKind::InvalidInput, reason),
            looks_like: None,
        };
        match (at, begun) {
            (None, begun) => of(begun.map_or(line, |begun| begun.line), reason),
            // An object outside an array has one line.
            (Some(Position { column, .. }), None) => {
                of(line, format!("{reason} (column {column})"))
            }
            (Some(Position { line: 1, column }), Some(Begun { line, before })) => {
                let column = before + column;
                of(line, format!("{reason} (column {column})"))
            }
            (Some(Position { line, column }), Some(begun)) => {
                let in_event = format!("in the event that begins in line {}", begun.line);
                of(
                    begun.line + line as u64 - 1,
                    format!("{reason} (column {column}, {in_event})"),
                )
            }
        }
    }

    /// The same with the id of the element of an array that it is of: in a line there may be many.
    pub(super) fn of_element(self, text: &str) -> Self {
        // A conflict says whose it is.
        if self.line.is_none()
            || self.error.kind() == ErrorKind::Conflict
            || self.error.source().is_some()
        {
            return self;
        }
        let Some((id, _)) = cloud_event_name(text) else {
            return self;
        };
        let message = format!("event {}: {}", shown(&id), self.error);
        let named = Error::new(self.error.kind(), message);
        let error = match self.error.refused_time() {
            Some(time) => named.with_refused_time(*time),
            None => named,
        };
        Self { error, ..self }
    }
}

/// That another event has the id, in the words of the line: its own id is no other program's.
pub(super) fn conflict(id: EventId, what: &str, text: &str, format: LineFormat) -> Error {
    let name = match format {
        LineFormat::CloudEvents => cloud_event_name(text),
        LineFormat::Lines => None,
    };
    let event = match name {
        Some((name, Some(source))) if name != id.to_string() => {
            format!("{} of source {} (id {id})", shown(&name), shown(&source))
        }
        _ => id.to_string(),
    };
    let message = format!("event {event} is there already, with another {what}");
    Error::new(ErrorKind::Conflict, message)
}
