//! What a shipper does before it is stopped, and what it does not begin with.

use super::*;
use crate::ship::begin::encoded;
use faults::{patient, server};
use std::io;
use std::sync::Arc;
use strandline_core::fs::{Fs, FsFile, FsLayer, OpenMode, OsFs};
use strandline_test_s3::{Fault, Operation, When};

const HOUR: Duration = Duration::from_secs(3600);

fn redact_some(store: &Store) {
    let go_on = &mut |_| ControlFlow::Continue(());
    redact(store, &Redaction::new().entity("order:3"), go_on).unwrap();
}

#[test]
fn whoever_stops_after_a_redaction_has_its_payloads_gone() {
    for is_shipped in [true, false] {
        let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
        let store = open(dir.path());
        let options = || quick().grace(HOUR);
        let replicator = Replicator::start(&store, bucket.clone(), options()).unwrap();
        replicate(&store, 0, 60);
        let replicator = match is_shipped {
            true => replicator,
            false => {
                replicator.stop(LONG).unwrap();
                assert!(has_bytes(&bucket, b"event 17"));
                redact_some(&store);
                Replicator::start(&store, bucket.clone(), options()).unwrap()
            }
        };
        if is_shipped {
            redact_some(&store);
        }
        replicator.stop(LONG).unwrap();
        assert!(!has_bytes(&bucket, b"event 17"));
        assert!(has_bytes(&bucket, b"event 18"));
    }
}

#[test]
fn what_could_not_be_deleted_is_said_and_deleted_by_the_next_start() {
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let store = open(dir.path());
    let options = || patient().grace(HOUR);
    let replicator = Replicator::start(&store, bucket.clone(), options()).unwrap();
    replicate(&store, 0, 60);
    let refused = server.inject(Fault::denied(), When::Always, |seen| {
        matches!(seen.operation, Operation::Delete | Operation::DeleteMany)
    });
    redact_some(&store);
    // The state that lists the new files is acknowledged by then.
    refused.wait_met(1);
    assert!(replicator.wait_replicated(store.snapshot().visible(), LONG));
    let stopped = replicator.stop(Duration::from_millis(50));
    assert!(
        matches!(stopped, Err(ReplicateError::NotDeleted)),
        "{stopped:?}"
    );
    assert!(has_bytes(&bucket, b"event 17"));
    server.heal();
    let replicator = Replicator::start(&store, bucket.clone(), options()).unwrap();
    replicator.stop(LONG).unwrap();
    assert!(!has_bytes(&bucket, b"event 17"));
}

#[test]
fn what_one_bucket_owes_is_not_forgotten_for_another() {
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let store = open(dir.path());
    let options = || patient().grace(HOUR);
    let replicator = Replicator::start(&store, bucket.clone(), options()).unwrap();
    replicate(&store, 0, 60);
    let refused = server.inject(Fault::denied(), When::Always, |seen| {
        matches!(seen.operation, Operation::Delete | Operation::DeleteMany)
    });
    redact_some(&store);
    refused.wait_met(1);
    let stopped = replicator.stop(Duration::from_millis(50));
    assert!(
        matches!(stopped, Err(ReplicateError::NotDeleted)),
        "{stopped:?}"
    );
    server.heal();
    // The other one has nothing to delete.
    let other = Bucket::open("memory:", BucketOptions::new()).unwrap();
    let replicator = Replicator::start(&store, other, options()).unwrap();
    replicator.stop(LONG).unwrap();
    assert!(has_bytes(&bucket, b"event 17"));
    let replicator = Replicator::start(&store, bucket.clone(), options()).unwrap();
    replicator.stop(LONG).unwrap();
    assert!(!has_bytes(&bucket, b"event 17"));
}

/// Whoever waits for it is told, and not left with a program that hangs.
#[test]
fn a_bucket_that_refuses_from_the_start_ends_what_waits_for_it() {
    let timeout = Duration::from_millis(30);
    let options = || patient().refused_timeout(timeout);
    let writes = [Operation::Create, Operation::Put];
    for is_all_refused in [true, false] {
        let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
        server.inject(Fault::denied(), When::Always, move |seen| {
            is_all_refused || writes.contains(&seen.operation)
        });
        let store = open(dir.path());
        let replicator = Replicator::start(&store, bucket.clone(), options()).unwrap();
        let of = Coordinate::new("order:1", "eu").unwrap();
        let event = Event::bytes(EventKind::new(1, 1), *b"one");
        let replicated = AppendOptions::new().durability(Durability::Replicated);
        let told = store.append_with(&of, event, replicated).unwrap_err();
        assert!(
            [ErrorKind::Unknown, ErrorKind::NotWritten].contains(&told.kind()),
            "{told:?}"
        );
        let ended = replicator.wait_ended(LONG).unwrap();
        assert!(matches!(ended, ReplicateError::Refused(_)), "{ended:?}");
        let taking = TakeOverOptions::new().replicate(options());
        let taken = take_over(&bucket, dir.path().join("other"), taking);
        assert!(taken.is_err());
        // Once the rights are right it is begun as any.
        server.heal();
        let replicator = Replicator::start(&store, bucket.clone(), options()).unwrap();
        replicator.stop(LONG).unwrap();
        assert_eq!(read(&bucket, 1), payloads(&store));
    }
}

/// Credentials that were right may be renewed.
#[test]
fn a_bucket_that_refuses_later_is_waited_for() {
    let (dir, (server, bucket)) = (tempfile::tempdir().unwrap(), server());
    let store = open(dir.path());
    let options = patient().refused_timeout(Duration::ZERO);
    let replicator = Replicator::start(&store, bucket.clone(), options).unwrap();
    replicate(&store, 0, 1);
    let refused = server.inject(Fault::denied(), When::Always, |_| true);
    std::thread::scope(|scope| {
        scope.spawn(|| replicate(&store, 1, 2));
        refused.wait_met(20);
        server.heal();
    });
    replicator.stop(LONG).unwrap();
    assert_eq!(read(&bucket, 2), payloads(&store));
}

/// As a rule by age does, or somebody by hand: what is left would be taken for what the next term 1 has shipped.
#[test]
fn a_bucket_whose_terms_alone_are_gone_is_not_begun_anew() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    replicate(&store, 0, 50);
    replicator.stop(LONG).unwrap();
    let delete = |under: &str| {
        let keys: Vec<String> = keys(&bucket, under).iter().map(Key::to_string).collect();
        bucket.delete(&keys).unwrap();
    };
    delete("terms");
    for left in ["log", "state"] {
        for options in [quick(), quick().new_bucket(true)] {
            let refused = Replicator::start(&store, bucket.clone(), options).unwrap();
            let error = refused.wait_ended(LONG).unwrap();
            assert!(
                matches!(&error, ReplicateError::TermsLost { key, .. } if key.starts_with(left)),
                "{error}"
            );
            assert_eq!(keys(&bucket, "terms").len(), 0);
        }
        delete(left);
    }
    replicate_anew(&store, &bucket);
}

fn replicate_anew(store: &Store, bucket: &Bucket) {
    let replicator = start(store, bucket);
    replicate(store, 50, 60);
    replicator.stop(LONG).unwrap();
    assert_eq!(read(bucket, 60), payloads(store));
}

#[test]
fn a_bucket_that_is_empty_and_was_not_is_begun_anew_only_if_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bucket");
    let bucket = |name: &str| {
        let url = format!("file://{}", dir.path().join(name).display());
        Bucket::open(&url, BucketOptions::new()).unwrap()
    };
    let store = open(dir.path());
    let replicator = start(&store, &bucket("bucket"));
    replicate(&store, 0, 50);
    replicator.stop(LONG).unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    std::fs::create_dir(&path).unwrap();

    let refused = Replicator::start(&store, bucket("bucket"), quick()).unwrap();
    let error = refused.wait_ended(LONG).unwrap();
    assert!(
        matches!(&error, ReplicateError::BucketLost { bucket } if bucket.ends_with("/bucket")),
        "{error}"
    );
    assert_eq!(OsFs.list_names(&path).unwrap().len(), 0);
    // Nobody has taken it over, so the store is written on.
    assert_eq!(refusal(&store), None);

    let another = start(&store, &bucket("another"));
    another.stop(LONG).unwrap();
    let refused = Replicator::start(&store, bucket("bucket"), quick()).unwrap();
    let error = refused.wait_ended(LONG).unwrap();
    assert!(
        matches!(error, ReplicateError::BucketLost { .. }),
        "{error}"
    );

    let options = quick().new_bucket(true);
    let replicator = Replicator::start(&store, bucket("bucket"), options).unwrap();
    assert!(replicator.wait_begun(LONG), "{:?}", replicator.status());
    replicator.stop(LONG).unwrap();
    assert_eq!(read(&bucket("bucket"), 51), payloads(&store));
}

#[test]
fn a_state_that_nobody_would_read_is_not_put() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let replicator = start(&store, &bucket);
    replicate(&store, 0, 10);
    replicator.stop(LONG).unwrap();
    let state = newest_state(&bucket);
    let length = state.encode().len();
    assert_eq!(encoded(&state, length).unwrap().len(), length);
    let error = encoded(&state, length - 1).unwrap_err();
    assert!(!error.is_passing(), "it would be tried for ever");
    let ReplicateError::StateTooLong { bytes, most } = error else {
        panic!("{error}");
    };
    assert_eq!((bytes, most), (length, length - 1));
    let long = vec![0; crate::STATE_BYTES_MAX + 1];
    let read = State::decode(state.term, state.number, &long).unwrap_err();
    assert!(read.to_string().contains("longer than any"), "{read}");
}

/// Panics where a thread of this name opens what has this in its name.
#[derive(Debug)]
struct Panicking(&'static str, &'static str);

impl FsLayer for Panicking {
    fn below(&self) -> &dyn Fs {
        &OsFs
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let Self(thread, name) = self;
        let is_thread = std::thread::current().name() == Some(thread);
        let is_file = path.to_string_lossy().contains(name);
        assert!(!is_thread || !is_file, "asked to");
        OsFs.open(path, mode)
    }
}

#[test]
fn a_shipper_that_panics_has_ended_and_says_so() {
    for (thread, name) in [
        ("strandline-ship", "replica-owner.json"),
        ("strandline-ship-files", "segment-"),
    ] {
        let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
        let options = StoreOptions::new().segment_events_max(40);
        let options = options.fs(Arc::new(Panicking(thread, name)));
        let store = options.open(dir.path().join("store")).unwrap();
        let replicator = Replicator::start(&store, bucket, quick()).unwrap();
        if thread == "strandline-ship" {
            assert!(!replicator.wait_begun(LONG));
        }
        // Sealed segments are put by the other thread.
        append(&store, 0, 100, Durability::Synced);
        until(|| replicator.status().stage == ReplicatorStage::Ended);
        let said = replicator.status().last_error.unwrap();
        assert!(said.contains("panic"), "{said}");
        let ended = replicator.wait_ended(LONG).unwrap();
        assert!(matches!(ended, ReplicateError::Panicked), "{ended:?}");
        // Nobody waits for it, and the store is written on.
        assert_eq!(refusal(&store), None);
        store.close().unwrap();
    }
}
