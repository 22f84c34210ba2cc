//! Maintenance of the store, and copies of it that must equal it.

use super::reads::expect_all;
use super::{DIR, Done, Machine, unexpected};
use crate::Violation;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{
    CopyMode, ImportOptions, LineFormat, Progress, backup, export, import, rebuild,
};
use strandline::{Region, StoreOptions};

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

impl Machine {
    pub(super) fn rebuild(&mut self, _: [u8; 3]) -> Done {
        self.store = None;
        let options = self.options();
        let rebuilt = rebuild(options, Path::new(DIR), &mut go_on);
        let rebuilt = rebuilt.map_err(|error| unexpected(&error))?;
        if rebuilt.events != self.model.len() as u64 || !rebuilt.footers_failed.is_empty() {
            return Err(Violation::new(format!("the rebuild gave {rebuilt:?}")));
        }
        self.model.all_durable();
        self.open()
    }

    /// A backup beside the open store is a store that holds the same.
    pub(super) fn back_up(&mut self, _: [u8; 3]) -> Done {
        self.copies += 1;
        let target = format!("/backup-{}", self.copies);
        let fs: Arc<dyn Fs> = Arc::new(self.fs.clone());
        let (dir, to) = (Path::new(DIR), Path::new(&target));
        let copied = backup(&fs, dir, to, CopyMode::Copy, &mut go_on);
        copied.map_err(|error| unexpected(&error))?;
        let copy = self
            .options()
            .open(to)
            .map_err(|error| unexpected(&error))?;
        expect_all(&copy.snapshot(), &self.model.entries)?;
        crate::expect_whole(&copy)
    }

    /// Lines that are exported make a store with the same events, but for the hashes.
    pub(super) fn export_and_import(&mut self, [_, _, how]: [u8; 3]) -> Done {
        let format = if how & 1 == 0 {
            LineFormat::Lines
        } else {
            LineFormat::CloudEvents
        };
        let now = self.store()?.snapshot();
        let mut lines = Vec::new();
        let exported = export(&now, &Region::all(), format, &mut lines, &mut go_on);
        exported.map_err(|error| unexpected(&error))?;
        let fs = MemFs::new();
        let options = StoreOptions::new()
            .fs(Arc::new(fs))
            .clock(self.clock.clone());
        let copy = options.open(DIR).map_err(|error| unexpected(&error))?;
        let options = ImportOptions::new().format(format);
        let imported = import(&copy, &mut &*lines, options, &mut go_on)
            .map_err(|error| Violation::new(format!("the import gave {error}")))?;
        if imported.events != self.model.len() as u64 {
            return Err(Violation::new(format!("the import gave {imported:?}")));
        }
        let mut entries = self.model.entries.clone();
        let copied = copy.snapshot();
        for (entry, event) in entries.iter_mut().zip(copied.query(&Region::all())) {
            entry.hash = event.map_err(|error| unexpected(&error))?.hash;
        }
        expect_all(&copied, &entries)
    }
}
