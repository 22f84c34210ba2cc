//! `NewEvent`: an event to append.

use crate::convert::{Id, Kind, Time, Whole};
use crate::error::{invalid, raised};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyBytes;
use std::collections::BTreeMap;
use strandline::{
    AttributeValue, Attributes, Coordinate, Error, ErrorKind, Event, ExpectedVersion, Hlc,
    PayloadEncoding, Store,
};

/// What an event is linked to: another by its id, or by its place in the same batch.
#[derive(Clone, Copy, FromPyObject)]
enum Link {
    Member(Whole<usize>),
    Id(Id),
}

/// An event to append.
#[pyclass(name = "NewEvent", module = "strandline", frozen)]
pub(crate) struct NewEvent {
    coordinate: Coordinate,
    kind: Kind,
    kind_name: Option<String>,
    encoding: PayloadEncoding,
    payload: Vec<u8>,
    id: Option<Id>,
    correlation: Option<Link>,
    causation: Option<Link>,
    expected: ExpectedVersion,
    version: u16,
    tags: Vec<String>,
    attributes: Attributes,
    at: Option<Hlc>,
}

#[pymethods]
impl NewEvent {
    #[new]
    #[pyo3(signature = (entity, kind, payload, *, scope=None, encoding=None, id=None,
        correlation=None, causation=None, expected=None, version=None, tags=None,
        attributes=None, at=None, kind_name=None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a keyword of its own in Python"
    )]
    fn new(
        py: Python<'_>,
        entity: &str,
        kind: Kind,
        payload: &Bound<'_, PyAny>,
        scope: Option<&str>,
        encoding: Option<&Bound<'_, PyAny>>,
        id: Option<Id>,
        correlation: Option<Link>,
        causation: Option<Link>,
        expected: Option<&Bound<'_, PyAny>>,
        version: Option<Whole<u16>>,
        tags: Option<Vec<String>>,
        attributes: Option<BTreeMap<String, Bound<'_, PyAny>>>,
        at: Option<Time>,
        kind_name: Option<String>,
    ) -> PyResult<Self> {
        let coordinate = Coordinate::new(entity, scope.unwrap_or("default"));
        let coordinate = coordinate.map_err(|error| invalid(py, error.to_string()))?;
        let (encoding, payload) = encoded(payload, encoding)?;
        let at = at.map(|time| Hlc::new(time.0, 0)).transpose();
        Ok(Self {
            coordinate,
            kind,
            kind_name,
            encoding,
            payload,
            id,
            correlation,
            causation,
            expected: expected.map_or(Ok(ExpectedVersion::Any), expectation)?,
            version: version.map_or(1, |version| version.0),
            tags: tags.unwrap_or_default(),
            attributes: attributes_of(py, attributes.unwrap_or_default())?,
            at: at.map_err(|error| invalid(py, error.to_string()))?,
        })
    }

    /// The entity whose stream the event goes to.
    #[getter]
    fn entity(&self) -> &str {
        self.coordinate.entity()
    }

    /// The scope of the event.
    #[getter]
    fn scope(&self) -> &str {
        self.coordinate.scope()
    }

    /// The payload, as it will be stored.
    #[getter]
    fn payload<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.payload)
    }

    fn __repr__(&self) -> String {
        let bytes = self.payload.len();
        format!("NewEvent({}, {bytes} bytes)", self.coordinate)
    }
}

impl NewEvent {
    /// As the store takes it: a kind with a name is found there, or made.
    pub(crate) fn of(&self, store: &Store) -> Result<(Coordinate, Event), Error> {
        let kind = match &self.kind {
            Kind::Number(kind) => *kind,
            Kind::Name(name) => store.kind(name)?,
        };
        let mut event = Event::encoded(kind, self.encoding, self.payload.clone())
            .expecting(self.expected)
            .with_version(self.version)
            .with_attributes(self.attributes.clone());
        if let Some(name) = &self.kind_name {
            event = event.with_kind_name(name.clone());
        }
        if let Some(id) = self.id {
            event = event.with_id(id.0);
        }
        event = match self.correlation {
            Some(Link::Id(id)) => event.correlated_with(id.0),
            Some(Link::Member(place)) => event.correlated_with_member(place.0),
            None => event,
        };
        event = match self.causation {
            Some(Link::Id(id)) => event.caused_by(id.0),
            Some(Link::Member(place)) => event.caused_by_member(place.0),
            None => event,
        };
        if let Some(at) = self.at {
            event = event.at(at);
        }
        for tag in &self.tags {
            event = event.tagged(tag.as_str());
        }
        Ok((self.coordinate.clone(), event))
    }
}

/// The bytes of a payload: those that are given, or JSON of anything else.
fn encoded(
    payload: &Bound<'_, PyAny>,
    encoding: Option<&Bound<'_, PyAny>>,
) -> PyResult<(PayloadEncoding, Vec<u8>)> {
    static ENCODE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = payload.py();
    let encoding = encoding.map(encoding_of).transpose()?;
    if let Ok(bytes) = payload.cast::<PyBytes>() {
        let encoding = encoding.unwrap_or(PayloadEncoding::RAW);
        return Ok((encoding, bytes.as_bytes().to_vec()));
    }
    if encoding.is_some_and(|encoding| encoding != PayloadEncoding::JSON) {
        return Err(PyTypeError::new_err(
            "a payload that is not JSON is given as bytes",
        ));
    }
    let encode = ENCODE.import(py, "strandline._json", "encode")?;
    let bytes = encode.call1((payload,))?;
    let bytes = bytes.cast::<PyBytes>()?.as_bytes().to_vec();
    Ok((PayloadEncoding::JSON, bytes))
}

fn encoding_of(value: &Bound<'_, PyAny>) -> PyResult<PayloadEncoding> {
    let py = value.py();
    let Ok(name) = value.extract::<String>() else {
        let code: Whole<u8> = value.extract()?;
        return match code.0 {
            3 => Err(invalid(
                py,
                "a sealed payload needs its seal, which is not in reach here",
            )),
            code => Ok(PayloadEncoding::from_code(code)),
        };
    };
    match name.as_str() {
        "raw" => Ok(PayloadEncoding::RAW),
        "json" => Ok(PayloadEncoding::JSON),
        "msgpack" => Ok(PayloadEncoding::MESSAGE_PACK),
        _ => Err(invalid(
            py,
            format!("encoding is raw, json, msgpack or a number, not {name:?}"),
        )),
    }
}

fn expectation(value: &Bound<'_, PyAny>) -> PyResult<ExpectedVersion> {
    let Ok(text) = value.extract::<String>() else {
        let version: Whole<u32> = value.extract()?;
        return Ok(ExpectedVersion::Exactly(version.0));
    };
    match text.as_str() {
        "any" => Ok(ExpectedVersion::Any),
        "no_stream" => Ok(ExpectedVersion::NoStream),
        "stream_exists" => Ok(ExpectedVersion::StreamExists),
        _ => Err(invalid(
            value.py(),
            format!("expected is any, no_stream, stream_exists or a version, not {text:?}"),
        )),
    }
}

fn attributes_of(
    py: Python<'_>,
    given: BTreeMap<String, Bound<'_, PyAny>>,
) -> PyResult<Attributes> {
    let mut attributes = Attributes::new();
    for (name, value) in given {
        let value = if value.is_none() {
            AttributeValue::Null
        } else if let Ok(truth) = value.extract::<bool>() {
            AttributeValue::Boolean(truth)
        } else if let Ok(text) = value.extract::<String>() {
            AttributeValue::Text(text.into())
        } else {
            AttributeValue::Integer(value.extract::<Whole<i64>>()?.0)
        };
        let added = attributes.add(&name, value);
        added
            .map_err(|error| raised(py, &Error::new(ErrorKind::InvalidInput, error.to_string())))?;
    }
    Ok(attributes)
}
