//! Ways in which a store is opened, and ends.

use super::model::Model;
use super::state::{DIR, Done, Machine, NOW_MS, unexpected};
use crate::verdict::Violation;
use std::sync::Arc;
use strandline::fs::{Fill, Keep, Loss, Operation, SimDisk, SimFault, SimFaultKind, SimFs};
use strandline::{ErrorKind, ManualClock};

impl Machine {
    pub(super) fn new(segment_events: Option<u32>) -> Result<Self, Violation> {
        let mut machine = Self {
            fs: SimFs::new(SimDisk::new()),
            clock: Arc::new(ManualClock::new(NOW_MS)),
            store: None,
            model: Model::default(),
            snapshots: Vec::new(),
            reader: None,
            opened: 0,
            openings: 0,
            copies: 0,
            segment_events,
            kept_merged: Vec::new(),
        };
        machine.open()?;
        Ok(machine)
    }

    /// Opens the store and checks that it holds whole commits of the model, with all that is durable;
    /// the model then has what it holds, and that is durable.
    pub(super) fn open(&mut self) -> Done {
        let options = self.options();
        let store = options
            .open(DIR)
            .map_err(|error| Violation::new(format!("it does not open: {error:?}")))?;
        let found = store.snapshot().visible().get() as usize;
        self.model.recover(found)?;
        self.store = Some(store);
        self.opened += 1;
        self.has_everything()
    }

    pub(super) fn close(&mut self, _: [u8; 3]) -> Done {
        if let Some(store) = self.store.take() {
            store.close().map_err(|error| unexpected(&error))?;
        }
        self.model.all_durable();
        self.open()
    }

    pub(super) fn leave(&mut self, _: [u8; 3]) -> Done {
        self.store = None;
        self.model.keeps_power();
        self.open()
    }

    pub(super) fn kill(&mut self, _: [u8; 3]) -> Done {
        self.fs = self.fs.next_process();
        // What the process had goes with it; a reader in another one stays.
        self.store = None;
        self.snapshots.clear();
        self.model.keeps_power();
        self.open()
    }

    /// A sync fails, and the store is opened again while the power is on, in its process or in another.
    /// All that was shown is there then, and no power cut takes it any more.
    pub(super) fn failed_sync(&mut self, [who, size, how]: [u8; 3]) -> Done {
        const SYNCED: u8 = 64;
        self.append([who, size, how & !SYNCED])?;
        self.fs.fail(SimFault {
            operation: Some(Operation::Sync),
            after: 0,
            times: 1,
            kind: SimFaultKind::SyncLoses,
        });
        let answer = self.store()?.sync();
        self.fs.heal();
        match answer {
            // A rotation or a checkpoint has synced everything already.
            Ok(()) => {
                self.model.all_durable();
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::Unknown => {}
            Err(error) => {
                let message = format!("a sync that fails gave {error:?}");
                return Err(Violation::new(message));
            }
        }
        if how & 1 == 0 {
            return self.kill([0; 3]);
        }
        self.leave([0; 3])
    }

    pub(super) fn power_cut(&mut self, [keep, fill, seed]: [u8; 3]) -> Done {
        let keeps = [Keep::None, Keep::Any, Keep::Prefix, Keep::All];
        let fills = [Fill::Old, Fill::Zeros, Fill::Random];
        self.fs = self.fs.power_cut(Loss {
            keep: keeps[usize::from(keep) % 4],
            fill: fills[usize::from(fill) % 3],
            seed: u64::from(seed),
        });
        self.store = None;
        self.reader = None;
        self.snapshots.clear();
        self.open()
    }

    pub(super) fn second_writer(&mut self, _: [u8; 3]) -> Done {
        match self.options().open(DIR) {
            Err(error) if error.kind() == ErrorKind::Locked => Ok(()),
            Err(error) => Err(unexpected(&error)),
            Ok(_) => Err(Violation::new("two have the store open")),
        }
    }
}
