//! Imports that stop: which line is said to be wrong, if one is, and what is in the store.

use crate::harness::{at, dir, written};
use crate::imports::{KIND, LINES, NOW, fine, line, long, open, options, run};
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use strandline::fs::{Fault, FaultFs, Fs, MemFs, Operation};
use strandline::{Clock, ErrorKind, Event, EventId, PayloadEncoding, Store, StoreOptions};
use strandline_transfer::{Imported, import};

/// An error of a batch was told with the line that was read when it was met.
#[test]
fn a_failure_that_is_no_lines_fault_names_none() {
    let lines: String = (0..4000).map(|at| line(at, at)).collect();
    let operations = [
        Operation::Write,
        Operation::Create,
        Operation::Rename,
        Operation::Sync,
    ];
    let mut failed = 0;
    for (operation, after) in operations
        .into_iter()
        .flat_map(|it| (0..8).map(move |n| (it, n)))
    {
        let disk: Arc<dyn Fs> = Arc::new(MemFs::new());
        let fs = FaultFs::new(disk.clone());
        let store = StoreOptions::new()
            .fs(Arc::new(fs.clone()))
            .no_background_sync()
            .no_background_checkpoint()
            .segment_bytes_max(64 << 10)
            .open(dir())
            .unwrap();
        let fault = Fault {
            after,
            times: u64::MAX,
            error: std::io::ErrorKind::StorageFull,
            partial_bytes: 0,
        };
        fs.fail(operation, fault);
        let Err(error) = run(&store, LINES, &lines) else {
            continue;
        };
        failed += 1;
        assert_eq!(error.line, None, "{operation:?} {after}: {error}");
        drop(store);
        let store = StoreOptions::new().fs(disk).open(dir()).unwrap();
        assert!(
            store.snapshot().len() >= error.imported.events,
            "{operation:?} {after}"
        );
        let rest = fine(&store, LINES, &lines);
        assert_eq!(rest.events + rest.repeated, 4000);
    }
    assert!(failed > 16, "{failed}");
}

/// Times of lines that the disk had refused moved those of the same lines when they were imported again.
#[test]
fn what_a_full_disk_stopped_keeps_its_times_when_it_is_imported_again() {
    let lines: String = (0..4000).map(|at| line(at, at)).collect();
    let mut failed = 0;
    for after in 0..8 {
        let disk: Arc<dyn Fs> = Arc::new(MemFs::new());
        let fs = FaultFs::new(disk.clone());
        let options = StoreOptions::new().fs(Arc::new(fs.clone()));
        let store = options.no_background_sync().open(dir()).unwrap();
        let fault = Fault {
            after,
            times: 1,
            error: std::io::ErrorKind::StorageFull,
            partial_bytes: 0,
        };
        fs.fail(Operation::Write, fault);
        failed += u32::from(run(&store, LINES, &lines).is_err());
        // Its checkpoint may be what finds no room.
        let _ = store.close();
        let store = StoreOptions::new().fs(disk).open(dir()).unwrap();
        let rest = fine(&store, LINES, &lines);
        assert_eq!(rest.events + rest.repeated, 4000);
        assert_eq!(rest.moved_times, 0, "write {after}");
    }
    assert!(failed > 2, "{failed}");
}

/// A source that breaks after some bytes.
struct Breaks<'a>(&'a [u8]);

impl Read for Breaks<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return Err(std::io::Error::other("the line was cut"));
        }
        self.0.read(to)
    }
}

/// A failure to read is no fault of a line; those before it are there.
#[test]
fn a_reader_that_fails_is_told_as_such_with_the_line_that_was_reached() {
    let store = open(&MemFs::new());
    let lines: String = (0..1500).map(|at| line(at, at)).collect();
    let cut = &lines[..lines.len() - 10];
    let mut input: Box<dyn BufRead> = Box::new(BufReader::new(Breaks(cut.as_bytes())));
    let mut go_on = |_| ControlFlow::Continue(());
    let error = import(&store, &mut *input, LINES, &mut go_on).unwrap_err();
    assert_eq!((error.line, error.error.kind()), (None, ErrorKind::Io));
    assert!(error.to_string().contains("after line 1499"), "{error}");
    assert!(error.to_string().contains("the line was cut"), "{error}");
    assert_eq!(
        (error.imported.events, store.snapshot().len()),
        (1499, 1499)
    );
}

/// An id that somebody takes while its line waits to be appended: the whole portion was refused, and the line
/// that was read at that moment was called wrong. So with times that somebody's append makes too early.
#[test]
fn what_is_appended_meanwhile_stops_no_line_but_its_own() {
    let lines: String = (0..1400).map(|number| long(number, 2000)).collect();
    for (payload, expected) in [("\"\"", Some(301)), ("", None)] {
        let store = open(&MemFs::new());
        let text = "x".repeat(2000);
        let payload = if payload.is_empty() {
            format!("\"{text}\"")
        } else {
            payload.to_owned()
        };
        let mut meanwhile = |_| {
            let same = Event::encoded(KIND, PayloadEncoding::JSON, payload.clone().into_bytes());
            store
                .append(&at("e", "s"), same.with_id(EventId::from_u128(300)))
                .unwrap();
            ControlFlow::Continue(())
        };
        // The callback comes after each MiB, when some 500 lines wait.
        let done = import(
            &store,
            &mut lines.replace("\"s\",", "\"s\",\"wall_ms\":5,").as_bytes(),
            LINES,
            &mut meanwhile,
        );
        match (done, expected) {
            (Ok(imported), None) => {
                assert_eq!((imported.events, imported.repeated), (1399, 1));
                assert_eq!(imported.moved_times, 1399);
                assert_eq!(store.snapshot().len(), 1400);
            }
            (Err(error), Some(line)) => {
                assert_eq!(
                    (error.line, error.error.kind()),
                    (Some(line), ErrorKind::Conflict)
                );
                assert_eq!((error.imported.events, store.snapshot().len()), (300, 301));
            }
            (done, _) => panic!("{done:?}"),
        }
        assert!(store.verify().unwrap().is_intact());
    }
}

/// An import that is stopped keeps what it has read, and says that no line is wrong.
#[test]
fn an_import_that_is_stopped_keeps_the_lines_before() {
    let fs = MemFs::new();
    let store = open(&fs);
    let lines: String = (0..2000).map(|number| long(number, 2000)).collect();
    let mut reports = 0;
    let mut stop = |_| {
        reports += 1;
        if reports == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let error = import(&store, &mut lines.as_bytes(), LINES, &mut stop).unwrap_err();
    assert_eq!(
        (error.line, error.error.kind()),
        (None, ErrorKind::Cancelled)
    );
    let read = error.imported.lines;
    assert!(read > 1000, "{read}");
    assert_eq!(
        (error.imported.events, store.snapshot().len()),
        (read, read)
    );
    assert_eq!(fine(&store, LINES, lines).repeated, read);
}

/// A trial took a store that was opened to write, and what appends is refused before a line is read.
#[test]
fn a_store_that_is_read_only_takes_a_trial_and_no_import() {
    let fs = MemFs::new();
    let store = open(&fs);
    fine(&store, LINES, line(5, 1));
    let reader = options(&fs).read_only().open(dir()).unwrap();
    let lines = line(5, 1) + &line(4, 2);
    let tried = fine(&reader, LINES.trial(), &lines);
    assert_eq!((tried.events, tried.repeated, tried.moved_times), (1, 1, 1));
    let error = run(&reader, LINES, &lines).unwrap_err();
    assert_eq!(
        (error.line, error.error.kind()),
        (None, ErrorKind::ReadOnly)
    );
    assert_eq!(error.imported, Imported::default());
    // What came since is seen once it is asked for.
    assert_eq!(fine(&store, LINES, line(9, 3)).events, 1);
    reader.refresh().unwrap();
    let tried = fine(&reader, LINES.trial(), line(9, 3) + &line(8, 4));
    assert_eq!((tried.events, tried.repeated, tried.moved_times), (1, 1, 1));
}

/// A clock that lets somebody append just before everyone who asks it.
#[derive(Debug, Default)]
struct Meddler {
    store: OnceLock<Weak<Store>>,
    asked: AtomicU64,
    is_meddling: AtomicBool,
}

impl Clock for Meddler {
    fn now_ms(&self) -> u64 {
        let store = self.store.get().and_then(Weak::upgrade);
        if let Some(store) = store
            && !self.is_meddling.swap(true, Ordering::SeqCst)
        {
            store
                .append(&at("busy", "s"), Event::bytes(KIND, *b"x"))
                .unwrap();
            self.is_meddling.store(false, Ordering::SeqCst);
        }
        NOW + self.asked.fetch_add(1, Ordering::SeqCst)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.asked.load(Ordering::SeqCst))
    }
}

/// Somebody who appends faster than lines are prepared made each attempt too late.
#[test]
fn a_busy_writer_stops_no_import() {
    let clock = Arc::new(Meddler::default());
    let options = written(&MemFs::new()).clock(clock.clone());
    let store = Arc::new(options.open(dir()).unwrap());
    clock.store.set(Arc::downgrade(&store)).unwrap();
    let ahead = line(NOW + 50_000, 7) + &line(NOW + 50_000, 8);
    let lines: String = (0..100).map(|at| line(at, at)).collect::<String>() + &ahead;
    let imported = fine(&store, LINES, &lines);
    assert_eq!((imported.events, imported.moved_times), (102, 100));
    let now = store.snapshot();
    assert_eq!(now.stream("e").count(), 102);
    let last = now.stream("e").next_back().unwrap().unwrap();
    assert_eq!(last.hlc.wall_ms(), NOW + 50_000);
    assert!(store.verify().unwrap().is_intact());
}
