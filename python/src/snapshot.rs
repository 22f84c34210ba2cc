//! `Snapshot`: the store as it was at one moment.

use crate::convert::{Id, Time, Whole};
use crate::error::{invalid, raised};
use crate::event::PyEvent;
use crate::events::PyEvents;
use crate::proof::{PyConsistencyProof, PyEventProof, PyTreeHead};
use crate::receipt::PyReceipt;
use crate::region::Asked;
use pyo3::prelude::*;
use strandline::{Error, Region, SavedPosition, Sequence, Snapshot};

/// The store as it was at one moment.
#[pyclass(name = "Snapshot", module = "strandline", frozen)]
pub(crate) struct PySnapshot(pub(crate) Snapshot);

impl PySnapshot {
    /// What `read` gives, without the lock of the interpreter.
    fn read<T: Send>(
        &self,
        py: Python<'_>,
        read: impl FnOnce(&Snapshot) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        py.detach(|| read(&self.0))
            .map_err(|error| raised(py, &error))
    }
}

#[pymethods]
impl PySnapshot {
    #[getter]
    fn visible(&self) -> u64 {
        self.0.visible().get()
    }

    fn __len__(&self) -> usize {
        usize::try_from(self.0.len()).unwrap_or(usize::MAX)
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn at(&self, end: Whole<u64>) -> Self {
        Self(self.0.snapshot_at(Sequence::new(end.0)))
    }

    fn as_of(&self, py: Python<'_>, time: Time) -> Self {
        Self(py.detach(|| self.0.as_of(time.0)))
    }

    fn get(&self, py: Python<'_>, id: Id) -> PyResult<Option<PyEvent>> {
        let event = self.read(py, |snapshot| snapshot.get(id.0))?;
        Ok(event.map(PyEvent))
    }

    fn latest(&self, py: Python<'_>, entity: &str) -> PyResult<Option<PyEvent>> {
        let event = self.read(py, |snapshot| snapshot.latest(entity))?;
        Ok(event.map(PyEvent))
    }

    #[pyo3(signature = (entity, *, limit=None, reverse=false))]
    fn stream(&self, entity: String, limit: Option<Whole<usize>>, reverse: bool) -> PyEvents {
        let query = Region::all().entity(entity).into();
        PyEvents::new(self.0.clone(), query, limit.map(|limit| limit.0), reverse)
    }

    #[pyo3(signature = (regions=None, *, limit=None, reverse=false))]
    fn query(
        &self,
        regions: Option<Asked<'_>>,
        limit: Option<Whole<usize>>,
        reverse: bool,
    ) -> PyEvents {
        let query = Asked::query(regions);
        PyEvents::new(self.0.clone(), query, limit.map(|limit| limit.0), reverse)
    }

    #[pyo3(signature = (regions=None))]
    fn count(&self, py: Python<'_>, regions: Option<Asked<'_>>) -> PyResult<usize> {
        let query = Asked::query(regions);
        self.read(py, |snapshot| {
            let count = snapshot.rows(query).count();
            snapshot.damage().map_or(Ok(count), Err)
        })
    }

    #[pyo3(signature = (prefix=""))]
    fn entities(&self, py: Python<'_>, prefix: &str) -> PyResult<Vec<(String, u64)>> {
        self.read(py, |snapshot| Ok(snapshot.entities(prefix).collect()))
    }

    #[pyo3(signature = (prefix=""))]
    fn scopes(&self, py: Python<'_>, prefix: &str) -> PyResult<Vec<(String, u64)>> {
        self.read(py, |snapshot| Ok(snapshot.scopes(prefix).collect()))
    }

    #[pyo3(signature = (prefix=""))]
    fn tags(&self, py: Python<'_>, prefix: &str) -> PyResult<Vec<(String, u64)>> {
        self.read(py, |snapshot| Ok(snapshot.tags(prefix).collect()))
    }

    fn verify_receipt(&self, py: Python<'_>, receipt: &PyReceipt) -> PyResult<()> {
        let receipt = receipt.0;
        self.read(py, |snapshot| snapshot.verify_receipt(&receipt))
    }

    fn position(&self, py: Python<'_>) -> PyResult<String> {
        let position = self.read(py, |snapshot| snapshot.position(snapshot.visible()))?;
        Ok(position.to_string())
    }

    fn verify_position(&self, py: Python<'_>, position: &str) -> PyResult<u64> {
        let saved = position.parse::<SavedPosition>();
        let saved = saved.map_err(|error| invalid(py, error.to_string()))?;
        let sequence = self.read(py, |snapshot| snapshot.verify_position(&saved))?;
        Ok(sequence.get())
    }

    fn tree_head(&self, py: Python<'_>) -> PyResult<PyTreeHead> {
        self.read(py, Snapshot::tree_head).map(PyTreeHead)
    }

    fn prove(&self, py: Python<'_>, id: Id) -> PyResult<Option<PyEventProof>> {
        let proof = self.read(py, |snapshot| snapshot.prove(id.0))?;
        Ok(proof.map(PyEventProof))
    }

    fn prove_consistency(&self, py: Python<'_>, old: &PyTreeHead) -> PyResult<PyConsistencyProof> {
        let old = old.0;
        let proof = self.read(py, |snapshot| snapshot.prove_consistency(&old))?;
        Ok(PyConsistencyProof(proof))
    }

    fn __repr__(&self) -> String {
        format!(
            "Snapshot(visible={}, {} events)",
            self.visible(),
            self.0.len()
        )
    }
}
