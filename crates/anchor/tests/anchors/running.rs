//! A thread that signs heads: as the log grows, past places that fail, and in nobody's way.

use crate::{checked, file, fill, key};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use strandline::Store;
use strandline_anchor::proof::{NoteSignature, SignedCheckpoint, TreeHead};
use strandline_anchor::{AnchorSink, Anchors, Prove, RunningAnchors, SinkError};

/// Only what stands still takes as long.
const LIMIT: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(5);

/// A place that does as it is told, and counts.
#[derive(Debug, Clone, Default)]
struct Place {
    calls: Arc<AtomicU64>,
    fails: Arc<AtomicBool>,
    panics: bool,
    /// Where it waits before it answers.
    gate: Option<Arc<Mutex<Receiver<()>>>>,
}

impl AnchorSink for Place {
    fn name(&self) -> String {
        "a place".to_owned()
    }

    fn newest(&mut self, _: &str) -> Result<Option<TreeHead>, SinkError> {
        Ok(None)
    }

    fn keep(
        &mut self,
        _: &SignedCheckpoint,
        _: Prove<'_>,
    ) -> Result<Vec<NoteSignature>, SinkError> {
        assert!(!self.panics, "a place that is broken");
        self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            let _ = gate.lock().unwrap().recv();
        }
        match self.fails.load(Ordering::SeqCst) {
            true => Err(SinkError::Refused("no room".to_owned())),
            false => Ok(Vec::new()),
        }
    }
}

fn started(store: &Arc<Store>, places: impl IntoIterator<Item = Place>) -> RunningAnchors {
    let anchors = Anchors::new(key(7)).interval(SHORT);
    let anchors = places.into_iter().fold(anchors, Anchors::sink);
    anchors.start(store).unwrap()
}

#[test]
fn heads_are_signed_as_the_log_grows_and_nothing_is_when_it_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let heads = dir.path().join("heads");
    let store = Arc::new(Store::open(dir.path().join("a.strand")).unwrap());
    let place = Place::default();
    let anchors = Anchors::new(key(7)).sink(file(&heads)).sink(place.clone());
    let running = anchors.interval(SHORT).start(&store).unwrap();
    for size in [1, 2, 3] {
        fill(&store, 1, "paid");
        let is_there = |head: Option<TreeHead>| head.is_some_and(|head| head.size == size);
        let status = running.wait(LIMIT, |status| is_there(status.head)).unwrap();
        assert!(status.last_error.is_none() && !status.is_refused && !status.has_ended);
        assert!(status.signed_ms.is_some());
    }
    let heads_before = running.status().heads;
    std::thread::sleep(20 * SHORT);
    let status = running.stop();
    assert_eq!(
        status.heads, heads_before,
        "nothing new, and signed all the same"
    );
    assert_eq!(place.calls.load(Ordering::SeqCst), status.heads);
    assert!(status.has_ended);
    let report = checked(&store, &heads);
    assert!(report.is_sound() && report.anchored == 3, "{report:?}");
    // The store is its owner's again.
    Arc::try_unwrap(store).unwrap().close().unwrap();
}

#[test]
fn one_that_is_asked_for_does_not_wait_for_the_interval() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(dir.path().join("a.strand")).unwrap());
    let anchors = Anchors::new(key(7)).sink(file(&dir.path().join("heads")));
    let running = anchors
        .interval(Duration::from_secs(3600))
        .start(&store)
        .unwrap();
    running.wait(LIMIT, |status| status.heads == 1).unwrap();
    fill(&store, 5, "paid");
    running.sign_soon();
    let status = running.wait(LIMIT, |status| status.heads == 2).unwrap();
    assert_eq!(status.head.unwrap().size, 5);
}

/// A program that was given a head is not given it again because another place fails.
#[test]
fn a_place_that_fails_is_tried_again_and_others_are_left_in_peace() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(dir.path().join("a.strand")).unwrap());
    fill(&store, 1, "paid");
    let (good, bad) = (Place::default(), Place::default());
    bad.fails.store(true, Ordering::SeqCst);
    let running = started(&store, [good.clone(), bad.clone()]);
    let status = running.wait(LIMIT, |status| status.failures >= 3).unwrap();
    assert_eq!(
        status.last_error.as_deref(),
        Some("a place: it was refused: no room")
    );
    assert_eq!(good.calls.load(Ordering::SeqCst), 1);
    bad.fails.store(false, Ordering::SeqCst);
    running.wait(LIMIT, |status| status.failures == 0).unwrap();
    let status = running.stop();
    assert!(status.last_error.is_none() && !status.is_refused);
    assert_eq!(good.calls.load(Ordering::SeqCst), 1);
    assert!(bad.calls.load(Ordering::SeqCst) >= 4);
}

#[test]
fn a_log_that_contradicts_its_heads_is_told_and_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    let heads = dir.path().join("heads");
    let honest = Store::open(dir.path().join("a.strand")).unwrap();
    fill(&honest, 20, "paid");
    crate::anchors(&heads).anchor(&honest).unwrap();
    let before = std::fs::read(&heads).unwrap();
    let forged = Arc::new(Store::open(dir.path().join("b.strand")).unwrap());
    fill(&forged, 30, "not paid");
    let running = crate::anchors(&heads)
        .interval(SHORT)
        .start(&forged)
        .unwrap();
    let status = running.wait(LIMIT, |status| status.failures >= 2).unwrap();
    assert!(status.is_refused && status.heads == 0, "{status:?}");
    assert!(status.last_error.unwrap().contains("never had"));
    drop(running);
    assert_eq!(std::fs::read(&heads).unwrap(), before);
}

#[test]
fn appends_go_on_while_a_place_does_not_answer() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(dir.path().join("a.strand")).unwrap());
    let (open, gate) = channel();
    let gate = Some(Arc::new(Mutex::new(gate)));
    let place = Place {
        gate,
        ..Place::default()
    };
    let running = started(&store, [place.clone()]);
    while place.calls.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    fill(&store, 50, "paid");
    store.checkpoint().unwrap();
    assert_eq!(running.status().heads, 0);
    drop(open);
    running.wait(LIMIT, |status| status.heads >= 1).unwrap();
}

#[test]
fn it_ends_with_the_store_and_past_a_sink_that_panics() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(dir.path().join("a.strand")).unwrap());
    let running = started(&store, [Place::default()]);
    drop(store);
    let status = running.wait(LIMIT, |status| status.has_ended).unwrap();
    assert!(status.last_error.is_none());

    let store = Arc::new(Store::open(dir.path().join("a.strand")).unwrap());
    let broken = Place {
        panics: true,
        ..Place::default()
    };
    let running = started(&store, [broken]);
    let status = running.wait(LIMIT, |status| status.has_ended).unwrap();
    assert_eq!(status.last_error.as_deref(), Some("a sink has panicked"));
    fill(&store, 1, "paid");
}

/// Each message that is told is one that the documentation lists, and the other way round.
#[test]
fn what_is_told_is_what_the_documentation_lists() {
    let listed = include_str!("../../../../docs/tracing.md");
    let (_, listed) = listed.split_once("## Events of anchors").unwrap();
    let listed: Vec<_> = listed
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let told = include_str!("../../src/running.rs");
    assert_eq!(told.matches("tracing::").count(), listed.len());
    for message in listed {
        assert!(
            told.contains(&format!("{message:?}")),
            "not told: {message}"
        );
    }
}
