//! Ways in which a store ends, and is opened again.

use super::{Done, Machine, unexpected};
use strandline::fs::{Fill, Keep, Loss};

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
        self.forget();
        self.model.keeps_power();
        self.open()
    }

    pub(super) fn power_cut(&mut self, [keep, fill, seed]: [u8; 3]) -> Done {
        let keeps = [Keep::None, Keep::Any, Keep::Prefix, Keep::All];
        let fills = [Fill::Old, Fill::Zeros, Fill::Random];
        self.fs = self.fs.power_cut(Loss {
            keep: keeps[usize::from(keep) % 4],
            fill: fills[usize::from(fill) % 3],
            seed: u64::from(seed),
        });
        self.forget();
        self.open()
    }

    /// What the process had goes with it.
    fn forget(&mut self) {
        self.store = None;
        self.reader = None;
        self.snapshots.clear();
    }
}
