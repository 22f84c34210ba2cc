//! What somebody else deletes or cuts off in a bucket, seen by who looks and put again by who ships.

use super::*;
use crate::{LackKind, Overview};

/// An hour: nothing is deleted by the writer itself.
const HOUR: Duration = Duration::from_secs(3600);

fn looking() -> ReplicateOptions {
    quick().grace(HOUR).look_interval(Duration::from_millis(5))
}

fn never_looking() -> ReplicateOptions {
    quick().grace(HOUR).look_interval(HOUR)
}

fn start_with(store: &Store, bucket: &Bucket, options: ReplicateOptions) -> Replicator {
    let replicator = Replicator::start(store, bucket.clone(), options).unwrap();
    assert!(replicator.wait_begun(LONG), "{:?}", replicator.status());
    replicator
}

/// The objects that the newest state lists, one of each kind: a chunk, chunks joined, a segment.
fn listed(bucket: &Bucket) -> Vec<Key> {
    let state = newest_state(bucket);
    let parts = state.files.iter().flat_map(|file| &file.parts);
    let mut keys: Vec<_> = parts.map(|part| part.key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn delete(bucket: &Bucket, key: &Key) {
    bucket.delete(&[key.to_string()]).unwrap();
}

/// Cuts an object off, as a disk that was full may have.
fn cut(bucket: &Bucket, key: &Key) {
    let key = key.to_string();
    let bytes = bucket.get(&key).unwrap().unwrap();
    let half = bytes.get(..bytes.len() / 2).unwrap();
    let length = half.len() as u64;
    bucket.put_large(&key, length, &mut &half[..]).unwrap();
}

fn lacking(bucket: &Bucket) -> Vec<(Key, LackKind)> {
    let overview = Overview::read(bucket, 1).unwrap();
    let lacking = overview.lacking.into_iter();
    lacking.map(|lack| (lack.key, lack.kind)).collect()
}

/// A bucket with chunks, joined chunks and a whole segment, that nobody ships to any more.
fn shipped(dir: &Path, bucket: &Bucket) -> Store {
    let store = open(dir);
    let replicator = start_with(&store, bucket, never_looking());
    replicate(&store, 0, 75);
    until(|| {
        let state = newest_state(bucket);
        let is_whole = |key: &Key| key.to_string().contains("/segment-");
        state.end.sequence.get() >= 75 && listed(bucket).iter().any(is_whole)
    });
    drop(replicator);
    store
}

#[test]
fn what_is_missing_or_cut_off_is_told_by_its_key() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let _store = shipped(dir.path(), &bucket);
    assert_eq!(lacking(&bucket), []);
    let keys = listed(&bucket);
    let (first, last) = (keys[0].clone(), keys[keys.len() - 1].clone());
    delete(&bucket, &first);
    cut(&bucket, &last);
    let found = lacking(&bucket);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.contains(&(first, LackKind::Missing)));
    let is_cut = |(key, kind): &(Key, LackKind)| {
        *key == last && matches!(kind, LackKind::Length { bytes, needed } if bytes < needed)
    };
    assert!(found.iter().any(is_cut), "{found:?}");
}

#[test]
fn a_state_that_chunks_tell_of_and_a_chunk_before_others_are_missed() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let replicator = start_with(&store, &bucket, never_looking().chunks_per_state(8));
    // A chunk tells of a state once that is acknowledged.
    until(|| {
        replicate(&store, 0, 1);
        let chunks = keys(&bucket, "log");
        let Some(Key::Chunk { term, number }) = chunks.last().cloned() else {
            return false;
        };
        let bytes = bucket
            .get(&chunks.last().unwrap().to_string())
            .unwrap()
            .unwrap();
        crate::Chunk::decode(term, number, &bytes).unwrap().state >= 8
    });
    drop(replicator);
    let states = keys(&bucket, "state");
    let newest = states.last().unwrap().clone();
    for state in &states[1..] {
        delete(&bucket, state);
    }
    let is_state =
        |(key, _): &(Key, LackKind)| matches!(key, Key::State { number, .. } if *number >= 8);
    assert!(lacking(&bucket).iter().any(is_state), "{newest}");
    // The log is read from the first state on, as long as all chunks are there.
    let chunks = keys(&bucket, "log");
    delete(&bucket, &chunks[2]);
    let missing = (chunks[2].clone(), LackKind::Missing);
    assert!(lacking(&bucket).contains(&missing));
}

#[test]
fn a_start_puts_again_what_is_missing_or_cut_off() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = shipped(dir.path(), &bucket);
    for (at, key) in listed(&bucket).iter().enumerate() {
        match at % 2 {
            0 => delete(&bucket, key),
            _ => cut(&bucket, key),
        }
    }
    let replicator = start_with(&store, &bucket, never_looking());
    let status = replicator.status();
    assert!(
        status.mended_objects > 0 && status.lost_objects == 0,
        "{status:?}"
    );
    replicate(&store, 75, 80);
    assert_eq!(read(&bucket, 80), payloads(&store));
    drop(replicator);
    assert_eq!(lacking(&bucket), []);
}

#[test]
fn whoever_ships_puts_again_what_is_deleted_or_cut_off_meanwhile() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = shipped(dir.path(), &bucket);
    let replicator = start_with(&store, &bucket, looking());
    replicate(&store, 75, 130);
    for round in 0..4_u64 {
        let found = listed(&bucket);
        let key = &found[usize::try_from(round).unwrap() % found.len()];
        match round % 2 {
            0 => delete(&bucket, key),
            _ => cut(&bucket, key),
        }
        // It may have been joined meanwhile, and a state that lists it no more be under way.
        until(|| lacking(&bucket).is_empty());
        let end = 130 + u32::try_from(round).unwrap();
        replicate(&store, end, end + 1);
    }
    assert_eq!(read(&bucket, 134), payloads(&store));
    let status = replicator.status();
    assert!(
        status.mended_objects > 0 && status.lost_objects == 0,
        "{status:?}"
    );
    drop(replicator);
}

#[test]
fn whoever_ships_has_another_state_in_place_of_a_damaged_one() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    // Too few for any other state.
    let replicator = start_with(&store, &bucket, looking().chunks_per_state(1000));
    replicate(&store, 0, 3);
    for round in 0..2 {
        let damaged = keys(&bucket, "state").pop().unwrap();
        match round {
            0 => delete(&bucket, &damaged),
            _ => cut(&bucket, &damaged),
        }
        until(|| keys(&bucket, "state").pop() > Some(damaged.clone()));
        until(|| replicator.status().mended_objects > round);
    }
    assert_eq!(read(&bucket, 3), payloads(&store));
    drop(replicator);
}

#[test]
fn whoever_ships_puts_the_object_of_its_term_again_and_is_fenced_by_another() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let replicator = start_with(&store, &bucket, looking());
    replicate(&store, 0, 3);
    let term = keys(&bucket, "terms").pop().unwrap();
    let own = bucket.get(&term.to_string()).unwrap().unwrap();
    delete(&bucket, &term);
    until(|| replicator.status().mended_objects > 0);
    assert_eq!(bucket.get(&term.to_string()).unwrap().unwrap(), own);
    // Somebody takes it after it was deleted.
    let mut record = crate::TermRecord::decode(crate::Term::FIRST, &own).unwrap();
    record.host = "there".to_owned();
    record.owner = crate::Owner([9; 16]);
    let other = record.encode();
    let length = other.len() as u64;
    bucket
        .put_large(&term.to_string(), length, &mut &other[..])
        .unwrap();
    let error = replicator.wait_ended(LONG).unwrap();
    assert!(error.to_string().contains("there"), "{error}");
    assert_eq!(refusal(&store), Some(ErrorKind::Fenced));
}

#[test]
fn what_a_lazy_store_has_in_the_bucket_alone_is_told_as_lost() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let first = shipped(dir.path(), &bucket);
    drop(first);
    let options = || TakeOverOptions::new().lazy(crate::RemoteOptions::default());
    let taken = take_over(
        &bucket,
        dir.path().join("lazy"),
        options().replicate(looking()),
    );
    let taken = taken.unwrap();
    assert_eq!(taken.replicator.status().lost_objects, 0);
    let whole = |key: &Key| key.to_string().contains("/segment-");
    let lost = listed(&bucket).into_iter().find(whole).unwrap();
    delete(&bucket, &lost);
    until(|| taken.replicator.status().lost_objects == 1);
    // What it has goes on.
    let before = newest_state(&bucket).number;
    replicate(&taken.store, 100, 110);
    until(|| newest_state(&bucket).number > before);
    assert_eq!(lacking(&bucket), [(lost, LackKind::Missing)]);
}

/// What the newest term has acknowledged would be passed over, and its numbers be given twice.
#[test]
fn nobody_takes_a_term_whose_object_was_deleted() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    drop(start_with(&store, &bucket, never_looking()));
    let replicator = start_with(&store, &bucket, never_looking());
    replicate(&store, 0, 3);
    drop(replicator);
    let term = keys(&bucket, "terms").pop().unwrap();
    delete(&bucket, &term);
    assert_eq!(lacking(&bucket), [(term, LackKind::Missing)]);
    let refused = Replicator::start(&store, bucket.clone(), quick().take_over(true)).unwrap();
    let error = refused.wait_ended(LONG).unwrap();
    assert!(matches!(error, ReplicateError::TermLost { .. }), "{error}");
    let refused = take_over(&bucket, dir.path().join("taken"), TakeOverOptions::new());
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("who has term 2"), "{error}");
    let replica = Replica::open(
        bucket.clone(),
        dir.path().join("replica"),
        ReplicaOptions::new(),
    );
    let error = replica.unwrap_err().to_string();
    assert!(error.contains("who has term 2"), "{error}");
    assert_eq!(keys(&bucket, "terms").len(), 1);
}

/// The log is the same from the state before it on, as long as the chunks between are there.
#[test]
fn a_damaged_newest_state_keeps_nobody_from_the_log() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let replicator = start_with(&store, &bucket, never_looking());
    replicate(&store, 0, 30);
    until(|| keys(&bucket, "state").len() > 2);
    drop(replicator);
    cut(&bucket, keys(&bucket, "state").last().unwrap());
    let fs: std::sync::Arc<dyn strandline_core::fs::Fs> =
        std::sync::Arc::new(strandline_core::fs::OsFs);
    let to = dir.path().join("restored");
    let existing = strandline::maintenance::Existing::Refuse;
    let go_on = &mut |_| ControlFlow::Continue(());
    let done = crate::restore(&bucket, &fs, &to, crate::Until::End, existing, go_on).unwrap();
    assert_eq!(done.end, Sequence::new(30));
    let replicator = start_with(&store, &bucket, never_looking());
    replicate(&store, 30, 31);
    assert_eq!(read(&bucket, 31), payloads(&store));
    drop(replicator);
    // With none before it nobody knows what was acknowledged.
    let mut states = keys(&bucket, "state");
    let damaged = states.pop().unwrap();
    states.iter().for_each(|state| delete(&bucket, state));
    cut(&bucket, &damaged);
    let key = damaged.to_string();
    let to = dir.path().join("refused");
    let error = crate::restore(&bucket, &fs, &to, crate::Until::End, existing, go_on).unwrap_err();
    assert!(error.to_string().contains(&key), "{error}");
    let refused = Replicator::start(&store, bucket.clone(), never_looking()).unwrap();
    let error = refused.wait_ended(LONG).unwrap().to_string();
    assert!(error.contains(&key), "{error}");
}
