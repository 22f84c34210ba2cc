//! `Store`: a store that is open.

use crate::convert::{Id, Whole, durability, timeout};
use crate::cursor::{PyCursor, SLICE};
use crate::error::{invalid, raised};
use crate::event::PyEvent;
use crate::new_event::NewEvent;
use crate::proof::PyTreeHead;
use crate::receipt::PyReceipt;
use crate::region::{Asked, PyCondition};
use crate::report::{PyBackedUp, PyVerifyReport};
use crate::snapshot::PySnapshot;
use parking_lot::RwLock;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use std::path::PathBuf;
use std::time::Duration;
use strandline::{
    AppendCondition, AppendOptions, Durability, Error, ErrorKind, EventKind, Receipt, Sequence,
    Start, Store, StoreOptions,
};

/// A store that is open.
#[pyclass(name = "Store", module = "strandline", frozen)]
pub(crate) struct PyStore {
    /// None once it was closed. The lock is never held while that of the interpreter is waited for.
    store: RwLock<Option<Store>>,
    path: PathBuf,
}

impl PyStore {
    /// What `work` gives, without the lock of the interpreter.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Store) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let done = py.detach(|| match &*self.store.read() {
            Some(store) => work(store),
            None => Err(Error::new(ErrorKind::Closed, "the store is closed")),
        });
        done.map_err(|error| raised(py, &error))
    }

    /// Waits in slices, so that signals are seen and the store can be closed meanwhile.
    fn wait(
        &self,
        py: Python<'_>,
        patience: Option<Duration>,
        reached: impl Fn(&Store, Duration) -> Result<bool, Error> + Send + Sync,
    ) -> PyResult<bool> {
        let mut waited = Duration::ZERO;
        loop {
            let left = patience.map_or(SLICE, |patience| patience.saturating_sub(waited));
            let slice = left.min(SLICE);
            if self.with(py, |store| reached(store, slice))? {
                return Ok(true);
            }
            waited += slice;
            if patience.is_some_and(|patience| waited >= patience) {
                return Ok(false);
            }
            py.check_signals()?;
        }
    }
}

/// What an append may ask for beside its events.
#[derive(Default)]
struct Asking {
    durability: Option<Durability>,
    condition: Option<AppendCondition>,
    tracking: Option<(String, u64)>,
}

impl Asking {
    fn new(
        py: Python<'_>,
        level: Option<&str>,
        condition: Option<&PyCondition>,
        tracking: Option<(String, Whole<u64>)>,
    ) -> PyResult<Self> {
        Ok(Self {
            durability: level.map(|level| durability(py, level)).transpose()?,
            condition: condition.map(|condition| condition.0.clone()),
            tracking: tracking.map(|(source, position)| (source, position.0)),
        })
    }

    fn append(&self, store: &Store, events: &[&NewEvent]) -> Result<Vec<Receipt>, Error> {
        let events = events.iter().map(|event| event.of(store));
        let events = events.collect::<Result<Vec<_>, _>>()?;
        let mut options = AppendOptions::new();
        if let Some(durability) = self.durability {
            options = options.durability(durability);
        }
        if let Some(condition) = &self.condition {
            options = options.condition(condition);
        }
        if let Some((source, position)) = &self.tracking {
            options = options.tracking(source, *position);
        }
        store.append_slice(&events, options)
    }
}

#[pymethods]
impl PyStore {
    #[classmethod]
    #[pyo3(signature = (path, *, must_exist=false, read_only=false, durability=None,
        sync_interval=None, payload_bytes_max=None, segment_bytes_max=None,
        segment_events_max=None, cache_bytes_max=None, in_flight_max=None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a keyword of its own in Python"
    )]
    fn open(
        cls: &Bound<'_, PyType>,
        path: PathBuf,
        must_exist: bool,
        read_only: bool,
        durability: Option<&str>,
        sync_interval: Option<f64>,
        payload_bytes_max: Option<Whole<usize>>,
        segment_bytes_max: Option<Whole<u64>>,
        segment_events_max: Option<Whole<u32>>,
        cache_bytes_max: Option<Whole<usize>>,
        in_flight_max: Option<Whole<usize>>,
    ) -> PyResult<Self> {
        let py = cls.py();
        let mut options = StoreOptions::new();
        if must_exist {
            options = options.must_exist();
        }
        if read_only {
            options = options.read_only();
        }
        if let Some(level) = durability {
            options = options.durability(crate::convert::durability(py, level)?);
        }
        if let Some(interval) = timeout(py, sync_interval)? {
            options = options.sync_interval(interval);
        }
        if let Some(bytes) = payload_bytes_max {
            options = options.payload_bytes_max(bytes.0);
        }
        if let Some(bytes) = segment_bytes_max {
            options = options.segment_bytes_max(bytes.0);
        }
        if let Some(events) = segment_events_max {
            options = options.segment_events_max(events.0);
        }
        if let Some(bytes) = cache_bytes_max {
            options = options.cache_bytes_max(bytes.0);
        }
        if let Some(appends) = in_flight_max {
            options = options.in_flight_max(appends.0);
        }
        let store = py.detach(|| options.open(&path));
        let store = store.map_err(|error| raised(py, &error))?;
        Ok(Self {
            path: store.dir().to_path_buf(),
            store: RwLock::new(Some(store)),
        })
    }

    #[getter]
    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    #[getter]
    fn closed(&self, py: Python<'_>) -> bool {
        py.detach(|| self.store.read().is_none())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let closed = py.detach(|| {
            let store = self.store.write().take();
            store.map_or(Ok(()), Store::close)
        });
        closed.map_err(|error| raised(py, &error))
    }

    const fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close(py)
    }

    #[pyo3(signature = (entity, kind, payload, *, durability=None, condition=None,
        tracking=None, **event))]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a keyword of its own in Python"
    )]
    fn append(
        &self,
        py: Python<'_>,
        entity: &Bound<'_, PyAny>,
        kind: &Bound<'_, PyAny>,
        payload: &Bound<'_, PyAny>,
        durability: Option<&str>,
        condition: Option<&PyCondition>,
        tracking: Option<(String, Whole<u64>)>,
        event: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyReceipt> {
        let asking = Asking::new(py, durability, condition, tracking)?;
        let event = py
            .get_type::<NewEvent>()
            .call((entity, kind, payload), event)?;
        let event = event.cast_into::<NewEvent>()?;
        let event = event.get();
        let receipts = self.with(py, |store| asking.append(store, &[event]))?;
        let receipt = receipts.into_iter().next();
        receipt
            .map(PyReceipt)
            .ok_or_else(|| invalid(py, "the append gave no receipt"))
    }

    #[pyo3(signature = (events, *, durability=None, condition=None, tracking=None))]
    fn append_batch(
        &self,
        py: Python<'_>,
        events: &Bound<'_, PyAny>,
        durability: Option<&str>,
        condition: Option<&PyCondition>,
        tracking: Option<(String, Whole<u64>)>,
    ) -> PyResult<Vec<PyReceipt>> {
        let asking = Asking::new(py, durability, condition, tracking)?;
        let mut given: Vec<Py<NewEvent>> = Vec::new();
        for event in events.try_iter()? {
            given.push(event?.cast_into::<NewEvent>()?.unbind());
        }
        let events: Vec<&NewEvent> = given.iter().map(Py::get).collect();
        let receipts = self.with(py, |store| asking.append(store, &events))?;
        Ok(receipts.into_iter().map(PyReceipt).collect())
    }

    fn snapshot(&self, py: Python<'_>) -> PyResult<PySnapshot> {
        self.with(py, |store| Ok(store.snapshot())).map(PySnapshot)
    }

    fn get(&self, py: Python<'_>, id: Id) -> PyResult<Option<PyEvent>> {
        let event = self.with(py, |store| store.snapshot().get(id.0))?;
        Ok(event.map(PyEvent))
    }

    #[pyo3(signature = (regions=None, *, start=None, delivery="visible", timeout=None))]
    fn follow(
        &self,
        py: Python<'_>,
        regions: Option<Asked<'_>>,
        start: Option<&Bound<'_, PyAny>>,
        delivery: &str,
        timeout: Option<f64>,
    ) -> PyResult<PyCursor> {
        let from = start.map_or(Ok(Start::Beginning), crate::cursor::start)?;
        let delivery = crate::convert::delivery(py, delivery)?;
        let patience = crate::convert::timeout(py, timeout)?;
        let query = Asked::query(regions);
        let cursor = self.with(py, |store| store.follow(query, from))?;
        Ok(PyCursor::new(cursor.at(delivery), patience))
    }

    fn kind(&self, py: Python<'_>, name: &str) -> PyResult<u16> {
        self.with(py, |store| store.kind(name)).map(EventKind::bits)
    }

    fn kind_name(&self, py: Python<'_>, kind: Whole<u16>) -> PyResult<Option<String>> {
        let kind = EventKind::from_bits(kind.0);
        self.with(py, |store| {
            Ok(store.kind_name(kind).map(|name| name.to_string()))
        })
    }

    #[pyo3(signature = (sequence, *, timeout=None))]
    fn wait_visible(
        &self,
        py: Python<'_>,
        sequence: Whole<u64>,
        timeout: Option<f64>,
    ) -> PyResult<bool> {
        let patience = crate::convert::timeout(py, timeout)?;
        let sequence = Sequence::new(sequence.0);
        self.wait(py, patience, |store, slice| {
            store.wait_visible_past(sequence, slice)
        })
    }

    fn wait_durable(&self, py: Python<'_>, receipt: &PyReceipt) -> PyResult<()> {
        let receipt = receipt.0;
        self.with(py, |store| store.wait_durable(&receipt))
    }

    fn tracked(&self, py: Python<'_>, source: &str) -> PyResult<Option<u64>> {
        self.with(py, |store| {
            Ok(store.tracked(source).map(|tracked| tracked.position))
        })
    }

    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, Store::sync)
    }

    fn checkpoint(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, Store::checkpoint).map(Sequence::get)
    }

    fn refresh(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, Store::refresh).map(Sequence::get)
    }

    fn durable_head(&self, py: Python<'_>) -> PyResult<PyTreeHead> {
        self.with(py, Store::durable_head).map(PyTreeHead)
    }

    fn backup(&self, py: Python<'_>, target: PathBuf) -> PyResult<PyBackedUp> {
        self.with(py, |store| store.backup_to(&target))
            .map(PyBackedUp)
    }

    fn verify(&self, py: Python<'_>) -> PyResult<PyVerifyReport> {
        self.with(py, Store::verify).map(PyVerifyReport)
    }

    fn __repr__(&self) -> String {
        format!("Store({:?})", self.path)
    }
}
