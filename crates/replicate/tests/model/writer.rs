//! A writer: a log of its own, a beginning, a shipper and a sweeper.

use crate::bucket::{Bucket, Content, Event, Log};
use std::collections::{BTreeMap, BTreeSet};
use strandline_replicate::Key;
use strandline_replicate::protocol::{Answer, Ask, Beginning, Request, Shipper, Sweeper};

/// How a writer comes to a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum How {
    /// With its log, unless another reigns.
    Start,
    /// With the bucket's log, whoever reigns.
    TakeOver,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Writer {
    /// Two writers have the same only if one is a copy of the other's machine.
    pub(crate) owner: u8,
    /// What is on its disk.
    pub(crate) log: Log,
    pub(crate) has_come: bool,
    pub(crate) life: Life,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    Down,
    Begins(Begins),
    Ships(Ships),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Begins {
    pub(crate) how: How,
    pub(crate) beginning: u8,
    pub(crate) machine: Beginning<Content>,
    /// What was there when a listing of chunks was begun.
    pub(crate) listing: Option<Vec<u64>>,
    pub(crate) parts: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ships {
    pub(crate) machine: Shipper<Content>,
    pub(crate) sweeper: Sweeper,
    /// What each state lists that is not known to be acknowledged.
    pub(crate) listed: BTreeMap<u64, Vec<Key>>,
    /// Events that the term began with.
    pub(crate) base: usize,
    /// Events that were offered, or that it began with.
    pub(crate) offered: usize,
    /// Requests that are not done.
    pub(crate) out: BTreeMap<Ask, Request<Content>>,
    /// Answers under way.
    pub(crate) mail: BTreeMap<Ask, Answer<Content>>,
}

impl Writer {
    pub(crate) const fn new(owner: u8) -> Self {
        Self {
            owner,
            log: Log::new(),
            has_come: false,
            life: Life::Down,
        }
    }

    /// Ships what there is, as far as there is room.
    pub(crate) fn ship(&mut self) {
        let Life::Ships(ships) = &mut self.life else {
            return;
        };
        while let Some(event) = self.log.get(ships.offered)
            && ships.machine.offer(Content::Chunk(*event)).is_some()
        {
            ships.offered += 1;
        }
        ships.out.extend(ships.machine.requests());
    }

    /// The log that is acknowledged.
    pub(crate) fn acknowledged(&self) -> Option<&[Event]> {
        let Life::Ships(ships) = &self.life else {
            return None;
        };
        let chunks = usize::try_from(ships.machine.acknowledged()).ok()?;
        self.log.get(..ships.base + chunks)
    }
}

impl Ships {
    /// Tells the sweeper of a state that is acknowledged.
    pub(crate) fn sweep(&mut self) {
        let number = self.machine.acknowledged_state();
        if let Some(parts) = self.listed.get(&number) {
            self.sweeper.acknowledged(number, parts.iter().cloned());
            self.listed = self.listed.split_off(&(number + 1));
        }
    }

    /// What it may delete of what is there.
    pub(crate) fn garbage(&self, bucket: &Bucket) -> BTreeSet<Key> {
        let keys = bucket.objects.keys();
        keys.filter(|key| self.sweeper.may_delete(key))
            .cloned()
            .collect()
    }
}
