//! `Taken`: what compactions and redactions took away.

use super::event::EventSpec;
use crate::verdict::Violation;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use strandline::fs::{Fs, read_file};

/// Shorter payloads are in other bytes by chance.
const TOLD_BYTES: usize = 32;
/// Longer than any file of a workload.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// What compactions and redactions took away, by sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Events that were removed.
    pub removed: BTreeSet<usize>,
    /// Events whose payload was.
    pub redacted: BTreeSet<usize>,
}

impl Taken {
    /// After all but the newest `keep` events of each entity are removed.
    #[must_use]
    pub(crate) fn keeping(&self, events: &[EventSpec], keep: usize) -> Self {
        let mut kept: BTreeMap<String, usize> = BTreeMap::new();
        let mut next = self.clone();
        for (sequence, spec) in events.iter().enumerate().rev() {
            if self.removed.contains(&sequence) {
                continue;
            }
            let kept = kept.entry(spec.entity()).or_default();
            *kept += 1;
            if *kept > keep {
                next.removed.insert(sequence);
            }
        }
        next
    }

    /// After the payloads of an entity are redacted.
    #[must_use]
    pub(crate) fn redacting(&self, events: &[EventSpec], entity: &str) -> Self {
        let mut next = self.clone();
        let chosen = events.iter().enumerate();
        let chosen =
            chosen.filter(|(at, spec)| spec.entity() == entity && !self.removed.contains(at));
        next.redacted.extend(chosen.map(|(at, _)| at));
        next
    }

    /// Checks that no file in `dir` holds the payload of a redacted event.
    pub(crate) fn check_gone(
        &self,
        events: &[EventSpec],
        fs: &dyn Fs,
        dir: &Path,
    ) -> Result<(), Violation> {
        let payloads = self.redacted.iter().filter_map(|at| events.get(*at));
        let payloads: Vec<_> = payloads
            .map(|spec| (spec.number, spec.payload()))
            .filter(|(_, payload)| payload.len() >= TOLD_BYTES)
            .collect();
        if payloads.is_empty() {
            return Ok(());
        }
        for entry in fs.list(dir).unwrap_or_default() {
            let bytes = read_file(fs, &dir.join(&entry.name), FILE_BYTES_MAX).unwrap_or_default();
            for (number, payload) in &payloads {
                let told = payload.get(..TOLD_BYTES).unwrap_or_default();
                if memchr::memmem::find(&bytes, told).is_some() {
                    return Err(Violation::new(format!(
                        "{} holds the payload of event {number}, which was redacted",
                        entry.name
                    )));
                }
            }
        }
        Ok(())
    }
}
