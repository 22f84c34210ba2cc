//! A replica on a simulated disk, which is looked at, killed and opened again.

use super::ledger::{Shown, World};
use super::line::Line;
use super::process::{Disk, LONG, bucket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use strandline::{Region, Sequence, Store};
use strandline_core::fs::Draws;
use strandline_replicate::{FollowError, RemoteOptions, Replica, ReplicaActivity, ReplicaOptions};

/// The directory of a replica: that of a writer, as it may become one.
const DIR: &str = super::process::DIR;
/// How often a new one is tried that is let down by the bucket.
const TRIES: u32 = 20;

#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) disk: Disk,
    pub(crate) is_lazy: bool,
    at_work: Option<(Line, Replica)>,
    shown: Shown,
}

impl Copy {
    pub(crate) fn new(world: &World, is_lazy: bool) -> Self {
        Self {
            disk: Disk::new(world),
            is_lazy,
            at_work: None,
            shown: Shown::new(),
        }
    }

    fn name(&self) -> String {
        format!("the replica on disk {}", self.disk.number)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.at_work.is_some()
    }

    /// Opens it, as far as the bucket lets it.
    pub(crate) fn open(&mut self, world: &World, draws: &mut Draws) {
        for _ in 0..TRIES {
            let line = world.line(self.disk.number);
            let mut options = ReplicaOptions::new()
                .poll_interval(Duration::from_millis(1 + draws.below(4)))
                .sync_interval(Duration::from_millis(draws.below(30)))
                .fs(self.disk.shared());
            if self.is_lazy {
                options = options.lazy(RemoteOptions::default().block_bytes(4 << 10));
            }
            match Replica::open(bucket(&line), Path::new(DIR), options) {
                Ok(replica) => {
                    world.tell(format!("{} is open", self.name()));
                    self.at_work = Some((line, replica));
                    return;
                }
                Err(error) if may_pass(&error, self.is_lazy) => {
                    world.tell(format!("{} does not open: {error}", self.name()));
                    if matches!(error, FollowError::NotBegun(_)) {
                        return;
                    }
                }
                Err(error) => {
                    return world.violation(format!("{} does not open: {error:?}", self.name()));
                }
            }
        }
    }

    /// Looks at what it shows.
    pub(crate) fn look(&mut self, world: &World) {
        let name = self.name();
        if let Some((_, replica)) = &self.at_work {
            world.look(&replica.store(), &mut self.shown, &name, self.is_lazy);
            if let ReplicaActivity::Failed(error) = replica.status().activity {
                world.violation(format!("{name} has failed: {error:?}"));
            }
        }
    }

    /// Kills its process and cuts the power.
    pub(crate) fn kill(&mut self, world: &World, draws: &mut Draws) {
        self.look(world);
        if let Some((line, replica)) = self.at_work.take() {
            world.tell(format!("{} is killed", self.name()));
            world.sea.count("a replica is killed");
            line.kill();
            self.disk = self.disk.cut(draws);
            drop(replica);
        }
    }

    /// Closes it, for its directory to become a writer's; `assert_has_shown_of` judges what it has shown.
    pub(crate) fn close(&mut self, world: &World) -> Disk {
        self.look(world);
        self.at_work = None;
        self.disk.clone()
    }

    /// Holds what it has shown against a log that goes on from it.
    pub(crate) fn assert_has_shown_of(&self, world: &World, store: &Store) {
        world.assert_shows_all(store, &self.shown, &self.name());
    }

    pub(crate) fn store(&self) -> Option<Arc<Store>> {
        self.at_work.as_ref().map(|(_, replica)| replica.store())
    }

    /// What it has shown is judged by the log as it is in the end; and so is what it shows then.
    pub(crate) fn end(&mut self, world: &World, store: &Arc<Store>, draws: &mut Draws) {
        self.look(world);
        let name = self.name();
        self.assert_has_shown_of(world, store);
        if !self.is_open() {
            self.open(world, draws);
        }
        let Some((line, replica)) = self.at_work.take() else {
            return world.violation(format!("{name} does not open in the end"));
        };
        let last = Sequence::new(store.snapshot().visible().get() - 1);
        match replica.wait_past(last, LONG) {
            Ok(true) => {}
            waited => {
                let status = replica.status();
                world.fail(format!(
                    "{name} does not reach {last}: {waited:?}, {status:?}"
                ));
            }
        }
        self.at_work = Some((line, replica));
        self.look(world);
        if self.is_lazy {
            // What it has not fetched may be gone until it has taken over the next state.
            self.wait(world, "can be read", |own| {
                let snapshot = own.snapshot();
                let mut all = snapshot.query(Region::all());
                all.all(|event| event.is_ok())
            });
        }
        let Some(own) = self.store() else {
            return;
        };
        world.assert_has_all(&own, &name);
        if world.events_of(&own) != world.events_of(store) {
            world.violation(format!("{name} does not show what the log has"));
        }
    }

    /// Waits until it does not show the payload of an event any more, though nothing is appended after its redaction.
    pub(crate) fn wait_gone(&self, world: &World, sequence: Sequence) {
        self.wait(world, "has taken over a redaction", |own| {
            let snapshot = own.snapshot();
            let mut all = snapshot.query(Region::all());
            all.all(|event| {
                event.is_ok_and(|event| event.sequence != sequence || event.is_redacted())
            })
        });
    }

    /// Waits until something is so of what it shows.
    pub(crate) fn wait(&self, world: &World, what: &str, is_so: impl Fn(&Store) -> bool) {
        let Some((_, replica)) = &self.at_work else {
            return;
        };
        let mut waited = Duration::ZERO;
        while !is_so(&replica.store()) {
            std::thread::sleep(Duration::from_millis(2));
            waited += Duration::from_millis(2);
            if waited > LONG {
                let status = replica.status();
                world.fail(format!("{} never {what}: {status:?}", self.name()));
            }
        }
    }
}

fn may_pass(error: &FollowError, is_lazy: bool) -> bool {
    match error {
        FollowError::Bucket(_) => true,
        FollowError::Store(error) => is_lazy && error.kind() == strandline::ErrorKind::Io,
        error => error.is_passing(),
    }
}
