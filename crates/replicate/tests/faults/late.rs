//! What a process had put before it was killed, and that is done when the next one is at work.

use super::ledger::World;
use super::process::{DIR, Disk, Process, bucket, options, replicate};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::fs::Draws;
use strandline_replicate::Replicator;

/// It was taken for the term of another, and the restart refused: the store was fenced until the start after that.
#[test]
fn a_term_that_a_killed_process_has_put_late_does_not_refuse_the_next_one() {
    const SECOND: &str = "terms/00000000000000000002";
    let world = Arc::new(World::with_faults(0, 0));
    let mut draws = Draws::new(0);
    let mut first = Process::start(&world, Disk::new(&world)).unwrap();
    let disk = first.kill(&world, &mut draws);
    // The second one is killed while it takes its term.
    let line = world.line(disk.number);
    line.put_late(SECOND);
    let store = options(&disk).open(DIR).unwrap();
    let replicator = Replicator::start(&store, bucket(&line), replicate(&world, &disk)).unwrap();
    while !world.sea.counts().contains_key("put late") {
        std::thread::sleep(Duration::from_millis(1));
    }
    line.kill();
    let disk = disk.cut(&mut draws);
    drop((replicator, store));
    // The third one has seen who reigns when that term is there.
    let line = world.line(disk.number);
    line.step_before(SECOND);
    let mut third = Process::start_on(&world, disk, line).unwrap();
    world.check();
    third.kill(&world, &mut draws);
}
