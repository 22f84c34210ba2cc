//! `Found`: what a reading of the log found and did, for the report of an opening that reads it again.

use crate::{Error, OpenReport};
use strandline_core::Sequence;
use strandline_segment::{LogError, Repairs, TornTail};

/// What an earlier reading of the log found and did.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) notices: Vec<String>,
    pub(super) proven_durable: Option<Sequence>,
    pub(super) torn_tail: Option<TornTail>,
    pub(super) repairs: Option<Repairs>,
}

impl Found {
    pub(super) fn note(&self, report: &mut OpenReport) {
        report.notices.extend_from_slice(&self.notices);
        if let Some(torn) = &self.torn_tail {
            report.torn_tail = true;
            report.notices.push(torn.to_string());
        }
        if let Some(repairs) = &self.repairs {
            note(repairs.clone(), report);
        }
    }
}

/// A notice, if a log was not the same when it was read a second time.
pub(super) fn changed(error: &Error) -> Option<Found> {
    let LogError::Changed { file, offset } = error.of_log()? else {
        return None;
    };
    let notice = format!(
        "{file} was another from offset {offset} on when it was read again: what an earlier sync \
         failed to write has left the system's cache; what there is now was read instead"
    );
    Some(Found {
        notices: vec![notice],
        ..Found::default()
    })
}

/// Puts into the report what was repaired.
pub(super) fn note(repairs: Repairs, report: &mut OpenReport) {
    report.notices.extend(repairs.notices());
    report.rewritten_bytes += repairs.rewritten_bytes;
    report.set_aside.extend(repairs.torn_tail_kept_as);
    report.set_aside.extend(repairs.set_aside);
    report.removed.extend(repairs.removed_temporaries);
    report.removed.extend(repairs.removed_unused);
    report.removed.extend(repairs.removed_superseded);
    report.removed.extend(repairs.carried_from);
}
