//! One suite over every kind of bucket: what `Bucket` promises, whatever serves it.

use super::{Bucket, BucketError, BucketErrorKind, BucketOptions, PutAnswer};
use bytes::Bytes;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use strandline_core::fs::{Fs, OsFs};

fn keys(bucket: &Bucket, under: &str, after: Option<&str>) -> Vec<String> {
    let listed = bucket.list(under, after).unwrap();
    listed.into_iter().map(|object| object.key).collect()
}

fn create(bucket: &Bucket, key: &str, content: &'static str) {
    let answer = bucket.put_new(key, Bytes::from_static(content.as_bytes()));
    assert!(matches!(answer, PutAnswer::Created), "{key}: {answer:?}");
}

fn kind<T: std::fmt::Debug>(outcome: Result<T, BucketError>) -> BucketErrorKind {
    outcome.unwrap_err().kind()
}

/// Everything that holds for all of them. The bucket is empty.
pub(super) fn check(bucket: &Bucket) {
    assert_eq!(keys(bucket, "", None), [""; 0]);
    objects_are_created_once_and_read_back(bucket);
    listings_are_whole_and_in_order(bucket);
    what_is_deleted_is_gone(bucket);
    one_of_those_that_race_creates(bucket);
    large_objects_are_written_whole_or_not_at_all(bucket);
    calls_work_inside_another_runtime(bucket);
}

fn objects_are_created_once_and_read_back(bucket: &Bucket) {
    create(bucket, "read/one", "0123456789");
    create(bucket, "read/empty", "");
    let again = bucket.put_new("read/one", Bytes::from_static(b"other"));
    assert!(matches!(again, PutAnswer::Exists), "{again:?}");

    let read = |key| bucket.get(key).unwrap();
    assert_eq!(read("read/one").as_deref(), Some(&b"0123456789"[..]));
    assert_eq!(read("read/empty").as_deref(), Some(&b""[..]));
    assert_eq!(read("read/none"), None);

    let range = |range| bucket.get_range("read/one", range);
    assert_eq!(range(2..5).unwrap().as_deref(), Some(&b"234"[..]));
    assert_eq!(range(9..10).unwrap().as_deref(), Some(&b"9"[..]));
    let before = bucket.requests().get;
    for wrong in [5..11, 10..12, 3..3] {
        assert_eq!(kind(range(wrong)), BucketErrorKind::Unexpected);
    }
    // It does not pass, and is not tried again.
    assert_eq!(bucket.requests().get.requests, before.requests + 3);
    assert_eq!(bucket.get_range("read/none", 0..1).unwrap(), None);

    let info = bucket.head("read/one").unwrap().unwrap();
    assert_eq!(info.length, 10);
    assert!(info.modified_ms > 1_000_000_000_000);
    assert_eq!(bucket.head("read/none").unwrap(), None);

    assert_eq!(kind(bucket.get("read//one")), BucketErrorKind::Unexpected);
}

fn listings_are_whole_and_in_order(bucket: &Bucket) {
    for key in ["list/b/2", "list/b/1", "list/a", "list/b-c", "listed"] {
        create(bucket, key, "12345");
    }
    let all = ["list/a", "list/b-c", "list/b/1", "list/b/2"];
    assert_eq!(keys(bucket, "list", None), all);
    assert_eq!(keys(bucket, "list/", None), all);
    assert_eq!(keys(bucket, "list/b", None), all[2..]);
    assert_eq!(keys(bucket, "list", Some("list/b-c")), all[2..]);
    assert_eq!(keys(bucket, "list", Some("list/b/2")), [""; 0]);
    assert_eq!(keys(bucket, "none", None), [""; 0]);
    assert!(keys(bucket, "", None).contains(&"listed".to_owned()));
    let listed = bucket.list("list/b", None).unwrap();
    assert!(listed.iter().all(|object| object.length == 5));
}

fn what_is_deleted_is_gone(bucket: &Bucket) {
    create(bucket, "delete/one", "1");
    create(bucket, "delete/two", "2");
    let doomed = ["delete/one".to_owned(), "delete/none".to_owned()];
    bucket.delete(&doomed).unwrap();
    bucket.delete(&doomed).unwrap();
    bucket.delete(&[]).unwrap();
    assert_eq!(bucket.get("delete/one").unwrap(), None);
    assert_eq!(keys(bucket, "delete", None), ["delete/two"]);
    create(bucket, "delete/one", "again");
}

fn one_of_those_that_race_creates(bucket: &Bucket) {
    const RACERS: usize = 4;
    let barrier = Barrier::new(RACERS);
    for round in 0..20 {
        let key = format!("race/{round}");
        let race = |racer: usize| {
            barrier.wait();
            let answer = bucket.put_new(&key, Bytes::from(vec![u8::try_from(racer).unwrap()]));
            matches!(answer, PutAnswer::Created).then_some(racer)
        };
        let race = &race;
        let winners: Vec<_> = thread::scope(|scope| {
            let racers: Vec<_> = (0..RACERS)
                .map(|racer| scope.spawn(move || race(racer)))
                .collect();
            racers
                .into_iter()
                .filter_map(|racer| racer.join().unwrap())
                .collect()
        });
        let [winner] = winners[..] else {
            panic!("{key}: {winners:?} created it");
        };
        let there = bucket.get(&key).unwrap().unwrap();
        assert_eq!(there.to_vec(), [u8::try_from(winner).unwrap()]);
    }
}

fn large_objects_are_written_whole_or_not_at_all(bucket: &Bucket) {
    let mib = 1_u64 << 20;
    for length in [0, 1, 5 * mib, 5 * mib + 1, 17 * mib + 3] {
        let content: Vec<u8> = (0..length).map(|at| at.to_le_bytes()[0] ^ 0x5a).collect();
        let key = format!("large/{length}");
        // Twice: it is written over.
        for _ in 0..2 {
            bucket.put_large(&key, length, &mut &content[..]).unwrap();
            assert_eq!(bucket.get(&key).unwrap().unwrap(), content, "{length}");
        }
        if let Some(shorter) = length.checked_sub(1) {
            let outcome = bucket.put_large("large/wrong", shorter, &mut &content[..]);
            assert_eq!(kind(outcome), BucketErrorKind::Source, "{length}");
        }
        let outcome = bucket.put_large("large/wrong", length + 1, &mut &content[..]);
        assert_eq!(kind(outcome), BucketErrorKind::Source, "{length}");
    }
    assert_eq!(bucket.head("large/wrong").unwrap(), None);
}

fn calls_work_inside_another_runtime(bucket: &Bucket) {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    runtime.block_on(async {
        create(bucket, "inside", "1");
        assert!(bucket.get("inside").unwrap().is_some());
    });
}

fn options() -> BucketOptions {
    BucketOptions::new().part_bytes(5 << 20)
}

#[test]
fn memory() {
    check(&Bucket::open("memory:", options()).unwrap());
    check(&Bucket::open("memory:a/prefix", options()).unwrap());
}

#[test]
fn directory() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("file://{}/bucket", dir.path().display());
    check(&Bucket::open(&url, options()).unwrap());
}

#[test]
fn buckets_under_two_prefixes_do_not_see_each_other() {
    let store = Arc::new(object_store::memory::InMemory::new());
    let under = |prefix| Bucket::new(store.clone(), prefix, options()).unwrap();
    let (one, two, all) = (under("a/one"), under("a/one-two"), under(""));
    create(&one, "k", "1");
    create(&two, "k", "2");
    assert_eq!(keys(&one, "", None), ["k"]);
    assert_eq!(keys(&all, "a/one", None), ["a/one/k"]);
    assert_eq!(keys(&all, "", None), ["a/one-two/k", "a/one/k"]);
}

#[test]
fn a_directory_that_went_away_is_no_empty_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("file://{}/bucket", dir.path().display());
    let bucket = Bucket::open(&url, options()).unwrap();
    create(&bucket, "terms/1", "1");
    let at = |name| dir.path().join(name);
    OsFs.rename(&at("bucket"), &at("away")).unwrap();
    assert_eq!(kind(bucket.get("terms/1")), BucketErrorKind::NotABucket);
    assert_eq!(kind(bucket.head("terms/1")), BucketErrorKind::NotABucket);
    assert_eq!(
        kind(bucket.list("terms", None)),
        BucketErrorKind::NotABucket
    );
    assert_eq!(
        kind(bucket.delete(&["terms/1".to_owned()])),
        BucketErrorKind::NotABucket
    );
}

#[test]
fn an_object_that_is_too_long_is_not_read() {
    let bucket = Bucket::open("memory:", options().object_bytes_max(4)).unwrap();
    create(&bucket, "four", "1234");
    create(&bucket, "five", "12345");
    assert!(bucket.get("four").unwrap().is_some());
    assert_eq!(kind(bucket.get("five")), BucketErrorKind::TooLarge);
    assert!(bucket.get_range("five", 1..5).unwrap().is_some());
    assert_eq!(
        kind(bucket.get_range("five", 0..5)),
        BucketErrorKind::TooLarge
    );
}

#[test]
fn requests_are_counted_by_kind() {
    let bucket = Bucket::open("memory:", options()).unwrap();
    create(&bucket, "k", "1234");
    let _ = bucket.put_new("k", Bytes::from_static(b"12"));
    bucket.get("k").unwrap();
    bucket.get("none").unwrap();
    bucket.get_range("k", 1..3).unwrap();
    bucket.list("", None).unwrap();
    bucket.delete(&["k".to_owned()]).unwrap();
    let requests = bucket.clone().requests();
    let of =
        |counts: super::RequestCounts| (counts.requests, counts.bytes_sent, counts.bytes_received);
    assert_eq!(of(requests.put), (2, 6, 0));
    assert_eq!(of(requests.get), (3, 0, 6));
    assert_eq!(of(requests.list), (1, 0, 0));
    assert_eq!(of(requests.delete), (1, 0, 0));
    assert_eq!(of(requests.total()), (7, 6, 6));
    assert_eq!(requests.total().failed, 0);
}

#[test]
fn started_requests_answer_in_a_channel() {
    let bucket = Bucket::open("memory:", options()).unwrap();
    let (sender, receiver) = mpsc::channel();
    for number in 0..50_u64 {
        let sender = sender.clone();
        bucket
            .start_put(&format!("log/{number}"), Bytes::from_static(b"1"))
            .then(move |answer| sender.send((number, answer)).unwrap());
    }
    drop(sender);
    let mut answered: Vec<_> = receiver
        .iter()
        .map(|(number, answer)| {
            assert!(matches!(answer, PutAnswer::Created));
            number
        })
        .collect();
    answered.sort_unstable();
    assert_eq!(answered, (0..50).collect::<Vec<_>>());
}

#[test]
fn a_bucket_may_be_dropped_by_its_own_threads_and_inside_another_runtime() {
    let bucket = Bucket::open("memory:", options()).unwrap();
    let (sender, receiver) = mpsc::channel();
    let clone = bucket.clone();
    bucket.start_get("k").then(move |_| {
        drop(clone);
        sender.send(()).unwrap();
    });
    drop(bucket);
    // Answered, or dropped with the threads.
    let _ = receiver.recv();

    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async { drop(Bucket::open("memory:", options()).unwrap()) });
}

/// What the other process of [`two_processes_race_in_a_directory`] does.
const RACE_IN: &str = "STRANDLINE_RACE_IN";
const RACE_ROUNDS: usize = 200;

#[test]
fn two_processes_race_in_a_directory() {
    if let Ok(url) = std::env::var(RACE_IN) {
        race_in(&url, "other");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let url = format!("file://{}/bucket", dir.path().display());
    let other = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "bucket::suite::two_processes_race_in_a_directory",
        ])
        .env(RACE_IN, &url)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut other = Killed(other);
    race_in(&url, "this");
    assert!(other.0.wait().unwrap().success());

    let bucket = Bucket::open(&url, options()).unwrap();
    let won = |who: &str| keys(&bucket, &format!("won/{who}"), None);
    let winners: Vec<_> = (0..RACE_ROUNDS)
        .map(|round| bucket.get(&format!("race/{round:03}")).unwrap().unwrap())
        .collect();
    for who in ["this", "other"] {
        let owns: Vec<_> = (0..RACE_ROUNDS)
            .filter(|round| winners[*round] == who)
            .map(|round| format!("won/{who}/{round:03}"))
            .collect();
        assert_eq!(
            won(who),
            owns,
            "{who} was told of what it created, and of no more"
        );
    }
}

/// Creates each key if it is absent, when the other process is about to, and notes which it created.
fn race_in(url: &str, who: &str) {
    let bucket = Bucket::open(url, options()).unwrap();
    for round in 0..RACE_ROUNDS {
        create(&bucket, &format!("ready/{round:03}/{who}"), "");
        while keys(&bucket, &format!("ready/{round:03}"), None).len() < 2 {
            thread::yield_now();
        }
        let key = format!("race/{round:03}");
        if let PutAnswer::Created = bucket.put_new(&key, Bytes::from(who.to_owned())) {
            create(&bucket, &format!("won/{who}/{round:03}"), "");
        }
    }
}

struct Killed(std::process::Child);

/// The other process waits for this one: it must not outlive a test that failed.
impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
