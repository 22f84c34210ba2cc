//! `Columns`: events as the buffers of Arrow arrays. Knows no Arrow: `strandline/arrow.py` puts them together.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::collections::HashMap;
use strandline::{EventHeader, EventRef, StoredEvent};

/// Bytes of texts and payloads in one batch, after which it is full.
const BATCH_BYTES: usize = 32 << 20;

/// Events, column by column.
pub(crate) struct Columns {
    rows: usize,
    sequence: Vec<u8>,
    id: Vec<u8>,
    entity: Names,
    scope: Names,
    kind: Vec<u8>,
    version: Vec<u8>,
    clock: Vec<u8>,
    time: Vec<u8>,
    correlation: Vec<u8>,
    causation: Vec<u8>,
    causation_there: Bits,
    encoding: Vec<u8>,
    payload: Option<Payloads>,
}

/// Texts that come again and again: each once, and which one each row has.
#[derive(Default)]
struct Names {
    known: HashMap<Box<str>, u32>,
    keys: Vec<u8>,
    offsets: Vec<u8>,
    text: Vec<u8>,
}

impl Names {
    fn add(&mut self, name: &str) {
        let key = match self.known.get(name) {
            Some(key) => *key,
            None => {
                // At most one a row, and rows are counted in 32 bits.
                let key = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
                self.known.insert(name.into(), key);
                self.offsets.extend((self.text.len() as u64).to_le_bytes());
                self.text.extend(name.as_bytes());
                key
            }
        };
        self.keys.extend(key.to_le_bytes());
    }

    fn into_buffers<'py>(mut self, py: Python<'py>) -> [Bound<'py, PyBytes>; 3] {
        self.offsets.extend((self.text.len() as u64).to_le_bytes());
        [self.keys, self.offsets, self.text].map(|buffer| PyBytes::new(py, &buffer))
    }
}

/// Which rows have a value.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn push(&mut self, is_there: bool) {
        if self.count.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(is_there) << (self.count % 8);
        }
        self.count += 1;
    }
}

#[derive(Default)]
struct Payloads {
    there: Bits,
    offsets: Vec<u8>,
    bytes: Vec<u8>,
}

impl Payloads {
    fn add(&mut self, payload: Option<&[u8]>) {
        self.there.push(payload.is_some());
        self.offsets.extend((self.bytes.len() as u64).to_le_bytes());
        self.bytes.extend(payload.unwrap_or_default());
    }
}

impl Columns {
    pub(crate) fn new(with_payload: bool) -> Self {
        Self {
            rows: 0,
            sequence: Vec::new(),
            id: Vec::new(),
            entity: Names::default(),
            scope: Names::default(),
            kind: Vec::new(),
            version: Vec::new(),
            clock: Vec::new(),
            time: Vec::new(),
            correlation: Vec::new(),
            causation: Vec::new(),
            causation_there: Bits::default(),
            encoding: Vec::new(),
            payload: with_payload.then(Payloads::default),
        }
    }

    /// Adds an event, and says whether there is room for more.
    pub(crate) fn add(&mut self, event: EventRef<'_>) -> bool {
        let coordinate = event.coordinate();
        self.rows += 1;
        self.sequence.extend(event.sequence().get().to_le_bytes());
        self.id.extend(event.id().as_u128().to_be_bytes());
        self.entity.add(coordinate.entity());
        self.scope.add(coordinate.scope());
        self.kind.extend(event.kind().bits().to_le_bytes());
        self.version.extend(event.version().to_le_bytes());
        self.clock.extend(event.clock().to_le_bytes());
        self.time.extend(event.hlc().wall_ms().to_le_bytes());
        let correlation = event.correlation().as_u128();
        self.correlation.extend(correlation.to_be_bytes());
        let causation = event.causation().map(|id| id.as_u128());
        self.causation_there.push(causation.is_some());
        self.causation.extend(causation.unwrap_or(0).to_be_bytes());
        self.encoding.push(event.encoding().code());
        if let Some(payloads) = &mut self.payload {
            payloads.add(event.payload().ok());
        }
        self.has_room()
    }

    /// As [`add`](Self::add), of one that was read before.
    pub(crate) fn add_owned(&mut self, event: &StoredEvent) {
        let header: &EventHeader = event.header();
        self.rows += 1;
        self.sequence.extend(header.sequence.get().to_le_bytes());
        self.id.extend(header.id.as_u128().to_be_bytes());
        self.entity.add(header.coordinate.entity());
        self.scope.add(header.coordinate.scope());
        self.kind.extend(header.kind.bits().to_le_bytes());
        self.version.extend(header.version().to_le_bytes());
        self.clock.extend(header.clock.to_le_bytes());
        self.time.extend(header.hlc.wall_ms().to_le_bytes());
        let correlation = header.correlation.as_u128();
        self.correlation.extend(correlation.to_be_bytes());
        let causation = header.causation.map(|id| id.as_u128());
        self.causation_there.push(causation.is_some());
        self.causation.extend(causation.unwrap_or(0).to_be_bytes());
        self.encoding.push(header.encoding.code());
        if let Some(payloads) = &mut self.payload {
            payloads.add(event.payload().ok());
        }
    }

    fn has_room(&self) -> bool {
        let payloads = self
            .payload
            .as_ref()
            .map_or(0, |payloads| payloads.bytes.len());
        payloads + self.entity.text.len() + self.scope.text.len() < BATCH_BYTES
    }

    /// The buffers by column; none if there is no row.
    pub(crate) fn into_buffers(self, py: Python<'_>) -> PyResult<Option<Bound<'_, PyDict>>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let buffers = PyDict::new(py);
        let fixed = [
            ("sequence", self.sequence),
            ("id", self.id),
            ("kind", self.kind),
            ("version", self.version),
            ("clock", self.clock),
            ("time", self.time),
            ("correlation", self.correlation),
            ("causation", self.causation),
            ("causation_there", self.causation_there.bytes),
            ("encoding", self.encoding),
        ];
        buffers.set_item("rows", self.rows)?;
        for (name, buffer) in fixed {
            buffers.set_item(name, PyBytes::new(py, &buffer))?;
        }
        buffers.set_item("entity", self.entity.into_buffers(py))?;
        buffers.set_item("scope", self.scope.into_buffers(py))?;
        if let Some(mut payload) = self.payload {
            let end = payload.bytes.len() as u64;
            payload.offsets.extend(end.to_le_bytes());
            let parts = [payload.there.bytes, payload.offsets, payload.bytes];
            let parts = parts.map(|buffer| PyBytes::new(py, &buffer));
            buffers.set_item("payload", parts)?;
        }
        Ok(Some(buffers))
    }
}
