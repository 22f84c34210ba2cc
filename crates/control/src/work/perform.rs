//! A request done as the library does it on a store in use.

use crate::protocol::{
    AskedRedaction, AskedRetention, BackedUp, BackupMode, Checkpointed, CompactedTold,
    CompactionPlanTold, RedactedTold, RedactionPlanTold, Request, Verified,
};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use strandline::maintenance::{
    BackupOptions, CompactionPlan, CopyMode, Kept, OnProgress, RedactionPlan, Retention,
    backup_with, compact, redact, verify,
};
use strandline::{Error, ErrorKind, Hash, Store};

/// Does what was asked for, and gives what it came to.
pub(super) fn perform(
    store: &Store,
    request: &Request,
    on_progress: OnProgress<'_>,
) -> Result<Value, Error> {
    match request {
        Request::Checkpoint {} => said(&Checkpointed {
            sequence: store.checkpoint()?,
        }),
        Request::Compact { rules, dry_run } => compacted(store, rules, *dry_run, on_progress),
        Request::Redact { of, dry_run } => redacted(store, of, *dry_run, on_progress),
        Request::Backup {
            target,
            mode,
            verify,
        } => backed_up(store, target, *mode, *verify, on_progress),
        Request::Verify { head } => verified(store, *head, on_progress),
        // Answered by who listens.
        Request::Status {} | Request::Cancel {} => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("{} is no work on a store", request.name()),
        )),
    }
}

fn compacted(
    store: &Store,
    rules: &AskedRetention,
    dry_run: bool,
    on_progress: OnProgress<'_>,
) -> Result<Value, Error> {
    let rules = Retention::try_from(rules)?;
    if dry_run {
        return said(&CompactionPlanTold::from(&CompactionPlan::of(
            store, &rules,
        )?));
    }
    said(&CompactedTold::from(&compact(store, &rules, on_progress)?))
}

fn redacted(
    store: &Store,
    of: &AskedRedaction,
    dry_run: bool,
    on_progress: OnProgress<'_>,
) -> Result<Value, Error> {
    let redaction = of.redaction()?;
    if dry_run {
        return said(&RedactionPlanTold::from(&RedactionPlan::of(
            store, &redaction,
        )?));
    }
    said(&RedactedTold::from(&redact(
        store,
        &redaction,
        on_progress,
    )?))
}

fn backed_up(
    store: &Store,
    target: &Path,
    mode: BackupMode,
    verify: bool,
    on_progress: OnProgress<'_>,
) -> Result<Value, Error> {
    if !target.is_absolute() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{} is no absolute path, and the process that has the store open is in another directory than who \
                 asks; give the whole path",
                target.display()
            ),
        ));
    }
    let mut options = BackupOptions::new().mode(match mode {
        BackupMode::Copy => CopyMode::Copy,
        BackupMode::Link => CopyMode::Link,
    });
    if verify {
        options = options.verify();
    }
    let done = backup_with(store.fs(), store.dir(), target, options, on_progress)?;
    said(&BackedUp::new(target.to_owned(), &done))
}

fn verified(
    store: &Store,
    head: Option<Hash>,
    on_progress: OnProgress<'_>,
) -> Result<Value, Error> {
    let mut kept = Kept::default();
    kept.head = head;
    said(&Verified::from(&verify(store, &kept, on_progress)?))
}

fn said(answer: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(answer).map_err(|error| {
        Error::new(
            ErrorKind::Unknown,
            format!("it was done, and what came of it cannot be said as JSON: {error}"),
        )
    })
}
