//! `EventSpec`: an event of which everything follows from few numbers.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use strandline::fs::{Fs, MemFs, read_file};
use strandline::{Coordinate, Event, EventKind, StoreOptions};
use strandline_core::fs::Draws;

/// How many sources commits are made of.
pub(super) const SOURCES: u64 = 3;

/// What a payload is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Bytes without a pattern.
    Noise,
    /// Zeros, as a sector has that was never written.
    Zeros,
    /// Frames of another store, at each alignment, which say that much is durable.
    Frames,
    /// As noise, of an entity that no other event has.
    Alone,
}

/// An event that a workload submits; everything of it follows from this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSpec {
    /// Its place among all that the workload submits.
    pub number: u32,
    /// The commit that it is part of.
    pub commit: u32,
    /// Length of the payload.
    pub bytes: u32,
    /// What the payload is made of.
    pub shape: Shape,
}

impl EventSpec {
    pub(crate) fn entity(&self) -> String {
        let number = self.number;
        match self.shape {
            Shape::Alone => format!("alone:{number}"),
            _ => format!("entity:{}", number % 5),
        }
    }

    pub(crate) fn coordinate(&self) -> Coordinate {
        let (number, entity) = (self.number, self.entity());
        let scope = format!("scope/{}", number % 3);
        Coordinate::new(&entity, &scope).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn event(&self) -> Event {
        let kind = EventKind::new(0x1, 1 + (self.number % 3) as u16);
        Event::bytes(kind, self.payload())
    }

    /// The source that its commit is made of and the position in it, of three commits in four.
    pub(crate) fn tracking(&self) -> Option<(String, u64)> {
        let commit = u64::from(self.commit);
        (!commit.is_multiple_of(4)).then(|| (format!("source:{}", commit % SOURCES), commit))
    }

    pub(crate) fn payload(&self) -> Vec<u8> {
        let bytes = self.bytes as usize;
        let mut payload = match self.shape {
            Shape::Zeros => Vec::new(),
            Shape::Frames => frames_of_another_store().to_vec(),
            Shape::Noise | Shape::Alone => {
                let mut draws = Draws::new(u64::from(self.number));
                (0..bytes.div_ceil(8))
                    .flat_map(|_| draws.number().to_le_bytes())
                    .collect()
            }
        };
        if self.shape != Shape::Frames {
            payload.resize(bytes, 0);
        }
        payload
    }
}

/// The frames of a store with many durable events, once for each alignment that they may have.
fn frames_of_another_store() -> &'static [u8] {
    static FRAMES: OnceLock<Vec<u8>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let fs = MemFs::new();
        let dir = Path::new("/other");
        let options = StoreOptions::new().fs(Arc::new(fs.clone())).random_seed(99);
        let store = options.open(dir).unwrap_or_else(|error| panic!("{error}"));
        for number in 0..40 {
            let (bytes, shape) = (10, Shape::Noise);
            let commit = number;
            let spec = EventSpec {
                number,
                commit,
                bytes,
                shape,
            };
            let appended = store.append(&spec.coordinate(), spec.event());
            appended.unwrap_or_else(|error| panic!("{error}"));
        }
        // Its segment ends after the last frame once it is closed.
        store.close().unwrap_or_else(|error| panic!("{error}"));
        let entries = fs.list(dir).unwrap_or_default();
        let name = entries
            .into_iter()
            .find(|entry| entry.name.starts_with("segment-"))
            .map_or_else(String::new, |entry| entry.name);
        let segment = read_file(&fs, &dir.join(name), 1 << 20).unwrap_or_default();
        let last = &segment[segment.len().saturating_sub(2000)..];
        let mut bytes = Vec::new();
        for shift in 0..8_usize {
            bytes.resize(bytes.len().next_multiple_of(8) + shift, 1);
            bytes.extend_from_slice(last);
        }
        bytes
    })
}
