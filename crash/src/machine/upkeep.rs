//! Maintenance of the store, and copies of it that must equal it.

use super::model::Redacted;
use super::reads::expect_all;
use super::state::{DIR, Done, Machine, unexpected};
use crate::verdict::Violation;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{
    CopyMode, Existing, Progress, Redaction, Retention, backup, compact, rebuild, redact, restore,
};
use strandline::{EventKind, Region, StoreOptions};
use strandline_transfer::{ImportOptions, LineFormat, export, import};

fn go_on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

impl Machine {
    pub(super) fn rebuild(&mut self, _: [u8; 3]) -> Done {
        self.store = None;
        let options = self.options();
        let rebuilt = rebuild(options, Path::new(DIR), &mut go_on);
        let rebuilt = rebuilt.map_err(|error| unexpected(&error))?;
        let told = (rebuilt.events, rebuilt.sequence.get());
        let should = (self.model.left() as u64, self.model.len() as u64);
        if told != should || !rebuilt.footers_failed.is_empty() {
            return Err(Violation::new(format!("the rebuild gave {rebuilt:?}")));
        }
        self.model.all_durable();
        self.open()
    }

    /// Old events go, or their payloads, and nothing else; whoever holds them has them still.
    pub(super) fn compact(&mut self, [who, count, how]: [u8; 3]) -> Done {
        let rules = match how & 8 {
            0 => Retention::new(),
            _ => Retention::new().forget_digests(),
        };
        let (rules, (removed, headers)) = if how & 1 == 0 {
            let count = 1 + count % 4;
            let rules = rules.keep_newest(count.into());
            let kind = EventKind::new(1 + who % 2, 1 + u16::from(who % 3));
            let tag = format!("tag:{}", who % 5);
            let rules = match how & 6 {
                0 => rules,
                2 => rules.keep_headers_of(kind),
                _ => rules.keep_headers_of(kind).keep_headers_tagged(&tag),
            };
            let gone = self.model.keep_newest(count.into(), |entry| {
                let is_tagged = how & 4 != 0 && entry.tags.contains(&tag);
                how & 6 != 0 && (entry.kind == kind || is_tagged)
            });
            (rules, gone)
        } else {
            let entity = format!("entity:{}", who % 7);
            let gone = self.model.of_entity(&entity);
            let removed = gone.map(|entry| entry.is_removed = true).count() as u64;
            (rules.drop_entity(entity), (removed, 0))
        };
        let done = compact(self.store()?, &rules, &mut go_on);
        let done = done.map_err(|error| unexpected(&error))?;
        if (done.events, done.headers) != (removed, headers) {
            let message =
                format!("{done:?}, and {removed} events and {headers} payloads were to go");
            return Err(Violation::new(message));
        }
        self.rewritten()
    }

    fn rewritten(&mut self) -> Done {
        if let Some(reader) = &mut self.reader {
            reader.is_overtaken = true;
        }
        self.has_everything()
    }

    /// Payloads go, from what is held too.
    pub(super) fn redact(&mut self, [who, which, how]: [u8; 3]) -> Done {
        let chosen = match self.model.any(which).map(|entry| entry.id) {
            Some(id) if how & 1 == 0 => {
                let entries = self.model.entries.iter_mut();
                let named = entries.filter(|entry| entry.id == id && !entry.is_removed);
                named.for_each(|entry| entry.redacted = Redacted::Yes);
                Redaction::new().event(id)
            }
            _ => {
                let entity = format!("entity:{}", who % 7);
                let own = self.model.of_entity(&entity);
                own.for_each(|entry| entry.redacted = Redacted::Yes);
                Redaction::new().entity(entity)
            }
        };
        let done = redact(self.store()?, &chosen, &mut go_on);
        done.map_err(|error| unexpected(&error))?;
        self.rewritten()
    }

    /// A backup beside the open store is a store that holds the same.
    pub(super) fn back_up(&mut self, _: [u8; 3]) -> Done {
        let target = self.backed_up()?;
        let copy = self
            .options()
            .open(target)
            .map_err(|error| unexpected(&error))?;
        expect_all(&copy.snapshot(), &self.model.entries)?;
        crate::verdict::expect_whole(&copy)
    }

    fn backed_up(&mut self) -> Result<PathBuf, Violation> {
        self.copies += 1;
        let target = PathBuf::from(format!("/backup-{}", self.copies));
        let fs: Arc<dyn Fs> = Arc::new(self.fs.clone());
        let copied = backup(&fs, Path::new(DIR), &target, CopyMode::Copy, &mut go_on);
        copied.map_err(|error| unexpected(&error))?;
        Ok(target)
    }

    /// A backup takes the place of the store; who holds a snapshot of that has it still.
    pub(super) fn restore(&mut self, _: [u8; 3]) -> Done {
        let target = self.backed_up()?;
        self.store = None;
        self.reader = None;
        let fs: Arc<dyn Fs> = Arc::new(self.fs.clone());
        let dir = Path::new(DIR);
        let restored = restore(&fs, &target, dir, Existing::MoveAside, &mut go_on);
        let restored = restored.map_err(|error| unexpected(&error))?;
        if restored.end.get() != self.model.len() as u64 {
            return Err(Violation::new(format!("the restore gave {restored:?}")));
        }
        self.model.all_durable();
        self.open()
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
        let exported = export(&now, Region::all(), format, &mut lines, &mut go_on);
        exported.map_err(|error| unexpected(&error))?;
        let fs = MemFs::new();
        let options = StoreOptions::new()
            .fs(Arc::new(fs))
            .clock(self.clock.clone());
        let copy = options.open(DIR).map_err(|error| unexpected(&error))?;
        let options = ImportOptions::new().format(format);
        let imported = import(&copy, &mut &*lines, options, &mut go_on)
            .map_err(|error| Violation::new(format!("the import gave {error}")))?;
        let mut entries = self.model.entries.clone();
        entries.retain(|entry| !entry.is_removed && entry.redacted == Redacted::No);
        if imported.events != entries.len() as u64 {
            return Err(Violation::new(format!("the import gave {imported:?}")));
        }
        // The streams of the copy begin anew.
        let mut clocks: BTreeMap<String, u32> = BTreeMap::new();
        for entry in &mut entries {
            let next = clocks.entry(entry.coordinate.entity().to_owned());
            let next = next.or_default();
            entry.clock = *next;
            *next += 1;
        }
        let copied = copy.snapshot();
        for (entry, event) in entries.iter_mut().zip(copied.query(Region::all())) {
            entry.hash = event.map_err(|error| unexpected(&error))?.hash;
        }
        expect_all(&copied, &entries)
    }
}
