//! The spans and events of `docs/tracing.md` are there, with their names, levels and fields.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use strandline::fs::MemFs;
use strandline::{Coordinate, Event, EventKind, StoreOptions};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// Keeps a line for each span and event: level, name or message, and the names of its fields.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Names {
    message: String,
    fields: Vec<&'static str>,
}

impl Visit for Names {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields.push(name),
        }
    }
}

impl Recorder {
    fn keep(&self, metadata: &Metadata<'_>, name: &str, names: Names) {
        let fields = names.fields.join(" ");
        let line = format!("{} {name}: {fields}", metadata.level());
        self.0.lock().unwrap().push(line);
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("strandline")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut names = Names::default();
        span.record(&mut names);
        self.keep(span.metadata(), span.metadata().name(), names);
        Id::from_u64(1)
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut names = Names::default();
        event.record(&mut names);
        let message = names.message.clone();
        self.keep(event.metadata(), &message, names);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn documented_names_are_reported() {
    let recorder = Recorder::default();
    // For every thread: the store has one of its own.
    tracing::subscriber::set_global_default(recorder.clone()).unwrap();
    let fs = Arc::new(MemFs::new());
    let options = StoreOptions::new().fs(fs).segment_bytes_max(64 << 10);
    let store = options.clone().open("/store").unwrap();
    let order = Coordinate::new("order:1", "eu").unwrap();
    for _ in 0..3 {
        let event = Event::bytes(EventKind::new(1, 1), vec![0; 40_000]);
        store.append(&order, event).unwrap();
    }
    store.close().unwrap();
    drop(options.open("/store").unwrap());
    let expected = [
        "INFO open: dir",
        "DEBUG open.lock: ",
        "DEBUG open.checkpoint: ",
        "DEBUG open.manifest: ",
        "DEBUG open.footers: ",
        "DEBUG open.log: ",
        "DEBUG open.repair: ",
        "INFO opened: path reason events from_log visible duration_us",
        "DEBUG append: events durability",
        "DEBUG sync: through",
        "INFO rotate: segment",
        "INFO sealed a segment: segment sequence",
        "INFO checkpoint: ",
        "INFO saved a checkpoint: sequence bytes",
        "DEBUG wrote the footer of a sealed segment: segment",
    ];
    // What the store's own threads tell may come a little after it was closed.
    for wait in 0.. {
        let lines = recorder.0.lock().unwrap().clone();
        let is_missing = |name: &&&str| !lines.iter().any(|line| line == **name);
        let missing: Vec<_> = expected.iter().filter(is_missing).collect();
        if missing.is_empty() {
            break;
        }
        assert!(wait < 300_000, "{missing:?} in {lines:#?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    // Every name of the page that this run can have is checked above.
    let page = include_str!("../../../docs/tracing.md");
    for name in [
        "open",
        "open.lock",
        "open.checkpoint",
        "open.manifest",
        "open.footers",
        "open.log",
        "open.repair",
        "append",
        "sync",
        "rotate",
        "checkpoint",
        "opened",
    ] {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}
