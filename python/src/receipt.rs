//! `Receipt`: what an append returns.

use crate::convert::{datetime, uuid};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use strandline::Receipt;

/// What an append returns for each event.
#[pyclass(name = "Receipt", module = "strandline", frozen)]
#[derive(Clone)]
pub(crate) struct PyReceipt(pub(crate) Receipt);

#[pymethods]
impl PyReceipt {
    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        uuid(py, self.0.id)
    }

    #[getter]
    fn sequence(&self) -> u64 {
        self.0.sequence.get()
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
    fn hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.hash.as_bytes())
    }

    #[getter]
    fn durable(&self) -> bool {
        self.0.durable
    }

    #[getter]
    fn replicated(&self) -> bool {
        self.0.replicated
    }

    #[getter]
    fn repeated(&self) -> bool {
        self.0.repeated
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __repr__(&self) -> String {
        let receipt = &self.0;
        format!(
            "Receipt(id={}, sequence={}, clock={})",
            receipt.id, receipt.sequence, receipt.clock
        )
    }
}
