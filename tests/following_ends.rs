//! How a cursor ends, and what it says then: a store that is closed, writing that stops, an event that cannot be
//! read. And a cursor as a stream.

use crate::following::{all, there};
use crate::harness::{at, bounded, event, fill, open, open_faulty};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use strandline::fs::{Fault, FaultFs, MemFs, Operation};
use strandline::{Cursor, ErrorKind, SavedPosition, Sequence, Start, StoreOptions};

const FAULT: Fault = Fault {
    after: 0,
    times: u64::MAX,
    error: std::io::ErrorKind::Other,
    partial_bytes: 0,
};

#[test]
fn a_cursor_of_a_store_that_is_closed_or_dropped_says_so() {
    for closes in [true, false] {
        bounded(move || {
            let fs = MemFs::new();
            let store = open(&fs);
            fill(&store, 3);
            let mut cursor = all(&store, Start::Now);
            let mut behind = all(&store, Start::Beginning);
            assert_eq!(behind.next().unwrap().sequence, Sequence::ZERO);
            let waits = thread::spawn(move || cursor.next().unwrap_err().kind());
            match closes {
                true => store.close().unwrap(),
                false => drop(store),
            }
            assert_eq!(waits.join().unwrap(), ErrorKind::Closed);
            // What was read ahead is given, and nothing is read any more.
            assert_eq!(behind.next().unwrap().sequence, Sequence::new(1));
            assert_eq!(behind.next().unwrap().sequence, Sequence::new(2));
            assert_eq!(behind.try_next().unwrap_err().kind(), ErrorKind::Closed);
            // Where it is can still be saved, and no cursor keeps the store from being opened again.
            let saved = behind.position().unwrap();
            let store = open(&fs);
            fill(&store, 1);
            assert_eq!(there(&mut all(&store, saved)), [3]);
        });
    }
}

#[test]
fn a_cursor_is_told_that_writing_has_stopped_once_it_has_given_what_is_visible() {
    bounded(|| {
        let fs = FaultFs::new(Arc::new(MemFs::new()));
        let store = open_faulty(&fs);
        fill(&store, 2);
        let mut waits = all(&store, Start::Now);
        let mut cursor = all(&store, Start::Beginning);
        let waits = thread::spawn(move || waits.next().unwrap_err().kind());
        fs.fail(Operation::Sync, FAULT);
        store.append(&at("a", "s"), event("lost")).unwrap_err();
        assert_eq!(waits.join().unwrap(), ErrorKind::Poisoned);
        assert_eq!(cursor.next().unwrap().sequence, Sequence::ZERO);
        assert_eq!(cursor.next().unwrap().sequence, Sequence::new(1));
        assert_eq!(cursor.try_next().unwrap_err().kind(), ErrorKind::Poisoned);
        assert_eq!(cursor.next().unwrap_err().kind(), ErrorKind::Poisoned);
        // Where it is can still be saved.
        assert_eq!(cursor.position().unwrap().sequence(), Sequence::new(2));
    });
}

#[test]
fn a_cursor_of_a_store_that_stopped_and_was_closed_reads_no_more() {
    bounded(|| {
        let fs = FaultFs::new(Arc::new(MemFs::new()));
        let store = open_faulty(&fs);
        fill(&store, 2);
        let mut cursor = all(&store, Start::Beginning);
        fs.fail(Operation::Sync, FAULT);
        store.append(&at("a", "s"), event("lost")).unwrap_err();
        drop(store);
        assert_eq!(cursor.try_next().unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(cursor.next().unwrap_err().kind(), ErrorKind::Closed);
    });
}

/// Each of these is past what some clock of the system can tell.
#[test]
fn however_long_a_wait_may_take_it_ends_with_the_event() {
    for seconds in [
        1 << 34,
        1 << 62,
        i64::MAX as u64 - 1,
        u64::MAX >> 1,
        u64::MAX,
    ] {
        bounded(move || {
            let ever = Duration::new(seconds, 999_999_999);
            let store = open(&MemFs::new());
            let mut cursor = all(&store, Start::Beginning);
            let given = thread::spawn(move || cursor.next_timeout(ever).unwrap());
            thread::scope(|scope| {
                let waits = scope.spawn(|| store.wait_durable_past(Sequence::ZERO, ever));
                fill(&store, 1);
                assert!(waits.join().unwrap().unwrap());
            });
            assert!(given.join().unwrap().is_some());
        });
    }
}

/// Nothing of an event whose read failed is passed over.
#[test]
fn an_event_that_cannot_be_read_is_met_again() {
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let options = || {
        StoreOptions::new()
            .fs(Arc::new(fs.clone()))
            .no_mapped_reads()
    };
    let store = options().open("/store").unwrap();
    fill(&store, 10);
    let mut cursor = all(&store, Start::Beginning);
    fs.fail(Operation::Read, FAULT);
    for _ in 0..3 {
        assert_eq!(cursor.try_next().unwrap_err().kind(), ErrorKind::Io);
    }
    fs.heal();
    assert!(there(&mut cursor).into_iter().eq(0..10));
}

/// What its row says is enough to leave an event out: the record may not even be readable.
#[test]
fn an_event_that_is_left_out_is_not_read() {
    let fs = FaultFs::new(Arc::new(MemFs::new()));
    let options = StoreOptions::new().fs(Arc::new(fs.clone()));
    let store = options.no_mapped_reads().open("/store").unwrap();
    fill(&store, 10);
    let only = |keeps: fn(u64) -> bool| {
        all(&store, Start::Beginning).only(move |row| keeps(row.sequence().get()))
    };
    let mut none = only(|_| false);
    let mut late = only(|sequence| sequence >= 7);
    fs.fail(Operation::Read, FAULT);
    assert_eq!(none.try_next().unwrap(), None);
    assert_eq!(none.sequence(), Sequence::new(10));
    for _ in 0..3 {
        assert_eq!(late.try_next().unwrap_err().kind(), ErrorKind::Io);
    }
    fs.heal();
    assert_eq!(late.sequence(), Sequence::new(7));
    assert_eq!(there(&mut late), [7, 8, 9]);
    let error = only(|_| true).subscribe(4).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// A stream is woken by an append, ends after an error, and can be turned back.
#[test]
fn a_stream_gives_what_a_cursor_does() {
    use futures_core::Stream;
    use std::future::poll_fn;
    use std::pin::Pin;
    bounded(|| {
        let store = Arc::new(open(&MemFs::new()));
        fill(&store, 3);
        let mut stream = all(&store, Start::Beginning).into_stream();
        let (given, gets) = channel();
        let task = thread::spawn(move || {
            crate::hostile_callers::block_on(async {
                let kind = loop {
                    let next = poll_fn(|context| Pin::new(&mut stream).poll_next(context));
                    match next.await {
                        Some(Ok(event)) => given.send(event.sequence.get()).unwrap(),
                        Some(Err(error)) => break error.kind(),
                        None => panic!("an error is given first"),
                    }
                };
                let next = poll_fn(|context| Pin::new(&mut stream).poll_next(context));
                assert!(next.await.is_none());
                (kind, stream.into_cursor().sequence())
            })
        });
        assert!(gets.iter().take(3).eq(0..3));
        for number in 3..30 {
            fill(&store, 1);
            assert_eq!(gets.recv().unwrap(), number);
        }
        Arc::into_inner(store).unwrap().close().unwrap();
        assert_eq!(task.join().unwrap(), (ErrorKind::Closed, Sequence::new(30)));
    });
}

/// A cursor belongs to nobody.
#[test]
fn a_cursor_can_be_sent_anywhere() {
    fn check<T: Send + 'static>() {}
    check::<Cursor>();
    check::<strandline::CursorStream>();
    check::<SavedPosition>();
}
