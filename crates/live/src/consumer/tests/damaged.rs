//! States that are damaged: an older one is taken, and where there is none, somebody has to say where to go on.

use super::{claim, claimant, place};
use crate::ErrorKind;
use crate::consumer::Claimed;
use std::sync::Arc;
use strandline_checkpoint::is_file_name;
use strandline_core::fs::{Fs, MemFs, replace_file};

#[test]
fn an_older_state_is_taken_and_none_only_if_that_is_said() {
    let fs = MemFs::new();
    let place = place(Arc::new(fs.clone()), 1);
    let (mut lease, mut state) = claim(&place).unwrap().unwrap();
    for _ in 0..3 {
        state.counters.handled += 1;
        lease.save(&mut state).unwrap();
    }
    let dir = lease.partition().dir().to_path_buf();
    drop(lease);
    let names = fs.list_names(&dir).unwrap();
    let mut states: Vec<_> = names.into_iter().map(|entry| entry.name).collect();
    states.retain(|name| is_file_name(name));
    states.sort_unstable();
    let [older, newer] = states.as_slice() else {
        panic!("{states:?}");
    };

    replace_file(&fs, &dir.join(newer), b"x").unwrap();
    let loaded = claimant(&place).unwrap().partition().load().unwrap();
    assert_eq!(loaded.state.unwrap().counters.handled, 2);
    assert_eq!(loaded.damaged.len(), 1, "{:?}", loaded.damaged);

    replace_file(&fs, &dir.join(older), b"x").unwrap();
    let error = claim(&place).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let claimant = claimant(&place).unwrap().takes_damaged();
    let Claimed::Taken(lease, state) = claimant.try_claim().unwrap() else {
        panic!("nobody holds it");
    };
    assert_eq!(state.counters.handled, 0);
    drop(lease);
    assert!(claim(&place).unwrap().is_some(), "it can be gone on from");
}
