//! How long what is durable waits for more.

use super::*;

#[test]
fn who_waits_by_the_replicator_waits_for_no_interval() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let options = quick().interval(Duration::MAX);
    let replicator = Replicator::start(&store, bucket, options).unwrap();
    assert!(replicator.wait_begun(LONG));
    append(&store, 0, 3, Durability::Synced);
    assert!(replicator.wait_replicated(Sequence::new(3), LONG));
    append(&store, 3, 5, Durability::Synced);
    store.wait_replicated_through(Sequence::new(4)).unwrap();
    append(&store, 5, 6, Durability::Synced);
    replicator.stop(LONG).unwrap();
}

#[test]
fn what_comes_into_a_store_at_rest_goes_at_once_and_what_follows_once_an_interval() {
    let (dir, bucket) = (tempfile::tempdir().unwrap(), bucket());
    let store = open(dir.path());
    let options = quick().interval(Duration::MAX);
    let replicator = Replicator::start(&store, bucket, options).unwrap();
    assert!(replicator.wait_begun(LONG));
    append(&store, 0, 1, Durability::Synced);
    until(|| replicator.status().replicated == 1);
    // Alone these would wait for ever; so they go with the one that is waited for.
    for number in 1..8 {
        append(&store, number, number + 1, Durability::Synced);
    }
    replicate(&store, 8, 9);
    assert_eq!(replicator.status().chunks, 2);
    drop(replicator);
}
