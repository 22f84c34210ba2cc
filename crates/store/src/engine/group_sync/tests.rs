//! Tests of the group sync on a disk that counts its syncs.

use super::sync::GroupSync;
use super::target::SyncTarget;
use std::io;
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_core::sync::atomic::{AtomicUsize, Ordering};
use strandline_index::SequenceGate;

#[derive(Debug, Clone)]
struct Disk {
    syncs: Arc<AtomicUsize>,
    fails: bool,
}

impl SyncTarget for Disk {
    fn sync(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        if self.fails {
            return Err(io::Error::other("broken"));
        }
        Ok(())
    }
}

fn group(fails: bool) -> (GroupSync<Disk>, Disk, Arc<SequenceGate>) {
    let gate = Arc::new(SequenceGate::new());
    gate.reserve(10).unwrap();
    let disk = Disk {
        syncs: Arc::default(),
        fails,
    };
    let group = GroupSync::new(Some(disk.clone()), Sequence::ZERO, gate.clone());
    (group, disk, gate)
}

#[test]
fn one_sync_covers_everything_written_before_it() {
    let (group, disk, gate) = group(false);
    group.wrote(Sequence::new(3));
    group.wrote(Sequence::new(7));
    group.wait(Sequence::new(3)).unwrap();
    group.wait(Sequence::new(7)).unwrap();
    assert_eq!(disk.syncs.load(Ordering::Relaxed), 1);
    assert_eq!(group.durable(), Sequence::new(7));
    assert_eq!(gate.visible(), Sequence::new(7));
}

#[test]
fn a_failed_sync_is_final() {
    let (group, disk, gate) = group(true);
    group.wrote(Sequence::new(3));
    assert!(group.wait(Sequence::new(3)).is_err());
    assert!(group.wait(Sequence::new(3)).is_err());
    assert_eq!(
        disk.syncs.load(Ordering::Relaxed),
        1,
        "a sync is never retried"
    );
    group.rotated(disk, Sequence::new(3));
    assert_eq!(group.durable(), Sequence::ZERO, "the watermark is frozen");
    assert!(!gate.advance_to(Sequence::new(3)));
    assert_eq!(gate.visible(), Sequence::ZERO);
    assert!(group.poison().unwrap().reason.contains("broken"));
}
