//! Heads in object storage: a directory, and a server of S3 that loses answers.

use crate::{against, anchors, checked, fill, key, policy};
use std::path::Path;
use std::sync::Arc;
use strandline::Store;
use strandline::fs::OsFs;
use strandline_anchor::{
    AnchorError, Anchored, Anchors, BucketSink, DirectorySink, SinkError, check, heads_in,
};
use strandline_replicate::{Bucket, BucketOptions, PutAnswer};
use strandline_test_s3::{Fault, Operation, TestS3, When};

fn directory(path: &Path) -> Bucket {
    let url = format!("file://{}", path.display());
    Bucket::open(&url, BucketOptions::new()).unwrap()
}

fn of_server(server: &TestS3, prefix: &str) -> Bucket {
    let mut options = BucketOptions::new();
    for (name, value) in server.settings() {
        options = options.setting(name, value);
    }
    Bucket::open(&format!("{}/{prefix}", server.url()), options).unwrap()
}

fn anchor(bucket: &Bucket, store: &Store) -> Result<Anchored, AnchorError> {
    let sink = BucketSink::new(bucket.clone());
    Anchors::new(key(7)).sink(sink).anchor(store)
}

#[test]
fn heads_are_kept_in_a_bucket_and_the_store_is_held_against_them() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestS3::start().unwrap();
    let folder = dir.path().join("bucket");
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    let forged = Store::open(dir.path().join("b.strand")).unwrap();
    fill(&forged, 50, "not paid");
    let buckets = [directory(&folder), of_server(&server, "heads/orders")];
    let mut many = buckets.iter().fold(Anchors::new(key(7)), |many, bucket| {
        many.sink(BucketSink::new(bucket.clone()))
    });
    for size in [0, 1, 5, 40] {
        let now = store.snapshot().visible().get();
        fill(&store, size - now, "paid");
        assert_eq!(many.anchor(&store).unwrap().kept.len(), 2);
        assert_eq!(many.anchor(&store).unwrap().unchanged.len(), 2);
    }
    for bucket in &buckets {
        // One who has not been there before finds the newest.
        assert_eq!(anchor(bucket, &store).unwrap().unchanged.len(), 1);
        let before = bucket.list("", None).unwrap();
        assert_eq!(before.len(), 4);
        let kept = heads_in(bucket).unwrap();
        let report = check(&store.snapshot(), &kept, &policy()).unwrap();
        assert!(report.is_sound(), "{report:?}");
        assert_eq!((report.heads, report.anchored), (4, 40));
        let Err(AnchorError::Refused { error, .. }) = anchor(bucket, &forged) else {
            panic!("a head of another log was signed");
        };
        assert!(
            matches!(error, SinkError::Contradicted { kept: 40 }),
            "{error}"
        );
        assert_eq!(bucket.list("", None).unwrap(), before);
    }
    // A bucket that is a directory is one of heads as any.
    assert!(checked(&store, &folder).is_sound());
    let directory = DirectorySink::new(Arc::new(OsFs), &folder);
    let same = Anchors::new(key(7)).sink(directory).anchor(&store).unwrap();
    assert_eq!(same.unchanged.len(), 1);
}

/// The create of a head is applied, and the answer is lost: what is there is read, and is no other's.
#[test]
fn a_head_whose_answer_was_lost_is_kept_and_one_that_was_not_made_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestS3::start().unwrap();
    let bucket = of_server(&server, "heads");
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    for (fault, is_kept) in [
        (Fault::DoneThenLost, true),
        (Fault::Answer(403, "AccessDenied"), false),
    ] {
        fill(&store, 3, "paid");
        let met = server.inject(fault, When::First(1), |seen| {
            seen.operation == Operation::Create
        });
        let anchored = anchor(&bucket, &store).unwrap();
        assert_eq!(met.met(), 1);
        assert_eq!(anchored.kept.len(), usize::from(is_kept), "{anchored:?}");
        assert_eq!(anchored.failed.len(), usize::from(!is_kept), "{anchored:?}");
    }
    assert_eq!(anchor(&bucket, &store).unwrap().kept.len(), 1);
    assert_eq!(heads_in(&bucket).unwrap().heads.len(), 2);
}

/// Another machine's head of the same size, made between the look and the create, is never written over.
#[test]
fn what_stands_where_a_head_is_to_be_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    fill(&store, 3, "paid");
    let other = Store::open(dir.path().join("other.strand")).unwrap();
    fill(&other, 3, "not paid");
    let elsewhere = |store: &Store, key| {
        let path = dir.path().join("elsewhere");
        let _ = std::fs::remove_file(&path);
        let anchors = Anchors::new(key).sink(crate::file(&path));
        { anchors }.anchor(store).unwrap().checkpoint.to_string()
    };
    let others =
        strandline_anchor::proof::SignerKey::from_seed("b.example".parse().unwrap(), [1; 32]);
    for (name, there, is_contradicted) in [
        ("same", elsewhere(&other, key(7)), true),
        ("log", elsewhere(&store, others), false),
        ("none", "no head".to_owned(), false),
    ] {
        let bucket = directory(&dir.path().join(name));
        let object = format!("{:020}.checkpoint", 3);
        let put = bucket.put_new(&object, there.clone().into());
        assert!(matches!(put, PutAnswer::Created));
        // And other objects beside it are none of it.
        let beside = bucket.put_new("readme.txt", "heads of orders".into());
        assert!(matches!(beside, PutAnswer::Created));
        match anchor(&bucket, &store) {
            Err(AnchorError::Refused { error, .. }) => {
                assert!(is_contradicted, "{name}");
                assert!(
                    matches!(error, SinkError::Contradicted { kept: 3 }),
                    "{error}"
                );
            }
            anchored => {
                let anchored = anchored.unwrap();
                assert!(!is_contradicted, "{name}");
                assert!(
                    matches!(anchored.failed[0].1, SinkError::Foreign(_)),
                    "{anchored:?}"
                );
            }
        }
        // The directory that it is says the same.
        let directory = DirectorySink::new(Arc::new(OsFs), dir.path().join(name));
        match Anchors::new(key(7)).sink(directory).anchor(&store) {
            Err(AnchorError::Refused { .. }) => assert!(is_contradicted, "{name}"),
            anchored => assert!(matches!(
                anchored.unwrap().failed[0].1,
                SinkError::Foreign(_)
            )),
        }
        assert_eq!(bucket.get(&object).unwrap().unwrap(), there.as_bytes());
    }
}

/// An object that says to be over more events than its head is, or no head at all, hides none before it.
#[test]
fn hostile_objects_hide_no_head() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, heads) = (dir.path().join("bucket"), dir.path().join("heads"));
    let bucket = directory(&folder);
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    fill(&store, 5, "paid");
    let signed = anchors(&heads)
        .anchor(&store)
        .unwrap()
        .checkpoint
        .to_string();
    anchor(&bucket, &store).unwrap();
    for (object, text) in [
        (
            format!("{:020}.checkpoint", u64::MAX),
            "nonsense".to_owned(),
        ),
        (format!("{:020}.checkpoint", 99), signed),
        (format!("{:020}.checkpoint", 98), "x".repeat(100_000)),
        ("later.checkpoint".to_owned(), String::new()),
        (format!("{:020}/a.checkpoint", 97), "nonsense".to_owned()),
    ] {
        assert!(matches!(
            bucket.put_new(&object, text.into()),
            PutAnswer::Created
        ));
    }
    let forged = Store::open(dir.path().join("b.strand")).unwrap();
    fill(&forged, 9, "not paid");
    assert!(matches!(
        anchor(&bucket, &forged),
        Err(AnchorError::Refused { .. })
    ));
    assert_eq!(anchor(&bucket, &store).unwrap().unchanged.len(), 1);
    let kept = heads_in(&bucket).unwrap();
    assert_eq!((kept.heads.len(), kept.unreadable.len()), (2, 2));
    let report = check(&store.snapshot(), &kept, &policy()).unwrap();
    assert!(
        against(&report).is_empty() && report.is_sound(),
        "{report:?}"
    );
}
