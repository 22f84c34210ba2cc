//! What is told to a recorder of metrics is what `docs/metrics.md` lists, and nothing else; what is counted is what was
//! done; and the dashboard asks for nothing that nobody tells.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit, with_local_recorder,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use strandline::fs::{Fault, FaultFs, MemFs, Operation};
use strandline::maintenance::{Redaction, Retention};
use strandline::{
    AppendOptions, Batch, Clock, Coordinate, Durability, ErrorKind, Event, EventId, EventKind,
    ExpectedVersion, Region, Store, StoreOptions, SystemClock,
};
use strandline_live::{Backoff, Failure, Live};
use strandline_replicate::{
    Bucket, BucketOptions, Replica, ReplicaOptions, ReplicateOptions, Replicator,
};

/// Only ends a test that hangs.
const LONG: Duration = Duration::from_secs(60);
const PAGE: &str = include_str!("../docs/metrics.md");
const DASHBOARD: &str = include_str!("../docs/grafana.json");

/// Keeps what it is told.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    /// What each is, its unit and its description, by name.
    described: BTreeMap<String, (&'static str, &'static str, String)>,
    /// The names of labels, by name.
    labels: BTreeMap<String, BTreeSet<String>>,
    /// The value of each series, or how many there were, by name and the value of the last label.
    values: BTreeMap<String, f64>,
}

struct Series {
    ledger: Ledger,
    key: String,
}

impl Ledger {
    fn describe(&self, shape: &'static str, name: &KeyName, unit: Option<Unit>, says: &str) {
        let unit = unit.unwrap().as_str();
        let described = (shape, unit, says.to_owned());
        let name = name.as_str().to_owned();
        let before = self.0.lock().unwrap().described.insert(name, described);
        assert!(before.is_none_or(|before| before == (shape, unit, says.to_owned())));
    }

    fn register(&self, key: &Key) -> Arc<Series> {
        let labels = key.labels().map(|label| label.key().to_owned()).collect();
        let mut told = self.0.lock().unwrap();
        let name = key.name().to_owned();
        let before = told.labels.insert(name.clone(), labels);
        assert!(before.is_none_or(|before| before == told.labels[&name]));
        let mut others = key.labels().filter(|label| label.key() != "store");
        let last = others.next_back();
        let last = last.map_or_else(String::new, |label| format!(" {}", label.value()));
        Arc::new(Series {
            ledger: self.clone(),
            key: format!("{name}{last}"),
        })
    }

    fn value(&self, key: &str) -> f64 {
        let told = self.0.lock().unwrap();
        *told
            .values
            .get(&format!("strandline_{key}"))
            .unwrap_or(&0.0)
    }

    #[track_caller]
    fn check(&self, expected: &[(&str, u64)]) {
        for (key, value) in expected {
            assert_eq!(self.value(key), *value as f64, "{key}");
        }
    }

    /// Waits for what is told by a thread of the store's.
    #[track_caller]
    fn wait(&self, key: &str) {
        let clock = SystemClock::default();
        while self.value(key) == 0.0 {
            assert!(clock.elapsed() < LONG, "{key} is not told");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The lines of the table.
    fn lines(&self) -> BTreeSet<String> {
        let told = self.0.lock().unwrap();
        let mut lines = BTreeSet::new();
        for (name, (shape, unit, says)) in &told.described {
            let labels = told.labels.get(name);
            let labels = labels.unwrap_or_else(|| panic!("{name} is described and never told"));
            let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
            let labels = labels.join(", ");
            lines.insert(format!(
                "| `{name}` | {shape} | {unit} | {labels} | {says} |"
            ));
        }
        for name in told.labels.keys() {
            assert!(told.described.contains_key(name), "{name} is not described");
        }
        lines
    }
}

impl Series {
    fn change(&self, change: impl FnOnce(&mut f64)) {
        let mut told = self.ledger.0.lock().unwrap();
        change(told.values.entry(self.key.clone()).or_default());
    }
}

impl CounterFn for Series {
    fn increment(&self, value: u64) {
        self.change(|now| *now += value as f64);
    }

    fn absolute(&self, value: u64) {
        self.change(|now| *now = value as f64);
    }
}

impl GaugeFn for Series {
    fn increment(&self, value: f64) {
        self.change(|now| *now += value);
    }

    fn decrement(&self, value: f64) {
        self.change(|now| *now -= value);
    }

    fn set(&self, value: f64) {
        self.change(|now| *now = value);
    }
}

impl HistogramFn for Series {
    fn record(&self, _: f64) {
        self.change(|now| *now += 1.0);
    }
}

impl Recorder for Ledger {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, says: SharedString) {
        self.describe("counter", &name, unit, &says);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, says: SharedString) {
        self.describe("gauge", &name, unit, &says);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, says: SharedString) {
        self.describe("histogram", &name, unit, &says);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.register(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.register(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.register(key))
    }
}

fn order() -> Coordinate {
    Coordinate::new("order:1", "eu").unwrap()
}

fn event(bytes: usize) -> Event {
    Event::bytes(EventKind::new(1, 1), vec![0; bytes])
}

fn options() -> StoreOptions {
    StoreOptions::new().fs(Arc::new(MemFs::new()))
}

/// A consumer that has handled an event and parked a key.
fn consume(store: &Arc<Store>) -> Live {
    let live = Live::open(store).unwrap();
    let mailer = live
        .reactor("mailer", Region::all())
        .tries(1)
        .backoff(Backoff::none())
        .start(|event, _| match event.clock {
            0 => Ok(()),
            _ => Err(Failure::park("no such address")),
        })
        .unwrap();
    let clock = SystemClock::default();
    while live.status("mailer").unwrap().behind > 0 {
        assert!(clock.elapsed() < LONG, "it is behind");
        std::thread::sleep(Duration::from_millis(1));
    }
    mailer.stop().unwrap();
    live
}

#[test]
fn what_is_told_is_what_the_documentation_lists() {
    let ledger = Ledger::default();
    with_local_recorder(&ledger, || {
        let store = Arc::new(options().open("/orders.strand").unwrap());
        store.append(&order(), event(1)).unwrap();
        store.append(&order(), event(1)).unwrap();
        let wrong = AppendOptions::new();
        let refused = event(1).expecting(ExpectedVersion::NoStream);
        store.append_with(&order(), refused, wrong).unwrap_err();
        store.report_metrics().unwrap();
        consume(&store).report_metrics().unwrap();

        let bucket = || Bucket::open("memory:", BucketOptions::new()).unwrap();
        let shared = bucket();
        let replicator =
            Replicator::start(&store, shared.clone(), ReplicateOptions::new()).unwrap();
        let replicated = AppendOptions::new().durability(Durability::Replicated);
        store.append_with(&order(), event(1), replicated).unwrap();
        replicator.report_metrics();
        let dir = tempfile::tempdir().unwrap();
        let replica = Replica::open(shared, dir.path().join("copy"), ReplicaOptions::new());
        replica.unwrap().report_metrics();
    });
    ledger.check(&[
        ("replication_failing", 0),
        ("replication_fenced", 0),
        ("replica_visible_sequence", 3),
        ("consumer_handled_events_total mailer", 1),
        ("consumer_parked_keys mailer", 1),
    ]);
    assert!(ledger.value("replication_requests_total put") > 0.0);

    let told = ledger.lines();
    let listed = PAGE.lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<_> = listed.map(str::to_owned).collect();
    let more: Vec<_> = told.difference(&listed).collect();
    assert!(more.is_empty(), "not listed: {more:#?}");
    let more: Vec<_> = listed.difference(&told).collect();
    assert!(more.is_empty(), "not told: {more:#?}");
}

#[test]
fn what_is_done_is_counted() {
    let ledger = Ledger::default();
    let options = options().segment_bytes_max(64 << 10);
    let store = with_local_recorder(&ledger, || options.open("/orders.strand").unwrap());
    let first = event(10).with_id(EventId::from_u128(7));
    store.append(&order(), first.clone()).unwrap();
    store.append(&order(), first).unwrap();
    let batch = Batch::new()
        .push(&order(), event(20))
        .push(&order(), event(30));
    store.append_batch(batch).unwrap();
    store.submit(&order(), event(40)).unwrap().wait().unwrap();
    let refused = || event(1).expecting(ExpectedVersion::NoStream);
    with_local_recorder(&ledger, || {
        store.append(&order(), refused()).unwrap_err();
        let submitted = store.submit(&order(), refused());
        submitted.and_then(|ticket| ticket.wait()).unwrap_err();
        store.submit(&order(), event(17 << 20)).unwrap_err();
    });
    ledger.check(&[
        ("appends_total", 3),
        ("append_batches_total", 1),
        ("append_events_total", 4),
        ("append_payload_bytes_total", 100),
        ("append_repeated_events_total", 1),
        ("append_errors_total wrong_expected_version", 2),
        ("append_errors_total too_large", 1),
        ("rotations_total", 0),
    ]);
    store.append(&order(), event(40_000)).unwrap();
    store.append(&order(), event(40_000)).unwrap();
    ledger.check(&[("rotations_total", 1)]);
    // A sync of the thread that syncs for tickets is told on another one.
    ledger.wait("sync_seconds");
    assert!(ledger.value("sync_events") >= 3.0);

    let now = store.snapshot();
    assert!(now.latest("order:1").unwrap().is_some());
    assert!(now.get(EventId::from_u128(7)).unwrap().is_some());
    assert_eq!(now.stream("order:1").take(2).count(), 2);
    assert_eq!(now.query(Region::all()).rev().take(3).count(), 3);
    assert_eq!(now.rows(Region::all()).count(), 6);
    ledger.check(&[
        ("reads_total get", 1),
        ("reads_total latest", 1),
        ("reads_total stream", 1),
        ("reads_total query", 1),
        ("reads_total rows", 1),
        ("read_events_total", 5),
    ]);
    drop(now);

    store.verify().unwrap();
    store
        .redact(&Redaction::new().event(EventId::from_u128(7)))
        .unwrap();
    store.compact(&Retention::new().keep_newest(4)).unwrap();
    store.compact(&Retention::new()).unwrap_err();
    store.backup_to("/backup").unwrap();
    store.checkpoint().unwrap();
    for run in ["verify", "redact", "compact", "backup"] {
        ledger.check(&[(&format!("maintenance_seconds {run}"), 1)]);
    }
    ledger.wait("maintenance_seconds checkpoint");
    store.backup_to("/orders.strand/inside").unwrap_err();
    ledger.check(&[("maintenance_failures_total backup", 1)]);

    with_local_recorder(&ledger, || store.report_metrics().unwrap());
    let stats = store.stats().unwrap();
    ledger.check(&[
        ("events", 4),
        ("visible_sequence", stats.visible.get()),
        ("durable_sequence", stats.durable.get()),
        ("written_sequence", stats.written.get()),
        ("durable_lag_events", 0),
        ("segments", stats.segments as u64),
        ("disk_bytes", stats.bytes_on_disk),
        ("cache_bytes_max", stats.caches.bytes_max),
        ("poisoned", 0),
    ]);
    assert!(ledger.value("index_bytes") > 0.0);
}

/// The lags tell what a power cut would take, and a sync that failed is counted, and what stopped writing.
#[test]
fn what_goes_wrong_is_told() {
    let ledger = Ledger::default();
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let options = StoreOptions::new().fs(Arc::new(fs.clone()));
    let options = options.durability(Durability::Written).no_background_sync();
    let store = with_local_recorder(&ledger, || options.open("/orders.strand").unwrap());
    for _ in 0..5 {
        store.append(&order(), event(1)).unwrap();
    }
    let report = || with_local_recorder(&ledger, || store.report_metrics().unwrap());
    report();
    ledger.check(&[
        ("durable_lag_events", 5),
        ("poisoned", 0),
        ("sync_failures_total", 0),
    ]);
    let fault = Fault {
        after: 0,
        times: 1,
        error: std::io::ErrorKind::Other,
        partial_bytes: 0,
    };
    fs.fail(Operation::Sync, fault);
    assert_eq!(store.sync().unwrap_err().kind(), ErrorKind::Unknown);
    report();
    ledger.wait("sync_failures_total");
    ledger.check(&[
        ("durable_lag_events", 5),
        ("poisoned", 1),
        ("sync_seconds", 0),
    ]);
}

/// A recorder that panics, whose panics are the store's business no more than those of a subscriber.
struct Broken;

impl CounterFn for Broken {
    fn increment(&self, _: u64) {
        panic!("a counter");
    }

    fn absolute(&self, _: u64) {
        panic!("a counter");
    }
}

struct Breaks(Ledger);

impl Recorder for Breaks {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(Broken))
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.0.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.0.register_histogram(key, metadata)
    }
}

#[test]
fn a_recorder_that_panics_fails_no_append() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.to_string().contains("a counter") {
            hook(info);
        }
    }));
    let recorder = Breaks(Ledger::default());
    let options = options().segment_bytes_max(64 << 10);
    let store = with_local_recorder(&recorder, || options.open("/orders.strand").unwrap());
    for _ in 0..4 {
        store.append(&order(), event(40_000)).unwrap();
    }
    assert_eq!(store.snapshot().query(Region::all()).count(), 4);
    assert!(store.stats().unwrap().subscriber_panics > 0);
    store.close().unwrap();
}

/// The names of metrics in a query.
fn names(query: &str) -> BTreeSet<String> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = query.split(|letter| !is_of_name(letter));
    let names = words.filter(|word| word.starts_with("strandline_"));
    names.map(str::to_owned).collect()
}

#[test]
fn the_dashboard_asks_for_what_is_told() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let shapes: BTreeMap<_, _> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|line| line.split_once("` | ").unwrap())
        .map(|(name, rest)| (name, rest.split_once(' ').unwrap().0))
        .collect();
    let mut queries = Vec::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(!panel["title"].as_str().unwrap().is_empty());
        if panel["type"] == "row" {
            continue;
        }
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        queries.extend(
            targets
                .iter()
                .map(|target| target["expr"].as_str().unwrap()),
        );
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        queries.extend(variable["query"].as_str());
    }
    assert!(queries.len() > 20);
    for query in queries {
        let names = names(query);
        assert!(!names.is_empty() || query == "prometheus", "{query}");
        for name in names {
            let (name, shape) = match name.strip_suffix("_bucket") {
                Some(histogram) => (histogram.to_owned(), "histogram"),
                None if name.ends_with("_total") => (name, "counter"),
                None => (name, "gauge"),
            };
            let base = name.strip_suffix("_count").or(name.strip_suffix("_sum"));
            let (name, shape) = match base {
                Some(base) => (base.to_owned(), "histogram"),
                None => (name, shape),
            };
            assert_eq!(shapes.get(&*name), Some(&shape), "{name} in {query}");
            let is_rate = query.contains("rate(") || query.contains("increase(");
            assert!(shape == "gauge" || is_rate, "a {shape} as it is: {query}");
        }
    }
}
