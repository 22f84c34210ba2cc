//! Values of Python as those of the store and back: ids, numbers, times, kinds. Holds no event.

use crate::error::invalid;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyType};
use std::time::{Duration, SystemTime};
use strandline::{Delivery, Durability, EventId, EventKind, Hlc};

/// A whole number; one that does not fit is an `InvalidInput`, and a truth value is none.
#[derive(Clone, Copy)]
pub(crate) struct Whole<T>(pub(crate) T);

impl<'a, 'py, T: FromPyObjectOwned<'py>> FromPyObject<'a, 'py> for Whole<T> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let py = value.py();
        if value.is_instance_of::<PyBool>() {
            return Err(PyTypeError::new_err("a whole number is wanted, not a bool"));
        }
        value.extract::<T>().map(Self).map_err(|error| {
            let error: PyErr = error.into();
            match error.is_instance_of::<PyOverflowError>(py) {
                true => invalid(py, format!("a number does not fit: {error}")),
                false => error,
            }
        })
    }
}

/// The id of an event: a `uuid.UUID`, or its text.
#[derive(Clone, Copy)]
pub(crate) struct Id(pub(crate) EventId);

impl<'a, 'py> FromPyObject<'a, 'py> for Id {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let py = value.py();
        if let Ok(text) = value.extract::<String>() {
            let id = text.parse().map(Self);
            return id.map_err(|error| invalid(py, format!("{text:?}: {error}")));
        }
        if value.is_instance(uuid_class(py)?)? {
            let bytes: [u8; 16] = value.getattr("bytes")?.extract()?;
            return Ok(Self(EventId::from_u128(u128::from_be_bytes(bytes))));
        }
        Err(PyTypeError::new_err("an id is a uuid.UUID or its text"))
    }
}

fn uuid_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static UUID: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    UUID.import(py, "uuid", "UUID")
}

/// The `uuid.UUID` of an id.
pub(crate) fn uuid(py: Python<'_>, id: EventId) -> PyResult<Bound<'_, PyAny>> {
    uuid_class(py)?.call1((py.None(), id.as_u128().to_be_bytes()))
}

/// A kind: its 16 bits, or its name in the store.
#[derive(Clone)]
pub(crate) enum Kind {
    Number(EventKind),
    Name(String),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Kind {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match value.extract::<String>() {
            Ok(name) => Ok(Self::Name(name)),
            Err(_) => value
                .extract::<Whole<u16>>()
                .map(|bits| Self::Number(EventKind::from_bits(bits.0))),
        }
    }
}

/// A time: an aware `datetime`, or milliseconds since 1970.
pub(crate) struct Time(pub(crate) u64);

impl<'a, 'py> FromPyObject<'a, 'py> for Time {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let py = value.py();
        if let Ok(time) = value.extract::<SystemTime>() {
            let since = time.duration_since(SystemTime::UNIX_EPOCH);
            let since = since.map_err(|_| invalid(py, "the time is before 1970"))?;
            let ms = u64::try_from(since.as_millis());
            return ms.map(Self).map_err(|error| invalid(py, error.to_string()));
        }
        if value.hasattr("tzinfo")? {
            return Err(invalid(
                py,
                "the time needs a time zone: datetime.now(timezone.utc)",
            ));
        }
        value.extract::<Whole<u64>>().map(|ms| Self(ms.0))
    }
}

/// The aware `datetime` of a time.
pub(crate) fn datetime(py: Python<'_>, hlc: Hlc) -> PyResult<Bound<'_, PyAny>> {
    hlc.time()
        .into_pyobject(py)
        .map(Bound::into_any)
        .map_err(|_| invalid(py, "the time is past what a datetime holds: use time_ms"))
}

/// How long to wait: seconds, or for ever.
pub(crate) fn timeout(py: Python<'_>, seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let duration = seconds.map(Duration::try_from_secs_f64).transpose();
    duration.map_err(|error| invalid(py, format!("timeout: {error}")))
}

/// `synced`, `written` or `replicated`.
pub(crate) fn durability(py: Python<'_>, text: &str) -> PyResult<Durability> {
    match text {
        "synced" => Ok(Durability::Synced),
        "written" => Ok(Durability::Written),
        "replicated" => Ok(Durability::Replicated),
        _ => Err(invalid(
            py,
            format!("durability is synced, written or replicated, not {text:?}"),
        )),
    }
}

/// `visible` or `durable`.
pub(crate) fn delivery(py: Python<'_>, text: &str) -> PyResult<Delivery> {
    match text {
        "visible" => Ok(Delivery::Visible),
        "durable" => Ok(Delivery::Durable),
        _ => Err(invalid(
            py,
            format!("delivery is visible or durable, not {text:?}"),
        )),
    }
}
