//! An aggregate whose events add, so that one which is applied twice, or not at all, shows; and its view.

use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::SerializedEvent;
use cqrs_es::{Aggregate, DomainEvent, EventEnvelope, View};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::{Store, StoreOptions};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum TallyEvent {
    Added { by: u64 },
    Renamed { name: String },
}

impl DomainEvent for TallyEvent {
    fn event_type(&self) -> String {
        match self {
            Self::Added { .. } => "Added".to_owned(),
            Self::Renamed { .. } => "Renamed".to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

/// Adds each number with an event of its own.
pub(crate) struct Add(pub(crate) Vec<u64>);

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("a tally takes no zero")]
pub(crate) struct NoZero;

/// Where commands that were decided wait for each other before they are committed.
#[derive(Default)]
pub(crate) struct Meeting(pub(crate) Option<tokio::sync::Barrier>);

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) total: u64,
    pub(crate) events: u64,
    pub(crate) name: String,
}

impl Aggregate for Tally {
    const TYPE: &'static str = "tally";
    type Command = Add;
    type Event = TallyEvent;
    type Error = NoZero;
    type Services = Meeting;

    async fn handle(
        &mut self,
        Add(numbers): Add,
        meeting: &Meeting,
        sink: &EventSink<Self>,
    ) -> Result<(), NoZero> {
        if numbers.contains(&0) {
            return Err(NoZero);
        }
        for by in numbers {
            sink.write(TallyEvent::Added { by }, self).await;
        }
        if let Some(barrier) = &meeting.0 {
            barrier.wait().await;
        }
        Ok(())
    }

    fn apply(&mut self, event: TallyEvent) {
        self.events += 1;
        match event {
            TallyEvent::Added { by } => self.total += by,
            TallyEvent::Renamed { name } => self.name = name,
        }
    }
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TallyView {
    pub(crate) total: u64,
    pub(crate) events: u64,
    pub(crate) sequences: Vec<usize>,
}

impl View<Tally> for TallyView {
    fn update(&mut self, event: &EventEnvelope<Tally>) {
        self.events += 1;
        self.sequences.push(event.sequence);
        if let TallyEvent::Added { by } = &event.payload {
            self.total += by;
        }
    }
}

/// An event of a tally as the framework writes it.
pub(crate) fn added(id: &str, sequence: usize, by: u64) -> SerializedEvent {
    let event = TallyEvent::Added { by };
    SerializedEvent::new(
        id.to_owned(),
        sequence,
        Tally::TYPE.to_owned(),
        event.event_type(),
        event.event_version(),
        serde_json::to_value(event).unwrap(),
        json!({"by": "a test"}),
    )
}

/// A store in a directory of its own.
pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn store_dir(&self) -> PathBuf {
        self.dir.path().join("tallies.strand")
    }

    pub(crate) fn open(&self) -> Arc<Store> {
        Arc::new(Store::open(self.store_dir()).unwrap())
    }

    pub(crate) fn read_only(&self) -> Arc<Store> {
        let options = StoreOptions::new().read_only();
        Arc::new(options.open(self.store_dir()).unwrap())
    }

    /// The files of the kind that are kept beside the store, wherever.
    pub(crate) fn kept(&self, kind: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.dir.path().join("tallies.strand.cqrs").join(kind)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = folder.read_dir() else {
                continue;
            };
            for entry in entries {
                let entry = entry.unwrap();
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false if entry.file_name() == "LOCK" => {}
                    false => files.push(entry.path()),
                }
            }
        }
        files
    }
}

/// What a file has, read past the seam on purpose, to change it.
#[expect(clippy::disallowed_methods, reason = "a test damages files")]
pub(crate) fn bytes_of(path: &std::path::Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test damages files")]
pub(crate) fn overwrite(path: &std::path::Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}
