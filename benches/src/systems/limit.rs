//! What the machine allows: the bytes of Strandline's frames, without a store around them.

use crate::engine::{Ability, Durability, Engine, EngineEntry, Failure, Filter, NewEvent};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The physical limits.
pub(crate) const ENTRY: EngineEntry = EngineEntry {
    name: "limit",
    abilities: &[
        Ability::Written,
        Ability::Synced,
        Ability::Scan,
        Ability::Verify,
    ],
    notes: "append: a pwrite of the bytes of the frame, with fdatasync where synced, to a file that \
            grows; read/scan: reading the same bytes from memory; verify: BLAKE3 of them.",
    open: |dir| Ok(Box::new(Limit::open(dir)?)),
};

/// Bytes that a frame has beside its records.
const FRAME_BYTES: usize = 72;
/// Bytes that a record has beside its payload.
const RECORD_BYTES: usize = 44 + 40 + 16;
/// How many bytes are kept in memory to be read again and again.
const MEMORY_BYTES: usize = 64 << 20;

struct Limit {
    file: File,
    /// Where the number of events is kept while nothing is open.
    count: PathBuf,
    written: Mutex<Written>,
    memory: Vec<u8>,
}

#[derive(Default)]
struct Written {
    events: u64,
    bytes: u64,
    frame: Vec<u8>,
}

impl Limit {
    #[expect(clippy::disallowed_methods, reason = "measures files without a store")]
    fn open(dir: &Path) -> std::io::Result<Self> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(dir.join("bytes"))?;
        let bytes = file.metadata()?.len();
        let count = dir.join("events");
        let events = std::fs::read_to_string(&count).unwrap_or_default();
        Ok(Self {
            file,
            count,
            written: Mutex::new(Written {
                events: events.parse().unwrap_or(0),
                bytes,
                frame: Vec::new(),
            }),
            memory: (0..MEMORY_BYTES).map(|at| at as u8).collect(),
        })
    }

    /// Shows as many pieces of memory as there were events.
    fn pieces(&self, visit: &mut dyn FnMut(&[u8])) -> u64 {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let events = written.events;
        let bytes = RECORD_BYTES + crate::workload::PAYLOAD_BYTES;
        let pieces = self.memory.chunks_exact(bytes).cycle();
        for (_, piece) in (0..events).zip(pieces) {
            visit(piece);
        }
        events
    }
}

impl Engine for Limit {
    fn append(&self, events: &[NewEvent<'_>], durability: Durability) -> Result<(), Failure> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let Written {
            events: count,
            bytes,
            frame,
        } = &mut *written;
        frame.resize(FRAME_BYTES, 1);
        frame.truncate(FRAME_BYTES);
        for event in events {
            frame.resize(frame.len() + RECORD_BYTES, 2);
            frame.extend_from_slice(event.payload);
        }
        self.file.write_all_at(frame, *bytes)?;
        if durability == Durability::Synced {
            self.file.sync_data()?;
        }
        *count += events.len() as u64;
        *bytes += frame.len() as u64;
        Ok(())
    }

    fn ids(&self) -> Result<Vec<u128>, Failure> {
        Err("there are no ids".into())
    }

    fn get(&self, _: u128, _: &mut Vec<u8>) -> Result<(), Failure> {
        Err("there are no ids".into())
    }

    fn stream(&self, _: &str, _: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        Err("there are no streams".into())
    }

    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        self.pieces(visit);
        Ok(())
    }

    fn query(&self, _: Filter<'_>, _: &mut dyn FnMut(u64)) -> Result<(), Failure> {
        Err("there is no index".into())
    }

    fn verify(&self) -> Result<u64, Failure> {
        Ok(self.pieces(&mut |piece| {
            std::hint::black_box(strandline_core::Hash::of(piece));
        }))
    }

    #[expect(clippy::disallowed_methods, reason = "measures files without a store")]
    fn close(self: Box<Self>) -> Result<(), Failure> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::fs::write(&self.count, written.events.to_string())?)
    }
}
