//! `Event`: an event as it was read.

use crate::convert::{datetime, uuid};
use crate::error::raised;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use strandline::{AttributeValue, PayloadEncoding, StoredEvent};

/// An event as it was read.
#[pyclass(name = "Event", module = "strandline", frozen)]
pub(crate) struct PyEvent(pub(crate) StoredEvent);

#[pymethods]
impl PyEvent {
    #[getter]
    fn sequence(&self) -> u64 {
        self.0.sequence.get()
    }

    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        uuid(py, self.0.id)
    }

    #[getter]
    fn entity(&self) -> &str {
        self.0.coordinate.entity()
    }

    #[getter]
    fn scope(&self) -> &str {
        self.0.coordinate.scope()
    }

    #[getter]
    fn kind(&self) -> u16 {
        self.0.kind.bits()
    }

    #[getter]
    fn version(&self) -> u16 {
        self.0.version()
    }

    #[getter]
    fn clock(&self) -> u32 {
        self.0.clock
    }

    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.0.hlc)
    }

    #[getter]
    fn time_ms(&self) -> u64 {
        self.0.hlc.wall_ms()
    }

    #[getter]
    fn correlation<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        uuid(py, self.0.correlation)
    }

    #[getter]
    fn causation<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.causation.map(|id| uuid(py, id)).transpose()
    }

    #[getter]
    fn hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.hash.as_bytes())
    }

    #[getter]
    fn tags<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.tags().collect::<Vec<_>>())
    }

    #[getter]
    fn attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let given = PyDict::new(py);
        for (name, value) in self.0.attributes().iter() {
            match value {
                AttributeValue::Null => given.set_item(name, py.None())?,
                AttributeValue::Boolean(truth) => given.set_item(name, truth)?,
                AttributeValue::Integer(number) => given.set_item(name, number)?,
                AttributeValue::Text(text) | AttributeValue::Json(text) => {
                    given.set_item(name, &**text)?;
                }
            }
        }
        Ok(given)
    }

    #[getter]
    fn encoding<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let name = match self.0.encoding {
            PayloadEncoding::RAW => "raw",
            PayloadEncoding::JSON => "json",
            PayloadEncoding::MESSAGE_PACK => "msgpack",
            PayloadEncoding::SEALED => "sealed",
            other => return Ok(other.code().into_pyobject(py)?.into_any()),
        };
        Ok(name.into_pyobject(py)?.into_any())
    }

    #[getter]
    fn is_redacted(&self) -> bool {
        self.0.is_redacted()
    }

    #[getter]
    fn payload<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.0.payload().map_err(|error| raised(py, &error))?;
        Ok(PyBytes::new(py, bytes))
    }

    fn json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static DECODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let decode = DECODE.import(py, "strandline._json", "decode")?;
        decode.call1((self.payload(py)?,))
    }

    fn __repr__(&self) -> String {
        let event = &self.0;
        format!(
            "Event(sequence={}, {}, kind={})",
            event.sequence, event.coordinate, event.kind
        )
    }
}
