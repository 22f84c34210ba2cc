//! Ways in which a store ends, and is opened again.

use super::{Done, Machine, unexpected};
use crate::Violation;
use strandline::ErrorKind;
use strandline::fs::{Fill, Keep, Loss, Operation, SimFault, SimFaultKind};

impl Machine {
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
}
