//! A process that forks after it sealed: the child seals with nonces of its own.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and looks at files behind the seam"
)]

use std::sync::Arc;
use strandline::{Coordinate, Event, EventKind};
use strandline_seal::{MemoryKeys, Per, Sealer};

/// How long the child may take, in seconds, before it counts as hanging.
const SECONDS_MAX: u32 = 30;

/// Runs `run` in a fork of this process, and whether it came to its end.
#[expect(unsafe_code, reason = "the standard library has no fork")]
fn in_fork(run: impl FnOnce()) -> bool {
    // SAFETY: the child has this thread alone, seals, writes a file and ends. The memory allocator of the C library is
    // made for it.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: it sets a timer, whose signal ends the process.
        unsafe { libc::alarm(SECONDS_MAX) };
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        // SAFETY: it ends the process, and runs nothing of the parent's.
        unsafe { libc::_exit(i32::from(ran.is_err())) };
    }
    let mut status = -1;
    // SAFETY: the child is this process's, and the status is written to a variable of this thread.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child);
    status == 0
}

/// What has one key, nonce, payload and event is the same bytes, so what is not has another nonce.
#[test]
fn a_fork_seals_with_nonces_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let sealer = Sealer::new(Arc::new(MemoryKeys::new().unwrap()), Per::Entity).unwrap();
    let at = Coordinate::new("customer:7", "shop").unwrap();
    let sealed = || {
        let event = Event::bytes(EventKind::new(1, 1), b"Elm Street".to_vec());
        sealer.seal(&at, event).unwrap().payload().to_vec()
    };
    let before = sealed();
    let file = dir.path().join("sealed");
    assert!(in_fork(|| std::fs::write(
        &file,
        [sealed(), sealed()].concat()
    )
    .unwrap()));
    let of_child = std::fs::read(&file).unwrap();
    let (one, other) = of_child.split_at(before.len());
    let all = [before.as_slice(), one, other, &sealed(), &sealed()];
    for (place, one) in all.iter().enumerate() {
        assert!(!all[..place].contains(one), "{place}");
    }
}
