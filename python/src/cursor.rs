//! `Cursor`: the events that there are, and then each as it comes.

use crate::convert::Whole;
use crate::error::{invalid, raised};
use crate::event::PyEvent;
use parking_lot::Mutex;
use pyo3::prelude::*;
use std::time::Duration;
use strandline::{Cursor, SavedPosition, Sequence, Start, StoredEvent};

/// How long a wait goes on before it is asked whether a signal came, such as that of Ctrl-C.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// Events that are pulled at once.
const PULLED_EVENTS: usize = 256;

/// The events of a query as they come, an iterator that waits.
#[pyclass(name = "Cursor", module = "strandline", frozen)]
pub(crate) struct PyCursor {
    cursor: Mutex<Cursor>,
    /// How long the iterator waits for an event before it ends.
    patience: Option<Duration>,
}

impl PyCursor {
    pub(crate) const fn new(cursor: Cursor, patience: Option<Duration>) -> Self {
        Self {
            cursor: Mutex::new(cursor),
            patience,
        }
    }

    /// At most `max` events, once there is one; none if none came in time.
    fn pull(
        &self,
        py: Python<'_>,
        max: usize,
        patience: Option<Duration>,
    ) -> PyResult<Vec<StoredEvent>> {
        let mut waited = Duration::ZERO;
        loop {
            let left = patience.map_or(SLICE, |patience| patience.saturating_sub(waited));
            let slice = left.min(SLICE);
            let batch = py.detach(|| self.cursor.lock().next_batch(max, slice));
            let batch = batch.map_err(|error| raised(py, &error))?;
            waited += slice;
            if !batch.is_empty() || max == 0 || patience.is_some_and(|most| waited >= most) {
                return Ok(batch);
            }
            py.check_signals()?;
        }
    }
}

#[pymethods]
impl PyCursor {
    const fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyEvent>> {
        let batch = self.pull(py, 1, self.patience)?;
        Ok(batch.into_iter().next().map(PyEvent))
    }

    #[pyo3(signature = (timeout=None))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<PyEvent>> {
        let patience = crate::convert::timeout(py, timeout)?;
        let batch = self.pull(py, 1, patience)?;
        Ok(batch.into_iter().next().map(PyEvent))
    }

    #[pyo3(signature = (max=Whole(PULLED_EVENTS), timeout=None))]
    fn next_batch(
        &self,
        py: Python<'_>,
        max: Whole<usize>,
        timeout: Option<f64>,
    ) -> PyResult<Vec<PyEvent>> {
        let patience = crate::convert::timeout(py, timeout)?;
        let batch = self.pull(py, max.0, patience)?;
        Ok(batch.into_iter().map(PyEvent).collect())
    }

    #[getter]
    fn sequence(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.cursor.lock().sequence().get())
    }

    fn position(&self, py: Python<'_>) -> PyResult<String> {
        let position = py.detach(|| self.cursor.lock().position());
        let position = position.map_err(|error| raised(py, &error))?;
        Ok(position.to_string())
    }
}

/// Where a cursor begins: `beginning`, `now`, after a sequence, or at a position that was saved.
pub(crate) fn start(value: &Bound<'_, PyAny>) -> PyResult<Start> {
    let Ok(text) = value.extract::<String>() else {
        let sequence: Whole<u64> = value.extract()?;
        return Ok(Start::After(Sequence::new(sequence.0)));
    };
    match text.as_str() {
        "beginning" => Ok(Start::Beginning),
        "now" => Ok(Start::Now),
        saved => saved
            .parse::<SavedPosition>()
            .map(Start::Saved)
            .map_err(|error| {
                let message = format!("start is beginning, now, a sequence or a position: {error}");
                invalid(value.py(), message)
            }),
    }
}
