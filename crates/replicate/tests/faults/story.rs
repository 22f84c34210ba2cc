//! A story: what happens to a log by a seed, from its first event until everything is calm again.

use super::ledger::World;
use super::process::{Disk, LONG, Process, Refused};
use super::replica::Copy;
use super::sea::Counts;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use strandline::Sequence;
use strandline::maintenance::{Redaction, Retention, compact, redact};
use strandline_core::fs::Draws;
use strandline_replicate::{Bucket, BucketOptions, check_removed};

/// Most replicas at a time.
const COPIES: usize = 3;
/// How often a directory is tried to be taken over to, before there is another.
const TRIES: u32 = 2000;

/// Who has a part in a story.
struct Cast {
    world: Arc<World>,
    draws: Draws,
    /// Who has the newest term, as far as nobody else has taken one.
    writer: Process,
    /// Those before it, who do not know it yet.
    old: Vec<Process>,
    copies: Vec<Copy>,
}

/// Runs the story of a seed, and says what was met in it.
pub(crate) fn run(seed: u64) -> Counts {
    let world = Arc::new(World::new(seed));
    let mut draws = Draws::of(seed, &[1]);
    let writer = match Process::start(&world, Disk::new(&world)) {
        Ok(writer) => writer,
        Err(refused) => world.fail(format!("nobody has the bucket: {refused:?}")),
    };
    let steps = 5 + draws.below(8);
    let mut cast = Cast {
        world,
        draws,
        writer,
        old: Vec::new(),
        copies: Vec::new(),
    };
    for _ in 0..steps {
        cast.wait_acknowledged();
        cast.step();
        cast.world.sea.step();
        cast.copies
            .iter_mut()
            .for_each(|copy| copy.look(&cast.world));
        cast.world.check();
    }
    let world = Arc::clone(&cast.world);
    cast.end();
    world.check();
    world.sea.counts()
}

impl Cast {
    /// Waits for a few more events to be acknowledged, or for nobody to append any more.
    fn wait_acknowledged(&mut self) {
        let more = usize::try_from(self.draws.below(16)).unwrap();
        let wanted = self.world.acknowledged_count() + more;
        let mut waited = Duration::ZERO;
        while self.world.acknowledged_count() < wanted && !self.writer.has_ended() {
            std::thread::sleep(Duration::from_millis(1));
            waited += Duration::from_millis(1);
            if waited > LONG {
                self.world.fail("nothing is acknowledged any more");
            }
        }
    }

    fn step(&mut self) {
        // Somebody who was killed may have taken the newest term.
        self.ensure_writer();
        match self.draws.below(13) {
            0 | 1 => self.restart(),
            2 | 3 => self.take_over(),
            4 => self.kill_then_take_over(),
            5 => self.kill_a_taker(),
            6 => self.race(),
            7 => self.hold_then_take_over(),
            8 => self.take_over_to_a_copy(),
            9 => self.redact(),
            10 => self.compact(),
            11 => self.open_or_kill_a_copy(),
            _ => self.open_a_copy(),
        }
    }

    /// The writer is killed, and started on its disk.
    fn restart(&mut self) {
        let disk = self.kill_writer();
        // A term that somebody took who was killed is another's.
        let newest = self.world.sea.newest_term();
        match Process::start(&self.world, disk.clone()) {
            Ok(writer) => self.writer = writer,
            Err(refused) => {
                let is_others = newest.is_some_and(|(_, who)| who.disk != disk.number);
                let later = self.world.sea.newest_term();
                let is_others = is_others || later.is_some_and(|(_, who)| who.disk != disk.number);
                if !is_others {
                    let what = format!("a restart is refused: {refused:?}");
                    self.world.violation(what);
                }
                self.writer = self.taken(None);
            }
        }
    }

    /// Kills the writer. What stands in its place has to be replaced.
    fn kill_writer(&mut self) -> Disk {
        self.writer.kill(&self.world, &mut self.draws)
    }

    /// A process that has taken over, on this disk or a new one.
    fn taken(&mut self, disk: Option<Disk>) -> Process {
        self.world.sea.count("a takeover");
        let mut disk = disk.unwrap_or_else(|| Disk::new(&self.world));
        for tries in 0..TRIES {
            let line = self.world.line_after(disk.number, tries);
            match Process::take_over(&self.world, &disk, &line) {
                Ok(taken) => return taken,
                Err(Refused::Passing) => {}
                Err(Refused::Opened) => match Process::start(&self.world, disk) {
                    Ok(taken) => return taken,
                    Err(_) => disk = Disk::new(&self.world),
                },
                Err(Refused::Fenced | Refused::Killed) => disk = Disk::new(&self.world),
            }
            self.world.check();
        }
        self.world.fail("no takeover succeeds")
    }

    fn take_over(&mut self) {
        let taken = self.taken(None);
        self.old.push(std::mem::replace(&mut self.writer, taken));
    }

    fn kill_then_take_over(&mut self) {
        let disk = self.kill_writer();
        self.writer = self.taken(None);
        if self.draws.chance(1, 2) {
            // It must learn that it is over.
            match Process::start(&self.world, disk) {
                Ok(_) => self
                    .world
                    .violation("a writer that was taken over begins again"),
                Err(_) => self.world.sea.count("an old writer is started"),
            }
        }
    }

    /// A process is killed while it takes over; then another or the same goes on.
    fn kill_a_taker(&mut self) {
        self.world.sea.count("a taker is killed");
        let disk = Disk::new(&self.world);
        let line = self.world.line(disk.number);
        line.dies_after(1 + self.draws.below(60));
        let taken = Process::take_over(&self.world, &disk, &line);
        let disk = match taken {
            Ok(mut taken) => taken.kill(&self.world, &mut self.draws),
            Err(_) => {
                line.kill();
                disk.cut(&mut self.draws)
            }
        };
        if self.draws.chance(1, 2) {
            let taken = self.taken(Some(disk));
            self.old.push(std::mem::replace(&mut self.writer, taken));
        }
    }

    /// Two take over at once.
    fn race(&mut self) {
        self.world.sea.count("a race");
        let world = &self.world;
        let racers = [(); 2].map(|()| {
            let world = Arc::clone(world);
            let disk = Disk::new(&world);
            std::thread::spawn(move || {
                let line = world.line(disk.number);
                Process::take_over(&world, &disk, &line)
            })
        });
        for racer in racers {
            match racer.join() {
                Ok(Ok(taken)) => self.old.push(std::mem::replace(&mut self.writer, taken)),
                Ok(Err(_)) => {}
                Err(_) => self.world.violation("a racer panicked"),
            }
        }
        self.ensure_writer();
    }

    /// The writer is paused, and goes on when another has the bucket.
    fn hold_then_take_over(&mut self) {
        self.world.sea.count("a writer is held");
        self.writer.line.hold(true);
        self.take_over();
        for old in &self.old {
            old.line.hold(false);
        }
    }

    fn take_over_to_a_copy(&mut self) {
        let at = self.copies.iter().position(|copy| !copy.is_lazy);
        let Some(mut copy) = at.map(|at| self.copies.remove(at)) else {
            return self.open_a_copy();
        };
        let disk = copy.close(&self.world);
        let taken = self.taken(Some(disk));
        copy.assert_has_shown_of(&self.world, &taken.store);
        self.old.push(std::mem::replace(&mut self.writer, taken));
    }

    fn redact(&mut self) {
        let Some((sequence, event)) = self.world.any_acknowledged(&mut self.draws) else {
            return;
        };
        self.world.sea.count("a redaction");
        self.world.may_redact(event.id);
        let redaction = Redaction::new().event(event.id);
        let done = redact(&self.writer.store, &redaction, &mut |_| {
            ControlFlow::Continue(())
        });
        let done = done.map(|_| ());
        self.world
            .tell(format!("event {sequence} is redacted: {done:?}"));
    }

    fn compact(&mut self) {
        self.world.sea.count("a compaction");
        // Of one entity, so that what is held against the ledger is most of it.
        let entity = "order:0";
        self.world.may_drop(entity);
        let rules = Retention::new().drop_entity(entity);
        let done = compact(&self.writer.store, &rules, &mut |_| {
            ControlFlow::Continue(())
        });
        let done = done.map(|_| ());
        self.world.tell(format!("{entity} is dropped: {done:?}"));
    }

    fn open_a_copy(&mut self) {
        if self.copies.len() >= COPIES {
            return self.open_or_kill_a_copy();
        }
        let mut copy = Copy::new(&self.world, self.draws.chance(1, 4));
        copy.open(&self.world, &mut self.draws);
        self.copies.push(copy);
    }

    fn open_or_kill_a_copy(&mut self) {
        for copy in &mut self.copies {
            match copy.is_open() {
                true if self.draws.chance(1, 2) => copy.kill(&self.world, &mut self.draws),
                true => {}
                false => copy.open(&self.world, &mut self.draws),
            }
        }
    }

    /// Sees to it that the writer has the newest term.
    fn ensure_writer(&mut self) {
        loop {
            let newest = self.world.sea.newest_term();
            if newest.is_some_and(|(_, who)| who == self.writer.line.who) {
                return;
            }
            // Of two that raced the first may have the newer one.
            let holder = self
                .old
                .iter()
                .position(|old| newest.is_some_and(|(_, who)| who == old.line.who));
            match holder {
                Some(at) => std::mem::swap(&mut self.writer, &mut self.old[at]),
                None => self.take_over(),
            }
        }
    }

    fn end(mut self) {
        let world = Arc::clone(&self.world);
        world.tell("everything is calm");
        world.sea.calm();
        self.ensure_writer();
        if self.draws.chance(1, 2) {
            self.take_over();
        }
        for old in self.old.drain(..) {
            old.wait_fenced(&world);
        }
        world.check();
        let Some(replicator) = self.writer.quiet(&world) else {
            world.fail("the last writer does not ship");
        };
        let store = Arc::clone(&self.writer.store);
        if !replicator.wait_replicated(store.snapshot().visible(), LONG) {
            let status = replicator.status();
            world.fail(format!("the last writer does not ship: {status:?}"));
        }
        world.assert_has_all(&store, "the last store");
        world.check();
        for copy in &mut self.copies {
            copy.end(&world, &store, &mut self.draws);
        }
        let report = store.verify().unwrap();
        for problem in &report.problems {
            world.violation(format!("{problem:?} in {report:?}"));
        }
        // A replica has the record of what was taken a moment before what was rewritten for it.
        for copy in &self.copies {
            copy.wait(&world, "verifies", |own| {
                own.verify().is_ok_and(|report| report.problems.is_empty())
            });
        }
        world.check();
        let gone = world.any_acknowledged(&mut self.draws);
        let redacted = gone.map(|(sequence, event)| {
            world.may_redact(event.id);
            let redaction = Redaction::new().event(event.id);
            redact(&store, &redaction, &mut |_| ControlFlow::Continue(())).unwrap();
            Sequence::new(sequence)
        });
        if let Err(error) = replicator.stop(LONG) {
            world.fail(format!("the last writer does not end: {error:?}"));
        }
        world.check();
        if let Some(redacted) = redacted {
            assert_gone(&world, redacted);
            for copy in &self.copies {
                copy.wait_gone(&world, redacted);
            }
        }
    }
}

/// Checks that no object has the payload of this event.
fn assert_gone(world: &World, sequence: Sequence) {
    let objects = Arc::new(world.sea.objects().clone());
    let bucket = Bucket::new(objects, "", BucketOptions::new()).unwrap();
    let checked = check_removed(&bucket, &mut |_| ControlFlow::Continue(())).unwrap();
    for leftover in &checked.leftovers {
        if leftover.sequences.iter().any(|run| run.contains(&sequence)) {
            world.violation(format!("event {sequence} is not gone: {leftover:?}"));
        }
    }
}
