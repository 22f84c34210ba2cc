//! `Events`: the events of a query, pulled in bulk without the lock of the interpreter.

use crate::columns::Columns;
use crate::convert::Whole;
use crate::error::raised;
use crate::event::PyEvent;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::VecDeque;
use strandline::{Error, EventRef, Query, Sequence, Snapshot, StoredEvent};

/// Events that are pulled at once.
const PULLED_EVENTS: usize = 1024;
/// Bytes of payloads after which no more are pulled at once.
const PULLED_BYTES: usize = 1 << 20;

/// The events of a query, an iterator.
#[pyclass(name = "Events", module = "strandline", frozen)]
pub(crate) struct PyEvents(Mutex<Pull>);

struct Pull {
    snapshot: Snapshot,
    query: Query,
    reverse: bool,
    /// How many may still be read.
    left: usize,
    last: Option<Sequence>,
    ended: bool,
    ready: VecDeque<StoredEvent>,
    failed: Option<Error>,
}

impl PyEvents {
    pub(crate) fn new(
        snapshot: Snapshot,
        query: Query,
        limit: Option<usize>,
        reverse: bool,
    ) -> Self {
        Self(Mutex::new(Pull {
            snapshot,
            query,
            reverse,
            left: limit.unwrap_or(usize::MAX),
            last: None,
            ended: false,
            ready: VecDeque::new(),
            failed: None,
        }))
    }
}

impl Pull {
    /// Reads on, until `take` has had `events_max` events, or says that it has enough.
    fn read(
        &mut self,
        events_max: usize,
        mut take: impl FnMut(EventRef<'_>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let most = events_max.min(self.left);
        if self.ended || most == 0 {
            return Ok(());
        }
        let query = match (self.last, self.reverse) {
            (None, _) => self.query.clone(),
            (Some(last), false) => self.query.clone().after(last),
            (Some(last), true) => self.query.clone().before(last),
        };
        let snapshot = self.snapshot.clone();
        let mut events = snapshot.query(query);
        for _ in 0..most {
            let next = match self.reverse {
                false => events.next_ref(),
                true => events.next_back_ref(),
            };
            let Some(event) = next else {
                self.ended = true;
                break;
            };
            let taken = event.and_then(|event| {
                self.last = Some(event.sequence());
                take(event)
            });
            // What comes after an event that cannot be read is not given: an iterator ends with an exception.
            self.ended = taken.is_err();
            self.left -= 1;
            if !taken? {
                break;
            }
        }
        Ok(())
    }

    /// At most `events_max` events; none at the end.
    fn fill(&mut self, events_max: usize) {
        let mut ready = std::mem::take(&mut self.ready);
        let mut bytes = 0;
        let read = self.read(events_max, |event| {
            let event = event.into_owned();
            bytes += event.payload().map_or(0, <[u8]>::len);
            ready.push_back(event);
            Ok(bytes < PULLED_BYTES)
        });
        self.ready = ready;
        self.failed = read.err();
    }
}

#[pymethods]
impl PyEvents {
    const fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyEvent>> {
        let next = py.detach(|| {
            let mut pull = self.0.lock();
            if pull.ready.is_empty() && pull.failed.is_none() {
                pull.fill(PULLED_EVENTS);
            }
            match pull.ready.pop_front() {
                Some(event) => Ok(Some(event)),
                None => pull.failed.take().map_or(Ok(None), Err),
            }
        });
        let next = next.map_err(|error| raised(py, &error))?;
        Ok(next.map(PyEvent))
    }

    /// The next events, `max` at most; none at the end.
    fn next_batch(&self, py: Python<'_>, max: Whole<usize>) -> PyResult<Vec<PyEvent>> {
        let batch = py.detach(|| {
            let mut pull = self.0.lock();
            if pull.ready.is_empty() && pull.failed.is_none() {
                pull.fill(max.0.min(PULLED_EVENTS));
            }
            let count = max.0.min(pull.ready.len());
            let batch: Vec<_> = pull.ready.drain(..count).collect();
            match batch.is_empty() {
                true => pull.failed.take().map_or(Ok(batch), Err),
                false => Ok(batch),
            }
        });
        let batch = batch.map_err(|error| raised(py, &error))?;
        Ok(batch.into_iter().map(PyEvent).collect())
    }

    /// The next events as buffers of columns, for `strandline.arrow`; none at the end.
    fn _columns<'py>(
        &self,
        py: Python<'py>,
        max: Whole<usize>,
        with_payload: bool,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let columns = py.detach(|| {
            let mut pull = self.0.lock();
            let mut columns = Columns::new(with_payload);
            for event in std::mem::take(&mut pull.ready) {
                columns.add_owned(&event);
            }
            if let Some(error) = pull.failed.take() {
                return Err(error);
            }
            pull.read(max.0, |event| Ok(columns.add(event)))?;
            Ok(columns)
        });
        let columns = columns.map_err(|error| raised(py, &error))?;
        columns.into_buffers(py)
    }
}
