//! Heads of the tree over the log, and proofs that lead to them.

use crate::convert::Whole;
use crate::error::invalid;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use strandline::proof::Hash;
use strandline::{ConsistencyProof, EventProof, TreeHead};

/// The head of the tree over a log: what stands for everything before it.
#[pyclass(name = "TreeHead", module = "strandline", frozen)]
#[derive(Clone)]
pub(crate) struct PyTreeHead(pub(crate) TreeHead);

#[pymethods]
impl PyTreeHead {
    #[new]
    fn new(py: Python<'_>, size: Whole<u64>, root: &[u8]) -> PyResult<Self> {
        let root = root.try_into().map(Hash::from_bytes);
        let root = root.map_err(|_| invalid(py, "a root is 32 bytes"))?;
        Ok(Self(TreeHead { size: size.0, root }))
    }

    #[getter]
    fn size(&self) -> u64 {
        self.0.size
    }

    #[getter]
    fn root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.root.as_bytes())
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __repr__(&self) -> String {
        format!("TreeHead(size={}, root={})", self.0.size, self.0.root)
    }
}

/// That an event is in the log that a head stands for.
#[pyclass(name = "EventProof", module = "strandline", frozen)]
pub(crate) struct PyEventProof(pub(crate) EventProof);

#[pymethods]
impl PyEventProof {
    #[getter]
    fn sequence(&self) -> u64 {
        self.0.sequence.get()
    }

    #[getter]
    fn digest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.digest.as_bytes())
    }

    #[getter]
    fn head(&self) -> PyTreeHead {
        PyTreeHead(self.0.head)
    }

    #[getter]
    fn hashes<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        bytes_of(py, self.0.inclusion.hashes())
    }

    fn verify(&self) -> PyResult<()> {
        let verified = self.0.verify();
        verified.map_err(|error| PyValueError::new_err(error.to_string()))
    }
}

/// That the log of one head goes on as the log of another.
#[pyclass(name = "ConsistencyProof", module = "strandline", frozen)]
pub(crate) struct PyConsistencyProof(pub(crate) ConsistencyProof);

#[pymethods]
impl PyConsistencyProof {
    #[getter]
    fn hashes<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        bytes_of(py, self.0.hashes())
    }

    fn verify(&self, old: &PyTreeHead, new: &PyTreeHead) -> PyResult<()> {
        let verified = self.0.verify(&old.0, &new.0);
        verified.map_err(|error| PyValueError::new_err(error.to_string()))
    }
}

fn bytes_of<'py>(py: Python<'py>, hashes: &[Hash]) -> Vec<Bound<'py, PyBytes>> {
    let hashes = hashes.iter();
    hashes
        .map(|hash| PyBytes::new(py, hash.as_bytes()))
        .collect()
}
