//! Work that somebody stops, leaves or closes the store under; and two who want to work at once.

use crate::{client, last_line, long_store, raw, store, until};
use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use strandline::fs::OsFs;
use strandline::maintenance::{Compacted, unwatched};
use strandline::{ErrorKind, Store, StoreOptions};
use strandline_control::{AskedRetention, Client, Control};

/// Asks for something that tells how far it is, and reads until it has.
fn begun(path: &std::path::Path, line: &str) -> UnixStream {
    let mut stream = raw(path);
    writeln!(stream, "{line}").unwrap();
    let mut first = String::new();
    BufReader::new(&stream).read_line(&mut first).unwrap();
    assert!(first.contains("progress"), "{first}");
    stream
}

const VERIFY: &str = r#"{"protocol":1,"do":"verify"}"#;

/// A verification that waits in the middle, by a target that cannot be written: it ends when it is told to.
fn backup_into_a_pipe(dir: &std::path::Path) -> String {
    format!(
        r#"{{"protocol":1,"do":"backup","verify":true,"target":"{}"}}"#,
        dir.join("copy").display()
    )
}

#[test]
fn what_only_tells_ends_with_who_asked() {
    let (dir, path, store) = long_store();
    let _control = Control::open(&store).unwrap();
    for line in [VERIFY.to_owned(), backup_into_a_pipe(dir.path())] {
        drop(begun(&path, &line));
        until(|| client(&path).status().unwrap().running.is_none());
        let last = client(&path).status().unwrap().last.unwrap();
        // It may have been done before it was seen that nobody waits.
        let error = last.error.unwrap_or_default();
        assert!(
            error.is_empty() || error.contains("stopped, as was asked for"),
            "{error}"
        );
    }
}

#[test]
fn a_compaction_goes_on_when_who_asked_is_gone() {
    let (_dir, path, store) = long_store();
    let _control = Control::open(&store).unwrap();
    drop(begun(
        &path,
        r#"{"protocol":1,"do":"compact","rules":{"keep_newest":10}}"#,
    ));
    until(|| store.snapshot().len() == 10);
    until(|| client(&path).status().unwrap().running.is_none());
    let last = client(&path).status().unwrap().last.unwrap();
    assert_eq!((last.name.as_str(), last.error), ("compact", None));
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_client_that_waits_no_longer_is_let_go() {
    let (_dir, path, store) = long_store();
    let _control = Control::open(&store).unwrap();
    let rules = AskedRetention::new().keep_newest(10);
    let stopped = client(&path).compact(&rules, &mut |_| ControlFlow::Break(()));
    if let Err(error) = stopped {
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
    until(|| store.snapshot().len() == 10);
}

/// The clock of the store stands in the middle of a compaction, so it is at work for as long as it is wanted.
mod held {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
    use std::time::Duration;
    use strandline::{Clock, SystemClock};

    #[derive(Debug)]
    pub(super) struct HeldClock {
        own: SystemClock,
        gate: Mutex<Option<(SyncSender<()>, Receiver<()>)>>,
    }

    impl HeldClock {
        pub(super) fn new() -> Self {
            Self {
                own: SystemClock::default(),
                gate: Mutex::new(None),
            }
        }

        /// Whoever asks the time next waits; gives what tells that he does, and what lets him go on.
        pub(super) fn hold(&self) -> (Receiver<()>, SyncSender<()>) {
            let (arrived, has_arrived) = sync_channel(1);
            let (go_on, may_go_on) = sync_channel(1);
            *self.gate.lock().unwrap() = Some((arrived, may_go_on));
            (has_arrived, go_on)
        }
    }

    impl Clock for HeldClock {
        fn now_ms(&self) -> u64 {
            let gate = self.gate.lock().unwrap().take();
            if let Some((arrived, may_go_on)) = gate {
                let _ = arrived.send(());
                let _ = may_go_on.recv_timeout(Duration::from_secs(20));
            }
            self.own.now_ms()
        }

        fn elapsed(&self) -> Duration {
            self.own.elapsed()
        }
    }
}

/// Somebody who waits for a compaction.
type Asked = std::thread::JoinHandle<Result<Compacted, strandline::Error>>;

/// A store whose compaction is at work until it is let go on.
fn at_work() -> (
    tempfile::TempDir,
    std::path::PathBuf,
    Arc<Store>,
    Control,
    Asked,
    std::sync::mpsc::SyncSender<()>,
) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.strand");
    let clock = Arc::new(held::HeldClock::new());
    let options = StoreOptions::new().fs(Arc::new(OsFs)).clock(clock.clone());
    let store = Arc::new(options.open(&path).unwrap());
    crate::fill(&store, 10);
    let control = Control::open(&store).unwrap();
    let (has_arrived, go_on) = clock.hold();
    let asks = client(&path);
    let asked = std::thread::spawn(move || {
        asks.compact(&AskedRetention::new().keep_newest(1), &mut unwatched)
    });
    has_arrived
        .recv_timeout(std::time::Duration::from_secs(20))
        .unwrap();
    (dir, path, store, control, asked, go_on)
}

#[test]
fn one_thing_is_done_at_a_time_and_others_are_told_who_does_it() {
    let (_dir, path, store, _control, asked, go_on) = at_work();
    let busy = client(&path).checkpoint().unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Busy);
    let by = format!(
        "a compact is at work, asked for by process {}",
        std::process::id()
    );
    assert!(busy.to_string().contains(&by), "{busy}");
    let running = client(&path).status().unwrap().running.unwrap();
    assert_eq!(
        (running.name.as_str(), running.cancelled),
        ("compact", false)
    );
    go_on.send(()).unwrap();
    assert_eq!(asked.join().unwrap().unwrap().events, 8);
    assert_eq!(store.snapshot().len(), 2);
    client(&path).checkpoint().unwrap();
}

#[test]
fn what_is_cancelled_has_changed_nothing() {
    let (_dir, path, store, _control, asked, go_on) = at_work();
    assert_eq!(client(&path).cancel().unwrap().as_deref(), Some("compact"));
    assert!(client(&path).status().unwrap().running.unwrap().cancelled);
    go_on.send(()).unwrap();
    assert_eq!(
        asked.join().unwrap().unwrap_err().kind(),
        ErrorKind::Cancelled
    );
    assert_eq!(store.snapshot().len(), 10);
    assert_eq!(client(&path).cancel().unwrap(), None);
}

#[test]
fn closing_the_control_stops_what_is_at_work_and_tells_who_waits() {
    let (_dir, path, store, control, asked, go_on) = at_work();
    let closing = std::thread::spawn(move || control.close());
    // It waits for the work, which waits for the clock.
    std::thread::sleep(std::time::Duration::from_millis(50));
    go_on.send(()).unwrap();
    closing.join().unwrap();
    assert_eq!(
        asked.join().unwrap().unwrap_err().kind(),
        ErrorKind::Cancelled
    );
    assert_eq!(store.snapshot().len(), 10);
    assert!(Client::connect(&path).unwrap().is_none());
    Arc::into_inner(store).unwrap().close().unwrap();
}

#[test]
fn a_store_that_was_closed_is_told() {
    let (_dir, path, store) = store(3);
    let control = Control::open(&store).unwrap();
    let connected = raw(&path);
    Arc::into_inner(store).unwrap().close().unwrap();
    writeln!(&connected, "{VERIFY}").unwrap();
    assert_eq!(last_line(&connected)["error"]["kind"], "Closed");
    assert_eq!(
        client(&path).status().unwrap_err().kind(),
        ErrorKind::Closed
    );
    // Whoever opens it next has a socket of his own, once this one is closed.
    let store = Arc::new(Store::open(&path).unwrap());
    assert_eq!(Control::open(&store).unwrap_err().kind(), ErrorKind::Busy);
    drop(control);
    let _control = Control::open(&store).unwrap();
    assert_eq!(client(&path).status().unwrap().store.events, 3);
}
