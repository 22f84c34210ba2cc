//! The events of consumers that `docs/tracing.md` lists are told, with their names, levels and fields, and no others.

#![cfg(feature = "tracing")]
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use strandline::fs::{MemFs, replace_file};
use strandline::{
    Clock, Coordinate, Event, EventKind, EventRef, ManualClock, Query, Region, Store, StoreOptions,
    SystemClock,
};
use strandline_live::{ApplyError, Backoff, ErrorKind, Failure, Live, Projection};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// Only ends a test that hangs.
const LONG: Duration = Duration::from_secs(300);
const NOW: u64 = 1_700_000_000_000;
const PANICS: &str = "a subscriber that panics ends no worker";
/// What this test does not bring about, with why not.
const NOT_HERE: [&str; 1] = [
    // A file system that removes nothing.
    "cannot remove a file that is not needed",
];

/// Keeps each event as a line of the table, and panics at one.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<BTreeSet<String>>>);

#[derive(Default)]
struct Names {
    message: String,
    fields: Vec<String>,
}

impl Visit for Names {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields.push(format!("`{name}`")),
        }
    }
}

impl Recorder {
    fn has(&self, message: &str) -> bool {
        let begin = format!("| `{message}` |");
        self.0
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.starts_with(&begin))
    }

    /// Waits until an event is told.
    fn until(&self, message: &str) {
        let clock = SystemClock::default();
        while !self.has(message) {
            assert!(clock.elapsed() < LONG, "{message} is not told");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("strandline_live")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut names = Names::default();
        event.record(&mut names);
        let level = event.metadata().level().to_string().to_lowercase();
        let line = format!(
            "| `{}` | {level} | {} |",
            names.message,
            names.fields.join(", ")
        );
        self.0.lock().unwrap().insert(line);
        assert_ne!(names.message, "retrying", "{PANICS}");
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Count<const N: u32>;

impl<const N: u32> Projection for Count<N> {
    const VERSION: u32 = N;
    type State = u64;

    fn query(&self) -> Query {
        Region::all().into()
    }

    fn apply(&self, count: &mut u64, _: &EventRef<'_>) -> Result<(), ApplyError> {
        *count += 1;
        Ok(())
    }
}

fn append(store: &Store, entity: &str) -> strandline::Receipt {
    let coordinate = Coordinate::new(entity, "eu").unwrap();
    let event = Event::bytes(EventKind::new(1, 1), *b"x");
    store.append(&coordinate, event).unwrap()
}

/// A reactor that retries, parks, falls behind, catches up, is asked, and stops.
fn react(live: &Live, clock: &Arc<ManualClock>, recorder: &Recorder) {
    let store = live.store().clone();
    append(&store, "fine");
    append(&store, "fails");
    let (is_slow, has_more) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let slow = (is_slow.clone(), has_more.clone(), clock.clone());
    let mailer = live
        .reactor("mailer", Region::all())
        .tries(2)
        .backoff(Backoff::none())
        .start(move |event, _| {
            if slow.0.swap(false, Ordering::Relaxed) {
                // Until there is more than this event, so that it is not at the end after it.
                while !slow.1.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                slow.2.set(NOW + 60_000);
            }
            match event.coordinate.entity() {
                "fails" => Err(Failure::from(std::io::Error::other("no such address"))),
                _ => Ok(()),
            }
        })
        .unwrap();
    recorder.until("parked");
    recorder.until("caught up");
    is_slow.store(true, Ordering::Relaxed);
    for _ in 0..100 {
        append(&store, "fine");
    }
    has_more.store(true, Ordering::Relaxed);
    recorder.until("fell behind");
    assert!(live.replay("mailer", None).unwrap().wait(LONG).unwrap());
    mailer.stop().unwrap();
    recorder.until("stopped");
}

#[test]
fn what_is_told_is_what_the_documentation_lists() {
    let recorder = Recorder::default();
    // For every thread: the workers have their own.
    tracing::subscriber::set_global_default(recorder.clone()).unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // That it panics is no news.
        if !info.to_string().contains(PANICS) {
            hook(info);
        }
    }));
    let clock = Arc::new(ManualClock::new(NOW));
    let options = StoreOptions::new()
        .fs(Arc::new(MemFs::new()))
        .clock(clock.clone());
    let store = Arc::new(options.open("/orders.strand").unwrap());
    let live = Live::open(&store).unwrap();
    react(&live, &clock, &recorder);

    let totals = live.projection("totals", Count::<1>).start().unwrap();
    assert!(totals.wait_caught_up(LONG).unwrap());
    totals.stop().unwrap();
    let totals = live.projection("totals", Count::<2>).start().unwrap();
    assert!(totals.wait_caught_up(LONG).unwrap());
    totals.stop().unwrap();
    assert!(recorder.has("rebuilding"));
    assert!(recorder.has("switched"));

    let (hangs, has_begun) = (recorder.clone(), Arc::new(AtomicBool::new(false)));
    let begun = has_begun.clone();
    let slow = live
        .reactor("slow", Region::all().entity("slow"))
        .start(move |_, _| {
            begun.store(true, Ordering::Relaxed);
            hangs.until("stalled");
            Ok(())
        })
        .unwrap();
    append(&store, "slow");
    while !has_begun.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(1));
    }
    clock.set(NOW + 600_000);
    recorder.until("stalled");
    slow.stop().unwrap();

    let broken = live
        .reactor("broken", Region::all())
        .parked_max(0)
        .start(|_, _| Err(Failure::park("no")))
        .unwrap();
    recorder.until("stopped with an error");
    broken.stop().unwrap_err();

    let mut held = live.position("printer").unwrap();
    let now = store.snapshot();
    held.save(now.position(now.visible()).unwrap()).unwrap();
    let lease = leases(&store, live.dir())
        .into_iter()
        .find(|lease| lease.ends_with("lease-0000000001"));
    let other = lease.unwrap().with_file_name("lease-0000000009");
    for lease in leases(&store, live.dir()) {
        let other = lease.with_file_name(other.file_name().unwrap());
        replace_file(&**store.fs(), &other, b"{}\n").unwrap();
    }
    assert_eq!(held.beat().unwrap_err().kind(), ErrorKind::Fenced);
    assert!(recorder.has("fenced"));

    let told = recorder.0.lock().unwrap();
    let listed = include_str!("../../../docs/tracing.md");
    let (_, listed) = listed.split_once("## Events of consumers").unwrap();
    let (listed, _) = listed.split_once("\n## ").unwrap();
    let listed = listed.lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<_> = listed
        .map(|line| line.rsplitn(3, '|').nth(2).unwrap().to_owned() + "|")
        .collect();
    for line in told.iter() {
        assert!(listed.contains(line), "not listed: {line}");
    }
    for line in &listed {
        let is_told = told.contains(line) || NOT_HERE.iter().any(|message| line.contains(message));
        assert!(is_told, "not told: {line}");
    }
}

/// The files of leases in a directory and those below it.
fn leases(store: &Store, dir: &std::path::Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in store.fs().list_names(dir).unwrap() {
        let path = dir.join(&entry.name);
        match entry.kind {
            strandline::fs::EntryKind::Directory => found.extend(leases(store, &path)),
            _ if entry.name.starts_with("lease-") => found.push(path),
            _ => {}
        }
    }
    found
}
