//! What a backup and a verification say.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use strandline::maintenance::BackedUp;
use strandline::{ProblemKind, VerifyReport};

/// What a backup did.
#[pyclass(name = "BackedUp", module = "strandline", frozen)]
pub(crate) struct PyBackedUp(pub(crate) BackedUp);

#[pymethods]
impl PyBackedUp {
    #[getter]
    fn end(&self) -> u64 {
        self.0.end.get()
    }

    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes
    }

    #[getter]
    const fn copied(&self) -> usize {
        self.0.copied
    }

    #[getter]
    const fn kept(&self) -> usize {
        self.0.kept
    }

    fn __repr__(&self) -> String {
        format!("BackedUp(end={}, bytes={})", self.0.end, self.0.bytes)
    }
}

/// What verification found.
#[pyclass(name = "VerifyReport", module = "strandline", frozen)]
pub(crate) struct PyVerifyReport(pub(crate) VerifyReport);

#[pymethods]
impl PyVerifyReport {
    #[getter]
    fn is_intact(&self) -> bool {
        self.0.is_intact()
    }

    #[getter]
    const fn events(&self) -> u64 {
        self.0.events
    }

    #[getter]
    const fn entities(&self) -> u64 {
        self.0.entities
    }

    #[getter]
    const fn damaged(&self) -> u64 {
        self.0.damaged
    }

    #[getter]
    const fn redacted(&self) -> u64 {
        self.0.redacted
    }

    #[getter]
    const fn removed(&self) -> u64 {
        self.0.removed
    }

    #[getter]
    fn log_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.log_hash.as_bytes())
    }

    /// Each problem: `log` or `index`, and what is wrong and where.
    #[getter]
    fn problems(&self) -> Vec<(&'static str, String)> {
        let problems = self.0.problems.iter().map(|problem| {
            let kind = match problem.kind {
                ProblemKind::Index => "index",
                _ => "log",
            };
            (kind, problem.message.clone())
        });
        problems.collect()
    }

    fn __repr__(&self) -> String {
        format!(
            "VerifyReport(is_intact={}, events={}, problems={})",
            if self.is_intact() { "True" } else { "False" },
            self.0.events,
            self.0.problems.len()
        )
    }
}
